"""Signing in by emailed code."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.core.mail.backends.locmem import EmailBackend
from django.test import Client
from django.urls import reverse
from django_tasks_db.models import DBTaskResult

from accounts import codes
from accounts.emails import queue_code
from accounts.models import User
from core.models import OutgoingEmail
from tests.accounts.conftest import SIGN_IN, TYPE_CODE
from tests.reading import told_by

pytestmark = pytest.mark.django_db


def signed_in_as(client: Client) -> str | None:
    return client.session.get("_auth_user_id")


def test_a_member_signs_in_with_the_code_from_her_letter(client, ann, ask, code):
    asked = ask("ann@example.org")
    typed = client.post(TYPE_CODE, {"code": code()})

    assert (asked.status_code, asked.url) == (302, TYPE_CODE)
    assert (typed.status_code, typed.url) == (302, "/member/")
    assert signed_in_as(client) == str(ann.pk)


@pytest.mark.parametrize(
    "pasted",
    ["{0}{1}", " {0} {1} ", "{0}-{1}", "{0}\u2013{1}", "{0}\u00a0{1}", "{0}\n{1}", "{0}.{1}"],
)
def test_the_code_may_be_pasted_with_anything_between_its_digits(client, ann, ask, code, pasted):
    ask("ann@example.org")

    client.post(TYPE_CODE, {"code": pasted.format(*code().split())})

    assert signed_in_as(client) == str(ann.pk)


def test_a_code_typed_on_a_full_width_keyboard_works(client, ann, ask, code):
    ask("ann@example.org")

    client.post(TYPE_CODE, {"code": code().translate({48 + n: 0xFF10 + n for n in range(10)})})

    assert signed_in_as(client) == str(ann.pk)


@pytest.mark.parametrize("typed", ["ANN@example.org", "  ann@example.org  ", "Ann@Example.ORG"])
def test_an_address_is_the_same_in_capitals_and_with_spaces(client, ann, ask, mailoutbox, typed):
    ask(typed)

    assert [letter.to for letter in mailoutbox] == [["ann@example.org"]]


def test_the_letter_is_discreet_and_keeps_the_code_out_of_its_subject(ann, ask, code, mailoutbox):
    ask("ann@example.org")

    assert mailoutbox[0].subject == "Your code"
    assert code() not in mailoutbox[0].subject
    assert "http" not in mailoutbox[0].body


def shape(response) -> tuple:
    cookies = {
        name: {**morsel, "expires": bool(morsel["expires"])}
        for name, morsel in response.cookies.items()
    }
    return response.status_code, response.get("Location"), response.content, cookies


def test_known_and_unknown_addresses_get_the_same_answer(ann, mailoutbox):
    known = Client().post(SIGN_IN, {"email": "ann@example.org"})
    unknown = Client().post(SIGN_IN, {"email": "eve@example.org"})

    assert shape(known) == shape(unknown)
    assert [letter.to for letter in mailoutbox] == [["ann@example.org"]]


def test_the_page_for_the_code_is_the_same_for_known_and_unknown_addresses(ann):
    pages = []
    for email in ("ann@example.org", "eve@example.org"):
        visitor = Client()
        visitor.post(SIGN_IN, {"email": email})
        pages.append(told_by(visitor.get(TYPE_CODE)).replace(email, ""))

    assert pages[0] == pages[1]


def test_known_and_unknown_addresses_cost_the_same_queries(
    ann, django_assert_num_queries, settings
):
    settings.TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
    for email in ("ann@example.org", "eve@example.org"):
        visitor = Client()
        with django_assert_num_queries(17):
            visitor.post(SIGN_IN, {"email": email})


def test_a_stranger_gets_in_with_no_code_at_all(client, ask):
    ask("eve@example.org")
    seed = codes.kept(client.session).seed

    page = client.post(TYPE_CODE, {"code": codes.code_of(seed)})

    assert "You have 4 tries left." in page.content.decode()
    assert signed_in_as(client) is None


def test_somebody_whose_account_is_closed_gets_no_letter(client, ann, ask, mailoutbox):
    User.objects.update(is_active=False)

    asked = ask("ann@example.org")

    assert asked.url == TYPE_CODE
    assert mailoutbox == []


def test_an_account_that_is_closed_after_the_letter_lets_nobody_in(client, ann, ask, code):
    ask("ann@example.org")
    User.objects.update(is_active=False)

    page = client.post(TYPE_CODE, {"code": code()})

    assert "You have 4 tries left." in page.content.decode()
    assert signed_in_as(client) is None


def test_the_code_works_in_the_browser_that_asked_for_it_only(client, ann, ask, code):
    ask("ann@example.org")
    other = Client()
    other.post(SIGN_IN, {"email": "eve@example.org"})

    other.post(TYPE_CODE, {"code": code()})

    assert signed_in_as(other) is None


def test_a_wrong_code_says_how_many_tries_are_left_and_keeps_the_address(client, ann, ask, wrong):
    ask("ann@example.org")

    page = client.post(TYPE_CODE, {"code": wrong()}).content.decode()

    assert "That is not the code we sent. You have 4 tries left." in page
    assert "ann@example.org" in page


def test_the_last_try_is_named_in_the_singular(client, ann, ask, wrong):
    ask("ann@example.org")
    for _ in range(4):
        page = client.post(TYPE_CODE, {"code": wrong()})

    assert "You have 1 try left." in page.content.decode()


def test_after_five_wrong_codes_the_right_one_is_worth_nothing(client, ann, ask, code, wrong):
    ask("ann@example.org")
    for _ in range(5):
        page = client.post(TYPE_CODE, {"code": wrong()})
    client.post(TYPE_CODE, {"code": code()})

    assert "there are no tries left" in page.content.decode()
    assert signed_in_as(client) is None


def test_tries_are_counted_even_when_the_session_is_set_back(client, ann, ask, code, wrong):
    ask("ann@example.org")
    fresh = dict(client.session[codes.SESSION_KEY])
    for _ in range(5):
        client.post(TYPE_CODE, {"code": wrong()})
    session = client.session
    session[codes.SESSION_KEY] = fresh
    session.save()

    page = client.post(TYPE_CODE, {"code": code()})

    assert page.status_code == 429
    assert signed_in_as(client) is None


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Type the 8 digits from the letter."),
        ("1234567", "The code has 8 digits, and no letters."),
        ("123456789", "The code has 8 digits, and no letters."),
        ("1234567a", "The code has 8 digits, and no letters."),
        ("1" * 41, "Copy nothing else from the letter."),
        ("' OR 1=1", "The code has 8 digits, and no letters."),
    ],
)
def test_what_cannot_be_a_code_gets_a_sentence_and_costs_no_try(client, ann, ask, typed, sentence):
    ask("ann@example.org")

    page = client.post(TYPE_CODE, {"code": typed})

    assert sentence in page.content.decode()
    assert codes.kept(client.session).tries_left == 5


def test_a_new_code_replaces_the_old_one_and_keeps_the_address(client, ann, ask, code):
    ask("ann@example.org")
    old = code()
    again = client.post(TYPE_CODE, {"action": "resend"})
    page = client.post(TYPE_CODE, {"code": old})

    assert again.url == TYPE_CODE
    assert "You have 4 tries left." in page.content.decode()
    client.post(TYPE_CODE, {"code": code()})
    assert signed_in_as(client) == str(ann.pk)


def test_a_new_code_brings_new_tries(client, ann, ask, code, wrong):
    ask("ann@example.org")
    for _ in range(5):
        client.post(TYPE_CODE, {"code": wrong()})
    client.post(TYPE_CODE, {"action": "resend"})

    client.post(TYPE_CODE, {"code": code()})

    assert signed_in_as(client) == str(ann.pk)


def test_a_code_works_for_fifteen_minutes(client, ann, ask, code):
    with time_machine.travel(datetime(2026, 11, 23, 15, 0, tzinfo=UTC), tick=False) as clock:
        ask("ann@example.org")
        clock.shift(timedelta(minutes=15))
        client.post(TYPE_CODE, {"code": code()})

        assert signed_in_as(client) == str(ann.pk)


def test_an_expired_code_says_so_and_offers_a_new_one(client, ann, ask, code):
    with time_machine.travel(datetime(2026, 11, 23, 15, 0, tzinfo=UTC), tick=False) as clock:
        ask("ann@example.org")
        clock.shift(timedelta(minutes=15, seconds=1))
        page = client.post(TYPE_CODE, {"code": code()}).content.decode()

        assert "A code works for 15 minutes, and this one is older." in page
        assert "ann@example.org" in page
        client.post(TYPE_CODE, {"action": "resend"})
        client.post(TYPE_CODE, {"code": code()})
        assert signed_in_as(client) == str(ann.pk)


def test_nothing_that_is_stored_holds_the_code(client, ann, ask, code, settings):
    ask("ann@example.org")
    stored = json.dumps([s.get_decoded() for s in Session.objects.all()])

    assert code().replace(" ", "") not in stored.replace(" ", "")


def test_the_queued_letter_holds_no_address_and_no_code(client, ann, ask, settings):
    settings.TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
    ask("ann@example.org")

    task, email = DBTaskResult.objects.get(), OutgoingEmail.objects.get()
    queued = json.dumps([task.args_kwargs, email.ids])

    assert "ann" not in queued.lower()
    assert codes.code_of(codes.kept(client.session).seed) not in queued


def test_a_letter_that_waited_longer_than_its_code_lives_is_not_sent(ann, mailoutbox, now):
    late = now - timedelta(minutes=15, seconds=1)

    queue_code(
        codes.begin(email=ann.email, member=ann, shared_device=False, next_path="", now=late)
    )

    assert mailoutbox == []
    assert OutgoingEmail.objects.get().state == "obsolete"


class DownBackend(EmailBackend):
    def send_messages(self, messages):
        raise ConnectionRefusedError("ann@example.org")


def test_the_page_does_not_break_while_the_mail_provider_is_down(client, ann, ask, settings):
    settings.EMAIL_BACKEND = "tests.accounts.test_sign_in.DownBackend"

    asked = ask("ann@example.org")

    assert (asked.status_code, asked.url) == (302, TYPE_CODE)


@pytest.mark.parametrize(
    "typed", ["", "ann", "ann@", "@example.org", "ann@example.org\nBcc: eve@example.org", "a" * 300]
)
def test_what_is_no_address_is_asked_for_again_and_kept(client, typed, ask, mailoutbox):
    page = ask(typed)

    assert page.status_code == 200
    assert len(page.context["form"]["email"].errors) >= 1
    assert mailoutbox == []


def test_a_fourth_code_within_a_minute_is_refused_to_a_browser(ann, now):
    for email in ("ann@example.org", "eve@example.org"):
        visitor = Client()
        answers = [visitor.post(SIGN_IN, {"email": email}).status_code for _ in range(4)]

        assert answers == [302, 302, 302, 429]


def test_a_refused_request_keeps_the_address_and_asks_for_patience(ann, ask):
    for _ in range(4):
        page = ask("ann@example.org")

    assert "Please wait a minute" in page.content.decode()
    assert 'value="ann@example.org"' in page.content.decode()


def test_asking_again_and_again_from_the_page_of_the_code_is_refused_too(client, ann, ask):
    ask("ann@example.org")
    answers = [client.post(TYPE_CODE, {"action": "resend"}).status_code for _ in range(3)]

    assert answers == [302, 302, 429]


def test_the_page_of_the_code_leads_back_for_who_has_asked_for_none(client):
    assert client.get(TYPE_CODE).url == SIGN_IN
    assert client.post(TYPE_CODE, {"code": "12345678"}).url == SIGN_IN


@pytest.mark.parametrize("next_path", ["/member/courses/am-i/", "/orders/1/?x=1"])
def test_signing_in_leads_on_to_where_she_wanted_to_go(client, ann, ask, code, next_path):
    ask("ann@example.org", next=next_path)

    assert client.post(TYPE_CODE, {"code": code()}).url == next_path


@pytest.mark.parametrize(
    "next_path",
    ["https://evil.example/", "//evil.example/", "/\\evil.example/", "javascript:alert(1)", "x"],
)
def test_signing_in_leads_to_no_other_site(client, ann, ask, code, next_path):
    ask("ann@example.org", next=next_path)

    assert client.post(TYPE_CODE, {"code": code()}).url == "/member/"


def test_the_page_hands_on_where_she_wanted_to_go(client):
    page = client.get(SIGN_IN, {"next": "/member/"}).content.decode()

    assert 'name="next" value="/member/"' in page


def test_who_is_signed_in_does_not_sign_in_again(client, ann, owner_of_site):
    client.force_login(ann)
    assert client.get(SIGN_IN).url == "/member/"
    assert client.get(SIGN_IN, {"next": "/orders/1/"}).url == "/orders/1/"
    assert client.get(SIGN_IN, {"next": "//evil.example"}).url == "/member/"

    client.force_login(owner_of_site)
    assert client.get(SIGN_IN).url == "/staff/"


def test_the_field_for_the_code_helps_phones_to_fill_it_in(client, ann, ask):
    ask("ann@example.org")

    page = client.get(TYPE_CODE).content.decode()

    assert 'autocomplete="one-time-code"' in page
    assert 'inputmode="numeric"' in page


@pytest.mark.parametrize(
    "name",
    [
        "account_signup",
        "account_inactive",
        "account_reauthenticate",
        "account_email",
        "account_email_verification_sent",
        "account_change_password",
        "account_set_password",
        "account_reset_password",
    ],
)
def test_what_allauth_offers_besides_is_closed(client, ann, name):
    client.force_login(ann)

    assert client.get(reverse(name)).status_code == 404
    assert client.post(reverse(name), {"email": "eve@example.org"}).status_code == 404


@pytest.mark.parametrize("address", ["/staff/login/", "/_util/login/"])
def test_the_old_doors_sign_nobody_in(client, owner_of_site, address):
    owner_of_site.set_password("a password nobody should have")
    owner_of_site.save()

    answer = client.post(
        address, {"username": "staff@example.org", "password": "a password nobody should have"}
    )

    assert answer.url.startswith(SIGN_IN)
    assert signed_in_as(client) is None


def test_no_log_holds_an_address_or_a_code(client, ann, ask, code, wrong, caplog, settings):
    with caplog.at_level(logging.INFO):
        ask("ann@example.org")
        sent = code()
        client.post(TYPE_CODE, {"code": wrong()})
        client.post(TYPE_CODE, {"code": sent})
        client.post("/account/logout/")
        settings.EMAIL_BACKEND = "tests.accounts.test_sign_in.DownBackend"
        ask("ann@example.org")
        ask("eve@example.org")

    assert caplog.records != []
    told = caplog.text.lower()
    assert "example.org" not in told
    assert sent not in told
    assert sent.replace(" ", "") not in told
