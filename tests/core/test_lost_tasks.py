"""Tasks whose worker died while it had them: given back to the queue, and not for ever."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult, get_date_max

pytestmark = pytest.mark.django_db


def task_of_a_dead_worker(*, minutes: int, workers: int = 1) -> DBTaskResult:
    return DBTaskResult.objects.create(
        status=TaskResultStatus.RUNNING,
        started_at=timezone.now() - timedelta(minutes=minutes),
        worker_ids=[f"worker{number}" for number in range(workers)],
        args_kwargs={"args": [1], "kwargs": {}},
        task_path="enrollments.emails.send_order_letter",
        backend_name="default",
        run_after=get_date_max(),
        exception_class_path="",
        traceback="",
    )


@pytest.mark.parametrize(
    ("minutes", "workers", "status"),
    [
        (9, 1, TaskResultStatus.RUNNING),
        (11, 1, TaskResultStatus.READY),
        (11, 3, TaskResultStatus.FAILED),
    ],
    ids=["still at work", "its worker is gone", "it took three workers along"],
)
def test_what_becomes_of_a_task_that_was_begun(minutes, workers, status):
    task = task_of_a_dead_worker(minutes=minutes, workers=workers)

    for _ in range(2):
        call_command("requeue_lost_tasks", verbosity=0)

    assert DBTaskResult.objects.get(pk=task.pk).status == status
