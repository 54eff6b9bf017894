"""Tell Stripe of help codes that it does not know yet, and of those that were switched off."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from enrollments.operations.codes import tell_stripe


class Command(BaseCommand):
    """Safe to run twice and side by side. What cannot be told now waits for the next time."""

    help = "Tell Stripe of new and of switched-off help codes."

    def handle(self, *_args: Any, **_options: Any) -> None:
        told = tell_stripe(now=timezone.now())
        if told:
            self.stdout.write(f"help codes told to Stripe: {told}")
