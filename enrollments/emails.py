"""Letters about orders. Each is queued in the transaction that causes it, and names nothing."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse

from core import letters
from core.tasks import letter_task
from enrollments.models import Order
from enrollments.money import written


def queue(letter: str, order: Order) -> None:
    """Have ``templates/letters/<letter>`` sent to the buyer once the transaction is committed."""
    send_order_letter.enqueue(letter, order.pk)


@letter_task
def send_order_letter(letter: str, order_id: int) -> None:
    """Send one letter about an order. The task carries ids only."""
    order = Order.objects.prefetch_related("lines", "payments").get(pk=order_id)
    letters.send_letter(to=order.email, template=letter, context=order_context(order))


def order_context(order: Order) -> dict[str, object]:
    """What a letter about ``order`` may say: discreet names, amounts, and where to sign in."""
    paid_cents = sum(payment.amount_cents for payment in order.payments.all())
    return {
        "name": order.chosen_name,
        "items": [line.discreet_name for line in order.lines.all()],
        "amount": written(paid_cents, order.currency),
        "date": order.paid_at or order.created_at,
        "sign_in_url": settings.BASE_URL + reverse("account_login"),
    }
