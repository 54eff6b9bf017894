"""Stripe's stand-in, waiting and paid orders, and who is about, for every test of enrollments."""

from __future__ import annotations

import pytest
from django.core import mail

from tests.enrollments.buyers import NAMES, buys, orders
from tests.factories.enrollments import make_member
from tests.stripe_fixtures import *  # noqa: F403
from tests.stripe_fixtures import WaitingOrder


@pytest.fixture
def staff(db):
    """Somebody of the practice; operations ask no permission, they write down who it was."""
    return make_member("staff@example.org", is_staff=True)


@pytest.fixture
def three(standin, quarter) -> list[WaitingOrder]:
    """Ann, Rose and Zoe have paid for their places, and their letters are forgotten."""
    paid = [buys(standin, quarter, name) for name in NAMES]
    mail.outbox.clear()
    return paid


@pytest.fixture
def at_the_page(standin, quarter) -> WaitingOrder:
    """May is at the payment page."""
    return orders(quarter, "may")
