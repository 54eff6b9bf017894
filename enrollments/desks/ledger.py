"""The whole story of an order in one table: attempts, Stripe, money, letters, places, staff.

Told from the rows themselves, oldest first. A line of the ledger is written only for what no other
row tells, so nothing is told twice. Nine queries, however long the story is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import User
from core.models import OutgoingEmail
from enrollments.desks.base import Table
from enrollments.desks.dispute_words import status_in_words
from enrollments.desks.refund_views import may_see_refunds
from enrollments.desks.wording import (
    NOTHING,
    asker_of,
    event_kind,
    refund_state,
    sold,
    stacked,
    staff_name,
)
from enrollments.emails import LEDGER
from enrollments.models import (
    CheckoutAttempt,
    Instalment,
    LedgerEntry,
    MeetingEmail,
    Order,
    PaymentPlan,
    Refund,
    StripeEvent,
)
from enrollments.money import written

Action = LedgerEntry.Action
LETTERS = (
    Action.LETTER_QUEUED,
    Action.LETTER_SENT,
    Action.LETTER_FAILED,
    Action.LETTER_OBSOLETE,
)
LABELS = {str(k): str(v) for k, v in (*Order.Attention.choices, *Order.PausedFor.choices)}
BUYER, STRIPE, BANK = "The buyer", "Stripe", "Her bank"


@dataclass(frozen=True, kw_only=True)
class Told:
    """One line of the story."""

    at: datetime
    what: str | SafeString
    more: str | SafeString = ""
    amount: str = NOTHING
    number: str = ""
    who: str


def story(order: Order, user: User) -> Table:
    """All that happened to ``order``, as ``user`` may read it, on the clocks where she is."""
    refunds = list(
        order.refunds.select_related(
            "line__quarter__workshop", "line__bundle", "requested_by", "approved_by"
        )
    )
    told = [
        *_beginning(order),
        *_payments(order),
        *_instalments_for_nothing(order),
        *_refunds(refunds, user),
        *_disputes(order),
        *_events(order),
        *_meeting_emails(order),
        *_entries(order, refunds),
    ]
    # Sorting keeps the order of those that happened at the same moment.
    told.sort(key=lambda line: line.at)
    return Table(
        columns=["When", "What", "Amount", "At Stripe", "Who"],
        rows=[[stacked(t.at), _what(t), t.amount, _number(t.number), _who(t)] for t in told],
        empty="Nothing has happened yet.",
    )


def _what(told: Told) -> str | SafeString:
    if not told.more:
        return told.what
    return format_html('{}<span class="desk-under">{}</span>', told.what, told.more)


def _number(number: str) -> str | SafeString:
    return format_html('<span class="desk-id">{}</span>', number) if number else NOTHING


def _who(told: Told) -> SafeString:
    return format_html('<span class="desk-who">{}</span>', told.who)


def _beginning(order: Order) -> Iterator[Told]:
    yield Told(
        at=order.created_at,
        what="Order begun",
        amount=written(order.total_cents, order.currency),
        who=BUYER,
    )
    for attempt in order.attempts.all():
        yield Told(
            at=attempt.created_at,
            what=f"Payment page {attempt.number} asked for",
            more=_fate_of(attempt),
            number=attempt.session_id or "",
            who=BUYER,
        )
    if order.paid_at and not order.payments.all():
        yield Told(at=order.paid_at, what="Nothing was left to pay", amount="", who=STRIPE)


def _fate_of(attempt: CheckoutAttempt) -> str:
    """What became of it; when, its event says below."""
    return {
        CheckoutAttempt.State.CREATED: "Stripe's answer is not known",
        CheckoutAttempt.State.OPEN: "still open",
        CheckoutAttempt.State.COMPLETE: "completed",
        CheckoutAttempt.State.EXPIRED: "ended without a payment",
        CheckoutAttempt.State.FAILED: "Stripe failed to make it",
    }[CheckoutAttempt.State(attempt.state)]


def _payments(order: Order) -> Iterator[Told]:
    pages = {attempt.pk: attempt.number for attempt in order.attempts.all()}
    numbers = {each.payment_id: each for each in _instalments_of(order)}
    for payment in order.payments.all():
        yield Told(
            at=payment.received_at,
            what=_name_of_payment(order, numbers.get(payment.pk)),
            more=f"on payment page {pages[payment.attempt_id]}" if payment.attempt_id else "",
            amount=written(payment.amount_cents, payment.currency),
            number=payment.payment_intent_id,
            who=STRIPE,
        )


def _name_of_payment(order: Order, instalment: Instalment | None) -> str:
    if instalment is None:
        return "Payment received"
    return f"Instalment {instalment.number} of {order.plan.instalment_count} received"


def _instalments_for_nothing(order: Order) -> Iterator[Told]:
    for each in _instalments_of(order):
        if each.payment_id is None:
            yield Told(
                at=each.paid_at,
                what=f"Instalment {each.number}: nothing to pay",
                number=each.invoice_id,
                who=STRIPE,
            )


def _instalments_of(order: Order) -> list[Instalment]:
    """Prefetched with the order; an order without a plan has none."""
    plan: PaymentPlan | None = getattr(order, "plan", None)
    return list(plan.instalments.all()) if plan else []


def _refunds(refunds: list[Refund], user: User) -> Iterator[Told]:
    """What became of each. Who asked for it, the ledger's own lines say."""
    notes_are_hers_to_read = may_see_refunds(user)
    for refund in refunds:
        about = [
            f"{sold(refund.line)}." if refund.line else "It is not said what for.",
            f"{refund.get_reason_display()}." if notes_are_hers_to_read else "",
            f"Note: {refund.note}" if refund.note and notes_are_hers_to_read else "",
        ]
        yield Told(
            at=refund.settled_at or refund.requested_at,
            what="Refund",
            more=format_html("{} {}", refund_state(refund), " ".join(filter(None, about))),
            amount=written(-refund.amount_cents, refund.currency),
            number=refund.stripe_id or "",
            who=_people_behind(refund),
        )


def _people_behind(refund: Refund) -> str:
    asker = asker_of(refund)
    return f"{asker}, {staff_name(refund.approved_by)}" if refund.approved_by else asker


def _disputes(order: Order) -> Iterator[Told]:
    for dispute in order.disputes.all():
        yield Told(
            at=dispute.opened_at,
            what="Payment disputed",
            more=f"Reason given: {dispute.reason.replace('_', ' ')}",
            amount=written(dispute.amount_cents, dispute.currency),
            number=dispute.stripe_id,
            who=BANK,
        )


def _events(order: Order) -> Iterator[Told]:
    for event in order.events.all():
        outcome = StripeEvent.Outcome(event.outcome)
        more = event.get_outcome_display()
        yield Told(
            at=event.created,
            what=format_html("Stripe told us: {}", event_kind(event)),
            more=f"{more}: {event.error}" if outcome == StripeEvent.Outcome.ERROR else more,
            number=event.id,
            who=STRIPE,
        )


def _meeting_emails(order: Order) -> Iterator[Told]:
    """What she was told of meetings that changed."""
    emails = MeetingEmail.objects.filter(enrollment__line__order=order).select_related("meeting")
    for email in emails:
        yield Told(
            at=email.sent_at or email.replaced_at or email.queued_at,
            what=_fate_of_email(email),
            more=f"{email.get_kind_display()}: week {email.meeting.number}",
            who=staff_name(None),
        )


def _fate_of_email(email: MeetingEmail) -> str:
    if email.replaced_at:
        return "Letter replaced by a later one"
    return str(LEDGER[OutgoingEmail.State(email.outcome)].label)


def _entries(order: Order, refunds: list[Refund]) -> Iterator[Told]:
    by_number = {str(refund.uuid): refund for refund in refunds}
    for entry in order.ledger.select_related("by"):
        first, _, rest = entry.detail.partition(" ")
        refund = by_number.get(first)
        yield Told(
            at=entry.at,
            what=_name_of_entry(entry, rest),
            more="" if refund else _detail_in_words(entry),
            amount=written(refund.amount_cents, refund.currency) if refund else NOTHING,
            number=(refund.stripe_id or "") if refund else _number_in(first),
            who=STRIPE if rest == "confirmed" else staff_name(entry.by),
        )


def _name_of_entry(entry: LedgerEntry, rest: str) -> str:
    if rest == "confirmed":
        return "Stripe has the refund"
    if rest == "allotted":
        return "Said what the refund was for"
    return entry.get_action_display()


def _number_in(word: str) -> str:
    """``du_1``: Stripe's disputes are written before their status."""
    return word if word.startswith(("du_", "dp_", "sub_", "in_")) else ""


def _detail_in_words(entry: LedgerEntry) -> str:
    first, _, rest = entry.detail.partition(" ")
    if entry.action == Action.DISPUTE:
        return status_in_words(rest)
    detail = rest if _number_in(first) else entry.detail
    if entry.action not in LETTERS:
        detail = LABELS.get(detail, detail)
    return detail.replace("_", " ")
