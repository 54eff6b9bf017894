"""Enrolling, buying, and the page to which Stripe returns. They translate; operations decide."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from enrollments.browser_orders import began_here, own_orders, remember
from enrollments.errors import OrderNotPayable, Refusal, UnknownCheckout
from enrollments.forms import BuyerForm, MemberBuyerForm
from enrollments.models import BundlePrice, Order, Quarter
from enrollments.money import written
from enrollments.offers import zone_name
from enrollments.operations import checkout
from enrollments.operations.fulfilment import fulfil
from enrollments.stripe_gateway import GatewayError

# After this, a paid order's page asks even its own browser to sign in.
READABLE_AFTER_PAYING = timedelta(minutes=30)
SESSION_ID = re.compile(r"cs_[A-Za-z0-9_]{1,200}")


@require_http_methods(["GET", "POST"])
def enroll(request: HttpRequest, slug: str) -> HttpResponse:
    """The enroll page of a quarter: a name, an email, then the payment page."""
    quarters = Quarter.objects.shown().with_seats_left().select_related("workshop")
    quarter = get_object_or_404(quarters.prefetch_related("meetings"), slug=slug)
    seats_left: int = quarter.seats_left  # type: ignore[attr-defined]
    return _buy(
        request,
        template="enrollments/enroll.html",
        context={
            "quarter": quarter,
            "state": quarter.enrolling_state(timezone.now(), seats_left),
            "first_meeting": quarter.meetings.all()[0].local_start(quarter.zone),
            "zone_name": zone_name(quarter.time_zone),
            "discreet_name": quarter.workshop.discreet_name,
            "program_url": quarter.workshop.get_url(request),
            "price": written(quarter.price_cents, quarter.currency),
            "is_sample": quarter.is_sample,
        },
        place=lambda buyer: checkout.enroll(quarter_id=quarter.pk, buyer=buyer, now=timezone.now()),
    )


@require_http_methods(["GET", "POST"])
def buy(request: HttpRequest, slug: str) -> HttpResponse:
    """The page on which a bundle is bought alone."""
    prices = BundlePrice.objects.shown().filter(bundle__live=True).select_related("bundle")
    price = get_object_or_404(prices, bundle__slug=slug)
    return _buy(
        request,
        template="enrollments/buy.html",
        context={
            "state": "open",
            "discreet_name": price.bundle.discreet_name,
            "program_url": price.bundle.get_url(request),
            "lesson_count": price.bundle.lesson_count(),
            "price": written(price.price_cents, price.currency),
            "is_sample": price.is_sample,
        },
        place=lambda buyer: checkout.buy_bundle(
            bundle_id=price.bundle_id, buyer=buyer, now=timezone.now()
        ),
    )


def _buy(
    request: HttpRequest,
    *,
    template: str,
    context: dict[str, object],
    place: Callable[[checkout.Buyer], Order],
) -> HttpResponse:
    form = _buyer_form(request)
    refusal = ""
    if request.method == "POST" and form.is_valid():
        try:
            return _begin(request, place(form.buyer(own_orders(request))))
        except Refusal as error:
            refusal = error.sentence
        except GatewayError:
            refusal = "We could not reach the payment page. Nothing was charged. Try again."
    status = 200 if request.method == "GET" else 409 if refusal else 422
    context |= {"form": form, "refusal": refusal}
    return render(request, template, context, status=status)


def _buyer_form(request: HttpRequest) -> BuyerForm:
    data = request.POST if request.method == "POST" else None
    if isinstance(request.user, User):
        return MemberBuyerForm(request.user, data)
    return BuyerForm(data)


def _begin(request: HttpRequest, order: Order) -> HttpResponse:
    remember(request, order)
    return _to_payment(request, order)


def _to_payment(request: HttpRequest, order: Order) -> HttpResponse:
    """On to the payment page; or to the order's own page, which says what is the matter."""
    address = reverse("order", args=[order.uuid])
    try:
        url = checkout.open_checkout(
            order_id=order.pk,
            order_address=request.build_absolute_uri(address),
            now=timezone.now(),
        )
    except GatewayError:
        return _see_other(f"{address}?unreachable=1")
    except OrderNotPayable:
        return _see_other(address)
    return _see_other(url)


def _see_other(url: str) -> HttpResponse:
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response


def order(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Where Stripe returns to: what has happened to this order, and what happens now.

    Coming here grants nothing. While the order waits, Stripe is asked afresh.
    """
    order = _order_or_404(request, uuid)
    if _is_closed_to_this_browser(request, order):
        return redirect("account_login")
    unreachable = False
    if order.state in (Order.State.PENDING, Order.State.PROCESSING):
        unreachable = not _brought_up_to_date(request, order)
    order = Order.objects.prefetch_related("lines__enrollment__quarter").get(pk=order.pk)
    return render(
        request,
        "enrollments/order.html",
        _order_context(order)
        | {
            "unreachable": unreachable or "unreachable" in request.GET,
            "came_back": "back" in request.GET,
        },
    )


def _order_or_404(request: HttpRequest, uuid: UUID) -> Order:
    """The order, to its member and to the browser that began it; to anybody else, nothing."""
    order = get_object_or_404(Order, uuid=uuid)
    is_hers = request.user.is_authenticated and order.member_id == request.user.pk
    if is_hers or began_here(request, order):
        return order
    raise Http404


def _is_closed_to_this_browser(request: HttpRequest, order: Order) -> bool:
    return bool(
        order.paid_at
        and not request.user.is_authenticated
        and timezone.now() - order.paid_at > READABLE_AFTER_PAYING
    )


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
    first = enrollment.quarter.meetings.first() if enrollment else None
    return {
        "order": order,
        "state": order.state,
        "name": order.chosen_name,
        "email": order.email,
        "items": [line.discreet_name for line in lines],
        "amount": written(order.total_cents, order.currency),
        "is_workshop": enrollment is not None,
        "first_meeting": first.local_start(enrollment.quarter.zone)
        if first and enrollment
        else None,
        "zone_name": zone_name(enrollment.quarter.time_zone) if enrollment else "",
        "held_until": enrollment.hold_expires_at if enrollment else None,
        "start_again_url": _start_again_url(order),
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
    return _to_payment(request, _order_or_404(request, uuid))


@require_POST
def cancel(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Give the order and its seat back. One that was paid meanwhile stays paid."""
    order = _order_or_404(request, uuid)
    address = reverse("order", args=[order.uuid])
    try:
        checkout.give_up(order_id=order.pk, now=timezone.now())
    except GatewayError:
        return _see_other(f"{address}?unreachable=1")
    return _see_other(address)
