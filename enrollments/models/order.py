"""Orders: what was agreed, each attempt to pay it, and what was paid.

The email and the name stand here as the buyer typed them: an account is opened, or recognised,
only once the order is paid.
"""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from enrollments.models.quarter import CURRENCY, Quarter
from programs.models import BundlePage


class Order(models.Model):
    """One attempt to buy: its lines, its state and, once paid, its member."""

    class State(models.TextChoices):
        PENDING = "pending", "Waiting for payment"
        PROCESSING = "processing", "Payment under way"
        PAID = "paid", "Paid"
        REFUNDED = "refunded", "Given back"
        EXPIRED = "expired", "Not paid in time"
        CANCELLED = "cancelled", "Given up"
        FAILED = "failed", "Payment failed"
        REVIEW = "review", "Needs a person"
        CLOSED_ACCOUNT = "closed_account", "Paid; the account is closed"

    class Attention(models.TextChoices):
        NONE = "", "None"
        AMOUNT_MISMATCH = "amount_mismatch", "The amount paid is not the amount agreed"
        SEAT_GONE = "seat_gone", "Paid, but no seat is free"
        PAID_TWICE = "paid_twice", "Paid twice for the same thing"
        ACCOUNT_CLOSED = "account_closed", "Paid by somebody whose account is closed"
        REFUND_FAILED = "refund_failed", "A refund failed; the money is here again"
        REFUND_UNCLEAR = "refund_unclear", "Money was given back; for which part is unclear"
        DISPUTED = "disputed", "Payment disputed"
        FRAUD_WARNING = "fraud_warning", "Stripe warns of fraud"
        PLAN_OVERDUE = "plan_overdue", "Suspended; staff decide"
        PLAN_TROUBLE = "plan_trouble", "The payment plan is not as agreed"
        RESTORED = "restored", "Paid; her name and what she chose are missing"
        DRIFT = "drift", "Our books and Stripe's differ"

    class PausedFor(models.TextChoices):
        NOTHING = "", "Not paused"
        DISPUTE = "dispute", "A dispute"
        INSTALMENT = "instalment", "An unpaid instalment"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    member = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="orders",
    )
    email = models.EmailField(max_length=254)
    chosen_name = models.CharField(max_length=60)
    state = models.CharField(max_length=20, choices=State.choices, default=State.PENDING)
    attention = models.CharField(
        max_length=20, choices=Attention.choices, default=Attention.NONE, blank=True
    )
    # Access to everything in the order rests while this says why.
    paused_for = models.CharField(
        max_length=20, choices=PausedFor.choices, default=PausedFor.NOTHING, blank=True
    )
    currency = models.CharField(max_length=3, validators=[CURRENCY])
    # Agreed at that moment: the quarter's line is paid in so many monthly instalments.
    instalment_count = models.PositiveSmallIntegerField(null=True, blank=True)
    instalment_cents = models.PositiveIntegerField(null=True, blank=True)
    help_code = models.ForeignKey(
        "enrollments.HelpCode",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="orders",
    )
    # Keyed digests of the network address and the browser it was begun from, while that can
    # matter for limits.
    address_digest = models.CharField(max_length=64, blank=True)
    browser_digest = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=~Q(state="paid") | Q(paid_at__isnull=False, member__isnull=False),
                name="a_paid_order_has_a_member",
            ),
            models.CheckConstraint(
                condition=~Q(state="closed_account")
                | (Q(paid_at__isnull=False, member__isnull=False) & ~Q(attention="")),
                name="a_closed_account_is_never_silent",
            ),
            models.CheckConstraint(
                condition=Q(instalment_count=None, instalment_cents=None)
                | Q(instalment_count__isnull=False, instalment_cents__isnull=False),
                name="agreed_instalments_are_whole",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["state", "created_at"], name="orders_by_state"),
            models.Index(fields=["email"], name="orders_by_email"),
        ]

    def __str__(self) -> str:
        return f"Order {str(self.uuid)[:8]}"

    @property
    def address(self) -> str:
        """Where its letters go: what its member has now; ``email`` stays as it was typed.

        One query once it has a member, unless that is selected.
        """
        return self.member.email if self.member else self.email

    @property
    def total_cents(self) -> int:
        """What was agreed, before any discount at Stripe. One query, unless prefetched."""
        return sum(line.unit_price_cents for line in self.lines.all())

    @property
    def due_now_cents(self) -> int:
        """What its payment page asks for: all of it, or the first instalment and the rest."""
        if not self.instalment_count:
            return self.total_cents
        once = sum(line.unit_price_cents for line in self.lines.all() if line.bundle_id)
        return once + (self.instalment_cents or 0)


class OrderLine(models.Model):
    """One thing of an order at the price agreed at that moment: a quarter or a bundle."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    quarter = models.ForeignKey(
        Quarter, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    bundle = models.ForeignKey(
        BundlePage, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    discreet_name = models.CharField(max_length=60)
    unit_price_cents = models.PositiveIntegerField()
    # Its share of what was paid, once it is known: the price less its share of a discount.
    paid_cents = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(quarter__isnull=False, bundle=None)
                | Q(quarter=None, bundle__isnull=False),
                name="a_line_is_a_quarter_or_a_bundle",
            ),
        ]

    def __str__(self) -> str:
        return self.discreet_name


class CheckoutAttempt(models.Model):
    """One Checkout Session of an order. The row is committed before Stripe is asked."""

    class State(models.TextChoices):
        CREATED = "created", "Not yet at Stripe"
        OPEN = "open", "Open"
        COMPLETE = "complete", "Complete"
        EXPIRED = "expired", "Expired"
        FAILED = "failed", "Stripe failed to make it"

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    session_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    fingerprint = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    state = models.CharField(max_length=20, choices=State.choices, default=State.CREATED)

    class Meta:
        ordering: ClassVar[list[str]] = ["number"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["order", "number"], name="attempts_are_numbered"),
        ]

    def __str__(self) -> str:
        return f"Attempt {self.number}"


class Payment(models.Model):
    """Money that Stripe says it took for an order. Nothing is written for a total of zero.

    ``attempt`` is the page on which it was paid; a later instalment has none.
    """

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="payments")
    attempt = models.OneToOneField(
        CheckoutAttempt, null=True, blank=True, on_delete=models.PROTECT, related_name="payment"
    )
    payment_intent_id = models.CharField(max_length=255, unique=True)
    amount_cents = models.PositiveIntegerField()
    currency = models.CharField(max_length=3, validators=[CURRENCY])
    received_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"Payment {self.payment_intent_id}"
