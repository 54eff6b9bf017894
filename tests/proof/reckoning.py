"""What must be true of the shop: after every step, and once everything has been heard and done."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from django.db.models import Count, F, Model, Q
from django_tasks_db.models import DBTaskResult

from enrollments.models import (
    BundleAccess,
    Dispute,
    Enrollment,
    LedgerEntry,
    Order,
    Payment,
    Quarter,
    Refund,
    StripeEvent,
    WaitlistEntry,
)
from enrollments.operations import books, disputes, refunds_at_stripe
from enrollments.operations.reconcile import reconcile
from enrollments.querysets import OCCUPYING
from tests.proof.shop import Shop

# Longer than a hold, so that every page that was not paid is over.
UNTIL_HOLDS_ARE_OVER = timedelta(minutes=40)
Letter = LedgerEntry.Action


def check_a_step(now: datetime) -> None:
    """Nothing is oversold, open without payment or unbalanced; no seat is kept from who waits."""
    assert books.discrepancies(now) == []
    assert free_though_somebody_waits(now) == []
    assert paid_in_time_without_a_seat() == []


def free_though_somebody_waits(now: datetime) -> list[Quarter]:
    taken = Count("enrollments", filter=Q(enrollments__state__in=OCCUPYING), distinct=True)
    wanted = Quarter.objects.filter(waitlist__state="waiting").annotate(taken=taken)
    free = wanted.filter(taken__lt=F("capacity"))
    return [each for each in free if each.enrolling_state(now, seats_left=1) == "open"]


def paid_in_time_without_a_seat() -> list[Order]:
    """A seat is given away only when Stripe has confirmed that its page cannot be paid."""
    seat_gone = Order.objects.filter(ledger__detail=Order.Attention.SEAT_GONE)
    return list(seat_gone.exclude(lines__quarter__state=Quarter.State.CANCELLED))


def settle_everything(shop: Shop) -> None:
    """Everything is delivered, every hold is over, every task is done, the books are compared."""
    shop.standin.forget_faults()
    shop.deliver_the_rest()
    shop.work()
    shop.let_time_pass(UNTIL_HOLDS_ARE_OVER)
    for _ in range(3):
        shop.tick()
        shop.deliver_the_rest()
        reconcile(now=shop.now)
        refunds_at_stripe.send_waiting_refunds(now=shop.now)
        shop.deliver_the_rest()
        shop.work()


def check_the_end(shop: Shop) -> None:
    """What must be true once nothing is under way any more."""
    check_a_step(shop.now)
    check_that_another_reconciliation_changes_nothing(shop)
    check_that_nothing_waits(shop)
    check_payments_against_stripe(shop)
    check_refunds_against_stripe(shop)
    check_disputes_against_stripe(shop)
    check_that_nothing_is_paid_twice_for_good()
    check_letters()


def check_that_another_reconciliation_changes_nothing(shop: Shop) -> None:
    before = everything()
    run = reconcile(now=shop.now)
    assert (run.events, run.orders, run.findings, run.error) == (0, 0, [], "")
    assert everything() == before


def everything() -> dict[str, list[object]]:
    tables: list[type[Model]] = [
        BundleAccess,
        DBTaskResult,
        Dispute,
        Enrollment,
        LedgerEntry,
        Order,
        Payment,
        Refund,
        StripeEvent,
        WaitlistEntry,
    ]
    return {table.__name__: list(table.objects.order_by("pk").values()) for table in tables}


def check_that_nothing_waits(shop: Shop) -> None:
    unfinished = Order.objects.filter(state__in=(Order.State.PENDING, Order.State.PROCESSING))
    # A bank debit may take its days; whoever owes it keeps the seat meanwhile.
    under_way = [s for s in shop.objects("checkout.session") if s["payment_status"] == "unpaid"]
    debits = {s["client_reference_id"] for s in under_way if s["status"] == "complete"}
    assert [order for order in unfinished if str(order.uuid) not in debits] == []
    lapsed = Enrollment.objects.lapsed_holds(shop.now)
    assert list(lapsed.exclude(line__order__uuid__in=debits)) == []
    assert list(Refund.objects.filter(state=Refund.State.REQUESTED)) == []
    assert list(DBTaskResult.objects.exclude(status="SUCCESSFUL")) == []
    assert list(StripeEvent.objects.filter(outcome=StripeEvent.Outcome.ERROR)) == []


def check_payments_against_stripe(shop: Shop) -> None:
    at_stripe = {intent["id"]: intent["amount"] for intent in shop.paid_intents()}
    assert dict(Payment.objects.values_list("payment_intent_id", "amount_cents")) == at_stripe


def check_refunds_against_stripe(shop: Shop) -> None:
    """Each refund is there once: ours with our number, the dashboard's with none."""
    at_stripe = shop.objects("refund")
    ours = Refund.objects.exclude(stripe_id=None)
    assert sorted(ours.values_list("stripe_id", "amount_cents", "state")) == sorted(
        (refund["id"], refund["amount"], refund["status"]) for refund in at_stripe
    )
    numbers = [refund["metadata"]["refund"] for refund in at_stripe if refund["metadata"]]
    asked = ours.exclude(reason=Refund.Reason.IN_DASHBOARD).values_list("uuid", flat=True)
    assert Counter(numbers) == Counter(str(uuid) for uuid in asked)


def check_disputes_against_stripe(shop: Shop) -> None:
    at_stripe = {dispute["id"]: dispute["status"] for dispute in shop.objects("dispute")}
    assert dict(Dispute.objects.values_list("stripe_id", "status")) == at_stripe


def check_that_nothing_is_paid_twice_for_good() -> None:
    """One payment of an order stays; any other is given back, or a person knows why not."""
    for order in Order.objects.filter(attention=""):
        kept = [
            payment
            for payment in order.payments.all()
            if payment.refunds.claimed().total_cents() < payment.amount_cents
        ]
        assert len(kept) <= 1 or disputes.open_disputes(order).exists()


def check_letters() -> None:
    """One receipt at most, and every letter that was queued was sent."""
    written = LedgerEntry.objects.filter(action__in=(Letter.LETTER_QUEUED, Letter.LETTER_SENT))
    receipts = Counter(written.filter(detail="receipt").values_list("order", flat=True))
    assert set(receipts.values()) <= {1}
    assert list(written.filter(action=Letter.LETTER_QUEUED)) == []
