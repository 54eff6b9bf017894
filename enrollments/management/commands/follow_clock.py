"""Begin and end quarters whose time has come."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from enrollments.operations.quarters import follow_clock


class Command(BaseCommand):
    """Safe to run twice and side by side: each quarter is one transaction, under its lock."""

    help = "Begin and end quarters whose time has come."

    def handle(self, *_args: Any, **_options: Any) -> None:
        if changed := follow_clock(now=timezone.now()):
            self.stdout.write(f"quarters that began or ended: {changed}")
