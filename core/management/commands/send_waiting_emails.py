"""Look after emails that wait: none is forgotten, and settled ones are deleted in time."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from core import outbox


class Command(BaseCommand):
    """Safe to run twice and side by side. The worker does the sending."""

    help = "Queue emails again that are due and forgotten; delete those settled long ago."

    def handle(self, *_args: Any, **_options: Any) -> None:
        now = timezone.now()
        if queued := outbox.queue_forgotten(now=now):
            self.stdout.write(f"emails queued again: {queued}")
        outbox.forget_settled(now=now)
