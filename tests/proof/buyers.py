"""What buyers do: enroll, buy, pay, change their minds, come back, wait in line."""

from __future__ import annotations

from uuid import UUID, uuid4

from hypothesis import strategies as st
from hypothesis.stateful import rule

from devtools.stripe_standin.control import DECLINED_CARD, SUCCESSFUL_CARD
from enrollments.models import Order, Quarter, WaitlistEntry
from enrollments.operations import checkout, giving_up, waitlist
from enrollments.operations.fulfilment import fulfil
from enrollments.operations.wishes import Wishes
from tests.factories.enrollments import bundle
from tests.proof.picking import (
    attempt,
    once_a_page_was_open,
    once_somebody_ordered,
    people,
    picked,
    which,
    while_there_is,
)

ADDRESS = "http://testserver/orders/x/"
IN_LINE = WaitlistEntry.objects.in_line()
OFFERED = WaitlistEntry.objects.filter(state=WaitlistEntry.State.OFFERED).order_by("pk")
CARDS = st.sampled_from([SUCCESSFUL_CARD, SUCCESSFUL_CARD, DECLINED_CARD])


def address_of(who: int) -> str:
    return f"buyer{who}@example.org"


class Buyers:
    """Part of the machine. Pages are counted from the newest, which is the one most look at."""

    @rule(who=people, number=which, extra=st.booleans(), hears=st.booleans())
    def buy(self, who: int, number: int, extra: bool, hears: bool) -> None:
        """All at once, as most people do; ``hears``: whether she comes back to the site."""
        self.enroll(who, number, extra, same_browser=False)
        if self.pages:
            self.pay(0, SUCCESSFUL_CARD)
            if hears:
                self.come_back(0)

    @rule(who=people, number=which, extra=st.booleans(), same_browser=st.booleans())
    def enroll(self, who: int, number: int, extra: bool, same_browser: bool) -> None:
        self._enroll(who, picked(self.quarters, number), extra, self._buyer(who, same_browser))

    def _enroll(self, who: int, quarter: Quarter, extra: bool, buyer: checkout.Buyer) -> None:
        wishes = Wishes(bundle_ids=[self.price.bundle_id] if extra else [])
        order = attempt(
            checkout.enroll, quarter_id=quarter.pk, buyer=buyer, wishes=wishes, now=self.shop.now
        )
        if order:
            self._go_to_payment(who, order)

    @rule(who=people, same_browser=st.booleans())
    def buy_the_bundle(self, who: int, same_browser: bool) -> None:
        buyer = self._buyer(who, same_browser)
        order = attempt(checkout.buy_bundle, bundle_id=bundle().pk, buyer=buyer, now=self.shop.now)
        if order:
            self._go_to_payment(who, order)

    def _buyer(self, who: int, same_browser: bool, offer: UUID | None = None) -> checkout.Buyer:
        return checkout.Buyer(
            chosen_name="Ann",
            email=address_of(who),
            form_id=uuid4(),
            own_orders=tuple(self.begun[who]) if same_browser else (),
            offer=offer,
        )

    def _go_to_payment(self, who: int, order: Order) -> None:
        self.begun[who].append(order.uuid)
        self._open_page(order)

    def _open_page(self, order: Order) -> None:
        url = attempt(
            checkout.open_checkout, order_id=order.pk, order_address=ADDRESS, now=self.shop.now
        )
        if url:
            page = (url, order.attempts.exclude(session_id=None).last().session_id)
            self.pages = [*(known for known in self.pages if known != page), page]

    def _page(self, number: int) -> tuple[str, str]:
        return self.pages[-1 - number % len(self.pages)]

    @once_somebody_ordered
    @rule(number=which)
    def go_to_payment_again(self, number: int) -> None:
        self._open_page(picked(Order.objects.order_by("pk"), number))

    @once_a_page_was_open
    @rule(number=which, card=CARDS)
    def pay(self, number: int, card: str) -> None:
        self.shop.try_at_stripe("pay", self._page(number)[0], card)

    @once_a_page_was_open
    @rule(number=which)
    def pay_by_bank(self, number: int) -> None:
        self.shop.try_at_stripe("pay_by_bank", self._page(number)[0])

    @once_a_page_was_open
    @rule(number=which)
    def come_back(self, number: int) -> None:
        attempt(fulfil, session_id=self._page(number)[1], now=self.shop.now)

    @once_somebody_ordered
    @rule(number=which)
    def give_up(self, number: int) -> None:
        order = picked(Order.objects.order_by("pk"), number)
        attempt(giving_up.give_up, order_id=order.pk, now=self.shop.now)

    # Waiting in line

    @rule(who=people, number=which)
    def join_the_line(self, who: int, number: int) -> None:
        """Where nobody has to wait she is refused."""
        quarter = picked(self.quarters, number)
        attempt(
            waitlist.join,
            quarter_id=quarter.pk,
            email=address_of(who),
            chosen_name="Ann",
            now=self.shop.now,
        )

    @while_there_is(IN_LINE)
    @rule(number=which)
    def leave_the_line(self, number: int) -> None:
        waitlist.leave(entry_id=picked(IN_LINE.all(), number).pk, now=self.shop.now)

    @while_there_is(OFFERED)
    @rule(number=which, extra=st.booleans(), pays=st.booleans())
    def take_an_offer(self, number: int, extra: bool, pays: bool) -> None:
        entry = picked(OFFERED.all(), number)
        who = next(one for one in self.begun if address_of(one) == entry.email)
        buyer = self._buyer(who, same_browser=False, offer=entry.uuid)
        self._enroll(who, entry.quarter, extra, buyer)
        if pays and self.pages:
            self.pay(0, SUCCESSFUL_CARD)
