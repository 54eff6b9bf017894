"""The desks of enrollments and orders, to read: they are about people, and written elsewhere."""

# ruff: noqa: ARG002 (hooks of Wagtail and Django keep their signatures)

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib.admin import display
from django.contrib.admin.utils import quote
from django.db.models import (
    Case,
    F,
    IntegerField,
    OuterRef,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import User
from enrollments.desks.base import (
    AskFirstView,
    Desk,
    KnownChoicesFilter,
    Link,
    LookAndDecide,
    Notice,
    Section,
)
from enrollments.desks.closed_accounts import (
    LetGoView,
    OpenAccountView,
    may_let_go,
    may_open,
)
from enrollments.desks.moves import (
    LeaveView,
    MoveView,
    UndoMoveView,
    move_facts,
    place_actions,
)
from enrollments.desks.order_page import (
    WHAT_TO_DO,
    access_table,
    order_sections,
    with_sources,
)
from enrollments.desks.quarters import QuarterFilter
from enrollments.desks.refund_views import (
    RefundLineView,
    ReturnPaymentView,
    lines_with_rest,
    why_not,
)
from enrollments.desks.wording import (
    NOTHING,
    amount,
    day,
    name_of_place,
    order_link,
    order_number,
    order_state,
    place_state,
    stacked,
    tag,
    when,
)
from enrollments.errors import StillUndecided
from enrollments.models import (
    Enrollment,
    Order,
    OrderLine,
    Payment,
    Refund,
)
from enrollments.operations.orders import is_undecided, resolve
from enrollments.operations.unplaced import unplaced_payments


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


class RefundedFilter(KnownChoicesFilter):
    title = "refunds"
    parameter_name = "refunds"
    offered = (
        ("given", "Money given back"),
        ("waiting", "Under way"),
        ("failed", "Failed or refused"),
        ("none", "None"),
    )

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        states = {
            "given": [Refund.State.SUCCEEDED],
            "waiting": [Refund.State.PROPOSED, Refund.State.REQUESTED, Refund.State.PENDING],
            "failed": [Refund.State.FAILED, Refund.State.REFUSED],
        }
        if self.value() == "none":
            return queryset.exclude(pk__in=Refund.objects.values("order"))
        if self.value() is None:
            return queryset
        asked = Refund.objects.filter(state__in=states[str(self.value())])
        return queryset.filter(pk__in=asked.values("order"))


class ResolveView(AskFirstView):
    """Takes an order off the list of what needs a person."""

    button = "Mark as dealt with"
    question = "Is this dealt with?"
    consequence = (
        "The order leaves the list of what needs a person. Its story keeps what was the matter "
        "and who dealt with it. Nothing else changes."
    )
    done = "marked as dealt with."

    def check_action_permitted(self, user: User) -> bool:
        return bool(user.has_perm("enrollments.change_order"))

    def reasons(self) -> list[str]:
        if is_undecided(self.instance):
            return [StillUndecided.sentence]
        return [] if self.instance.attention else ["Nothing about this order needs a person."]

    def change(self) -> None:
        resolve(order_id=self.instance.pk, by=self.request.user, now=timezone.now())


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
    action_views: ClassVar[dict[str, Any]] = {
        "move": MoveView,
        "undo": UndoMoveView,
        "leave": LeaveView,
    }

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

    def actions(self, row: Enrollment, user: User) -> list[Link]:
        return place_actions(row, user)

    def sections(self, row: Enrollment, user: User) -> Iterable[Section]:
        places = Enrollment.objects.select_related(
            "member", "quarter__workshop", "line__order", "moved_to__quarter"
        ).prefetch_related(with_sources())
        place = places.get(pk=row.pk)
        yield Section(
            heading="Place",
            facts=[
                ("Quarter", f"{place.quarter.label} · {place.quarter.workshop.title}"),
                ("Seat", place.seat_number or NOTHING),
                ("State", place_state(place)),
                ("Since", when(place.created_at)),
                ("Hold ends", when(place.hold_expires_at) if place.state == "held" else NOTHING),
                *move_facts(place),
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


class OrderDesk(Desk):
    """What was agreed and what was paid; first what a person must look at."""

    model = Order
    menu_label = "Orders"
    menu_icon = "clipboard-list"
    intro = "What was agreed and what was paid. What needs a person comes first."
    empty_text = "Nobody has ordered anything yet."
    permission_helper_class = LookAndDecide
    list_display: ClassVar[list[str]] = ["number", "name", "condition", "total", "paid", "placed"]
    list_filter = (AttentionFilter, OrderStateFilter, RefundedFilter)
    action_views: ClassVar[dict[str, Any]] = {
        "refund": RefundLineView,
        "return": ReturnPaymentView,
        "resolve": ResolveView,
        "open": OpenAccountView,
        "let_go": LetGoView,
    }
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
        return Order.objects.annotate(
            needs_a_person=Case(calm, default=Value(1), output_field=IntegerField()),
            agreed_cents=_sum_of(OrderLine.objects.all(), "unit_price_cents"),
            received_cents=_sum_of(Payment.objects.all(), "amount_cents"),
            given_back_cents=_sum_of(Refund.objects.given_back(), "amount_cents"),
            kept_cents=F("received_cents") - F("given_back_cents"),
        ).order_by(*self.ordering)

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

    @display(description="Agreed", ordering="agreed_cents")
    def total(self, order: Any) -> SafeString:
        return amount(order.agreed_cents, order.currency)

    @display(description="Paid", ordering="kept_cents")
    def paid(self, order: Any) -> SafeString | str:
        if not order.received_cents:
            return stacked(order.paid_at)
        net = amount(order.kept_cents, order.currency)
        under = day(order.paid_at)
        if order.given_back_cents:
            received = amount(order.received_cents, order.currency)
            given_back = amount(order.given_back_cents, order.currency)
            under = format_html("{} less {} given back", received, given_back)
        return format_html('{}<span class="desk-under">{}</span>', net, under)

    @display(description="Placed", ordering="created_at")
    def placed(self, order: Order) -> SafeString:
        return stacked(order.created_at)

    def name_of(self, row: Order) -> str:
        return str(row)

    def notice(self, row: Order, user: User) -> Notice | None:
        if not row.attention:
            return None
        attention = Order.Attention(row.attention)
        resolve_url = self.url_helper.get_action_url("resolve", quote(row.pk))
        may_resolve = user.has_perm("enrollments.change_order") and not is_undecided(row)
        return Notice(
            title=f"Needs a person: {attention.label}",
            text=WHAT_TO_DO[attention],
            done=Link(label=ResolveView.button, url=resolve_url) if may_resolve else None,
        )

    def actions(self, row: Order, user: User) -> list[Link]:
        possible = {
            "open": may_open(row, user),
            "let_go": may_let_go(row, user),
            **self._ways_to_give_back(row, user),
        }
        return [
            Link(
                label=self.action_views[action].button,
                url=self.url_helper.get_action_url(action, quote(row.pk)),
            )
            for action, is_possible in possible.items()
            if is_possible
        ]

    def _ways_to_give_back(self, row: Order, user: User) -> dict[str, bool]:
        if not user.has_perm("enrollments.add_refund") or why_not(row):
            return {}
        return {"refund": bool(lines_with_rest(row)), "return": bool(unplaced_payments(row))}

    def sections(self, row: Order, user: User) -> Iterable[Section]:
        return order_sections(row.pk, user)


def _sum_of(rows: QuerySet[Any], column: str) -> Coalesce:
    """What a ``column`` of the outer order's ``rows`` comes to."""
    of_order = rows.filter(order=OuterRef("pk")).order_by().values("order")
    return Coalesce(Subquery(of_order.annotate(total=Sum(column)).values("total")), 0)
