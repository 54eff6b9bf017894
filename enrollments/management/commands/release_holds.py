"""Free the seats whose hold is over."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from enrollments.operations.checkout import release_lapsed_holds


class Command(BaseCommand):
    """Safe to run twice and side by side. A seat is freed only once Stripe has confirmed."""

    help = "Free the seats whose hold is over."

    def handle(self, *_args: Any, **_options: Any) -> None:
        released = release_lapsed_holds(now=timezone.now())
        if released:
            self.stdout.write(f"seats freed: {released}")
