"""The page cache: what it keeps, what it must never keep, and that every process forgets."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import threading
from collections.abc import Iterator

import brotli
import pytest
from django.core.cache import caches
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection
from django.test.utils import CaptureQueriesContext

from config.wsgi import django_application
from core import middleware, page_cache
from core.page_cache import MOST_BYTES, MOST_BYTES_BESIDES, PageCache, evict

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


@pytest.fixture
def real_site(loaded_site, site) -> Iterator[Site]:
    """The site itself behind the cache, on the connection that this test looks at."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    site.cache = PageCache(django_application)
    yield site
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


REQUEST = {
    "SERVER_NAME": "localhost",
    "SERVER_PORT": "80",
    "HTTP_HOST": "localhost",
    "wsgi.url_scheme": "http",
    "wsgi.input": io.BytesIO(),
}


def test_a_page_is_made_once_and_then_kept(site):
    answers = [site.get() for _ in range(3)]

    assert site.asked == 1
    assert {body for _, _, body in answers} == {site.body}


@pytest.mark.parametrize(
    "environ",
    [
        {"QUERY_STRING": "a=1"},
        {"HTTP_COOKIE": "theme=x; sessionid=abc"},
        {"HTTP_COOKIE": "messages=abc"},
        {"HTTP_AUTHORIZATION": "Basic x"},
        {"REQUEST_METHOD": "POST"},
    ],
    ids=["a query", "a session", "a message", "credentials", "a form"],
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


def test_whatever_is_marked_private_is_private_here_too():
    assert set(middleware.PRIVATE) - set(page_cache.PRIVATE) == set()


@pytest.mark.parametrize(
    ("status", "header"),
    [
        ("200 OK", ("Set-Cookie", "a=b")),
        ("200 OK", ("Cache-Control", "no-store, private")),
        ("200 OK", ("Cache-Control", "private")),
        ("200 OK", ("Vary", "Accept, Cookie")),
        ("200 OK", ("Vary", "User-Agent")),
        ("200 OK", ("Content-Type", "application/pdf")),
        ("500 Internal Server Error", ("X", "y")),
        ("503 Service Unavailable", ("X", "y")),
        ("403 Forbidden", ("X", "y")),
    ],
    ids=[
        "a cookie",
        "no-store",
        "private",
        "vary by cookie",
        "vary by browser",
        "a file",
        "500",
        "503",
        "403",
    ],
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


@pytest.mark.parametrize("status", ["301 Moved Permanently", "404 Not Found"])
def test_addresses_that_anyone_can_invent_never_push_a_page_out(site, status):
    site.get("/faq/")
    site.status, site.body = status, b""
    for number in range(MOST_BYTES_BESIDES // page_cache.BYTES_PER_ENTRY + 5):
        site.get(f"/{number}")
    asked = site.asked

    site.get("/faq/")
    site.get("/0")

    assert site.asked == asked + 1
    assert site.cache.store.besides.bytes <= MOST_BYTES_BESIDES


def test_invented_schemes_and_ports_make_no_copies(site):
    for number in range(5):
        site.get(HTTP_X_FORWARDED_PROTO=f"x{number}", HTTP_X_FORWARDED_HOST=f"{number}.example")

    assert site.asked == 1


def test_each_host_scheme_and_path_has_its_own_page(site, settings):
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
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
    _, headers, body = site.get(HTTP_ACCEPT_ENCODING="gzip, deflate")

    assert headers["Content-Encoding"] == "gzip"
    assert headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(body) == site.body
    assert headers["Content-Length"] == str(len(body))


@pytest.mark.parametrize("accepted", ["gzip, deflate, br, zstd", "br;q=1.0, gzip;q=0.5"])
def test_a_browser_that_takes_brotli_gets_it(site, accepted):
    _, headers, body = site.get(HTTP_ACCEPT_ENCODING=accepted)

    assert headers["Content-Encoding"] == "br"
    assert brotli.decompress(body) == site.body


@pytest.mark.parametrize("accepted", ["", "identity", "gzip;q=0, br; q=0.0", "xbr"])
def test_a_browser_that_takes_neither_gets_the_page_as_it_is(site, accepted):
    _, headers, body = site.get(HTTP_ACCEPT_ENCODING=accepted)

    assert "Content-Encoding" not in headers
    assert body == site.body


def test_a_page_that_packing_makes_longer_is_sent_as_it_is(site):
    site.body = b"ok"

    _, headers, body = site.get(HTTP_ACCEPT_ENCODING="gzip, br")

    assert ("Content-Encoding" in headers, body) == (False, b"ok")


def test_a_browser_that_has_the_page_is_told_so(site):
    etag = site.get()[1]["ETag"]

    status, _, body = site.get(HTTP_IF_NONE_MATCH=etag)

    assert (status, body, site.asked) == ("304 Not Modified", b"", 1)


def test_a_browser_that_has_an_older_page_gets_the_new_one(site):
    etag = site.get()[1]["ETag"]
    site.body = b"new"
    evict()

    status, _, body = site.get(HTTP_IF_NONE_MATCH=etag)

    assert (status, body) == ("200 OK", b"new")


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


def test_a_shared_cache_that_does_not_answer_stops_nobody(site, settings, monkeypatch):
    def refuse(*_args, **_options):
        raise ConnectionError

    settings.CACHE_URL = "redis://shared"
    for name in ("get", "set", "add", "delete"):
        monkeypatch.setattr(caches["strict"], name, refuse)
    shared = Site()
    evict()

    assert shared.get()[2] == site.body


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
    count = MOST_BYTES // len(site.body) + 10
    for number in range(count):
        site.get(f"/{number}")

    assert site.cache.store.pages.bytes <= MOST_BYTES
    site.get(f"/{count - 1}")
    assert site.asked == count


def test_an_answer_that_is_not_kept_is_sent_in_its_parts_and_closed_once(site):
    closed = []

    class Parts(list):
        def close(self) -> None:
            closed.append(1)

    def streaming(_environ, start):
        start("200 OK", [("Content-Type", "video/mp4")])
        return Parts([b"a", b"b"])

    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/film", "wsgi.url_scheme": "https"}
    parts = PageCache(streaming)(environ, lambda *_said: None)
    parts.close()
    nothing = PageCache(streaming)({**environ, "REQUEST_METHOD": "HEAD"}, lambda *_said: None)

    assert (list(parts), list(nothing), closed) == ([b"a", b"b"], [b""], [1, 1])


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


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", "200 OK"),
        ("/programs/facing-heartbreak/", "200 OK"),
        ("/faq/", "200 OK"),
        ("/faq", "301 Moved Permanently"),
        ("/nothing-here/", "404 Not Found"),
        ("/sitemap.xml", "200 OK"),
        ("/robots.txt", "200 OK"),
    ],
)
def test_public_addresses_cost_no_query_the_second_time(real_site, path, status):
    first = real_site.get(path, **REQUEST)

    with CaptureQueriesContext(connection) as queries:
        second = real_site.get(path, HTTP_COOKIE="csrftoken=abc", **REQUEST)

    assert (first[0], second[0], len(queries)) == (status, status, 0)
    assert second[2] == first[2]
    assert "Set-Cookie" not in second[1]


def test_a_member_page_comes_from_the_site_each_time(real_site):
    for _ in range(2):
        status, headers, _ = real_site.get("/member/", **REQUEST)

    assert (status, "ETag" in headers) == ("302 Found", False)
    store = real_site.cache.store
    assert (store.pages.bytes, store.besides.bytes) == (0, 0)


def test_a_change_by_staff_is_public_at_once(staff_client, site):
    site.get()

    staff_client.post("/staff/")
    site.get()

    assert site.asked == 2


def test_reading_as_staff_forgets_nothing(staff_client, site):
    site.get()

    staff_client.get("/staff/")
    site.get()

    assert site.asked == 1


@pytest.mark.parametrize(
    "host",
    ["PRACTICE.example", "practice.example:443", "practice.example.", "Practice.Example.:443"],
)
def test_one_host_is_one_page_however_it_is_spelled(site, host):
    site.get()

    site.get(HTTP_HOST=host)

    assert site.asked == 1


def test_another_port_or_another_host_is_another_page(site):
    for host in ("practice.example", "practice.example:8443", "other.example"):
        site.get(HTTP_HOST=host)

    assert site.asked == 3


def test_a_page_is_made_for_the_host_as_it_is_kept(site):
    seen = []
    make = site.application

    def look(environ, start):
        seen.append(environ["HTTP_HOST"])
        return make(environ, start)

    site.cache._application = look
    site.get(HTTP_HOST="PRACTICE.example.:443")

    assert seen == ["practice.example"]


@pytest.mark.parametrize(("header", "asked"), [(None, 1), (("HTTP_X_FORWARDED_PROTO", "https"), 2)])
def test_a_scheme_that_is_told_counts_only_where_it_is_believed(site, settings, header, asked):
    settings.SECURE_PROXY_SSL_HEADER = header
    site.get()

    site.get(HTTP_X_FORWARDED_PROTO="http")
    site.get(HTTP_X_FORWARDED_PROTO="https, http")

    assert site.asked == asked
