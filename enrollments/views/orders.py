"""An order's own page, to which Stripe returns, and the ways on from it.

Once an order is paid its page tells its signed-in member everything, and every other browser the
same few words: what became of the payment depends on whether the address has a place or an account
already, and anybody can type anybody's address. The letter says the rest.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from enrollments.browser_orders import began_here
from enrollments.browser_waitlist import offer_for
from enrollments.errors import OrderNotPayable, Refusal, TooManyTries, UnknownCheckout
from enrollments.models import Enrollment, Order, Quarter
from enrollments.operations import checkout, giving_up
from enrollments.operations.fulfilment import fulfil
from enrollments.quotes import quote_for_order
from enrollments.stripe_gateway import GatewayError
from enrollments.zones import zone_name

# After this, a paid order's page names nobody even in its own browser.
NAMED_AFTER_PAYING = timedelta(minutes=30)
# Stripe may know more of these.
OPEN = (Order.State.PENDING, Order.State.PROCESSING)
# Money came, and was not what was agreed.
NOT_AS_AGREED = (Order.State.REVIEW, Order.State.REFUNDED)
# She had it, and has it no more, whatever she paid.
PLACE_IS_OVER = (Enrollment.State.LEFT, Enrollment.State.ENDED, Enrollment.State.REFUNDED)
SESSION_ID = re.compile(r"cs_[A-Za-z0-9_]{1,200}")


def to_payment(request: HttpRequest, order: Order) -> HttpResponse:
    """On to the payment page; or to the order's own page, which says what is the matter.

    Raises:
        CodeNotUsable: Stripe refused the order's code; the order goes on without it.
        TooManyTries: no more payment pages are made in this hour.
    """
    address = reverse("order", args=[order.uuid])
    try:
        url = checkout.open_checkout(
            order_id=order.pk,
            order_address=request.build_absolute_uri(address),
            now=timezone.now(),
        )
    except GatewayError:
        return see_other(f"{address}?unreachable=1")
    except OrderNotPayable:
        return see_other(address)
    return see_other(url)


def see_other(url: str) -> HttpResponse:
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response


def order(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Where Stripe returns to: what has happened to this order, and what happens now.

    Coming here grants nothing. While the order waits, Stripe is asked afresh. Another browser that
    comes from the order's own payment page, as a bank's app or a mail reader's may, reads what to
    do now, without a name and whatever the order's state. To anybody else there is nothing here.
    """
    order = Order.objects.filter(uuid=uuid).first()
    is_own = order is not None and _is_own(request, order)
    if order is None or not (is_own or _comes_from_payment(request, order)):
        return render(request, "enrollments/order_elsewhere.html", status=404)
    unreachable = False
    if order.state in OPEN:
        unreachable = not _brought_up_to_date(request, order)
        order.refresh_from_db()
    if not is_own:
        return render(request, "enrollments/order_received.html")
    if _is_settled(order) and not _is_member(request, order):
        return _received(request, order)
    return _page(
        request,
        order.pk,
        unreachable=unreachable or "unreachable" in request.GET,
        came_back="back" in request.GET,
    )


def _is_settled(order: Order) -> bool:
    """Paid, or free by a code: what followed is for its member and for the letter."""
    return order.paid_at is not None or order.state in NOT_AS_AGREED


def _received(request: HttpRequest, order: Order) -> HttpResponse:
    """What the browser that began a paid order reads; its own words back, for a while."""
    since = timezone.now() - (order.paid_at or order.created_at)
    if since > NAMED_AFTER_PAYING:
        return render(request, "enrollments/order_received.html")
    context = {
        "name": order.chosen_name,
        "email": order.email,
        "has_lessons": order.lines.filter(bundle__isnull=False).exists(),
    }
    return render(request, "enrollments/order_received.html", context)


def _page(request: HttpRequest, order_id: int, **more: object) -> HttpResponse:
    orders = Order.objects.select_related("help_code")
    order = orders.prefetch_related("lines__enrollment__quarter").get(pk=order_id)
    context = {**_order_context(order), **quote_for_order(order).flat(), **more}
    if order.state in checkout.OVER:
        context |= _kept_place(request, order)
    return render(request, "enrollments/order.html", context)


def _is_member(request: HttpRequest, order: Order) -> bool:
    return request.user.is_authenticated and order.member_id == request.user.pk


def _is_own(request: HttpRequest, order: Order) -> bool:
    """Whether it is its member who asks, or the browser that began it."""
    return _is_member(request, order) or began_here(request, order)


def _comes_from_payment(request: HttpRequest, order: Order) -> bool:
    """Whether the address names a payment page of ``order``: only who was there knows one."""
    asked = request.GET.get("session_id", "")
    return bool(SESSION_ID.fullmatch(asked)) and order.attempts.filter(session_id=asked).exists()


def _order_or_404(request: HttpRequest, uuid: UUID) -> Order:
    """The order, to its member and to the browser that began it; to anybody else, nothing."""
    order = get_object_or_404(Order, uuid=uuid)
    if _is_own(request, order):
        return order
    raise Http404


def _brought_up_to_date(request: HttpRequest, order: Order) -> bool:
    """Ask Stripe about the order's latest session; False when there was no answer."""
    latest = order.attempts.exclude(session_id=None).last()
    asked = request.GET.get("session_id", "")
    session_id = latest.session_id if latest else asked if SESSION_ID.fullmatch(asked) else ""
    if not session_id:
        return True
    try:
        fulfil(session_id, now=timezone.now())
    except UnknownCheckout:
        return True
    except GatewayError:
        return False
    return True


def _order_context(order: Order) -> dict[str, object]:
    lines = list(order.lines.all())
    enrollment = next((e for line in lines if (e := getattr(line, "enrollment", None))), None)
    first = enrollment.quarter.first_meeting() if enrollment else None
    return {
        "order": order,
        "state": order.state,
        "name": order.chosen_name,
        "email": order.email,
        "is_workshop": enrollment is not None,
        "is_off": enrollment is not None and enrollment.quarter.state == Quarter.State.CANCELLED,
        "place_is_over": enrollment is not None and enrollment.state in PLACE_IS_OVER,
        "has_bundle": any(line.bundle_id for line in lines),
        "first_meeting": first.local_start(enrollment.quarter.zone)
        if first and enrollment
        else None,
        "zone": enrollment.quarter.time_zone if enrollment else "",
        "zone_name": zone_name(enrollment.quarter.time_zone) if enrollment else "",
        "held_until": _held_until(enrollment),
        "start_again_url": "" if order.paid_at else _start_again_url(order),
    }


def _held_until(enrollment: Enrollment | None) -> datetime | None:
    """On the clocks of the group."""
    if enrollment is None or enrollment.hold_expires_at is None:
        return None
    return enrollment.hold_expires_at.astimezone(enrollment.quarter.zone)


def _kept_place(request: HttpRequest, order: Order) -> dict[str, object]:
    """The way back to a place that the waitlist still keeps for her, and until when."""
    line = order.lines.exclude(quarter=None).select_related("quarter").first()
    entry = offer_for(request, line.quarter) if line and line.quarter else None
    if entry is None:
        return {}
    # At least until then, while the letter that begins her time has not gone out.
    until = entry.offered_until or entry.end_of_offer(timezone.now())
    return {
        "kept_until": until,
        "zone": entry.quarter.time_zone,
        "start_again_url": reverse("waitlist_offer", args=[entry.uuid]),
    }


def _start_again_url(order: Order) -> str:
    line = order.lines.select_related("quarter", "bundle").first()
    if line is None:
        return "/"
    if line.quarter:
        return reverse("enroll", args=[line.quarter.slug])
    return reverse("buy", args=[line.bundle.slug]) if line.bundle else "/"


@require_POST
def pay(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Go on to the payment page of an order that is still waiting."""
    order = _order_or_404(request, uuid)
    try:
        return to_payment(request, order)
    except Refusal as error:
        page = _page(request, order.pk, refusal=error.sentence)
        page.status_code = 429 if isinstance(error, TooManyTries) else 409
        return page


@require_POST
def cancel(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Give the order and its seat back. One that was paid meanwhile stays paid."""
    order = _order_or_404(request, uuid)
    address = reverse("order", args=[order.uuid])
    try:
        giving_up.give_up(order_id=order.pk, now=timezone.now())
    except GatewayError:
        return see_other(f"{address}?unreachable=1")
    return see_other(address)
