"""The page cache: what it keeps, what it must never keep, and that every process forgets."""

from __future__ import annotations

import gzip
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from core import page_cache
from core.page_cache import LARGEST_TOTAL_BYTES, PageCache, evict

HTML = [("Content-Type", "text/html; charset=utf-8")]


class Site:
    """A site behind the cache, which counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.status = "200 OK"
        self.headers = list(HTML)
        self.body = b"<p>hello</p>" * 50
        self.cache = PageCache(self.application)

    def application(self, environ, start) -> list[bytes]:
        self.asked += 1
        start(self.status, self.headers)
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else self.body]

    def get(self, path: str = "/", method: str = "GET", **environ: str):
        told: dict[str, object] = {}

        def start(status, headers):
            told.update(status=status, headers=dict(headers))

        parts = self.cache(
            {
                "REQUEST_METHOD": method,
                "PATH_INFO": path,
                "HTTP_HOST": "practice.example",
                "wsgi.url_scheme": "https",
            }
            | environ,
            start,
        )
        return told["status"], told["headers"], b"".join(parts)


@pytest.fixture
def site(settings, tmp_path) -> Iterator[Site]:
    settings.VAR_DIR = tmp_path
    evict()
    return Site()


def test_a_page_is_made_once_and_then_kept(site):
    answers = [site.get() for _ in range(3)]

    assert site.asked == 1
    assert {body for _, _, body in answers} == {site.body}


@pytest.mark.parametrize(
    "environ",
    [
        {"QUERY_STRING": "a=1"},
        {"HTTP_COOKIE": "theme=x; sessionid=abc"},
        {"HTTP_AUTHORIZATION": "Basic x"},
        {"REQUEST_METHOD": "POST"},
    ],
    ids=["a query", "a session", "credentials", "a form"],
)
def test_what_may_differ_from_person_to_person_goes_to_the_site(site, environ):
    site.get()

    site.get(**environ)
    site.get(**environ)

    assert site.asked == 3


@pytest.mark.parametrize("path", page_cache.PRIVATE)
def test_private_addresses_are_never_kept(site, path):
    for _ in range(2):
        site.get(f"{path}x")

    assert site.asked == 2


@pytest.mark.parametrize(
    ("status", "header"),
    [
        ("200 OK", ("Set-Cookie", "a=b")),
        ("200 OK", ("Cache-Control", "no-store, private")),
        ("200 OK", ("Cache-Control", "private")),
        ("200 OK", ("Vary", "Accept, Cookie")),
        ("500 Internal Server Error", ("X", "y")),
        ("503 Service Unavailable", ("X", "y")),
        ("403 Forbidden", ("X", "y")),
    ],
    ids=["a cookie", "no-store", "private", "vary by cookie", "500", "503", "403"],
)
def test_an_answer_that_must_not_be_kept_is_not(site, status, header):
    site.status, site.headers = status, [*HTML, header]

    answers = [site.get() for _ in range(2)]

    assert site.asked == 2
    assert answers[0][0] == status
    assert answers[0][1][header[0]] == header[1]


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "404 Not Found"])
def test_redirects_and_missing_pages_are_kept_too(site, status):
    site.status = status

    assert [site.get()[0] for _ in range(2)] == [status, status]
    assert site.asked == 1


def test_missing_pages_cannot_crowd_out_the_others(site):
    site.status = "404 Not Found"
    for number in range(page_cache.MOST_MISSING_PAGES + 5):
        site.get(f"/{number}")
    asked = site.asked

    site.get(f"/{page_cache.MOST_MISSING_PAGES + 1}")

    assert site.asked == asked + 1


def test_each_host_scheme_and_path_has_its_own_page(site):
    for environ in ({}, {"HTTP_HOST": "evil.example"}, {"HTTP_X_FORWARDED_PROTO": "http"}):
        site.get(**environ)
    site.get("/other")

    assert site.asked == 4


def test_head_is_answered_from_the_same_page_without_a_body(site):
    first = site.get(method="HEAD")
    second = site.get()

    assert (first[2], second[2]) == (b"", site.body)
    assert first[1]["Content-Length"] == str(len(site.body))
    assert site.asked == 1


def test_a_browser_that_takes_gzip_gets_it(site):
    _, headers, body = site.get(HTTP_ACCEPT_ENCODING="gzip, br")

    assert headers["Content-Encoding"] == "gzip"
    assert headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(body) == site.body
    assert headers["Content-Length"] == str(len(body))


def test_a_browser_that_has_the_page_is_told_so(site):
    etag = site.get()[1]["ETag"]

    status, _, body = site.get(HTTP_IF_NONE_MATCH=etag)

    assert (status, body, site.asked) == ("304 Not Modified", b"", 1)


def test_a_condition_or_range_cannot_poison_the_page(site):
    site.get(HTTP_IF_NONE_MATCH='"x"', HTTP_RANGE="bytes=0-1")

    assert site.get()[2] == site.body


def test_a_page_is_forgotten_after_its_minute(site, monkeypatch):
    site.get()
    later = page_cache.time.monotonic() + page_cache.LIFETIME_SECONDS + 1
    monkeypatch.setattr(page_cache.time, "monotonic", lambda: later)

    site.get()

    assert site.asked == 2


def test_a_change_is_seen_at_once(site):
    site.get()
    site.body = b"new"

    evict()

    assert site.get()[2] == b"new"


def test_a_change_in_another_process_is_seen_too(site, settings):
    site.get()
    program = (
        "import django; from django.conf import settings; settings.configure("
        f"VAR_DIR={str(settings.VAR_DIR)!r}, CACHE_URL='');"
        "from core.page_cache import evict; evict()"
    )

    subprocess.run([sys.executable, "-c", program], check=True, cwd=settings.BASE_DIR)
    site.get()

    assert site.asked == 2


def test_with_a_shared_cache_the_change_is_seen_within_a_second(site, settings, monkeypatch):
    settings.CACHE_URL = "redis://shared"
    shared = Site()
    shared.get()
    evict()
    later = page_cache.time.monotonic() + 1.1
    monkeypatch.setattr(page_cache.time, "monotonic", lambda: later)

    shared.get()

    assert shared.asked == 2


def test_a_page_made_while_something_changed_is_not_kept(site):
    site.get()
    make = site.application

    def changing(environ, start):
        answer = make(environ, start)
        evict()
        return answer

    site.cache._application = changing
    evict()
    site.get()
    site.cache._application = make

    site.get()

    assert site.asked == 3


def test_ten_thousand_pages_are_all_there_the_second_time(site):
    for _ in range(2):
        for number in range(10_000):
            site.get(f"/page-{number}/")

    assert site.asked == 10_000


def test_it_never_holds_more_than_it_may(site):
    site.body = bytes(range(256)) * 4096
    count = LARGEST_TOTAL_BYTES // len(site.body) + 10
    for number in range(count):
        site.get(f"/{number}")

    assert site.cache._shelf._bytes <= LARGEST_TOTAL_BYTES
    site.get(f"/{count - 1}")
    assert site.asked == count


def test_threads_get_whole_pages(site):
    wrong = []

    def reader(number: int) -> None:
        for turn in range(200):
            if turn % 20 == 0:
                evict()
            if site.get(f"/{(number + turn) % 5}")[2] != site.body:
                wrong.append(turn)

    threads = [threading.Thread(target=reader, args=[n]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
