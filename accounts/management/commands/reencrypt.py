"""Moves everything encrypted to the newest of FIELD_KEYS, so that the older ones can go."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.seeds import reencrypt_seeds
from core.fields import encrypted_columns
from core.reencryption import Moved, reencrypt_column


class Command(BaseCommand):
    """Safe to run twice, beside a running site, and after it was stopped anywhere."""

    help = "Encrypt with the newest of FIELD_KEYS whatever stands under an older one."

    def handle(self, *_args: Any, **_options: Any) -> None:
        total = Moved()
        for column in encrypted_columns():
            total += self._said(column.label, reencrypt_column(column))
        total += self._said("second steps of staff", reencrypt_seeds())
        if total.unreadable:
            raise CommandError(
                f"{total.unreadable} values cannot be read and stay as they are; "
                "manage.py check --database default names their keys. Keep the older keys."
            )
        self.stdout.write("Everything stands under the newest key.")

    def _said(self, label: str, moved: Moved) -> Moved:
        self.stdout.write(f"{label}: {moved.moved} moved, {moved.unreadable} not readable")
        return moved
