"""Give payment plans their end at Stripe, stop those that are over, pause what is long unpaid."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from enrollments.operations.plans import settle_plans


class Command(BaseCommand):
    """Safe to run twice and side by side. What fails is done the next time."""

    help = "Do what is due for payment plans."

    def handle(self, *_args: Any, **_options: Any) -> None:
        if settled := settle_plans(now=timezone.now()):
            self.stdout.write(f"plans settled: {settled}")
