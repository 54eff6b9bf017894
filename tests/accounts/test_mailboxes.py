"""Signing in cannot be turned against anybody: who asks is limited, and never who is asked for."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.cache import caches
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts import codes, limits
from accounts.emails import queue_last_code
from accounts.mailboxes import LETTERS_A_DAY
from accounts.models import CodeMailbox, User
from accounts.operations import open_account
from core.models import RateLimitCounter
from core.rate_limits import TooOften
from tests.accounts.conftest import SIGN_IN, TYPE_CODE
from tests.reading import told_by

pytestmark = pytest.mark.django_db

ANN = "ann@example.org"


@pytest.fixture
def clock():
    """Noon in New York; the clock stands still."""
    with time_machine.travel(datetime(2026, 11, 23, 17, 0, tzinfo=UTC), tick=False) as traveller:
        yield traveller


def stranger(number: int) -> Client:
    """A fresh browser at one of 200 network addresses."""
    return Client(REMOTE_ADDR=f"198.51.{number // 100}.{number % 100}")


def harass(email: str = ANN, times: int = LETTERS_A_DAY) -> list[int]:
    asked = [stranger(n % 200).post(SIGN_IN, {"email": email}) for n in range(times)]
    return [answer.status_code for answer in asked]


def signed_in(browser: Client) -> bool:
    return "_auth_user_id" in browser.session


def last_code(mailoutbox) -> str:
    return re.search(r"^\d{4} \d{4} \d{4}$", mailoutbox[-1].body, re.MULTILINE).group()


def wrong_last_code(mailoutbox) -> str:
    return f"{(int(last_code(mailoutbox).replace(' ', '')) + 1) % 10**12:012d}"


def test_a_stranger_asks_a_thousand_times_and_she_signs_in_within_one_ask(ann, mailoutbox, clock):
    assert set(harass(times=1000)) == {302}
    assert len(mailoutbox) == LETTERS_A_DAY

    browser = Client(REMOTE_ADDR="192.0.2.7")
    asked = browser.post(SIGN_IN, {"email": ANN})
    typed = browser.post(TYPE_CODE, {"code": last_code(mailoutbox)})

    assert (asked.status_code, asked.url) == (302, TYPE_CODE)
    assert typed.url == "/member/"
    assert len(mailoutbox) == LETTERS_A_DAY


def test_the_page_says_the_same_before_and_after_the_last_letter(ann, clock):
    pages = []
    for _ in range(2):
        browser = Client(REMOTE_ADDR="192.0.2.7")
        browser.post(SIGN_IN, {"email": ANN})
        pages.append(told_by(browser.get(TYPE_CODE)))
        harass()

    assert pages[0] == pages[1]


def test_known_and_unknown_mailboxes_that_are_full_get_the_same_answer_at_the_same_cost(
    ann, clock, settings, django_assert_num_queries
):
    settings.TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
    told = []
    for email in (ANN, "eve@example.org"):
        harass(email)
        browser = Client(REMOTE_ADDR="192.0.2.7")
        with django_assert_num_queries(15):
            asked = browser.post(SIGN_IN, {"email": email})
        with django_assert_num_queries(17):
            typed = browser.post(TYPE_CODE, {"code": "1" * 12})
        told.append((asked.status_code, asked.url, told_by(typed).replace(email, "")))

    assert told[0] == told[1]


def test_the_last_code_signs_in_again_and_again_until_the_day_ends(ann, mailoutbox, clock):
    harass()
    code = last_code(mailoutbox)

    for hours in (0, 6, 5.9):
        clock.shift(timedelta(hours=hours))
        browser = Client(REMOTE_ADDR="192.0.2.7")
        browser.post(SIGN_IN, {"email": ANN})
        browser.post(TYPE_CODE, {"code": code})
        assert signed_in(browser)

    clock.shift(timedelta(hours=0.2))
    browser = Client(REMOTE_ADDR="192.0.2.7")
    browser.post(SIGN_IN, {"email": ANN})
    browser.post(TYPE_CODE, {"code": code})
    assert not signed_in(browser)
    assert len(mailoutbox) == LETTERS_A_DAY + 1


def test_the_last_letter_says_until_when_its_code_works(ann, mailoutbox, clock):
    harass()

    assert mailoutbox[-1].subject == "Your code"
    assert "in any browser until midnight Eastern" in " ".join(mailoutbox[-1].body.split())
    assert "15 minutes" not in mailoutbox[-1].body
    assert last_code(mailoutbox) in mailoutbox[-1].alternatives[0].content


def test_each_browser_has_five_tries_at_the_last_code(ann, mailoutbox, clock):
    harass()
    wrong = wrong_last_code(mailoutbox)
    guesser, hers = stranger(150), Client(REMOTE_ADDR="192.0.2.7")
    for browser in (guesser, hers):
        browser.post(SIGN_IN, {"email": ANN})
    for _ in range(5):
        guesser.post(TYPE_CODE, {"code": wrong})
    clock.shift(timedelta(hours=1))
    guesser.post(SIGN_IN, {"email": ANN})

    refused = guesser.post(TYPE_CODE, {"code": last_code(mailoutbox)})
    hers.post(SIGN_IN, {"email": ANN})
    hers.post(TYPE_CODE, {"code": last_code(mailoutbox)})

    assert refused.status_code == 429
    assert (signed_in(guesser), signed_in(hers)) == (False, True)


def test_the_code_of_an_earlier_letter_works_only_where_it_was_asked_for(ann, mailoutbox, clock):
    hers, other = Client(REMOTE_ADDR="192.0.2.7"), Client(REMOTE_ADDR="192.0.2.8")
    hers.post(SIGN_IN, {"email": ANN})
    code = re.search(r"^\d{4} \d{4}$", mailoutbox[0].body, re.MULTILINE).group()
    harass()
    other.post(SIGN_IN, {"email": ANN})

    for browser in (other, hers):
        browser.post(TYPE_CODE, {"code": code})

    assert (signed_in(other), signed_in(hers)) == (False, True)


def test_the_last_code_of_one_mailbox_opens_no_other_account(ann, mailoutbox, clock):
    User.objects.create_user("rose@example.org")
    harass("rose@example.org")
    roses = last_code(mailoutbox)
    browser = Client(REMOTE_ADDR="192.0.2.7")
    browser.post(SIGN_IN, {"email": ANN})

    browser.post(TYPE_CODE, {"code": roses})

    assert not signed_in(browser)


def test_a_new_day_brings_new_letters(ann, mailoutbox, clock):
    harass(times=LETTERS_A_DAY + 3)
    clock.shift(timedelta(hours=12))

    harass(times=3)

    assert len(mailoutbox) == LETTERS_A_DAY + 3


def test_whoever_has_just_paid_gets_a_code_though_many_were_asked_for_before(mailoutbox, clock):
    harass()
    open_account(email=ANN, chosen_name="Ann")

    browser = Client(REMOTE_ADDR="192.0.2.7")
    browser.post(SIGN_IN, {"email": ANN})

    assert [letter.to for letter in mailoutbox] == [[ANN]]


def test_a_mailbox_full_of_letters_that_nobody_got_has_no_last_code(clock):
    harass("eve@example.org")
    seed = CodeMailbox.objects.get().last_seed
    browser = Client(REMOTE_ADDR="192.0.2.7")
    browser.post(SIGN_IN, {"email": "eve@example.org"})

    browser.post(TYPE_CODE, {"code": codes.last_code_of(seed)})

    assert not signed_in(browser)


def test_the_last_letter_is_not_sent_on_another_day(ann, mailoutbox, clock):
    yesterday = timezone.now() - timedelta(hours=13)

    queue_last_code(
        codes.begin(email=ann.email, member=ann, shared_device=False, next_path="", now=yesterday)
    )

    assert mailoutbox == []


def test_one_network_address_asks_twenty_times_a_minute(ann, clock):
    def ask() -> int:
        return Client(REMOTE_ADDR="192.0.2.7").post(SIGN_IN, {"email": "x@example.org"}).status_code

    assert [ask() for _ in range(21)] == [302] * 20 + [429]
    assert stranger(1).post(SIGN_IN, {"email": ANN}).status_code == 302
    clock.shift(timedelta(minutes=1))
    assert ask() == 302


def test_limits_of_signing_in_hold_whatever_happens_to_the_cache(ann, clock):
    browser = Client()
    answers = []
    for _ in range(4):
        caches["default"].clear()
        answers.append(browser.post(SIGN_IN, {"email": ANN}).status_code)

    assert answers == [302, 302, 302, 429]


def test_nothing_that_is_counted_says_who_it_was(ann, clock):
    browser = Client(REMOTE_ADDR="192.0.2.7")
    browser.post(SIGN_IN, {"email": ANN})
    browser.post(TYPE_CODE, {"code": "12345678"})

    kept = str([*RateLimitCounter.objects.values_list(), *CodeMailbox.objects.values_list()])

    assert RateLimitCounter.objects.count() == 4
    assert (ANN in kept, "192.0.2.7" in kept) == (False, False)


def test_what_was_counted_is_forgotten_after_two_days(ann, clock):
    Client().post(SIGN_IN, {"email": ANN})
    clock.shift(timedelta(days=3))

    call_command("forget_addresses")

    assert (RateLimitCounter.objects.count(), CodeMailbox.objects.count()) == (0, 0)


def test_the_second_step_is_limited_in_the_database(ann, clock):
    for _ in range(5):
        limits.count_second_step(ann, now=timezone.now())

    with pytest.raises(TooOften):
        limits.count_second_step(ann, now=timezone.now())
    clock.shift(timedelta(minutes=5))
    limits.count_second_step(ann, now=timezone.now())


def test_a_code_of_the_app_is_right_once(ann, clock):
    limits.has_passed_second_step(ann, "123456", now=timezone.now())

    with pytest.raises(TooOften):
        limits.has_passed_second_step(ann, "123456", now=timezone.now())
