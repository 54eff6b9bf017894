"""The waitlist: joining it, taking the place that was offered, and leaving.

A link from a letter opens what belongs to its entry, in any browser in which nobody else is signed
in. Whoever only typed an address is told the same whether it was known or not.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.client_address import client_digest
from enrollments.browser_orders import began_here
from enrollments.browser_waitlist import noted_here, remember_joining, remember_offer
from enrollments.errors import OfferOver, Refusal, SeatsAreFree, TooManyTries
from enrollments.forms import waitlist_form
from enrollments.models import Order, Quarter, WaitlistEntry
from enrollments.operations import checkout, limits
from enrollments.operations import waitlist as operations
from enrollments.views.buying import (
    AnyOrderForm,
    Sale,
    enroll_instead,
    facts_of,
    member_of,
    quarter_sale,
    sell,
    shown_quarter,
    state_for,
)
from enrollments.views.orders import see_other

State = WaitlistEntry.State


# --- joining --------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
def join(request: HttpRequest, slug: str) -> HttpResponse:
    """The page on which somebody joins the list of a full quarter."""
    quarter = shown_quarter(slug)
    if request.method == "POST":
        return _joined(request, quarter)
    if state_for(request, quarter) in ("open", "hers"):
        return redirect("enroll", slug=slug)
    return _join_page(request, quarter, waitlist_form(member_of(request)))


def _joined(request: HttpRequest, quarter: Quarter) -> HttpResponse:
    form = waitlist_form(member_of(request), request.POST)
    if state_for(request, quarter) == "hers":
        return see_other(reverse("enroll", args=[quarter.slug]))
    if not form.is_valid():
        return _join_page(request, quarter, form, status=422)
    try:
        _join_as(request, quarter, form.cleaned_data["email"], form.cleaned_data["chosen_name"])
    except SeatsAreFree:
        return enroll_instead(request, quarter, form.cleaned_data)
    except Refusal as error:
        return _join_page(request, quarter, form, refusal=error, status=409)
    return see_other(reverse("waitlist_joined", args=[quarter.slug]))


def _join_as(request: HttpRequest, quarter: Quarter, email: str, chosen_name: str) -> None:
    """Put ``email`` on the list, and remember what this browser may be told of it."""
    limits.count_joining(client_digest(request), now=timezone.now())
    before = noted_here(request, quarter)
    noted = operations.join(
        quarter_id=quarter.pk,
        email=email,
        chosen_name=chosen_name,
        noted_here=before.entry if before else None,
        now=timezone.now(),
    )
    remember_joining(request, quarter, noted)


def _join_page(
    request: HttpRequest,
    quarter: Quarter,
    form: Any,
    *,
    refusal: Refusal | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        **facts_of(quarter),
        "form": form,
        "state": quarter.enrolling_state(timezone.now(), seats_left=0),
        "refusal": refusal.sentence if refusal else "",
    }
    page = render(request, "enrollments/waitlist.html", context, status=status)
    if isinstance(refusal, TooManyTries):
        page.status_code = 429
        page["Retry-After"] = "3600"
    return page


@require_safe
def joined(request: HttpRequest, slug: str) -> HttpResponse:
    """What was said to this browser when it joined."""
    quarter = shown_quarter(slug)
    noted = noted_here(request, quarter)
    if noted is None:
        return redirect("waitlist", slug=slug)
    context = {**facts_of(quarter), "number": noted.number}
    return render(request, "enrollments/waitlist_joined.html", context)


# --- by a link from a letter ----------------------------------------------------------------


def _entry_or_404(request: HttpRequest, uuid: UUID) -> WaitlistEntry:
    """The entry of a letter's link; nothing, in a browser where somebody else is signed in."""
    entries = WaitlistEntry.objects.select_related("quarter__workshop", "seat__line__order")
    entries = entries.filter(quarter__in=Quarter.objects.shown())
    entry = get_object_or_404(entries.prefetch_related("quarter__meetings"), uuid=uuid)
    member = member_of(request)
    if member and member.email != entry.email:
        raise Http404
    return entry


@require_http_methods(["GET", "POST"])
def offer(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The place that is kept for somebody: what it is, until when, and taking it."""
    entry = _entry_or_404(request, uuid)
    state, order = _state_of(entry), _waiting_order(entry)
    if request.method == "POST" and (bought := _order_bought_here(request, entry)):
        return see_other(reverse("order", args=[bought.uuid]))
    if state == "open" and request.method == "POST":
        remember_offer(request, entry)
        return sell(request, _sale_of_kept_place(request, entry))
    if order and began_here(request, order):
        return see_other(reverse("order", args=[order.uuid]))
    if state == "open":
        return sell(request, _sale_of_kept_place(request, entry))
    context = {**facts_of(entry.quarter), "entry": entry, "state": state}
    status = 409 if request.method == "POST" else 200
    return render(request, "enrollments/waitlist_offer.html", context, status=status)


def _order_bought_here(request: HttpRequest, entry: WaitlistEntry) -> Order | None:
    """The order of this browser with which the place that was offered has been paid for."""
    order = entry.seat.line.order if entry.seat and entry.seat.line else None
    waits_or_is_over = (Order.State.PENDING, *checkout.OVER)
    if order is None or order.state in waits_or_is_over or not began_here(request, order):
        return None
    return order


def _waiting_order(entry: WaitlistEntry) -> Order | None:
    """The order that waits to be paid for the place that was offered."""
    line = entry.seat.line if entry.seat and entry.state == State.OFFERED else None
    if line is None or line.order.state != Order.State.PENDING:
        return None
    return line.order


def _state_of(entry: WaitlistEntry) -> str:
    """``open``, ``paying``, ``waiting``, ``yours``, ``over``, ``left`` or ``closed``."""
    if entry.is_in_line and not _can_be_enrolled(entry.quarter):
        return "closed"
    if entry.state != State.OFFERED:
        return {
            State.WAITING: "waiting",
            State.ACCEPTED: "yours",
            State.PASSED: "over",
            State.LEFT: "left",
            State.CLOSED: "closed",
        }[State(entry.state)]
    if not entry.is_lapsed(timezone.now()):
        return "open" if entry.is_kept_open or _waiting_order(entry) else "paying"
    return "over" if entry.is_kept_open else "paying"


def _can_be_enrolled(quarter: Quarter) -> bool:
    return quarter.enrolling_state(timezone.now(), seats_left=1) == "open"


def _sale_of_kept_place(request: HttpRequest, entry: WaitlistEntry) -> Sale:
    def once_over(error: Refusal, _form: AnyOrderForm) -> dict[str, object]:
        return {"state": "over"} if isinstance(error, OfferOver) else {}

    return quarter_sale(
        request,
        entry.quarter,
        template="enrollments/waitlist_offer.html",
        context={"entry": entry, "state": "open"},
        after=once_over,
        kept_for=entry,
    )


@require_http_methods(["GET", "POST"])
def place(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Where somebody stands in line, with the button to leave it."""
    entry = _entry_or_404(request, uuid)
    if request.method == "POST":
        operations.leave(entry_id=entry.pk, now=timezone.now())
        return see_other(reverse("waitlist_place", args=[entry.uuid]))
    context = {**facts_of(entry.quarter), "entry": entry, "state": _state_of(entry)}
    return render(request, "enrollments/waitlist_place.html", context)


@require_POST
def again(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Back on the list, at its end, with the name and the address of an earlier entry."""
    entry = _entry_or_404(request, uuid)
    quarter = entry.quarter
    try:
        _join_as(request, quarter, entry.email, entry.chosen_name)
    except SeatsAreFree:
        return see_other(reverse("enroll", args=[quarter.slug]))
    except Refusal as error:
        known = {"email": entry.email, "chosen_name": entry.chosen_name}
        form = waitlist_form(member_of(request), initial=known)
        return _join_page(request, quarter, form, refusal=error, status=409)
    hers = quarter.waitlist.in_line().filter(email=entry.email).first()
    # Whoever has a place by now need not wait.
    return redirect("waitlist_place", uuid=hers.uuid) if hers else redirect("account_login")
