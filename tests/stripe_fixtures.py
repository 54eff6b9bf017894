"""The Stripe stand-in as a real process, and orders that wait for payment there or were paid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests
import stripe
from django.utils import timezone

from core.models import OutgoingEmail
from devtools.stripe_standin.control import StandIn
from enrollments.models import HelpCode, Order
from enrollments.operations import checkout, codes
from enrollments.operations.fulfilment import fulfil
from tests import calendar
from tests.factories.enrollments import bundle, make_buyer, make_price, make_quarter
from tests.sent_to_stripe import FOREIGN, problems_with

ORDER_ADDRESS = "http://testserver/orders/x/"


@dataclass
class WaitingOrder:
    """An order with a payment page that is open at the stand-in."""

    order: Order
    url: str

    @property
    def session_id(self) -> str:
        return self.order.attempts.last().session_id

    def refreshed(self) -> Order:
        return Order.objects.get(pk=self.order.pk)


@pytest.fixture(scope="session")
def standin_process() -> Iterator[StandIn]:
    """One stand-in for the whole run of this worker; its webhooks go nowhere."""
    with StandIn.start(extra=(calendar.in_step(),)) as process:
        yield process


@pytest.fixture
def standin(standin_process: StandIn, settings) -> Iterator[StandIn]:
    """The stand-in, emptied, with the site pointed at it. What was sent is looked at in the end."""
    standin_process.reset()
    settings.STRIPE_API_BASE = standin_process.base_url
    settings.FORM_ACTION_SOURCES = ["'self'", standin_process.base_url]
    yield standin_process
    if problems := problems_with(standin_process.requests()):
        pytest.fail("\n".join(["This must not be sent to Stripe:", *problems]))


@pytest.fixture
def stripe_is_up(standin) -> None:
    """For tests that need payments to work and look no closer."""


@pytest.fixture
def stripe_sdk(standin) -> stripe.StripeClient:
    """The real SDK, talking to the stand-in as anybody's program might."""
    session = requests.Session()
    session.headers[FOREIGN] = "1"
    return stripe.StripeClient(
        "sk_test_standin_other",
        base_addresses={"api": standin.base_url},
        max_network_retries=0,
        http_client=stripe.RequestsClient(session=session),
    )


def waiting(order: Order) -> WaitingOrder:
    """Open the payment page of ``order``."""
    url = checkout.open_checkout(order_id=order.pk, order_address=ORDER_ADDRESS, now=timezone.now())
    return WaitingOrder(order=order, url=url)


@pytest.fixture
def quarter(loaded_site):
    """The quarter that people in these tests want: open, ten seats, no bundle included."""
    return make_quarter()


@pytest.fixture
def held_order(standin, quarter) -> WaitingOrder:
    """Ann holds a seat and is at the payment page."""
    order = checkout.enroll(quarter_id=quarter.pk, buyer=make_buyer(), now=timezone.now())
    return waiting(order)


@pytest.fixture
def bundle_order(standin, loaded_site) -> WaitingOrder:
    """Ann is at the payment page of the bundle."""
    make_price()
    order = checkout.buy_bundle(bundle_id=bundle().pk, buyer=make_buyer(), now=timezone.now())
    return waiting(order)


@pytest.fixture
def paid(standin: StandIn, held_order: WaitingOrder) -> Order:
    """Ann has paid $600 for her place."""
    standin.pay(held_order.url)
    return fulfil(held_order.session_id, now=timezone.now())


def at_stripe(code: HelpCode) -> HelpCode:
    """The code, of which Stripe was told."""
    codes.publish(code)
    return code


@pytest.fixture
def queued(settings):
    """The letters that wait: tasks are rows, as on the running site, until a worker takes them."""
    settings.TASKS = {
        "default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": ["default"]}
    }
    return OutgoingEmail.objects.filter(kind="order")
