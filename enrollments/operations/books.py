"""Do the books balance? What must be true after every operation, whatever happened in between.

Each rule is one query, so that the whole can be asked every hour however many orders there are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from enrollments.models import (
    BundleAccess,
    Enrollment,
    Order,
    OrderLine,
    Payment,
    PaymentPlan,
    Quarter,
    Refund,
)
from enrollments.querysets import OCCUPYING

State = Enrollment.State
# Payments that paid for nothing: they are no share of any line, and go back whole.
FOR_NOTHING = (Refund.Reason.PAID_TWICE, Refund.Reason.TOO_MANY_INSTALMENTS)


@dataclass(frozen=True, kw_only=True, order=True)
class Discrepancy:
    """A rule that does not hold, and for which order or quarter."""

    rule: str
    about: str


def discrepancies(now: datetime) -> list[Discrepancy]:
    """Everything that does not balance; empty when all is well. One query for each rule."""
    rules: dict[str, Callable[[datetime], QuerySet[Order] | QuerySet[Quarter]]] = {
        "oversold": _oversold,
        "paid_without_place_or_refund": _paid_without_place_or_refund,
        "access_without_payment": _access_without_payment,
        "payments_are_not_lines": _payments_are_not_lines,
        "more_given_back_than_paid": _more_given_back_than_paid,
        "more_instalments_than_agreed": _more_instalments_than_agreed,
    }
    return [
        Discrepancy(rule=rule, about=str(getattr(row, "uuid", row.pk)))
        for rule, ask in rules.items()
        for row in ask(now)
    ]


def _total(rows: QuerySet[Payment] | QuerySet[Refund], field: str = "amount_cents") -> Coalesce:
    """The sum over rows that refer to the outer row, which they are filtered by already."""
    grouped = rows.order_by().values(_group=Value(1)).annotate(total=Sum(field)).values("total")
    return Coalesce(Subquery(grouped), 0)


def _oversold(_now: datetime) -> QuerySet[Quarter]:
    """More people than seats, or somebody in a seat that is not there."""
    taken = Count("enrollments", filter=Q(enrollments__state__in=OCCUPYING))
    beyond = Q(enrollments__state__in=OCCUPYING, enrollments__seat_number__gt=F("capacity"))
    return Quarter.objects.annotate(taken=taken, beyond=Count("enrollments", filter=beyond)).filter(
        Q(taken__gt=F("capacity")) | Q(beyond__gt=0)
    )


def _paid_without_place_or_refund(_now: datetime) -> QuerySet[Order]:
    """Money kept for something that she does not have, and nobody knows."""
    claimed = _total(Refund.objects.claimed().filter(line=OuterRef("pk")))
    has_place = Q(enrollment__state__in=("enrolled", "completed", "left", "ended"))
    has_access = Q(pk__in=BundleAccess.objects.in_force().exclude(line=None).values("line"))
    taken_back = Q(order__disputes__status="lost")
    lines = (
        OrderLine.objects.filter(paid_cents__gt=0, order__attention="")
        .annotate(claimed=claimed)
        .filter(claimed__lt=F("paid_cents"))
        .exclude(has_place | has_access | taken_back)
    )
    return Order.objects.filter(pk__in=lines.values("order")).exclude(state="refunded")


def _access_without_payment(now: datetime) -> QuerySet[Order]:
    """Something is open that was never paid for, or whose money is back."""
    given_back = _total(Refund.objects.given_back().filter(line=OuterRef("pk")))
    kept_open = Refund.objects.given_back().filter(access_ends_at__gt=now).values("order")
    is_open = Q(enrollment__state__in=("enrolled", "completed")) | Q(
        pk__in=BundleAccess.objects.in_force().exclude(line=None).values("line")
    )
    lines = (
        OrderLine.objects.annotate(given_back=given_back)
        .filter(is_open)
        .filter(
            Q(order__paid_at=None)
            | Q(paid_cents=None)
            | Q(paid_cents__gt=0, given_back__gte=F("paid_cents"))
        )
    )
    return Order.objects.filter(pk__in=lines.values("order")).exclude(pk__in=kept_open)


def _payments_are_not_lines(_now: datetime) -> QuerySet[Order]:
    """What came in is not what its lines say they were paid, without somebody knowing."""
    shares = (
        OrderLine.objects.filter(order=OuterRef("pk"))
        .order_by()
        .values("order")
        .annotate(total=Sum("paid_cents"))
        .values("total")
    )
    for_nothing = Payment.objects.filter(
        order=OuterRef("pk"), refunds__reason__in=FOR_NOTHING, refunds__line=None
    )
    return (
        Order.objects.filter(paid_at__isnull=False)
        .annotate(
            shares=Coalesce(Subquery(shares), 0),
            received=_total(Payment.objects.filter(order=OuterRef("pk"))),
            for_nothing=_total(for_nothing),
        )
        .exclude(received=F("shares") + F("for_nothing"))
    )


def _more_given_back_than_paid(_now: datetime) -> QuerySet[Order]:
    """Or asked for by us. What Stripe's dashboard gave back meanwhile makes Stripe refuse that."""
    of_payment = Refund.objects.filter(payment=OuterRef("pk"))
    asked_for = of_payment.claimed().exclude(reason=Refund.Reason.IN_DASHBOARD)
    payments = Payment.objects.annotate(
        given_back=_total(of_payment.given_back()), asked_for=_total(asked_for)
    ).filter(Q(given_back__gt=F("amount_cents")) | Q(asked_for__gt=F("amount_cents")))
    return Order.objects.filter(pk__in=payments.values("order"))


def _more_instalments_than_agreed(_now: datetime) -> QuerySet[Order]:
    plans = PaymentPlan.objects.annotate(paid=Count("instalments")).filter(
        paid__gt=F("instalment_count")
    )
    return Order.objects.filter(pk__in=plans.values("order"))
