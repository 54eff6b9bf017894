"""A storm of webhooks over HTTP, on a real PostgreSQL: forged, repeated, shuffled, some cut off.

Bounded here; ten thousand by hand: ``make prove``, or ``PROOF_WEBHOOKS=10000 DATABASE_URL=…
pytest tests/proof/test_webhook_storm.py -s``, which prints what it did. Another storm comes of
another ``PROOF_SEED``.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.client import HTTPConnection, HTTPException
from threading import Event, Thread

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from enrollments.models import BundleAccess, MoneySettings, Order, StripeEvent
from enrollments.operations import checkout, inbox, refunds_at_stripe
from enrollments.operations.reconcile import reconcile
from tests.enrollments.events import SECRET, signature
from tests.factories.enrollments import bundle, make_buyer, make_price, make_quarter
from tests.postgres.crowd import open_door
from tests.proof import reckoning
from tests.proof.shop import Shop
from tests.proof.sizes import size

pytestmark = [
    pytest.mark.proof,
    pytest.mark.postgres,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="many write at the same time"),
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]

WEBHOOKS = size("PROOF_WEBHOOKS", 2_000)
SEED = size("PROOF_SEED", 1)
SENDERS = 16
# Each event comes one to five times, and a life of an order has about so many.
EVENTS_PER_ORDER = 5.5
TIMES = (1, 5)
FORGED, FAULTY = 0.05, 0.1
FORGERIES = ("secret", "old", "altered", "unsigned")
BETWEEN_CUTS = 0.3
LIVES = (
    "paid",
    "paid",
    "paid",
    "bank_settles",
    "bank_fails",
    "expires",
    "refunded",
    "refunded_in_part",
    "refund_fails",
    "disputed",
    "dispute_won",
    "dispute_lost",
)


@dataclass
class Delivery:
    """One attempt to deliver an event, and what was answered; ``forgery`` says what is wrong."""

    event: dict
    forgery: str = ""
    status: int = 0


@dataclass
class Storm:
    """What was delivered, and what came of it."""

    deliveries: list[Delivery]
    seconds: float = 0.0
    cuts: int = 0
    taken: set[str] = field(default_factory=set)

    def report(self) -> str:
        counts = Counter(delivery.status for delivery in self.deliveries)
        forged = sum(bool(delivery.forgery) for delivery in self.deliveries)
        return (
            f"{len(self.deliveries)} webhooks in {self.seconds:.1f} s, "
            f"{len(self.deliveries) / self.seconds:.0f} per second; answers {dict(counts)}; "
            f"{forged} forged, {self.cuts} connections cut"
        )


def live(life: str, url: str, session_id: str, standin, stripe_sdk) -> None:
    """What happens at Stripe to one order."""
    if life == "expires":
        stripe_sdk.v1.checkout.sessions.expire(session_id)
        return
    if life.startswith("bank"):
        standin.pay_by_bank(url)
        (standin.settle if life == "bank_settles" else standin.fail)(session_id)
        return
    standin.pay(url)
    intent = stripe_sdk.v1.checkout.sessions.retrieve(session_id).payment_intent
    match life:
        case "refunded":
            standin.refund(intent)
        case "refunded_in_part":
            standin.refund(intent, amount=1_000)
        case "refund_fails":
            standin.fail_refund(standin.refund(intent)["id"])
        case "disputed":
            standin.dispute(intent)
        case "dispute_won" | "dispute_lost":
            dispute = standin.dispute(intent)
            standin.change_dispute(dispute["id"], life.removeprefix("dispute_"))


@pytest.fixture
def lives(shop, standin, stripe_sdk) -> dict[str, str]:
    """Many orders at Stripe, of whose lives the site has heard nothing; the life of each."""
    standin.set_webhook("http://127.0.0.1:9/stripe/webhook/")
    standin.hold_webhooks()
    make_price()
    MoneySettings.objects.update_or_create(defaults={"pauses_access_on_dispute": True})
    quarter = make_quarter(capacity=10_000)
    lives = {}
    mean_times = sum(TIMES) / 2
    for number in range(max(len(LIVES), int(WEBHOOKS / EVENTS_PER_ORDER / mean_times))):
        buyer = make_buyer(email=f"buyer{number}@example.org")
        now = timezone.now()
        if number % 5:
            order = checkout.enroll(quarter_id=quarter.pk, buyer=buyer, now=now)
        else:
            order = checkout.buy_bundle(bundle_id=bundle().pk, buyer=buyer, now=now)
        url = checkout.open_checkout(order_id=order.pk, order_address="http://x/", now=now)
        life = LIVES[number % len(LIVES)]
        live(life, url, order.attempts.get().session_id, standin, stripe_sdk)
        lives[str(order.uuid)] = life
    return lives


def planned(events: list[dict], dice: random.Random) -> Storm:
    """Every event one to five times, some forged copies, all of it shuffled, and the rest lost."""
    deliveries = [Delivery(event) for event in events for _ in range(dice.randint(*TIMES))]
    forged = dice.sample(deliveries, int(len(deliveries) * FORGED))
    deliveries += [Delivery(each.event, dice.choice(FORGERIES)) for each in forged]
    dice.shuffle(deliveries)
    return Storm(deliveries[:WEBHOOKS])


def order_faults(standin, events: list[dict], dice: random.Random) -> None:
    """Stripe fails twice, and so the SDK's second try too, on some objects that it is asked for."""
    objects = {e["data"]["object"]["id"] for e in events if e["type"] in inbox.HANDLED}
    for object_id in dice.sample(sorted(objects), int(len(objects) * FAULTY)):
        standin.fault(dice.choice(["500", "503", "lost", "429"]), f"/{object_id}", count=2)


def send(port: int, delivery: Delivery) -> None:
    """Deliver over HTTP; a line that breaks is no answer."""
    body = json.dumps(delivery.event)
    stamp = time.time() - (86_400 if delivery.forgery == "old" else 0)
    secret = "whsec_somebody_else" if delivery.forgery == "secret" else SECRET
    signed = "" if delivery.forgery == "unsigned" else signature(body, secret=secret, at=stamp)
    if delivery.forgery == "altered":
        body = body.replace('"object"', '"Object"', 1)
    headers = {"Content-Type": "application/json", "Stripe-Signature": signed}
    line = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        line.request("POST", "/stripe/webhook/", body, headers)
        delivery.status = line.getresponse().status
    except (HTTPException, OSError):
        delivery.status = 0
    finally:
        line.close()


@contextmanager
def cutting_connections(storm: Storm) -> Iterator[None]:
    """Again and again some connection of the site to its database is cut, in mid-sentence."""
    calm, own = Event(), connection.connection.info.backend_pid

    def saboteur() -> None:
        parameters = connection.get_connection_params()
        names = ("host", "port", "user", "password", "dbname")
        place = {name: parameters[name] for name in names if parameters.get(name)}
        with psycopg.connect(autocommit=True, **place) as line:
            while not calm.wait(BETWEEN_CUTS):
                cut = line.execute(CUT_ONE, [own]).fetchone()
                storm.cuts += bool(cut and cut[0])

    thread = Thread(target=saboteur)
    thread.start()
    try:
        yield
    finally:
        calm.set()
        thread.join()


CUT_ONE = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid NOT IN (pg_backend_pid(), %s)
    ORDER BY random() LIMIT 1
"""


def rage(storm: Storm) -> None:
    """Everything is delivered, by many senders at the same time."""
    begun = time.perf_counter()
    with open_door() as port, cutting_connections(storm), ThreadPoolExecutor(SENDERS) as senders:
        list(senders.map(lambda delivery: send(port, delivery), storm.deliveries))
    storm.seconds = time.perf_counter() - begun
    storm.taken = {d.event["id"] for d in storm.deliveries if d.status == 200}


def deliver_what_was_not_taken(events: list[dict], storm: Storm) -> int:
    """As Stripe does for days; how many events it was."""
    again = [Delivery(event) for event in events if event["id"] not in storm.taken]
    with open_door() as port:
        for delivery in again:
            send(port, delivery)
    assert {delivery.status for delivery in again} <= {200}
    return len(again)


def test_after_a_storm_of_webhooks_everything_stands_as_stripe_has_it(shop, lives, standin):
    dice = random.Random(SEED)
    events = standin.events()
    storm = planned(events, dice)
    order_faults(standin, events, dice)

    rage(storm)

    # Its figures are wanted whenever it runs.
    print(f"\n{len(lives)} orders, {len(events)} events: {storm.report()}")  # noqa: T201
    assert {d.status for d in storm.deliveries if d.forgery} == {400}
    assert {d.status for d in storm.deliveries if not d.forgery} <= {0, 200, 500, 503}
    assert_errors_are_kept(storm)
    standin.forget_faults()
    again = deliver_what_was_not_taken(events, storm)
    print(f"{again} events were delivered later")  # noqa: T201
    assert_everything_stands(shop, lives)


def assert_errors_are_kept(storm: Storm) -> None:
    """A row says what failed, and none does of an event that was always taken."""
    refused = {d.event["id"] for d in storm.deliveries if d.status not in (200, 400)}
    failed = StripeEvent.objects.filter(outcome=StripeEvent.Outcome.ERROR)
    assert failed
    assert all(row.error for row in failed)
    assert {row.pk for row in failed} <= refused


def assert_everything_stands(shop: Shop, lives: dict[str, str]) -> None:
    for _ in range(2):
        reconcile(now=timezone.now() + timedelta(minutes=3))
        refunds_at_stripe.send_waiting_refunds(now=timezone.now())
        shop.work()
    found = {str(order.uuid): stands(order) for order in Order.objects.all()}
    assert found == {uuid: ORACLE[life] for uuid, life in lives.items()}
    reckoning.check_payments_against_stripe(shop)
    reckoning.check_refunds_against_stripe(shop)
    reckoning.check_disputes_against_stripe(shop)
    reckoning.check_letters()
    reckoning.check_a_step(timezone.now())


def stands(order: Order) -> tuple[str, bool, str]:
    """Its state, whether something of it is hers, and what that rests for."""
    has_place = order.lines.filter(enrollment__state="enrolled").exists()
    has_bundle = BundleAccess.objects.in_force().filter(line__order=order).exists()
    return order.state, has_place or has_bundle, order.paused_for


# What must have come of each life: its state, whether something is hers, and what it rests for.
ORACLE = {
    "paid": ("paid", True, ""),
    "bank_settles": ("paid", True, ""),
    "bank_fails": ("failed", False, ""),
    "expires": ("expired", False, ""),
    "refunded": ("refunded", False, ""),
    "refunded_in_part": ("paid", True, ""),
    "refund_fails": ("paid", True, ""),
    "disputed": ("paid", True, "dispute"),
    "dispute_won": ("paid", True, ""),
    "dispute_lost": ("paid", False, ""),
}
