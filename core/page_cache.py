"""A small cache of whole public pages, in front of Django.

Owns what may be kept, for how long, and when everything kept is forgotten. It holds nothing
private: anonymous GET and HEAD without a query string only, and never an answer that sets a cookie
or asks not to be stored. A page is kept for a minute at most, because quarters open and close by
the clock; a change made by staff or by a sale forgets every page at once.
"""

from __future__ import annotations

import gzip
import hashlib
import logging
import os
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from uuid import uuid4
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import brotli
from django.conf import settings
from django.core.cache import caches
from django.http.request import split_domain_port

from core.cache import UNREACHABLE, Pause

Headers = list[tuple[str, str]]
Key = tuple[str, ...]

logger = logging.getLogger(__name__)

LIFETIME_SECONDS: Final = 60
MOST_BYTES: Final = 64 * 1024 * 1024
# Anyone can name any number of addresses that lead nowhere, or only to another address.
# They have a small place of their own and never push a page out.
MOST_BYTES_BESIDES: Final = 2 * 1024 * 1024
# What an entry takes beside its bodies, roughly: an answer without a body is not free.
BYTES_PER_ENTRY: Final = 2048
KEPT_STATUSES: Final = ("200 ", "301 ", "302 ", "404 ")
KEPT_TYPES: Final = ("text/html", "text/plain", "application/xml")
# Made anew for each answer, or not true of a kept one.
DROPPED: Final = frozenset({"content-length", "etag", "vary", "date"})
# A kept page is whole and for everybody, so Django must not answer a condition or a part.
CONDITIONS: Final = frozenset({"HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_RANGE"})
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
REFUSED: Final = re.compile(r";q=0(\.0*)?$")
GENERATION_KEY: Final = "page-cache-generation"
LOOK_EVERY_SECONDS: Final = 1.0


def evict() -> None:
    """Forget every page, in every process. Call it once the change is committed.

    It never fails: a change that is committed stands, and without this every page shows it after
    its minute.
    """
    try:
        _begin_a_generation()
    except Exception:
        logger.exception("Public pages could not be forgotten; they are renewed within a minute.")


def _begin_a_generation() -> None:
    if settings.CACHE_URL:
        # Removed first: one that is full takes nothing new, and forgets all the same.
        caches["strict"].delete(GENERATION_KEY)
        caches["strict"].set(GENERATION_KEY, uuid4().hex, timeout=None)
        return
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
    path = str(generation_file())

    def look() -> object:
        try:
            found = os.stat(path)  # noqa: PTH116 (three times as fast, and asked for every answer)
        except FileNotFoundError:
            return None
        return found.st_mtime_ns, found.st_ino

    return look


def shared_generation() -> Callable[[], object]:
    """Looks at the shared cache, once a second at most: for several machines.

    While the shared cache does not answer it is asked less and less often, and every second
    another generation is found, so that nothing is kept for longer than that.
    """
    pause = Pause()
    known: object = object()
    known_until = 0.0

    def look() -> object:
        nonlocal known, known_until
        if time.monotonic() >= known_until:
            # Before asking: one asks, and the others go on with what is known.
            known_until = time.monotonic() + LOOK_EVERY_SECONDS
            known = object() if pause.is_on() else _ask_for_generation(pause)
            # And after it: the answer may have taken its time.
            known_until = time.monotonic() + LOOK_EVERY_SECONDS
        return known

    return look


def _ask_for_generation(pause: Pause) -> object:
    shared = caches["strict"]
    try:
        found = shared.get(GENERATION_KEY)
        if found is None:
            shared.add(GENERATION_KEY, uuid4().hex, timeout=None)
            found = shared.get(GENERATION_KEY)
    except Exception as trouble:  # noqa: BLE001 (every cache has errors of its own)
        logger.warning("No public page is kept for long: %s", type(trouble).__name__)
        if isinstance(trouble, UNREACHABLE):
            pause.begin()
        return object()
    pause.end()
    return found


@dataclass(frozen=True, slots=True)
class Packed:
    """One answer in one encoding, with every header it is sent with."""

    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, ready to send in every encoding that makes it smaller, best first."""

    status: str
    headers: Headers
    encodings: dict[str, Packed]
    # What a browser that has the page names; empty for what is no page.
    tag: str
    size: int
    kept_until: float


class Shelf:
    """Answers within a number of bytes, the least recently asked for dropped first."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._answers: OrderedDict[Key, Answer] = OrderedDict()
        self.bytes = 0

    def get(self, key: Key, now: float) -> Answer | None:
        """The answer, unless it is too old."""
        found = self._answers.get(key)
        if found is None:
            return None
        if found.kept_until < now:
            self.drop(key)
            return None
        self._answers.move_to_end(key)
        return found

    def keep(self, key: Key, answer: Answer) -> None:
        self.drop(key)
        self._answers[key] = answer
        self.bytes += answer.size
        while self.bytes > self._most_bytes:
            self.drop(next(iter(self._answers)))

    def drop(self, key: Key) -> None:
        dropped = self._answers.pop(key, None)
        if dropped is not None:
            self.bytes -= dropped.size

    def clear(self) -> None:
        self._answers.clear()
        self.bytes = 0


class Store:
    """Every answer of one generation. Safe for threads."""

    def __init__(self, generation: Callable[[], object]) -> None:
        self.generation = generation
        self._held = generation()
        self._lock = threading.Lock()
        self.pages = Shelf(MOST_BYTES)
        self.besides = Shelf(MOST_BYTES_BESIDES)

    def get(self, key: Key) -> Answer | None:
        """The answer, unless it is too old or a change has come since."""
        generation, now = self.generation(), time.monotonic()
        with self._lock:
            if generation != self._held:
                self.pages.clear()
                self.besides.clear()
                self._held = generation
            return self.pages.get(key, now) or self.besides.get(key, now)

    def keep(self, key: Key, answer: Answer, generation: object) -> None:
        """Keep what was made under ``generation``, if that is still the one."""
        with self._lock:
            if generation == self._held == self.generation():
                self.pages.drop(key)
                self.besides.drop(key)
                (self.pages if answer.tag else self.besides).keep(key, answer)


class PageCache:
    """Wraps the site's WSGI application."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self.store = Store(shared_generation() if settings.CACHE_URL else file_generation())

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        if not is_for_everybody(environ):
            return self._application(environ, start)
        key = key_of(environ)
        kept = self.store.get(key)
        if kept is None:
            return self._make(key, environ, start)
        return send(kept, environ, start)

    def _make(self, key: Key, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        generation = self.store.generation()
        told: list[Any] = []
        whole = {name: value for name, value in environ.items() if name not in CONDITIONS}
        whole["REQUEST_METHOD"] = "GET"
        # As it is kept: an address in the answer must be right for everybody who gets it.
        if host := key[0]:
            whole["HTTP_HOST"] = host

        def note(*said: Any) -> Callable[[bytes], object]:
            told.extend(said)
            return _no_write

        parts = self._application(whole, note)
        status, headers = told[0], told[1]
        if not may_be_kept(status, headers):
            start(status, headers)
            if environ["REQUEST_METHOD"] == "GET":
                return parts
            _close(parts)
            return [b""]
        try:
            body = b"".join(parts)
        finally:
            _close(parts)
        made = answer_of(status, headers, body)
        self.store.keep(key, made, generation)
        return send(made, environ, start)


def _no_write(_data: bytes) -> None:
    """WSGI's old way of writing, which Django does not use."""


def _close(parts: Iterable[bytes]) -> None:
    """What a server does with an answer it has sent: Django ends the request by it."""
    if close := getattr(parts, "close", None):
        close()


def is_for_everybody(environ: WSGIEnvironment) -> bool:
    """Whether the answer to a request would be the same for anybody."""
    return (
        environ["REQUEST_METHOD"] in ("GET", "HEAD")
        and not environ.get("QUERY_STRING")
        and not environ.get("PATH_INFO", "").startswith(PRIVATE)
        and not is_somebodys(environ.get("HTTP_COOKIE", ""))
        and "HTTP_AUTHORIZATION" not in environ
    )


def is_somebodys(cookies: str) -> bool:
    """Whether they belong to one person: a session, or a sentence that waits to be shown."""
    return bool(cookies) and (settings.SESSION_COOKIE_NAME in cookies or "messages" in cookies)


def key_of(environ: WSGIEnvironment) -> Key:
    """Everything an answer depends on: host, scheme as Django will see it, and path."""
    return (
        host_of(environ),
        scheme_of(environ),
        environ.get("PATH_INFO", ""),
    )


def host_of(environ: WSGIEnvironment) -> str:
    """The host in its one spelling: lower case, no dot at the end, no port that goes without."""
    named = environ.get("HTTP_HOST") or f"{environ.get('SERVER_NAME')}:{environ.get('SERVER_PORT')}"
    host, port = split_domain_port(str(named).lower())
    usual = "443" if scheme_of(environ) == "https" else "80"
    return host if port in ("", usual) else f"{host}:{port}"


def scheme_of(environ: WSGIEnvironment) -> str:
    """The scheme, from the proxy only where its header is believed."""
    if settings.SECURE_PROXY_SSL_HEADER:
        name, secure = settings.SECURE_PROXY_SSL_HEADER
        told = environ.get(name)
        if told is not None:
            return "https" if told.split(",")[0].strip() == secure else "http"
    return str(environ.get("wsgi.url_scheme"))


def may_be_kept(status: str, headers: Headers) -> bool:
    """Whether an answer is one for everybody."""
    named = {name.lower(): value.lower() for name, value in headers}
    control = named.get("cache-control", "")
    return (
        status.startswith(KEPT_STATUSES)
        and named.get("content-type", "").startswith(KEPT_TYPES)
        and "set-cookie" not in named
        and "content-encoding" not in named
        and named.get("vary", "accept-encoding") == "accept-encoding"
        and not any(word in control for word in ("private", "no-store", "no-cache"))
    )


def answer_of(status: str, headers: Headers, body: bytes) -> Answer:
    """The answer, packed once for everybody who will ask for it."""
    tag = hashlib.sha256(body).hexdigest()[:32] if status.startswith("200") else ""
    shared = [(name, value) for name, value in headers if name.lower() not in DROPPED]
    shared.append(("Vary", "Accept-Encoding"))
    if tag:
        # Weak: one tag for one page in every encoding.
        shared.append(("ETag", f'W/"{tag}"'))
    encodings = {name: code for name, code in encoded(body).items() if len(code) < len(body)}
    packed = {
        name: Packed([*shared, ("Content-Encoding", name), length_of(code)], code)
        for name, code in encodings.items()
    }
    return Answer(
        status=status,
        headers=shared,
        encodings={**packed, "": Packed([*shared, length_of(body)], body)},
        tag=tag,
        size=BYTES_PER_ENTRY + len(body) + sum(len(code) for code in encodings.values()),
        kept_until=time.monotonic() + LIFETIME_SECONDS,
    )


def encoded(body: bytes) -> dict[str, bytes]:
    """``body`` in every encoding that browsers take, best first."""
    return {
        "br": brotli.compress(body, mode=brotli.MODE_TEXT, quality=5),
        # No time stamp, so that two processes send the same bytes.
        "gzip": gzip.compress(body, compresslevel=6, mtime=0),
    }


def length_of(body: bytes) -> tuple[str, str]:
    """The header that tells how long ``body`` is."""
    return "Content-Length", str(len(body))


def send(answer: Answer, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    """Send ``answer`` in the way that this request asks for."""
    if answer.tag and answer.tag in environ.get("HTTP_IF_NONE_MATCH", ""):
        start("304 Not Modified", list(answer.headers))
        return [b""]
    accepted = accepted_encodings(environ.get("HTTP_ACCEPT_ENCODING", ""))
    packed = next(packed for name, packed in answer.encodings.items() if name in accepted)
    # A list of its own: a server may add to it.
    start(answer.status, list(packed.headers))
    return [b"" if environ["REQUEST_METHOD"] == "HEAD" else packed.body]


@lru_cache(maxsize=256)
def accepted_encodings(header: str) -> frozenset[str]:
    """What ``Accept-Encoding`` names, and always the empty name of what is not packed."""
    named = [name for name in header.replace(" ", "").split(",") if not REFUSED.search(name)]
    return frozenset({"", *(name.partition(";")[0] for name in named)})
