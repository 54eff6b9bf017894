"""Forget where old orders and tries came from."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from accounts import mailboxes
from enrollments.operations.limits import forget


class Command(BaseCommand):
    """Safe to run twice and side by side."""

    help = "Forget where old orders and tries came from."

    def handle(self, *_args: Any, **_options: Any) -> None:
        now = timezone.now()
        forgotten = forget(now=now) + mailboxes.forget(now=now)
        if forgotten:
            self.stdout.write(f"addresses forgotten: {forgotten}")
