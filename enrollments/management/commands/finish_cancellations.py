"""Go on with quarters that were cancelled, until everybody has her money back."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from enrollments.operations.departures import finish_cancellations


class Command(BaseCommand):
    """Safe to run twice and side by side: each person is one transaction."""

    help = "Go on with quarters that were cancelled."

    def handle(self, *_args: Any, **_options: Any) -> None:
        if seen_to := finish_cancellations(now=timezone.now()):
            self.stdout.write(f"people of cancelled quarters: {seen_to}")
