"""A visitor's browser, as little of it as can be: cookies, forms, and connections kept open.

The standard library's client takes longer for an answer than a fast server does.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlencode, urlsplit

TIMEOUT_SECONDS = 60
FORM = "application/x-www-form-urlencoded"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
LOCATION = re.compile(rb"\r\nlocation: *([^\r]+)", re.IGNORECASE)
COOKIE = re.compile(rb"\r\nset-cookie: *([^=]+)=([^;\r]*)", re.IGNORECASE)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    location: str
    body: bytes

    def hidden(self, name: str) -> str:
        """The value of a hidden field of the page; empty when it has none."""
        found = re.search(rb'name="%s" value="([^"]*)"' % name.encode(), self.body)
        return found[1].decode() if found else ""


class Visitor:
    """One browser. Use it as a context manager."""

    def __init__(self) -> None:
        self._cookies: dict[str, str] = {}
        self._sockets: dict[int, socket.socket] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for connection in self._sockets.values():
            connection.close()

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        return self._ask("GET", url, b"", headers or {})

    def post(
        self, url: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> Answer:
        return self.send(url, urlencode(form).encode(), {"Content-Type": FORM, **(headers or {})})

    def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        return self._ask("POST", url, body, headers)

    def _ask(self, verb: str, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        parts = urlsplit(url)
        if parts.hostname != "127.0.0.1":
            raise ValueError("loopback only")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        lines = [f"{verb} {target} HTTP/1.1", f"Host: {parts.netloc}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if self._cookies:
            pairs = (f"{name}={value}" for name, value in self._cookies.items())
            lines.append("Cookie: " + "; ".join(pairs))
        if verb == "POST":
            lines.append(f"Content-Length: {len(body)}")
        connection = self._connected(parts.port or 80)
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        return self._read(connection)

    def _connected(self, port: int) -> socket.socket:
        if port not in self._sockets:
            connection = socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets[port] = connection
        return self._sockets[port]

    def _read(self, connection: socket.socket) -> Answer:
        received = b""
        while b"\r\n\r\n" not in received:
            received += _more(connection)
        head, _, body = received.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if length is None:
            raise ValueError("an answer that does not say how long it is")
        missing = int(length[1]) - len(body)
        parts = [body]
        while missing > 0:
            parts.append(_more(connection))
            missing -= len(parts[-1])
        for name, value in COOKIE.findall(head):
            self._cookies[name.decode()] = value.decode()
        location = LOCATION.search(head)
        return Answer(
            status=int(head[9:12]),
            location=location[1].decode() if location else "",
            body=b"".join(parts),
        )


def _more(connection: socket.socket) -> bytes:
    received = connection.recv(65536)
    if not received:
        raise ConnectionError("hung up")
    return received
