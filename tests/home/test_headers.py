"""What every answer says to other sites: static, media, kept and failed ones too."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest
from django.conf import settings as django_settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client

from config.wsgi import django_application
from core.page_cache import PageCache

pytestmark = pytest.mark.django_db
POLICY = "Cross-Origin-Resource-Policy"


@pytest.mark.parametrize(
    "address",
    [
        "/", "/nothing-here/", "/account/login/", "/member/", "/staff/", "/leave/", "/healthz",
        "/readyz", "/robots.txt", "/sitemap.xml", "/stripe/webhook/", "/?q=%00",
        "/static/css/desks.css", "/static/nothing.css", "/orders/x/",
    ],
)  # fmt: skip
def test_no_other_site_may_put_anything_of_this_one_into_its_pages(client, loaded_site, address):
    answer = client.get(address)
    answer.close()

    assert answer[POLICY] == "same-origin"


def test_uploaded_files_say_so_too(client, loaded_site):
    name = default_storage.save("images/picture.txt", ContentFile(b"a picture"))

    answer = client.get(f"/media/{name}")
    answer.close()

    assert answer[POLICY] == "same-origin"


def test_a_page_that_failed_says_so_too(loaded_site, monkeypatch):
    def fail(*_args, **_options):
        raise RuntimeError

    monkeypatch.setattr("home.models.HomePage.serve", fail)

    answer = Client(raise_request_exception=False).get("/")

    assert (answer.status_code, answer[POLICY]) == (500, "same-origin")


def test_a_host_that_is_not_ours_gets_it_with_the_refusal(client):
    answer = client.get("/", headers={"host": "evil.example"})

    assert (answer.status_code, answer[POLICY]) == (400, "same-origin")


def test_a_kept_page_says_so_each_time(loaded_site, settings, tmp_path):
    settings.VAR_DIR = tmp_path
    cache = PageCache(django_application)
    told = []
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        for method in ("GET", "GET", "HEAD"):
            environ = {
                "REQUEST_METHOD": method,
                "PATH_INFO": "/",
                "SERVER_NAME": "localhost",
                "SERVER_PORT": "80",
                "HTTP_HOST": "localhost",
                "wsgi.url_scheme": "http",
                "wsgi.input": io.BytesIO(),
            }
            list(cache(environ, lambda status, headers: told.append(dict(headers)[POLICY])))
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)

    assert told == ["same-origin"] * 3


@pytest.mark.parametrize(("proxies", "believed"), [("0", "None"), ("1", "HTTP_X_FORWARDED_PROTO")])
def test_a_scheme_that_is_told_is_believed_only_behind_a_proxy_of_ours(proxies, believed):
    values = {
        "DJANGO_SETTINGS_MODULE": "config.settings.production",
        "SECRET_KEY": "x" * 60,
        "FIELD_KEYS": "ZGV2ZWxvcG1lbnQtb25seS1ub3QtYS1zZWNyZXQtMDA=",
        "ALLOWED_HOSTS": "practice.example",
        "BASE_URL": "https://practice.example",
        "DEFAULT_FROM_EMAIL": "office@practice.example",
        "TRUSTED_PROXY_COUNT": proxies,
    }
    program = "from django.conf import settings; print(settings.SECURE_PROXY_SSL_HEADER)"

    told = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        cwd=django_settings.BASE_DIR,
        env=values,
    )

    assert believed in told.stdout
