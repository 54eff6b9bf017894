"""A cache that fails is a miss, and a silent one is asked seldom."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from django.core.cache import cache, caches

from config.settings.caching import caches_at
from core import cache as core_cache
from core.cache import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, ForgivingRedisCache, Pause
from tests.accounts.conftest import SIGN_IN


@pytest.fixture
def closed_port() -> str:
    """Where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"redis://127.0.0.1:{free.getsockname()[1]}/0"


@pytest.fixture
def dead(settings, closed_port, tmp_path) -> Iterator[None]:
    """The site with a cache that is not there."""
    ForgivingRedisCache.pause.end()
    settings.CACHE_URL = closed_port
    settings.CACHES = caches_at(closed_port, files=tmp_path)
    yield
    ForgivingRedisCache.pause.end()


@pytest.fixture
def clock(monkeypatch):
    """Moves what pauses are counted by: ``clock(5)``."""
    moment = [1000.0]
    monkeypatch.setattr(core_cache.time, "monotonic", lambda: moment[0])

    def shift(seconds: float) -> None:
        moment[0] += seconds

    return shift


def test_whatever_is_asked_of_a_dead_cache_is_a_miss(dead):
    ForgivingRedisCache.pause.end()
    answers = [
        cache.get("a"),
        cache.get("a", 7),
        cache.set("a", 1),
        cache.add("a", 1),
        cache.touch("a"),
        cache.delete("a"),
        cache.get_many(["a"]),
        cache.set_many({"a": 1}),
        cache.delete_many(["a"]),
        cache.has_key("a"),
        "a" in cache,
        cache.get_or_set("a", 7),
        cache.clear(),
    ]

    assert answers == [None, 7, None, True, False, False, {}, [], None, False, False, 7, None]


def test_a_dead_cache_has_no_counter(dead):
    for change in (cache.incr, cache.decr):
        with pytest.raises(ValueError, match="a"):
            change("a")


def test_the_strict_one_says_that_it_is_dead(dead):
    with pytest.raises(Exception, match="refused"):
        caches["strict"].get("a")


def test_after_a_failure_nobody_asks_for_a_while(dead, clock, caplog):
    def failures() -> int:
        return len([r for r in caplog.records if r.name == "core.cache"])

    for expected, wait in ((1, 4), (1, 2), (2, 9), (2, 2), (3, 0)):
        for _ in range(3):
            cache.get("a")
        assert failures() == expected
        clock(wait)


def test_a_pause_becomes_longer_and_an_answer_ends_it(clock):
    pause = Pause()
    lengths = []
    for _ in range(6):
        pause.begin()
        lengths.append(0)
        while pause.is_on():
            clock(5)
            lengths[-1] += 5

    assert lengths == [5, 10, 20, 40, 60, 60]
    assert (FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS) == (5, 60)
    pause.begin()
    pause.end()
    assert not pause.is_on()
    pause.begin()
    clock(5)
    assert not pause.is_on()


def test_rubbish_in_the_cache_is_a_miss_and_no_reason_to_pause(settings, tmp_path):
    settings.CACHES = caches_at("", files=tmp_path)
    cache.set("a", "kept")
    for file in tmp_path.iterdir():
        file.write_bytes(b"rubbish")

    assert cache.get("a", "missed") == "missed"
    cache.set("b", 1)
    assert cache.get("b") == 1


def test_a_folder_that_cannot_be_written_is_a_miss(settings, tmp_path):
    (tmp_path / "file").touch()
    settings.CACHES = caches_at("", files=tmp_path / "file" / "cache")

    cache.set("a", 1)

    assert cache.get("a", "missed") == "missed"
    core_cache.ForgivingFileCache.pause.end()


@pytest.mark.parametrize(
    ("url", "waits"),
    [
        ("redis://host:6379/0", (0.2, 0.2)),
        ("rediss://host:6379/0?socket_timeout=1", (0.2, 1.0)),
    ],
)
def test_a_shared_cache_is_waited_for_briefly(url, waits, tmp_path):
    made = caches_at(url, files=tmp_path)

    for name in ("default", "strict"):
        options = made[name]["OPTIONS"]
        assert (options["socket_connect_timeout"], options["socket_timeout"]) == waits
    assert made["default"]["LOCATION"] == made["strict"]["LOCATION"]


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/", "/sitemap.xml", "/account/login/", "/robots.txt"])
def test_public_pages_do_without_a_cache(client, loaded_site, dead, address):
    assert client.get(address).status_code == 200


@pytest.mark.django_db
def test_the_admin_and_signing_in_do_without_a_cache(client, staff_client, dead):
    assert staff_client.get("/staff/").status_code == 200
    answers = [client.post(SIGN_IN, {"email": "a@example.org"}).status_code for _ in range(4)]
    assert answers == [302, 302, 302, 429]


@pytest.mark.django_db
def test_ready_tells_that_the_cache_is_dead_and_stays_ready(client, dead):
    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()["cache"]) == (200, "down")
