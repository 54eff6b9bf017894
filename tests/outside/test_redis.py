"""The site with a real Redis that is killed, hung, emptied or full."""

from __future__ import annotations

import io
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.core.cache import cache, caches
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client

from config.settings.caching import caches_at
from config.wsgi import django_application
from core.cache import ForgivingRedisCache
from core.page_cache import PageCache, evict
from devtools import programs
from tests.factories.enrollments import make_quarter
from tests.outside.conftest import unavailable

pytestmark = [pytest.mark.outside, pytest.mark.django_db]

START_SECONDS = 10
SLOWER_SECONDS = 0.5
SIGN_IN = "/account/login/"


@dataclass
class Redis:
    """A server of our own on a port of its own."""

    program: str
    port: int
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self, *arguments: str) -> None:
        quiet = ["--save", "", "--appendonly", "no", "--dir", str(self.folder)]
        listen = ["--bind", "127.0.0.1", "--port", str(self.port)]
        self.process = subprocess.Popen(
            [self.program, *listen, *quiet, *arguments], stdout=subprocess.DEVNULL
        )
        until = time.monotonic() + START_SECONDS
        while not self._answers():
            assert time.monotonic() < until, "Redis did not start"

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as line:
                line.sendall(b"PING\r\n")
                return line.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


@dataclass
class Silent:
    """Accepts, and never answers."""

    port: int
    listener: socket.socket | None = None

    def start(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=100)

    def stop(self) -> None:
        if self.listener:
            self.listener.close()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def redis(tmp_path) -> Iterator[Redis]:
    program = programs.path_of("redis-server")
    if program is None:
        unavailable("redis-server is not here. make outside brings it.")
    server = Redis(program, free_port(), tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def site(settings, redis, loaded_site, tmp_path) -> Iterator[PageCache]:
    """The site behind its page cache, both on that Redis, and on this test's database."""
    ForgivingRedisCache.pause.end()
    settings.CACHE_URL = redis.url
    settings.CACHES = caches_at(redis.url, files=tmp_path)
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield PageCache(django_application)
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)
    ForgivingRedisCache.pause.end()


@pytest.fixture
def hung(redis) -> Iterator[Callable[[], None]]:
    silent = Silent(redis.port)

    def hang() -> None:
        redis.kill()
        silent.start()

    yield hang
    silent.stop()


def kept(site: PageCache, path: str = "/") -> bytes:
    """A page, as the page cache answers."""
    told: list[str] = []
    parts = site(
        {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "HTTP_HOST": "localhost",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
        },
        lambda status, _headers: told.append(status),
    )
    assert told == ["200 OK"]
    return b"".join(parts)


def walk(site: PageCache, staff_client: Client) -> None:
    """Every kind of page works."""
    quarter = make_quarter()
    assert kept(site)
    visitor = Client()
    public = ["/", "/sitemap.xml", "/robots.txt", SIGN_IN, f"/enroll/{quarter.slug}/", "/readyz"]
    assert {visitor.get(path).status_code for path in public} == {200}
    private = ["/staff/", "/staff/pages/", "/staff/users/", "/staff/enrollments/order/"]
    assert {staff_client.get(path).status_code for path in private} == {200}
    codes = [visitor.post(SIGN_IN, {"email": "a@example.org"}).status_code for _ in range(4)]
    assert codes == [302, 302, 302, 429]


def seconds_lost() -> float:
    """What a page loses that looks into the cache ten times, and into the generation of pages."""
    begun = time.perf_counter()
    for _ in range(10):
        cache.get("a")
    return time.perf_counter() - begun


def test_with_a_redis_that_answers_pages_are_kept_and_forgotten(site, redis, staff_client):
    assert (cache.set("a", 1), cache.get("a")) == (None, 1)
    walk(site, staff_client)
    first = site.store.generation()
    assert (first, isinstance(first, str)) == (site.store.generation(), True)

    evict()

    assert caches["strict"].get("page-cache-generation") != first
    assert Client().get("/readyz").json()["cache"] == "ok"


def test_with_a_redis_that_was_killed_every_page_works(site, redis, staff_client):
    walk_before = kept(site)
    redis.kill()

    assert seconds_lost() < SLOWER_SECONDS
    assert kept(site) == walk_before
    walk(site, staff_client)
    evict()
    assert Client().get("/readyz").json()["cache"] == "down"


def test_a_redis_that_never_answers_costs_less_than_half_a_second_once(site, hung, staff_client):
    kept(site)
    cache.get("a")
    hung()

    first, second = seconds_lost(), seconds_lost()

    assert first < SLOWER_SECONDS
    assert second < SLOWER_SECONDS / 50
    walk(site, staff_client)


def test_a_generation_that_never_comes_is_not_asked_for_at_each_look(site, hung):
    kept(site)
    hung()
    look = PageCache(django_application).store.generation

    begun = time.perf_counter()
    seen = [look() for _ in range(20)]

    assert time.perf_counter() - begun < SLOWER_SECONDS
    assert len(set(map(id, seen))) <= 2


def test_a_redis_that_was_restarted_empty_is_used_again(site, redis, staff_client):
    cache.set("a", 1)
    kept(site)
    redis.kill()
    assert cache.get("a", "missed") == "missed"
    redis.start()
    ForgivingRedisCache.pause.end()

    assert cache.get("a", "missed") == "missed"
    cache.set("a", 2)
    assert cache.get("a") == 2
    walk(site, staff_client)
    assert isinstance(PageCache(django_application).store.generation(), str)


def test_a_full_redis_is_a_miss_and_forgets_pages_all_the_same(
    site, redis, staff_client, monkeypatch
):
    generation = site.store.generation()
    redis.kill()
    redis.start("--maxmemory", "1", "--maxmemory-policy", "noeviction")
    ForgivingRedisCache.pause.end()

    cache.set("a", 1)
    assert cache.get("a", "missed") == "missed"
    walk(site, staff_client)
    evict()
    later = time.monotonic() + 2
    monkeypatch.setattr("core.page_cache.time.monotonic", lambda: later)
    assert site.store.generation() != generation
