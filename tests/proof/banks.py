"""What banks and Stripe do: debits that end later, disputes, failed refunds, events, stumbling."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from enrollments.models import Refund
from tests.proof.picking import once_a_page_was_open, picked, share_of, shares, which

DECIDED = {"won", "lost", "warning_closed"}


class Banks:
    """Part of the machine."""

    @once_a_page_was_open
    @rule(number=which, end=st.sampled_from(["settle", "fail"]))
    def bank_debit_ends(self, number: int, end: str) -> None:
        self.shop.try_at_stripe(end, self._page(number)[1])

    @once_a_page_was_open
    @rule(number=which, status=st.sampled_from(["needs_response", "warning_needs_response"]))
    def bank_disputes(self, number: int, status: str) -> None:
        disputed = {dispute["payment_intent"] for dispute in self.shop.objects("dispute")}
        paid = [i["id"] for i in self.shop.paid_intents() if i["id"] not in disputed]
        if intent := picked(paid, number):
            self.shop.standin.dispute(intent, status=status)
            self.is_disputed = True

    @precondition(lambda self: self.is_disputed)
    @rule(number=which, status=st.sampled_from(["won", "lost", "under_review"]))
    def bank_decides(self, number: int, status: str) -> None:
        waiting = [d for d in self.shop.objects("dispute") if d["status"] not in DECIDED]
        dispute = picked(waiting, number)
        if dispute is None:
            return
        if dispute["status"].startswith("warning_"):
            status = "warning_under_review" if status == "under_review" else "warning_closed"
        self.shop.standin.change_dispute(dispute["id"], status)

    @precondition(lambda self: self.is_refunded or Refund.objects.exists())
    @rule(number=which)
    def refund_fails(self, number: int) -> None:
        if refund := picked(self.shop.objects("refund"), number):
            self.shop.standin.fail_refund(refund["id"])

    @once_a_page_was_open
    @rule(number=which, share=shares)
    def dashboard_refunds(self, number: int, share: str) -> None:
        if intent := picked(self.shop.paid_intents(), number):
            amount = share_of(intent["amount"], share)
            self.is_refunded = True
            self.shop.try_at_stripe("refund", intent["id"], amount=amount)

    @once_a_page_was_open
    @rule(number=st.integers(0, 30), times=st.integers(1, 3))
    def an_event_arrives(self, number: int, times: int) -> None:
        """Any event there is, however old, and however often it came before."""
        if event := picked(self.shop.events()[::-1], number):
            for _ in range(times):
                self.shop.deliver(event)

    @rule(
        kind=st.sampled_from(["503", "lost"]),
        path=st.sampled_from(["POST /v1/checkout/sessions$", "POST /v1/refunds", "GET /v1/"]),
    )
    def stripe_stumbles(self, kind: str, path: str) -> None:
        """Twice, because the SDK asks twice."""
        self.shop.standin.fault(kind, path, count=2)
