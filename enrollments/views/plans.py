"""A member's own monthly payments: what was paid, and the ways to Stripe's pages about them."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from enrollments.models import PaymentPlan
from enrollments.money import written
from enrollments.operations import plans
from enrollments.stripe_gateway import GatewayError
from enrollments.views.orders import see_other


@require_GET
@login_required
def plan(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Her payments so far, and the button to change how she pays.

    While one is missing, Stripe is asked afresh: she may just have come back from there.
    """
    plan = _plan_or_404(request, uuid)
    unreachable = "unreachable" in request.GET
    if plan.is_overdue:
        try:
            plans.bring_up_to_date(plan_id=plan.pk, now=timezone.now())
        except GatewayError:
            unreachable = True
        plan = _plan_or_404(request, uuid)
    context = _context(plan) | {"unreachable": unreachable}
    return render(request, "enrollments/plan.html", context)


def _plan_or_404(request: HttpRequest, uuid: UUID) -> PaymentPlan:
    """The plan of an order, to the member whose order it is; to anybody else, nothing."""
    hers = PaymentPlan.objects.filter(order__member=request.user.pk)
    hers = hers.select_related("order").prefetch_related("instalments", "order__lines")
    plan = hers.filter(order__uuid=uuid).first()
    if plan is None:
        raise Http404
    return plan


def _context(plan: PaymentPlan) -> dict[str, object]:
    paid = list(plan.instalments.all())
    currency = plan.order.currency
    return {
        "order": plan.order,
        "state": plan.state,
        "item": next(line.discreet_name for line in plan.order.lines.all() if line.quarter_id),
        "count": plan.instalment_count,
        "each": written(plan.instalment_cents, currency),
        "total": written(plan.instalment_count * plan.instalment_cents, currency),
        "paid": [
            {"number": i.number, "amount": written(i.amount_cents, currency), "date": i.paid_at}
            for i in paid
        ],
        "left": plan.instalment_count - len(paid),
        "open_until": plan.grace_ends_at,
        "is_stopped": plan.subscription_ended_at is not None,
    }


@require_POST
@login_required
def portal(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """On to Stripe's page for her card: a new one for every click, for her own plan only."""
    plan = _plan_or_404(request, uuid)
    address = reverse("plan", args=[uuid])
    try:
        url = plans.portal_page(plan, return_url=request.build_absolute_uri(address))
    except GatewayError:
        return see_other(f"{address}?unreachable=1")
    return see_other(url)


@require_GET
@login_required
def pay(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """On to the page where an unpaid instalment can be paid, or confirmed to her bank."""
    plan = _plan_or_404(request, uuid)
    address = reverse("plan", args=[uuid])
    try:
        url = plans.page_to_pay(plan, now=timezone.now())
    except GatewayError:
        return see_other(f"{address}?unreachable=1")
    return see_other(url or address)
