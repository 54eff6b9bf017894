"""Ask Stripe for the refunds that still wait, and end the access that was let go on until now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from enrollments.operations.refund_rules import end_due_access
from enrollments.operations.refunds_at_stripe import send_waiting_refunds


class Command(BaseCommand):
    """Safe to run twice and side by side: a refund's number is its idempotency key."""

    help = "Send the refunds that still wait for Stripe."

    def handle(self, *_args: Any, **_options: Any) -> None:
        now = timezone.now()
        if sent := send_waiting_refunds(now=now):
            self.stdout.write(f"refunds sent: {sent}")
        if ended := end_due_access(now=now):
            self.stdout.write(f"orders whose access ended: {ended}")
