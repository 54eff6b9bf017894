"""Pass on the places that were not taken in time, and close the lists that are over."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from enrollments.operations.waitlist import follow_up


class Command(BaseCommand):
    """Safe to run twice and side by side. Whoever is paying may finish."""

    help = "Pass on the places that were not taken in time, and close the lists that are over."

    def handle(self, *_args: Any, **_options: Any) -> None:
        told = follow_up(now=timezone.now())
        if told:
            self.stdout.write(f"people on waitlists told: {told}")
