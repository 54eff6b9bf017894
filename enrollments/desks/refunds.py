"""The desk of refunds: what was given back, what waits, and what a person must do about it."""

# ruff: noqa: ARG002 (hooks of Wagtail and Django keep their signatures)

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, ClassVar

from django.contrib.admin import display
from django.contrib.admin.utils import quote
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import User
from enrollments.desks.base import (
    Desk,
    KnownChoicesFilter,
    Link,
    Notice,
    ReadOnly,
    Section,
)
from enrollments.desks.refund_views import (
    AllotRefundView,
    ApproveRefundView,
    WithdrawRefundView,
    is_unclear,
    may_withdraw,
)
from enrollments.desks.wording import (
    NOTHING,
    amount,
    asker_of,
    order_link,
    refund_number,
    refund_state,
    sold,
    stacked,
    staff_name,
    when,
)
from enrollments.models import Refund
from enrollments.money import written

State = Refund.State
# A worker asks Stripe within seconds; after this, something keeps it from it.
SOON = timedelta(minutes=2)


class RefundPermissions(ReadOnly):
    """``add`` asks for a refund, ``approve`` is the second person's; both may look.

    A refund begins on the page of its order, so there is no form for a new one here.
    """

    offered = ("view", "add", "approve")


class RefundStateFilter(KnownChoicesFilter):
    title = "state"
    parameter_name = "state"
    lookup = "state"
    offered = State.choices


class RefundReasonFilter(KnownChoicesFilter):
    title = "reason"
    parameter_name = "reason"
    lookup = "reason"
    offered = Refund.Reason.choices


class RefundDesk(Desk):
    """Every refund, with who asked for it and what became of it."""

    model = Refund
    menu_label = "Refunds"
    menu_icon = "undo"
    intro = "Money given back, or about to be. A refund begins on the page of its order."
    empty_text = "No money has been given back yet."
    permission_helper_class = RefundPermissions
    list_display: ClassVar[list[str]] = ["number", "amount", "condition", "why", "sold_in", "asked"]
    list_filter = (RefundStateFilter, RefundReasonFilter)
    search_fields: ClassVar[list[str]] = ["uuid", "stripe_id", "order__uuid"]
    search_label = "Search by number"
    list_select_related: ClassVar[list[str]] = ["order", "requested_by"]
    ordering: ClassVar[list[str]] = ["-requested_at"]
    action_views: ClassVar[dict[str, Any]] = {
        "approve": ApproveRefundView,
        "withdraw": WithdrawRefundView,
        "allot": AllotRefundView,
    }

    def get_extra_attrs_for_row(self, obj: Refund, context: Any) -> dict[str, str]:
        failed = obj.state in (State.FAILED, State.REFUSED)
        return {"class": "desk-row--alarm"} if failed else {}

    @display(description="Refund")
    def number(self, refund: Refund) -> str:
        return refund_number(refund)

    @display(description="Amount", ordering="amount_cents")
    def amount(self, refund: Refund) -> SafeString:
        return amount(refund.amount_cents, refund.currency)

    @display(description="State", ordering="state")
    def condition(self, refund: Refund) -> SafeString:
        return refund_state(refund)

    @display(description="Reason", ordering="reason")
    def why(self, refund: Refund) -> str:
        return refund.get_reason_display()

    @display(description="Order")
    def sold_in(self, refund: Refund) -> SafeString:
        return order_link(refund.order)

    @display(description="Asked for", ordering="requested_at")
    def asked(self, refund: Refund) -> SafeString:
        return format_html(
            '{}<span class="desk-under">{}</span>',
            stacked(refund.requested_at),
            asker_of(refund),
        )

    def notice(self, row: Refund, user: User) -> Notice | None:
        if is_unclear(row):
            return Notice(title="Needs a person", text=UNCLEAR)
        if row.state == State.REQUESTED and timezone.now() - row.requested_at > SOON:
            return Notice(title="Not yet at Stripe", text=STILL_WAITS)
        title, text = WHAT_IT_MEANS.get(State(row.state), ("", ""))
        calm = row.state in (State.PROPOSED, State.REQUESTED)
        return Notice(title=title, text=text, is_calm=calm) if text else None

    def actions(self, row: Refund, user: User) -> list[Link]:
        links = []
        if row.state == State.PROPOSED:
            if user.has_perm("enrollments.approve_refund") and row.requested_by_id != user.pk:
                links.append(self._link("approve", "Approve", row))
            if may_withdraw(user, row):
                links.append(self._link("withdraw", "Withdraw", row))
        if is_unclear(row) and user.has_perm("enrollments.add_refund"):
            links.append(self._link("allot", AllotRefundView.button, row))
        return links

    def _link(self, action: str, label: str, row: Refund) -> Link:
        return Link(label=label, url=self.url_helper.get_action_url(action, quote(row.pk)))

    def sections(self, row: Refund, user: User) -> Iterable[Section]:
        rows = Refund.objects.select_related(
            "order", "payment", "line__quarter__workshop", "line__bundle"
        )
        refund = rows.select_related("requested_by", "approved_by").get(pk=row.pk)
        yield Section(heading="Refund", facts=_refund_facts(refund))
        yield Section(heading="Kept from members", facts=_staff_facts(refund))


UNCLEAR = (
    "This was made in Stripe's dashboard, and the order has several parts. Say what it was for: "
    "only then can her place or a bundle follow."
)
STILL_WAITS = (
    "Stripe could not be asked so far. The refund is kept and will be tried again each minute. "
    "Until Stripe has taken it nothing is given back, and nothing else changes."
)
FAILED = (
    "Her bank did not take the money, so it is here again and still owed to her. Ask her how she "
    "wants to have it. Then give it back from the order's page once more, or by another way, and "
    "mark the order as dealt with."
)
REFUSED = (
    "Nothing was given back, and nothing else was changed. See in Stripe whether the payment was "
    "given back or disputed already; else ask for the refund again from the order's page."
)
WHAT_IT_MEANS = {
    State.PROPOSED: (
        "Waits for a second person",
        "Nothing is given back until somebody else, who may approve refunds, approves it.",
    ),
    State.REQUESTED: (
        "Not yet at Stripe",
        "Stripe is being asked now. Look at this page again in a moment.",
    ),
    State.FAILED: ("The refund failed", FAILED),
    State.REFUSED: ("Stripe refused", REFUSED),
}


def _refund_facts(refund: Refund) -> list[tuple[str, object]]:
    return [
        ("Amount", written(refund.amount_cents, refund.currency)),
        ("State", refund_state(refund)),
        ("For", sold(refund.line) if refund.line else "Not said"),
        ("Order", order_link(refund.order)),
        *([("Access ends", when(refund.access_ends_at))] if refund.access_ends_at else []),
        ("Refund at Stripe", refund.stripe_id or NOTHING),
        ("Payment at Stripe", refund.payment.payment_intent_id),
    ]


def _staff_facts(refund: Refund) -> list[tuple[str, object]]:
    return [
        ("Reason", refund.get_reason_display()),
        ("Note", refund.note or NOTHING),
        ("Asked for by", asker_of(refund)),
        ("Asked for", when(refund.requested_at)),
        ("Approved by", staff_name(refund.approved_by) if refund.approved_by else NOTHING),
        ("Settled", when(refund.settled_at)),
    ]
