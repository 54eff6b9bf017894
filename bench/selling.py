"""Sells one seat for each line it reads, and says what that took: ``python -m bench.selling SLUG``.

The operations alone: what is asked of Stripe on the way is not counted.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import django
from django.db import connection
from django.utils import timezone

ORDER_ADDRESS = "http://127.0.0.1/orders/x/"


@contextmanager
def counted(step: str, figures: dict[str, float]) -> Iterator[None]:
    """Keeps how long a step takes and how many queries it makes."""
    queries = 0

    def count(execute: Callable[..., Any], *arguments: Any) -> Any:
        nonlocal queries
        queries += 1
        return execute(*arguments)

    begun = time.perf_counter()
    with connection.execute_wrapper(count):
        yield
    figures[f"{step} ms"] = (time.perf_counter() - begun) * 1000
    figures[f"{step} queries"] = queries


def sell(quarter_id: int) -> dict[str, float]:
    """Hold a seat, and give it to its buyer once it is paid."""
    # Models can be imported once Django is set up.
    from enrollments import stripe_gateway  # noqa: PLC0415
    from enrollments.models import Order  # noqa: PLC0415
    from enrollments.operations import checkout, fulfilment  # noqa: PLC0415

    figures: dict[str, float] = {}
    email = f"{uuid4().hex}@example.org"
    buyer = checkout.Buyer(chosen_name="Ann", email=email, form_id=uuid4())
    with counted("hold", figures):
        order = checkout.enroll(quarter_id=quarter_id, buyer=buyer, now=timezone.now())
    page = checkout.open_checkout(
        order_id=order.pk, order_address=ORDER_ADDRESS, now=timezone.now()
    )
    session = stripe_gateway.get_checkout(page.rpartition("/")[2])
    with counted("fulfil", figures):
        order = fulfilment.settle(session, now=timezone.now())
    if order.state != Order.State.PAID:
        raise ValueError(order.state)
    return figures


def main(slug: str) -> None:
    """Answer each line with the figures of one sale."""
    from enrollments.models import Quarter  # noqa: PLC0415

    quarter = Quarter.objects.get(slug=slug)
    for _ in sys.stdin:
        print(json.dumps(sell(quarter.pk)), flush=True)


if __name__ == "__main__":
    django.setup()
    main(sys.argv[1])
