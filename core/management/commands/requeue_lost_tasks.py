"""Give tasks back to the queue whose worker died while it had them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

# No task of ours takes a minute: whoever has one for so long is gone.
LONGEST = timedelta(minutes=10)
# A task that takes its worker along each time must not do so for ever.
MOST_WORKERS = 3


class Command(BaseCommand):
    """Safe to run twice and side by side. Our tasks may run twice: they do their work once."""

    help = "Give tasks back to the queue whose worker died."

    def handle(self, *_args: Any, **_options: Any) -> None:
        lost = DBTaskResult.objects.running().filter(started_at__lte=timezone.now() - LONGEST)
        for task in lost:
            given_up = len(task.worker_ids) >= MOST_WORKERS
            DBTaskResult.objects.running().filter(pk=task.pk, started_at=task.started_at).update(
                status=TaskResultStatus.FAILED if given_up else TaskResultStatus.READY
            )
            self.stdout.write(f"{'given up' if given_up else 'again'}: {task.task_name} {task.pk}")
