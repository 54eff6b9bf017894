"""What the page about an order shows, from what was agreed to the whole story."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Prefetch, Q, QuerySet

from accounts.models import User
from enrollments.desks.base import Section, Table
from enrollments.desks.ledger import story
from enrollments.desks.refund_views import may_see_refunds
from enrollments.desks.wording import (
    NOTHING,
    order_state,
    place_state,
    refund_link,
    refund_number,
    refund_state,
    sold,
    source_of,
    stacked,
    when,
)
from enrollments.models import BundleAccess, Enrollment, Order, OrderLine, PaymentPlan
from enrollments.money import written
from enrollments.querysets import GIVEN_BACK

WHAT_TO_DO = {
    Order.Attention.AMOUNT_MISMATCH: "The amount paid is not the amount agreed, so nothing was "
    "granted. Compare the two below with the payment in Stripe and talk to the buyer. Most often "
    "the payment is given back, and she orders again.",
    Order.Attention.SEAT_GONE: "This was paid after its hold had ended, and no seat was free any "
    "more. The money goes back by itself, and she is first on the waitlist. See below that the "
    "refund has arrived in Stripe, and offer another quarter if you like.",
    Order.Attention.PAID_TWICE: "The same thing was paid twice. The second payment goes back by "
    "itself. See below that the refund has arrived in Stripe.",
    Order.Attention.ACCOUNT_CLOSED: "Somebody paid whose account is closed, so she cannot sign in. "
    "A payment never opens an account: you decide. Open it, and what she paid for is hers, with "
    "her receipt; or give the money back. Until then a place that she paid for stays kept, and she "
    "has a letter which says that you will write.",
    Order.Attention.REFUND_FAILED: "A refund did not reach her, so the money is here again and "
    "still owed. Its line below says whether Stripe refused or her bank did. Ask how she wants to "
    "have it, then give it back once more here, or in another way than in Stripe.",
    Order.Attention.REFUND_UNCLEAR: "Money was given back in Stripe, and the order has several "
    "parts. Open the refund below and say what it was for: her place or a bundle follows.",
    Order.Attention.DISPUTED: "Her bank questions this payment. Open Disputes to read what that "
    "means, and send evidence in time; nothing is given back here or in Stripe meanwhile.",
    Order.Attention.FRAUD_WARNING: "Stripe warns that the card may not have been its owner's. "
    "Write to the buyer. If you are in doubt, give the money back now: that avoids a dispute and "
    "its fee. Look at the payment in Stripe for what is known.",
    Order.Attention.PLAN_OVERDUE: "An instalment is missing and her access rests. Write to her. "
    "It opens again by itself with the payment; under Payment plans you can give her more days, "
    "open her access all the same, or end the plan.",
    Order.Attention.PLAN_TROUBLE: "The payment plan in Stripe is not as agreed. Compare its "
    "instalments in Stripe with those under Payment plans, and put right in Stripe what is wrong. "
    "What came beyond the agreement goes back by itself.",
    Order.Attention.RESTORED: "This was paid at Stripe, and our books did not know it: most likely "
    "an older copy of them was restored. Stripe says who paid how much, but not her name here, nor "
    "what she chose. Write to her and ask. Most often the payment is given back, and she orders "
    "again. Nothing more is asked for month by month.",
    Order.Attention.DRIFT: "Our books and Stripe's differ about this order. Compare the story "
    "below with the payment in Stripe. Reconciliation says what it found.",
}


ACCESS_NEEDS = ("bundle", "line__order", "enrollment__quarter")


def with_sources() -> Prefetch[Any]:
    """Access to bundles with all that ``access_table`` reads."""
    return Prefetch("bundle_access", BundleAccess.objects.select_related(*ACCESS_NEEDS))


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


def order_sections(order_id: int, user: User) -> Iterator[Section]:
    """The page about an order, as ``user`` may read it."""
    lines = OrderLine.objects.select_related("quarter__workshop", "bundle").order_by("pk")
    order = (
        Order.objects.select_related("member", "plan", "help_code")
        .prefetch_related(
            Prefetch("lines", lines), "attempts", "payments", "plan__instalments", "refunds"
        )
        .get(pk=order_id)
    )
    places = Enrollment.objects.filter(line__order=order).select_related("quarter", "member")
    access = BundleAccess.objects.filter(
        Q(line__order=order) | Q(enrollment__line__order=order)
    ).select_related(*ACCESS_NEEDS)
    yield Section(heading="Order", facts=_order_facts(order, user))
    yield Section(heading="What was agreed", table=_lines_table(order))
    yield Section(heading="Places", table=_places_table(places))
    yield Section(heading="Bundles unlocked", table=access_table(access))
    yield Section(heading="Refunds", table=_refunds_table(order, user))
    yield Section(heading="The whole story, oldest first", table=story(order, user))


def _order_facts(order: Order, user: User) -> list[tuple[str, object]]:
    has_moved = order.address != order.email
    return [
        ("Number", order.uuid),
        ("Name", order.chosen_name),
        ("Email", f"{order.email}, as typed then" if has_moved else order.email),
        *([("Email now", order.address)] if has_moved else []),
        ("Account", _account_of(order)),
        ("State", order_state(order)),
        *(
            [("Access", f"Rests: {order.get_paused_for_display().lower()}")]
            if order.paused_for
            else []
        ),
        ("Agreed", written(order.total_cents, order.currency)),
        *_plan_facts(order),
        *_code_facts(order, user),
        *_money_facts(order),
        ("Placed", when(order.created_at)),
        ("Paid", when(order.paid_at)),
    ]


def _account_of(order: Order) -> str:
    if order.member is None:
        return "None yet; it opens with the payment"
    return "Open" if order.member.is_active else "Closed"


def _code_facts(order: Order, user: User) -> list[tuple[str, object]]:
    """Which help somebody had is for people who deal with money."""
    if order.help_code is None or not user.has_perm("enrollments.view_helpcode"):
        return []
    return [("Code", order.help_code)]


def _plan_facts(order: Order) -> list[tuple[str, object]]:
    if not order.instalment_count:
        return []
    each = written(order.instalment_cents or 0, order.currency)
    plan: PaymentPlan | None = getattr(order, "plan", None)
    state = plan.get_state_display() if plan else "not begun"
    return [("Payment plan", f"{order.instalment_count} instalments of {each}: {state.lower()}")]


def _money_facts(order: Order) -> list[tuple[str, object]]:
    received = sum(payment.amount_cents for payment in order.payments.all())
    given_back = sum(r.amount_cents for r in order.refunds.all() if r.state in GIVEN_BACK)
    facts: list[tuple[str, object]] = [("Received", written(received, order.currency))]
    if given_back:
        facts += [
            ("Given back", written(given_back, order.currency)),
            ("Kept", written(received - given_back, order.currency)),
        ]
    return facts


def _lines_table(order: Order) -> Table:
    return Table(
        columns=["What", "Called on the receipt", "Price", "Paid for it"],
        rows=[
            [
                sold(line),
                line.discreet_name,
                written(line.unit_price_cents, order.currency),
                NOTHING if line.paid_cents is None else written(line.paid_cents, order.currency),
            ]
            for line in order.lines.all()
        ],
        empty="This order is empty.",
    )


def _refunds_table(order: Order, user: User) -> Table:
    if order.paid_at and not order.payments.all():
        nothing = "Nothing was paid for this order, so there is nothing to give back."
    else:
        nothing = "No money was given back."
    name_of = refund_link if may_see_refunds(user) else refund_number
    return Table(
        columns=["Refund", "Amount", "State", "Asked for"],
        rows=[
            [
                name_of(refund),
                written(refund.amount_cents, refund.currency),
                refund_state(refund),
                stacked(refund.requested_at),
            ]
            for refund in order.refunds.all()
        ],
        empty=nothing,
    )


def _places_table(places: QuerySet[Enrollment]) -> Table:
    return Table(
        columns=["Quarter", "Seat", "State"],
        rows=[[p.quarter.label, p.seat_number or NOTHING, place_state(p)] for p in places],
        empty="This order holds no seat.",
    )
