"""Which orders this browser began: kept in its session as opaque ids, nothing else.

The browser itself is known by a key that is made up, and kept once it has begun an order.
"""

from __future__ import annotations

from uuid import UUID, uuid4

from django.http import HttpRequest

from enrollments.models import Order

KEY, BROWSER = "orders", "browser"
# More than anybody needs at once; a session must not grow without end.
MOST = 10


def own_orders(request: HttpRequest) -> list[UUID]:
    """The ids of the orders begun here, oldest first."""
    return [UUID(text) for text in request.session.get(KEY, [])]


def browser_key(request: HttpRequest) -> str:
    """What this browser is known by; another one each time, until it has begun an order."""
    return str(request.session.get(BROWSER) or uuid4())


def remember(request: HttpRequest, order: Order, *, browser: str) -> None:
    """Let this browser, known by the key ``browser``, see ``order`` from now on."""
    request.session[BROWSER] = browser
    others = [text for text in request.session.get(KEY, []) if text != str(order.uuid)]
    request.session[KEY] = [*others, str(order.uuid)][-MOST:]


def began_here(request: HttpRequest, order: Order) -> bool:
    """Whether ``order`` was begun in this browser, which may still see it.

    It may not once the member has another address: then she has left this browser behind, too.
    """
    return order.uuid in own_orders(request) and order.address == order.email


def order_to_change(request: HttpRequest) -> Order | None:
    """The waiting order that the address names, if it was begun in this browser."""
    named = request.GET.get("order", "")
    begun = [uuid for uuid in own_orders(request) if str(uuid) == named]
    waiting = Order.objects.filter(uuid__in=begun, state=Order.State.PENDING)
    return waiting.select_related("help_code").first() if begun else None
