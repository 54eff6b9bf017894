"""Forget where old orders and tries came from."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from enrollments.operations.limits import forget


class Command(BaseCommand):
    """Safe to run twice and side by side."""

    help = "Forget where old orders and tries came from."

    def handle(self, *_args: Any, **_options: Any) -> None:
        forgotten = forget(now=timezone.now())
        if forgotten:
            self.stdout.write(f"addresses forgotten: {forgotten}")
