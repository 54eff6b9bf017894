"""The desks of enrollments and orders, to read: they are about people, and written elsewhere."""

# ruff: noqa: ARG002 (hooks of Wagtail and Django keep their signatures)

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib.admin import display
from django.db.models import Case, IntegerField, Prefetch, Q, QuerySet, Value, When
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import User
from enrollments.desks.base import Desk, KnownChoicesFilter, Section, Table
from enrollments.desks.quarters import QuarterFilter
from enrollments.desks.wording import (
    NOTHING,
    name_of_place,
    order_link,
    order_number,
    order_state,
    place_state,
    source_of,
    stacked,
    tag,
    when,
)
from enrollments.models import BundleAccess, Enrollment, Order, OrderLine
from enrollments.money import written

WHAT_TO_DO = {
    Order.Attention.AMOUNT_MISMATCH: "The amount paid is not the amount agreed, so nothing was "
    "granted. Compare the two below with the payment in Stripe, then talk to the buyer.",
    Order.Attention.SEAT_GONE: "This was paid after its hold had ended, and no seat is free any "
    "more. Offer another quarter, or give the money back in Stripe.",
    Order.Attention.PAID_TWICE: "The same thing was paid twice. Give one of the payments back in "
    "Stripe.",
}


class PlaceStateFilter(KnownChoicesFilter):
    title = "state"
    parameter_name = "state"
    lookup = "state"
    offered = Enrollment.State.choices


class OrderStateFilter(KnownChoicesFilter):
    title = "state"
    parameter_name = "state"
    lookup = "state"
    offered = Order.State.choices


class AttentionFilter(KnownChoicesFilter):
    title = "attention"
    parameter_name = "attention"
    lookup = "attention"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        reasons = [(value, label) for value, label in Order.Attention.choices if value]
        return [("any", "Needs a person"), *reasons]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        if self.value() == "any":
            return queryset.exclude(attention="")
        return super().queryset(request, queryset)


class EnrollmentDesk(Desk):
    """Who has which seat."""

    model = Enrollment
    menu_label = "Enrollments"
    menu_icon = "group"
    intro = "Who has which seat. People enroll by themselves; nothing is added here."
    empty_text = "Nobody has enrolled yet. Enrollments appear here as people pay."
    list_display: ClassVar[list[str]] = ["name", "quarter", "seat", "condition", "order", "since"]
    list_filter = (QuarterFilter, PlaceStateFilter)
    search_fields: ClassVar[list[str]] = [
        "member__chosen_name",
        "member__email",
        "line__order__chosen_name",
        "line__order__email",
        "line__order__uuid",
    ]
    search_label = "Search by name, email or order"
    list_select_related: ClassVar[list[str]] = ["member", "quarter", "line__order"]
    ordering: ClassVar[list[str]] = ["-created_at"]

    @display(description="Name")
    def name(self, place: Enrollment) -> str:
        return name_of_place(place)

    @display(description="Seat", ordering="seat_number")
    def seat(self, place: Enrollment) -> str:
        return str(place.seat_number or NOTHING)

    @display(description="State", ordering="state")
    def condition(self, place: Enrollment) -> SafeString:
        return place_state(place)

    @display(description="Order")
    def order(self, place: Enrollment) -> SafeString | str:
        return order_link(place.line.order) if place.line else NOTHING

    @display(description="Since", ordering="created_at")
    def since(self, place: Enrollment) -> SafeString:
        return stacked(place.created_at)

    def name_of(self, row: Enrollment) -> str:
        return name_of_place(row)

    def sections(self, row: Enrollment, user: User) -> Iterable[Section]:
        places = Enrollment.objects.select_related(
            "member", "quarter__workshop", "line__order"
        ).prefetch_related(_access())
        place = places.get(pk=row.pk)
        yield Section(
            heading="Place",
            facts=[
                ("Quarter", f"{place.quarter.label} · {place.quarter.workshop.title}"),
                ("Seat", place.seat_number or NOTHING),
                ("State", place_state(place)),
                ("Since", when(place.created_at)),
                ("Hold ends", when(place.hold_expires_at) if place.state == "held" else NOTHING),
            ],
        )
        yield Section(
            heading="Person",
            facts=[
                ("Chosen name", name_of_place(place)),
                ("Email", _email_of(place)),
                ("Joins by", place.get_joins_by_display()),
                ("Small group", place.small_group or NOTHING),
                ("Order", order_link(place.line.order) if place.line else "None"),
            ],
        )
        yield Section(heading="Bundles unlocked with it", table=access_table(place.bundle_access))


def _email_of(place: Enrollment) -> str:
    if place.member:
        return place.member.email
    return place.line.order.email if place.line else NOTHING


def _access() -> Prefetch[Any]:
    return Prefetch("bundle_access", BundleAccess.objects.select_related(*ACCESS_NEEDS))


ACCESS_NEEDS = ("bundle", "line__order", "enrollment__quarter")


def access_table(access: Any) -> Table:
    """Bundles that are or were open, with where each came from."""
    return Table(
        columns=["Bundle", "Where from", "Since", "Taken back"],
        rows=[
            [a.bundle.title, source_of(a), when(a.granted_at), when(a.revoked_at)]
            for a in access.all()
        ],
        empty="No bundle.",
    )


class OrderDesk(Desk):
    """What was agreed and what was paid; first what a person must look at."""

    model = Order
    menu_label = "Orders"
    menu_icon = "clipboard-list"
    intro = "What was agreed and what was paid. What needs a person comes first."
    empty_text = "Nobody has ordered anything yet."
    list_display: ClassVar[list[str]] = ["number", "name", "condition", "total", "placed", "paid"]
    list_filter = (AttentionFilter, OrderStateFilter)
    search_fields: ClassVar[list[str]] = [
        "email",
        "chosen_name",
        "uuid",
        "attempts__session_id",
    ]
    search_label = "Search by name, email or number"
    ordering: ClassVar[list[str]] = ["-needs_a_person", "-created_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        calm = When(attention="", then=Value(0))
        return (
            Order.objects.annotate(
                needs_a_person=Case(calm, default=Value(1), output_field=IntegerField())
            )
            .prefetch_related("lines")
            .order_by(*self.ordering)
        )

    def get_extra_attrs_for_row(self, obj: Order, context: Any) -> dict[str, str]:
        return {"class": "desk-row--alarm"} if obj.attention else {}

    @display(description="Order")
    def number(self, order: Order) -> str:
        return order_number(order)

    @display(description="Name", ordering="chosen_name")
    def name(self, order: Order) -> str:
        return order.chosen_name

    @display(description="State", ordering="state")
    def condition(self, order: Order) -> SafeString:
        if not order.attention:
            return order_state(order)
        why = order.get_attention_display()
        return format_html(
            '{} <span class="desk-under">{}</span>', tag("Needs a person", "alarm"), why
        )

    @display(description="Total")
    def total(self, order: Order) -> str:
        return written(order.total_cents, order.currency)

    @display(description="Placed", ordering="created_at")
    def placed(self, order: Order) -> SafeString:
        return stacked(order.created_at)

    @display(description="Paid", ordering="paid_at")
    def paid(self, order: Order) -> SafeString:
        return stacked(order.paid_at)

    def name_of(self, row: Order) -> str:
        return str(row)

    def notice(self, row: Order) -> str:
        return WHAT_TO_DO.get(Order.Attention(row.attention), "")

    def sections(self, row: Order, user: User) -> Iterable[Section]:
        lines = OrderLine.objects.select_related("quarter__workshop", "bundle")
        order = (
            Order.objects.select_related("member")
            .prefetch_related(Prefetch("lines", lines), "attempts", "payments")
            .get(pk=row.pk)
        )
        places = Enrollment.objects.filter(line__order=order).select_related("quarter", "member")
        access = BundleAccess.objects.filter(
            Q(line__order=order) | Q(enrollment__line__order=order)
        ).select_related(*ACCESS_NEEDS)
        yield Section(heading="Order", facts=_order_facts(order))
        yield Section(heading="What was agreed", table=_lines_table(order))
        yield Section(heading="Payments", table=_payments_table(order))
        yield Section(heading="Attempts to pay", table=_attempts_table(order))
        yield Section(heading="Places", table=_places_table(places))
        yield Section(heading="Bundles unlocked", table=access_table(access))


def _order_facts(order: Order) -> list[tuple[str, object]]:
    account = "Open" if order.member else "None yet; it opens with the payment"
    return [
        ("Number", order.uuid),
        ("Name", order.chosen_name),
        ("Email", order.email),
        ("Account", account),
        ("State", order_state(order)),
        ("Total", written(order.total_cents, order.currency)),
        ("Placed", when(order.created_at)),
        ("Paid", when(order.paid_at)),
    ]


def _lines_table(order: Order) -> Table:
    return Table(
        columns=["What", "Called on the receipt", "Price"],
        rows=[
            [_sold(line), line.discreet_name, written(line.unit_price_cents, order.currency)]
            for line in order.lines.all()
        ],
        empty="This order is empty.",
    )


def _sold(line: OrderLine) -> str:
    if line.quarter:
        return f"{line.quarter.workshop.title}, {line.quarter.label}"
    return line.bundle.title if line.bundle else NOTHING


def _payments_table(order: Order) -> Table:
    return Table(
        columns=["Amount", "Received", "Payment at Stripe"],
        rows=[
            [
                written(payment.amount_cents, payment.currency),
                when(payment.received_at),
                payment.payment_intent_id,
            ]
            for payment in order.payments.all()
        ],
        empty="No money has been received for this order.",
    )


def _attempts_table(order: Order) -> Table:
    return Table(
        columns=["Attempt", "State", "Page ends", "Session at Stripe"],
        rows=[
            [a.number, a.get_state_display(), when(a.expires_at), a.session_id or NOTHING]
            for a in order.attempts.all()
        ],
        empty="The payment page was never opened.",
    )


def _places_table(places: QuerySet[Enrollment]) -> Table:
    return Table(
        columns=["Quarter", "Seat", "State"],
        rows=[[p.quarter.label, p.seat_number or NOTHING, place_state(p)] for p in places],
        empty="This order holds no seat.",
    )
