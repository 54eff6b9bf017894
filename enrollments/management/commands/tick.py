"""Everything that is due: run it every minute, from cron or from the demo."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

# Each is a command of its own too.
DUE = ("release_holds", "publish_scheduled", "clearsessions", "prune_db_task_results")


class Command(BaseCommand):
    """Safe to run twice and side by side."""

    help = "Do everything that is due."

    def handle(self, *_args: Any, **_options: Any) -> None:
        for name in DUE:
            call_command(name, stdout=self.stdout)
