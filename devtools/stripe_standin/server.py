"""The HTTP server: it listens on 127.0.0.1 only and hands each request to its door."""

import contextlib
import hmac
import json
import socket
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from devtools.stripe_standin import control_api, desk_page, hosted
from devtools.stripe_standin.api import Request
from devtools.stripe_standin.contract import Json
from devtools.stripe_standin.engine import Engine
from devtools.stripe_standin.faults import UnknownFault
from devtools.stripe_standin.refusals import ContractBroken, Refusal

ADDRESS = "127.0.0.1"
CONTROL = "/_standin/"
LONGEST_BODY = 1024 * 1024
OWN_NAMES = {"127.0.0.1", "localhost", "::1"}
JSON_TYPE = "application/json"
PAGE_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Server(ThreadingHTTPServer):
    """A thread for each connection; none of them keeps the process alive."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, port: int, engine: Engine) -> None:
        super().__init__((ADDRESS, port), Handler)
        self.engine = engine
        engine.store.base_url = self.base_url

    @property
    def base_url(self) -> str:
        return f"http://{ADDRESS}:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    # Without this, small answers wait for the delayed acknowledgement of the kernel.
    disable_nagle_algorithm = True
    server: Server

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing: the log of deliveries and requests is behind the control door."""

    def _answer(self) -> None:
        body = self._read_body()
        if body is None:
            return
        name = urlsplit(f"//{self.headers.get('Host', '')}").hostname
        if name not in OWN_NAMES:
            # A foreign name that resolves to this machine would let a web page in.
            self._send_json(403, {"error": {"message": "The stand-in is on 127.0.0.1 only."}})
            return
        path, _, query = self.path.partition("?")
        base_url = self.server.base_url
        request = Request(self.command, path, query, body, self.headers, base_url)
        if path.startswith("/v1/"):
            self._answer_api(request)
        elif path.startswith(CONTROL):
            self._answer_control(path.removeprefix(CONTROL), query, body)
        else:
            page = hosted.answer(self.server.engine, request)
            self._send_page(page.status, page.html, page.location)

    def _answer_api(self, request: Request) -> None:
        api = self.server.engine.api
        answer = api.answer(request)
        if answer.held_for:
            self.server.engine.stopping.wait(answer.held_for)
        # Before the answer leaves: who has it may use its key again at once.
        api.finished(answer)
        if answer.is_lost:
            self._hang_up()
            return
        try:
            self._send_json(answer.status, answer.body, answer.headers)
        except OSError:
            # The caller gave up waiting, which is what a held answer is for.
            self.close_connection = True

    def _answer_control(self, action: str, query: str, body: bytes) -> None:
        engine = self.server.engine
        if not action:
            self._answer_desk(query, body)
            return
        token = self.headers.get("Standin-Token", "")
        if not _is_same(token, engine.options.control_token):
            self._send_json(403, {"error": {"message": "The control token is missing or wrong."}})
            return
        chosen = control_api.ACTIONS.get((self.command, action))
        if chosen is None:
            self._send_json(404, {"error": {"message": f"No such control: {action}"}})
            return
        try:
            self._send_json(200, chosen(engine, json.loads(body) if body else {}))
        except Refusal as refusal:
            self._send_json(refusal.status, refusal.body)
        except ContractBroken as broken:
            self._send_json(500, {"error": {"message": str(broken)}})
        except (KeyError, ValueError, TypeError, UnknownFault) as error:
            self._send_json(400, {"error": {"message": f"{type(error).__name__}: {error}"}})

    def _answer_desk(self, query: str, body: bytes) -> None:
        engine = self.server.engine
        form = dict(parse_qsl(body.decode("utf-8", "replace") if body else query))
        token = form.pop("token", "")
        if not _is_same(token, engine.options.control_token):
            self._send_json(403, {"error": {"message": "The control token is missing or wrong."}})
            return
        if self.command != "POST":
            self._send_page(200, desk_page.desk(engine), "")
            return
        action = control_api.DESK_ACTIONS.get(form.pop("action", ""))
        try:
            if action is not None:
                action(engine, form)
        except Refusal as refusal:
            self._send_page(200, desk_page.desk(engine, str(refusal)), "")
            return
        self._send_page(303, b"", desk_page.address(token))

    def _read_body(self) -> bytes | None:
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            length = LONGEST_BODY + 1
        if not 0 <= length <= LONGEST_BODY:
            self.close_connection = True
            self._send_json(413, {"error": {"message": "The body is too large."}})
            return None
        return self.rfile.read(length)

    def _hang_up(self) -> None:
        self.close_connection = True
        # The caller may have hung up first.
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _send_json(self, status: int, body: Json, headers: Mapping[str, str] | None = None) -> None:
        self._send(
            status, json.dumps(body).encode(), {"Content-Type": JSON_TYPE, **(headers or {})}
        )

    def _send_page(self, status: int, html: bytes, location: str) -> None:
        headers = {**PAGE_HEADERS, "Location": location} if location else PAGE_HEADERS
        self._send(status, html, headers)

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _is_same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())
