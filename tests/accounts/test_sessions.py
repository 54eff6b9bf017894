"""How long a browser stays signed in, and signing out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from tests.accounts.conftest import TYPE_CODE

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def clock():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def on_shared_device(client, ann, ask, code, clock):
    ask("ann@example.org", shared_device="on")
    client.post(TYPE_CODE, {"code": code()})
    return client


def test_a_device_of_her_own_stays_signed_in_for_fourteen_days(client, ann, ask, code, clock):
    ask("ann@example.org")
    answer = client.post(TYPE_CODE, {"code": code()})

    assert answer.cookies["sessionid"]["max-age"] == 14 * 24 * 60 * 60
    clock.shift(timedelta(days=13, hours=23))
    assert client.get("/member/").status_code == 200


def test_on_a_shared_device_the_session_ends_with_the_browser(client, ann, ask, code, clock):
    ask("ann@example.org", shared_device="on")
    answer = client.post(TYPE_CODE, {"code": code()})

    assert answer.cookies["sessionid"]["max-age"] == ""
    assert answer.cookies["sessionid"]["httponly"]


def test_a_shared_device_that_is_used_stays_signed_in(on_shared_device, clock):
    for _ in range(4):
        assert on_shared_device.get("/member/").status_code == 200
        clock.shift(timedelta(minutes=19))

    assert on_shared_device.get("/member/").status_code == 200


def test_a_shared_device_that_was_left_alone_is_signed_out(on_shared_device, clock):
    on_shared_device.get("/member/")
    clock.shift(timedelta(minutes=20, seconds=1))

    answer = on_shared_device.get("/member/")
    page = on_shared_device.get(answer.url)

    assert answer.url == "/account/login/?next=/member/"
    assert "nothing was clicked for 20 minutes" in page.content.decode()


def test_the_time_counts_from_signing_in_even_if_no_page_follows(on_shared_device, clock):
    on_shared_device.get("/")
    clock.shift(timedelta(minutes=21))

    assert on_shared_device.get("/member/").status_code == 302


def test_a_device_of_her_own_may_be_left_alone(client, ann, ask, code, clock):
    ask("ann@example.org")
    client.post(TYPE_CODE, {"code": code()})
    client.get("/member/")
    clock.shift(timedelta(hours=5))

    assert client.get("/member/").status_code == 200


def test_signing_out_asks_first(client, ann):
    client.force_login(ann)

    page = client.get("/account/logout/")

    assert "Sign out?" in page.content.decode()
    assert "_auth_user_id" in client.session


def test_signing_out_ends_on_a_page_that_names_nobody(client, ann):
    client.force_login(ann)

    answer = client.post("/account/logout/")
    page = client.get(answer.url)

    assert answer.url == "/account/signed-out/"
    assert answer["Clear-Site-Data"] == '"cache", "cookies", "storage"'
    assert answer.cookies["sessionid"]["max-age"] == 0
    assert "Ann" not in page.content.decode()
    assert client.get("/member/").status_code == 302


def test_a_visitor_may_sign_out_too(client):
    assert client.get("/account/logout/").status_code == 200
    assert client.post("/account/logout/").url == "/account/signed-out/"


def test_a_form_of_another_site_signs_nobody_out(ann):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ann)

    assert strict.post("/account/logout/").status_code == 403
    assert "_auth_user_id" in strict.session
