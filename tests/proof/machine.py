"""Everything that buyers, staff, banks, Stripe and time can do to the shop, in any order.

Each rule is a real operation, or something that really happens at Stripe.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from datetime import timedelta
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from accounts.models import User
from enrollments.operations.reconcile import reconcile
from tests.factories.enrollments import bundle, make_price, make_quarter
from tests.proof import reckoning
from tests.proof.banks import Banks
from tests.proof.buyers import Buyers
from tests.proof.picking import BUYERS
from tests.proof.shop import Shop
from tests.proof.staff import Staff

UNTIL_THE_GROUP_BEGINS = timedelta(days=40)
AN_HOUR = timedelta(hours=1)
SCENES = st.sampled_from(
    ["quiet", "sold out", "last seat is being paid", "paid unheard", "by bank"]
)


class Trade(Buyers, Staff, Banks, RuleBasedStateMachine):
    """One shop with two quarters of two seats, a bundle, four buyers and two of staff."""

    def __init__(self, shop: Shop) -> None:
        super().__init__()
        self.shop = shop
        self._closing = ExitStack()
        self._closing.enter_context(shop.is_open())
        first_day = (shop.now + UNTIL_THE_GROUP_BEGINS).date()
        opened = shop.now - timedelta(days=1)
        self.quarters = [
            make_quarter(capacity=2, first_date=first_day, opens_at=opened, slug=slug)
            for slug in ("one", "two")
        ]
        self.price = make_price()
        # Whoever enrolls in the second quarter has the bundle with it.
        self.quarters[1].bundles.add(bundle())
        self.staff = [
            User.objects.create_superuser(f"staff{number}@example.org") for number in range(2)
        ]
        self.begun: dict[int, list[UUID]] = {number: [] for number in range(BUYERS)}
        # The address and the number of every payment page that anybody has seen, newest last.
        self.pages: list[tuple[str, str]] = []
        # What is known only at Stripe, perhaps.
        self.is_disputed = self.is_refunded = False

    @initialize(scene=SCENES)
    def begin(self, scene: str) -> None:
        """Most of what can go wrong needs somebody who has paid."""
        match scene:
            case "sold out":
                self.buy(0, number=0, extra=False, hears=True)
                self.buy(1, number=0, extra=True, hears=True)
                self.join_the_line(2, number=0)
            case "last seat is being paid":
                self.buy(0, number=0, extra=False, hears=True)
                self.enroll(1, number=0, extra=False, same_browser=False)
                self.join_the_line(2, number=0)
            case "paid unheard":
                self.buy(0, number=0, extra=True, hears=False)
                self.enroll(1, number=1, extra=False, same_browser=False)
            case "by bank":
                self.enroll(0, number=0, extra=True, same_browser=False)
                self.pay_by_bank(0)

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:
                reckoning.settle_everything(self.shop)
                reckoning.check_the_end(self.shop)
        finally:
            self.close()

    def close(self) -> None:
        """Forget all of it."""
        self._closing.close()

    @invariant()
    def everything_holds(self) -> None:
        if self.shop.has_changed:
            reckoning.check_a_step(self.shop.now)
            self.shop.has_changed = False

    @rule()
    def the_worker_works(self) -> None:
        self.shop.work()

    @rule()
    def a_minute_passes(self) -> None:
        self.shop.let_time_pass(timedelta(minutes=1))
        self.shop.tick()

    @rule(hours=st.sampled_from([0.6, 1, 50, 24 * 8]))
    def time_passes(self, hours: float) -> None:
        self.shop.let_time_pass(hours * AN_HOUR)

    @rule()
    def books_are_compared(self) -> None:
        reconcile(now=self.shop.now)
