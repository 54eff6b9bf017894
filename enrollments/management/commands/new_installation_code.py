"""Makes a copy of the site an installation of its own."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from enrollments.models import Installation


class Command(BaseCommand):
    """For a copy for trying things out; never on the site itself, nor after restoring it.

    Payments made with the older code, and not yet known here, become no orders any more.
    """

    help = "For a copy of the site: take a new code, so that it takes up no sales of the original."

    def handle(self, *_args: Any, **_options: Any) -> None:
        self.stdout.write(f"This installation is {Installation.renew_code()} from now on.")
