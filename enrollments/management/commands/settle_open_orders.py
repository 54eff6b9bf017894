"""Ask Stripe about the orders that wait for payment."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from enrollments.operations.reconcile import settle_open_orders
from enrollments.stripe_gateway import GatewayError


class Command(BaseCommand):
    """Safe to run twice and side by side. For when a webhook went astray."""

    help = "Ask Stripe about the orders that wait for payment."

    def handle(self, *_args: Any, **_options: Any) -> None:
        try:
            changed = settle_open_orders(now=timezone.now())
        except GatewayError as error:
            self.stderr.write(f"Stripe could not be asked: {error}")
            return
        if changed:
            self.stdout.write(f"orders brought up to date: {changed}")
