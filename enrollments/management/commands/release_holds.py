"""Free the seats whose hold is over."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from enrollments.operations.giving_up import end_orders_without_page, release_lapsed_holds


class Command(BaseCommand):
    """Safe to run twice and side by side. A seat is freed only once Stripe has confirmed."""

    help = "Free the seats whose hold is over."

    def handle(self, *_args: Any, **_options: Any) -> None:
        released = release_lapsed_holds(now=timezone.now())
        if released:
            self.stdout.write(f"seats freed: {released}")
        if ended := end_orders_without_page(now=timezone.now()):
            self.stdout.write(f"orders without a payment page ended: {ended}")
