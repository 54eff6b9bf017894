"""A small cache of whole public pages, in front of Django.

Owns what may be kept, for how long, and when everything kept is forgotten. It holds nothing
private: anonymous GET and HEAD without a query string only, and never an answer that sets a cookie
or asks not to be stored. A page is kept for a minute at most, because quarters open and close by
the clock; a change made by staff or by a sale forgets every page at once.
"""

from __future__ import annotations

import gzip
import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.conf import settings
from django.core.cache import cache

Headers = list[tuple[str, str]]

LIFETIME_SECONDS: Final = 60
LARGEST_TOTAL_BYTES: Final = 64 * 1024 * 1024
# An address that leads nowhere costs little to answer, and an attacker can name any number.
MOST_MISSING_PAGES: Final = 200
KEPT_STATUSES: Final = ("200 ", "301 ", "302 ", "404 ")
# What a cached page says of itself; everything else (dates, lengths) is made for each answer.
DROPPED: Final = frozenset({"content-length", "etag", "content-encoding", "vary", "date"})
PRIVATE: Final = (
    "/member/",
    "/account/",
    "/enroll/",
    "/buy/",
    "/orders/",
    "/waitlist/",
    "/staff/",
    "/stripe/",
    "/dev/",
    "/leave/",
    "/documents/",
    "/static/",
    "/media/",
    "/healthz",
    "/readyz",
)
GENERATION_KEY: Final = "page-cache-generation"
LOOK_EVERY_SECONDS: Final = 1.0


def evict() -> None:
    """Forget every page, in every process. Call it once the change is committed."""
    if settings.CACHE_URL:
        cache.add(GENERATION_KEY, 0, timeout=None)
        cache.incr(GENERATION_KEY)
    else:
        path = generation_file()
        path.parent.mkdir(parents=True, exist_ok=True)
        # A new file each time: two changes within one tick of the clock must still differ.
        fresh = path.with_name(f"{path.name}.{uuid4().hex}")
        fresh.touch()
        fresh.replace(path)


def generation_file() -> Path:
    """The file whose change tells every process of this machine to forget."""
    return Path(settings.VAR_DIR) / "page-generation"


def file_generation() -> Callable[[], object]:
    """Looks at the file: one ``stat`` for each answer."""
    path = generation_file()

    def look() -> object:
        try:
            found = path.stat()
        except FileNotFoundError:
            return None
        return found.st_mtime_ns, found.st_ino

    return look


def shared_generation() -> Callable[[], object]:
    """Looks at the shared cache, once a second at most: for several machines."""
    seen: tuple[float, object] = (0.0, None)

    def look() -> object:
        nonlocal seen
        now = time.monotonic()
        if now - seen[0] > LOOK_EVERY_SECONDS:
            seen = now, cache.get(GENERATION_KEY)
        return seen[1]

    return look


@dataclass(frozen=True, slots=True)
class Page:
    """One answer, ready to send in both encodings."""

    status: str
    headers: Headers
    body: bytes
    zipped: bytes
    etag: str
    kept_until: float

    @property
    def size(self) -> int:
        return len(self.body) + len(self.zipped)


class Shelf:
    """Pages by host and path, the least recently asked for dropped first. Safe for threads."""

    def __init__(self, generation: Callable[[], object]) -> None:
        self._generation_now = generation
        self._generation = generation()
        self._pages: OrderedDict[tuple[str, ...], Page] = OrderedDict()
        self._bytes = 0
        self._missing = 0
        self._lock = threading.Lock()

    def generation(self) -> object:
        """What a page must have been made under to be kept."""
        return self._generation_now()

    def get(self, key: tuple[str, ...], now: float) -> Page | None:
        """The page, unless it is too old or a change has come since."""
        generation = self._generation_now()
        with self._lock:
            if generation != self._generation:
                self._forget(generation)
            page = self._pages.get(key)
            if page is None:
                return None
            if page.kept_until < now:
                self._drop(key)
                return None
            self._pages.move_to_end(key)
            return page

    def keep(self, key: tuple[str, ...], page: Page, generation: object) -> None:
        """Keep a page that was made under ``generation``, if that is still the one."""
        with self._lock:
            if generation != self._generation_now() or generation != self._generation:
                return
            is_missing = page.status.startswith("404")
            if is_missing and self._missing >= MOST_MISSING_PAGES:
                return
            self._drop(key)
            self._pages[key] = page
            self._bytes += page.size
            self._missing += is_missing
            while self._bytes > LARGEST_TOTAL_BYTES:
                self._drop(next(iter(self._pages)))

    def _drop(self, key: tuple[str, ...]) -> None:
        page = self._pages.pop(key, None)
        if page is not None:
            self._bytes -= page.size
            self._missing -= page.status.startswith("404")

    def _forget(self, generation: object) -> None:
        self._pages.clear()
        self._bytes = self._missing = 0
        self._generation = generation


class PageCache:
    """Wraps the site's WSGI application."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        look = shared_generation() if settings.CACHE_URL else file_generation()
        self._shelf = Shelf(look)

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        if not may_be_kept(environ):
            return self._application(environ, start)
        key = key_of(environ)
        page = self._shelf.get(key, time.monotonic())
        if page is None:
            return self._make(key, environ, start)
        return answer(page, environ, start)

    def _make(
        self, key: tuple[str, ...], environ: WSGIEnvironment, start: StartResponse
    ) -> Iterable[bytes]:
        generation = self._shelf.generation()
        told: list[Any] = []
        method, environ["REQUEST_METHOD"] = environ["REQUEST_METHOD"], "GET"
        # Asked for whole and unconditionally: what comes back is for everybody.
        for name in ("HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_RANGE"):
            environ[f"kept.{name}"] = environ.pop(name, "")
        parts = self._application(environ, lambda *args: told.extend(args) or _no_write)
        body = b"".join(parts)
        if close := getattr(parts, "close", None):
            close()
        environ["REQUEST_METHOD"] = method
        status, headers = told[0], told[1]
        page = page_of(status, headers, body)
        if page is None:
            start(status, headers)
            return [b"" if method == "HEAD" else body]
        self._shelf.keep(key, page, generation)
        return answer(page, environ, start)


def _no_write(_data: bytes) -> None:
    """WSGI's old way of writing, which Django does not use."""


def may_be_kept(environ: WSGIEnvironment) -> bool:
    """Whether the request is one whose answer is the same for everybody."""
    return (
        environ["REQUEST_METHOD"] in ("GET", "HEAD")
        and not environ.get("QUERY_STRING")
        and not environ.get("PATH_INFO", "").startswith(PRIVATE)
        and settings.SESSION_COOKIE_NAME not in environ.get("HTTP_COOKIE", "")
        and "HTTP_AUTHORIZATION" not in environ
    )


def key_of(environ: WSGIEnvironment) -> tuple[str, ...]:
    """Everything an answer depends on: host, scheme as the proxy tells it, and path."""
    names = ("HTTP_HOST", "SERVER_NAME", "wsgi.url_scheme", "HTTP_X_FORWARDED_PROTO", "PATH_INFO")
    return tuple(str(environ.get(name, "")) for name in names)


def page_of(status: str, headers: Headers, body: bytes) -> Page | None:
    """The page to keep, or None when the answer must not be kept."""
    named = {name.lower(): value.lower() for name, value in headers}
    control = named.get("cache-control", "")
    if (
        not status.startswith(KEPT_STATUSES)
        or "set-cookie" in named
        or "content-encoding" in named
        or "cookie" in named.get("vary", "")
        or any(word in control for word in ("private", "no-store", "no-cache"))
    ):
        return None
    return Page(
        status=status,
        headers=[(name, value) for name, value in headers if name.lower() not in DROPPED],
        body=body,
        # No time stamp, so that two processes send the same bytes under the same tag.
        zipped=gzip.compress(body, compresslevel=6, mtime=0),
        etag=f'"{hashlib.sha256(body).hexdigest()[:32]}"',
        kept_until=time.monotonic() + LIFETIME_SECONDS,
    )


def answer(page: Page, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    """Send ``page`` as this request can take it."""
    headers = [*page.headers, ("ETag", page.etag), ("Vary", "Accept-Encoding")]
    condition = environ.get("kept.HTTP_IF_NONE_MATCH") or environ.get("HTTP_IF_NONE_MATCH", "")
    if page.status.startswith("200") and page.etag in condition:
        start("304 Not Modified", headers)
        return [b""]
    body = page.body
    if "gzip" in environ.get("HTTP_ACCEPT_ENCODING", "") and len(page.zipped) < len(page.body):
        body = page.zipped
        headers.append(("Content-Encoding", "gzip"))
    headers.append(("Content-Length", str(len(body))))
    start(page.status, headers)
    return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]
