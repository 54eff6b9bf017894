"""A refund's form, pressed by many at the same moment, on a real PostgreSQL: money moves once."""

from __future__ import annotations

from collections import Counter
from uuid import uuid4

import pytest
from django.db import connection

from accounts.models import User
from enrollments.models import Order, Refund
from enrollments.stripe_gateway import list_refunds
from tests.enrollments.desk_cast import answers, browser_of, refund_page
from tests.postgres.crowd import at_once

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="rows are locked on PostgreSQL"),
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]


def money_back(order: Order) -> list[int]:
    """The amounts that Stripe has given back."""
    return [view.amount_cents for view in list_refunds(order.payments.get().payment_intent_id)]


def test_one_form_pressed_ten_times_at_once_is_one_refund(paid):
    owner = User.objects.create_superuser("owner@example.org")
    given = answers(how_much="part", amount="100")

    statuses = at_once([lambda: browser_of(owner).post(refund_page(paid), given).status_code] * 10)

    assert statuses == Counter({302: 10})
    assert money_back(paid) == [10_000]


def test_ten_forms_at_once_never_give_back_more_than_was_paid(paid):
    owner = User.objects.create_superuser("owner@example.org")

    def press() -> int:
        given = answers(form_id=str(uuid4()), how_much="part", amount="250")
        return browser_of(owner).post(refund_page(paid), given).status_code

    statuses = at_once([press] * 10)

    assert statuses == Counter({302: 2, 200: 8})
    assert money_back(paid) == [25_000, 25_000]
    assert Refund.objects.count() == 2
