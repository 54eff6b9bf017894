"""What staff do: give money back, change quarters and people's places, and settings."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import rule

from accounts.models import User
from enrollments.models import (
    Enrollment,
    MoneySettings,
    Order,
    OrderLine,
    Quarter,
    Refund,
    WaitlistEntry,
)
from enrollments.operations import (
    closed_accounts,
    departures,
    moves,
    quarters,
    refunds,
    waitlist,
)
from tests.proof.picking import (
    attempt,
    once_a_page_was_open,
    picked,
    share_of,
    shares,
    which,
    while_there_is,
)

PAID = OrderLine.objects.filter(paid_cents__gt=0).order_by("pk")
PROPOSED = Refund.objects.filter(state=Refund.State.PROPOSED).order_by("pk")
ENROLLED = Enrollment.objects.filter(state=Enrollment.State.ENROLLED).order_by("pk")
KEPT = Order.objects.filter(state=Order.State.CLOSED_ACCOUNT).order_by("pk")
BUYERS = User.objects.filter(is_staff=False).order_by("pk")
MOVED = Enrollment.objects.filter(state=Enrollment.State.MOVED).order_by("pk")


class Staff:
    """Part of the machine."""

    @while_there_is(PAID)
    @rule(number=which, share=shares, stays_open=st.booleans())
    def staff_refund(self, number: int, share: str, stays_open: bool) -> None:
        line = picked(PAID.all(), number)
        attempt(
            refunds.request_refund,
            line_id=line.pk,
            amount_cents=share_of(refunds.left_to_refund(line), share),
            reason=Refund.Reason.ASKED,
            note="",
            by=self.staff[0],
            now=self.shop.now,
            access_ends_at=self.shop.now + timedelta(days=5) if stays_open else None,
        )

    @while_there_is(PROPOSED)
    @rule(number=which, decide=st.sampled_from([refunds.approve_refund, refunds.withdraw_refund]))
    def second_person_decides(self, number: int, decide) -> None:
        refund = picked(PROPOSED.all(), number)
        attempt(decide, refund_id=refund.pk, by=self.staff[1], now=self.shop.now)

    @rule(above=st.sampled_from([None, 20_000]), pauses=st.booleans())
    def money_settings_change(self, above: int | None, pauses: bool) -> None:
        settings = MoneySettings.load()
        settings.second_person_above_cents = above
        settings.pauses_access_on_dispute = pauses
        settings.save()

    # Accounts

    @while_there_is(BUYERS)
    @rule(number=which)
    def an_account_is_closed(self, number: int) -> None:
        buyer = picked(BUYERS.all(), number)
        buyer.is_active = False
        buyer.save(update_fields=["is_active"])

    @while_there_is(KEPT)
    @rule(
        number=which,
        decide=st.sampled_from([closed_accounts.open_and_go_on, closed_accounts.let_go]),
    )
    def staff_decide_about_a_closed_account(self, number: int, decide) -> None:
        order = picked(KEPT.all(), number)
        attempt(decide, order_id=order.pk, by=self.staff[0], now=self.shop.now)

    # Quarters

    @rule(number=which, capacity=st.integers(1, 4))
    def capacity_changes(self, number: int, capacity: int) -> None:
        quarter = self._fresh_quarter(number)
        quarter.capacity = capacity
        self._change(quarter, "capacity")

    @rule(number=which, price_cents=st.sampled_from([45_000, 60_000]))
    def price_changes(self, number: int, price_cents: int) -> None:
        quarter = self._fresh_quarter(number)
        quarter.price_cents = price_cents
        self._change(quarter, "price_cents")

    def _change(self, quarter: Quarter, field: str) -> None:
        attempt(
            quarters.change_quarter,
            quarter=quarter,
            fields=[field],
            bundles=list(quarter.bundles.all()),
            now=self.shop.now,
        )

    @rule(number=which)
    def enrollment_closes_or_opens(self, number: int) -> None:
        quarter = self._fresh_quarter(number)
        if quarter.state == Quarter.State.OPEN:
            quarters.close_enrollment(quarter_id=quarter.pk)
        else:
            attempt(quarters.open_enrollment, quarter_id=quarter.pk, now=self.shop.now)

    @once_a_page_was_open
    @rule(number=which)
    def quarter_is_cancelled(self, number: int) -> None:
        quarter = picked(self.quarters, number)
        attempt(
            departures.cancel_quarter,
            quarter_id=quarter.pk,
            by=self.staff[0],
            now=self.shop.now,
        )

    def _fresh_quarter(self, number: int) -> Quarter:
        return Quarter.objects.get(pk=picked(self.quarters, number).pk)

    # People's places

    @while_there_is(ENROLLED)
    @rule(number=which)
    def somebody_is_moved(self, number: int) -> None:
        place = picked(ENROLLED.all(), number)
        attempt(
            moves.move,
            place_id=place.pk,
            target_id=next(q.pk for q in self.quarters if q.pk != place.quarter_id),
            by=self.staff[0],
            now=self.shop.now,
        )

    @while_there_is(MOVED)
    @rule(number=which)
    def a_move_is_undone(self, number: int) -> None:
        place = picked(MOVED.all(), number)
        attempt(moves.undo_move, place_id=place.pk, by=self.staff[0], now=self.shop.now)

    @while_there_is(ENROLLED)
    @rule(number=which)
    def somebody_leaves(self, number: int) -> None:
        place = picked(ENROLLED.all(), number)
        attempt(departures.leave, place_id=place.pk, by=self.staff[0], now=self.shop.now)

    @while_there_is(WaitlistEntry.objects.waiting())
    @rule(number=which)
    def staff_offer_a_seat(self, number: int) -> None:
        entry = picked(WaitlistEntry.objects.waiting(), number)
        attempt(waitlist.offer_now, entry_id=entry.pk, now=self.shop.now)
