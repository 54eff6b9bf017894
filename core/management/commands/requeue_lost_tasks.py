"""Give tasks back to the queue whose worker died, or that failed, for three days."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from core.outbox import DELAYS, KEEP_TRYING, LONGEST_DELAY

# No task of ours takes a minute: whoever has one for so long is gone.
LONGEST = timedelta(minutes=10)
# A task that takes its worker along each time waits longer from then on.
MOST_WORKERS = 3
# They bring something up to date that may be gone by then: there is nothing left to do.
ABOUT_WHAT_MAY_BE_GONE = (
    "modelsearch.tasks.insert_or_update_object_task",
    "wagtail.tasks.update_reference_index_task",
)


class Command(BaseCommand):
    """Safe to run twice and side by side. Our tasks may run twice: they do their work once."""

    help = "Give tasks back to the queue whose worker died, or that failed."

    def handle(self, *_args: Any, **_options: Any) -> None:
        now = timezone.now()
        self._drop_needless()
        for task in DBTaskResult.objects.failed():
            if is_to_be_tried(task, now):
                self._move(task, TaskResultStatus.FAILED, to=TaskResultStatus.READY)
        for task in DBTaskResult.objects.running().filter(started_at__lte=now - LONGEST):
            if len(task.worker_ids) < MOST_WORKERS:
                self._move(task, TaskResultStatus.RUNNING, to=TaskResultStatus.READY)
            else:
                self._move(
                    task, TaskResultStatus.RUNNING, to=TaskResultStatus.FAILED, finished_at=now
                )

    def _drop_needless(self) -> None:
        gone = DBTaskResult.objects.failed().filter(
            task_path__in=ABOUT_WHAT_MAY_BE_GONE, exception_class_path__endswith=".DoesNotExist"
        )
        gone.delete()

    def _move(
        self, task: DBTaskResult[Any, Any], state: TaskResultStatus, *, to: Any, **more: Any
    ) -> None:
        """Unless somebody else has moved it meanwhile."""
        same = DBTaskResult.objects.filter(pk=task.pk, status=state, started_at=task.started_at)
        if same.update(status=to, **more):
            self.stdout.write(f"{to.label}: {task.task_name} {task.pk}")


def is_to_be_tried(task: DBTaskResult[Any, Any], now: datetime) -> bool:
    """Whether a failed task's next try is due; each waits longer than the one before."""
    failures = len(task.worker_ids)
    ended = task.finished_at or task.enqueued_at
    if ended >= task.enqueued_at + KEEP_TRYING and failures > len(DELAYS):
        return False
    wait = (DELAYS[max(failures - 1, 0) :] or (LONGEST_DELAY,))[0]
    return bool(ended + wait <= now)
