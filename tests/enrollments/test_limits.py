"""Limits: scripts get nowhere, and whoever really buys is not held up."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from uuid import uuid4

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.utils import timezone

from core.models import RateLimitCounter
from core.rate_limits import address_digest
from enrollments.checks import order_limits_can_be_read
from enrollments.errors import TooManyTries
from enrollments.models import Enrollment, Order, Quarter
from enrollments.operations import limits
from enrollments.operations.limits import Kind
from tests.factories.enrollments import bundle, make_code, make_price, make_quarter
from tests.reading import carried_by

pytestmark = pytest.mark.django_db

REAL = "address=5/h,browser=5/h,holds=3,codes=10/h,waitlist=10/h"
SENTENCE = "That is more tries than usual from here."
SCRIPTED_TRIES = 300


@pytest.fixture
def limited(settings):
    settings.ORDER_LIMITS = REAL
    return settings


def send(address: str, *, email: str, at: str = "203.0.113.9", client=None, **typed):
    """The form as a script sends it, which has looked at the page once."""
    carried = {"form_id": str(uuid4()), "shown": shown_at(address)}
    form = {"chosen_name": "Ann", "email": email} | carried | typed
    headers = {"x-forwarded-for": typed.pop("forwarded")} if "forwarded" in typed else {}
    return (client or Client()).post(address, form, REMOTE_ADDR=at, headers=headers)


@lru_cache
def shown_at(address: str) -> str:
    return carried_by(Client().get(address)).get("shown", "")


def pages_made(standin) -> int:
    asked = standin.requests("/v1/checkout/sessions")
    return len([request for request in asked if request["method"] == "POST"])


def enroll_page(quarter: Quarter) -> str:
    return f"/enroll/{quarter.slug}/"


def test_hundreds_of_scripted_tries_make_five_pages_and_take_no_seat_from_a_buyer(
    limited, standin, loaded_site
):
    quarter = make_quarter(capacity=10)
    make_price()
    addresses = [enroll_page(quarter), f"/buy/{bundle().slug}/"]

    answers = [
        send(addresses[n % 2], email=f"bot{n}@example.org", forwarded=f"198.51.100.{n % 250}")
        for n in range(SCRIPTED_TRIES)
    ]
    buyer = send(enroll_page(quarter), email="ann@example.org", at="192.0.2.7")

    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(303), statuses.count(429)) == (5, SCRIPTED_TRIES - 5)
    assert pages_made(standin) == 5 + 1
    assert quarter.enrollments.occupying().count() <= 3 + 1
    assert buyer["Location"].startswith(standin.base_url)


def test_few_seats_are_held_from_one_address_at_a_time(limited, standin, quarter):
    answers = [send(enroll_page(quarter), email=f"bot{n}@example.org") for n in range(4)]

    assert [answer.status_code for answer in answers] == [303, 303, 303, 429]
    assert quarter.enrollments.occupying().count() == 3
    assert (Order.objects.count(), pages_made(standin)) == (3, 3)


def test_over_the_limit_she_reads_a_kind_sentence_and_keeps_what_she_typed(
    limited, standin, quarter
):
    limited.ORDER_LIMITS = "address=1/h"
    send(enroll_page(quarter), email="rose@example.org")

    answer = send(enroll_page(quarter), email="ann@example.org")

    page = answer.content.decode()
    assert (answer.status_code, answer["Retry-After"]) == (429, "3600")
    assert f"{SENTENCE} Nothing was charged. Wait an hour, or write to us." in page
    assert 'value="ann@example.org"' in page
    assert (Order.objects.count(), Enrollment.objects.count()) == (1, 1)


def test_a_browser_is_limited_wherever_it_is_and_whatever_address_is_typed(
    limited, standin, quarter
):
    limited.ORDER_LIMITS = "browser=2/h"
    client = Client()

    answers = [
        send(
            enroll_page(quarter),
            email=f"ann{n}@example.org",
            at=f"203.0.113.{n}",
            client=client,
        )
        for n in range(3)
    ]

    assert [answer.status_code for answer in answers] == [303, 303, 429]
    assert quarter.enrollments.occupying().count() == 1


def test_a_stranger_who_types_her_address_uses_up_nothing_of_hers(limited, standin, quarter):
    stranger = [
        send(enroll_page(quarter), email="ann@example.org", at="198.51.100.7") for _ in range(20)
    ]

    hers = send(enroll_page(quarter), email="ann@example.org")

    assert {answer.status_code for answer in stranger} == {303, 429}
    assert hers["Location"].startswith(standin.base_url)


def test_an_hour_later_she_can_go_on(limited, standin, quarter):
    limited.ORDER_LIMITS = "address=1/h"
    send(enroll_page(quarter), email="rose@example.org")
    RateLimitCounter.objects.update(
        moments=[int((timezone.now() - timedelta(hours=1)).timestamp())]
    )

    answer = send(enroll_page(quarter), email="ann@example.org")

    assert answer.status_code == 303


def test_going_back_to_an_open_page_costs_nothing(limited, standin, quarter):
    limited.ORDER_LIMITS = "address=1/h,browser=1/h"
    client = Client()
    first = send(enroll_page(quarter), email="ann@example.org", client=client)

    again = [send(enroll_page(quarter), email="ann@example.org", client=client) for _ in range(3)]

    assert {answer["Location"] for answer in again} == {first["Location"]}


def test_changing_her_mind_again_and_again_is_limited_and_keeps_the_last_page(
    limited, standin, quarter
):
    make_price()
    client = Client()
    wanted = [{}, {"bundles": [bundle().pk]}] * 3

    answers = [
        send(enroll_page(quarter), email="ann@example.org", client=client, **more)
        for more in wanted
    ]

    assert [answer.status_code for answer in answers] == [303] * 5 + [429]
    assert pages_made(standin) == 5
    assert quarter.enrollments.get().state == Enrollment.State.HELD


def test_failures_of_stripe_are_not_counted_against_her(limited, standin, quarter):
    limited.ORDER_LIMITS = "address=1/h,browser=1/h"
    client = Client()
    standin.fault("500", path="/v1/checkout/sessions", count=6)
    send(enroll_page(quarter), email="ann@example.org", client=client)
    order = Order.objects.get()

    answers = [client.post(f"/orders/{order.uuid}/pay/") for _ in range(3)]

    assert answers[-1]["Location"].startswith(standin.base_url)


def test_too_many_tries_to_pay_are_said_on_the_page_of_the_order(limited, standin, quarter):
    limited.ORDER_LIMITS = "address=1/h"
    client = Client()
    send(enroll_page(quarter), email="ann@example.org", client=client)
    order = Order.objects.get()
    order.attempts.update(state="failed", session_id=None)

    answer = client.post(f"/orders/{order.uuid}/pay/")

    assert answer.status_code == 429
    assert SENTENCE in answer.content.decode()


def test_wrong_codes_are_limited_and_then_a_right_one_is_not_looked_at(limited, standin, quarter):
    make_code()
    typed = [f"WRONG{n}" for n in range(10)] + ["QUIET25"]

    answers = [send(enroll_page(quarter), email="a@example.org", code=code) for code in typed]
    elsewhere = send(enroll_page(quarter), email="b@example.org", code="QUIET25", at="192.0.2.7")

    assert [answer.status_code for answer in answers] == [422] * 10 + [429]
    assert SENTENCE in answers[-1].content.decode()
    assert elsewhere.status_code == 200
    assert standin.requests("/v1/checkout/sessions") == []


def test_right_codes_are_not_counted(limited, standin, quarter):
    limited.ORDER_LIMITS = "codes=1/h"
    make_code()

    answers = [
        send(enroll_page(quarter), email="ann@example.org", code="QUIET25") for _ in range(3)
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 200]


@pytest.mark.parametrize(("proxies", "others"), [(0, 1), (1, 5)], ids=["none", "one of ours"])
def test_only_a_trusted_proxy_says_where_somebody_is(limited, standin, quarter, proxies, others):
    limited.ORDER_LIMITS = "address=1/h"
    limited.TRUSTED_PROXY_COUNT = proxies

    answers = [
        send(
            enroll_page(quarter),
            email=f"b{n}@example.org",
            at="10.0.0.9",
            forwarded=f"198.51.100.{n}",
        )
        for n in range(5)
    ]

    assert [answer.status_code for answer in answers].count(303) == others


def test_what_a_client_adds_in_front_of_a_trusted_proxy_changes_nothing(limited, standin, quarter):
    limited.ORDER_LIMITS = "address=1/h"
    limited.TRUSTED_PROXY_COUNT = 1

    answers = [
        send(
            enroll_page(quarter),
            email=f"b{n}@example.org",
            at="10.0.0.9",
            forwarded=f"10.0.0.{n}, 203.0.113.9",
        )
        for n in range(3)
    ]

    assert [answer.status_code for answer in answers] == [303, 429, 429]


def test_requests_whose_address_cannot_be_told_count_as_one(limited, standin, quarter):
    limited.ORDER_LIMITS = "address=1/h"

    answers = [
        send(enroll_page(quarter), email=f"b{n}@example.org", at=f"nowhere-{n}") for n in range(2)
    ]

    assert [answer.status_code for answer in answers] == [303, 429]


def test_nobodys_address_and_no_email_is_kept_with_the_counts(limited, standin, quarter):
    send(enroll_page(quarter), email="ann@example.org")

    order = Order.objects.get()
    kept = (
        str(list(RateLimitCounter.objects.values_list()))
        + order.address_digest
        + order.browser_digest
    )

    assert "203.0.113.9" not in kept
    assert "ann@example.org" not in kept


def test_one_share_of_the_newer_network_counts_as_one_address():
    digests = {address_digest(f"2001:db8:1:2::{n}") for n in (1, 2, 3)}

    assert len(digests) == 1
    assert address_digest("2001:db8:1:3::1") not in digests


def test_what_is_rolled_back_was_no_try(limited):
    with transaction.atomic():
        limits.count(Kind.BROWSER, "somebody", now=timezone.now())
        transaction.set_rollback(True)

    assert RateLimitCounter.objects.count() == 0


def test_joining_waitlists_is_limited_for_each_address(limited):
    now = timezone.now()
    for _ in range(10):
        limits.count_joining("somewhere", now=now)

    with pytest.raises(TooManyTries):
        limits.count_joining("somewhere", now=now)
    limits.count_joining("elsewhere", now=now)


def test_after_two_days_nothing_says_where_an_order_came_from(limited, standin, quarter, capsys):
    send(enroll_page(quarter), email="ann@example.org")
    long_ago = timezone.now() - timedelta(days=3)
    Order.objects.update(created_at=long_ago)
    RateLimitCounter.objects.update(last_at=long_ago)

    for _ in range(2):
        call_command("forget_addresses")

    order = Order.objects.get()
    assert (RateLimitCounter.objects.count(), order.address_digest, order.browser_digest) == (
        0,
        "",
        "",
    )
    assert capsys.readouterr().out == "addresses forgotten: 3\n"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("off", {}),
        ("", {}),
        ("address=5/h", {Kind.ADDRESS: (5, 3_600)}),
        (" holds=3, browser=2/m", {Kind.HOLDS: (3, 0), Kind.BROWSER: (2, 60)}),
    ],
)
def test_the_setting_is_read(text, read):
    assert limits.limits_in(text) == read


@pytest.mark.parametrize(
    "text", ["address", "address=many/h", "address=5/week", "cards=5/h", "email=5/h"]
)
def test_a_setting_that_cannot_be_read_says_how_to_write_it(text):
    with pytest.raises(ImproperlyConfigured, match="address=5/h"):
        limits.limits_in(text)


def test_the_site_does_not_start_with_limits_that_cannot_be_read(settings):
    settings.ORDER_LIMITS = "address=many"

    assert [problem.id for problem in order_limits_can_be_read()] == ["enrollments.E002"]


def test_the_site_starts_with_its_own_limits(limited):
    assert order_limits_can_be_read() == []
