"""Everything that is due: run it every minute, from cron or from the demo."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.core.management import call_command, get_commands, load_command_class
from django.core.management.base import BaseCommand, CommandError

from core.due_steps import run_step

# Each is a command of its own too.
DUE = (
    ("settle_open_orders",),
    ("release_holds",),
    ("follow_clock",),
    ("pass_on_offers",),
    ("finish_cancellations",),
    ("send_refunds",),
    ("send_help_codes",),
    ("settle_plans",),
    ("reconcile", "--if-due"),
    ("publish_scheduled",),
    ("send_waiting_emails",),
    ("requeue_lost_tasks",),
    ("clearsessions",),
    ("forget_addresses",),
    ("prune_db_task_results",),
)


class Command(BaseCommand):
    """Safe to run twice and side by side. What fails does not keep the rest from being done."""

    help = "Do everything that is due."

    def handle(self, *_args: Any, **_options: Any) -> None:
        failed = [due[0] for due in DUE if not self._done(*due)]
        if failed:
            raise CommandError(f"not done: {', '.join(failed)}")

    def _done(self, *due: str) -> bool:
        step = partial(call_command, *due, stdout=self.stdout, stderr=self.stderr)
        return run_step(due[0], purpose_of(due[0]), step)


def purpose_of(command: str) -> str:
    """What the command is for, in its own words."""
    return str(load_command_class(get_commands()[command], command).help)
