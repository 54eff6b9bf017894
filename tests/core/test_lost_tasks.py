"""Tasks whose worker died, or that failed: given back to the queue, later each time."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from itertools import pairwise

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult, get_date_max
from wagtail.models import Page

from core.outbox import DELAYS, KEEP_TRYING
from tests.core.test_outbox import work

pytestmark = pytest.mark.django_db


def make_task(*, minutes: int, workers: int = 1, **changes) -> DBTaskResult:
    return DBTaskResult.objects.create(
        **{
            "status": TaskResultStatus.RUNNING,
            "started_at": timezone.now() - timedelta(minutes=minutes),
            "worker_ids": [f"worker{number}" for number in range(workers)],
            "args_kwargs": {"args": [1], "kwargs": {}},
            "task_path": "core.outbox.send_queued_email",
            "backend_name": "default",
            "run_after": get_date_max(),
            "exception_class_path": "",
            "traceback": "",
        }
        | changes
    )


def status_of(task: DBTaskResult) -> str:
    return DBTaskResult.objects.get(pk=task.pk).status


@pytest.mark.parametrize(
    ("minutes", "workers", "status"),
    [
        (9, 1, TaskResultStatus.RUNNING),
        (11, 1, TaskResultStatus.READY),
        (11, 3, TaskResultStatus.FAILED),
    ],
    ids=["still at work", "its worker is gone", "it took three workers along"],
)
def test_what_becomes_of_a_task_that_was_begun(now, minutes, workers, status):
    task = make_task(minutes=minutes, workers=workers)

    for _ in range(2):
        call_command("requeue_lost_tasks", verbosity=0)

    assert status_of(task) == status


def test_a_task_that_fails_is_tried_for_three_days_and_later_each_time():
    with time_machine.travel(timezone.now(), tick=False) as clock:
        begun = timezone.now()
        task = make_task(minutes=0, status=TaskResultStatus.READY, workers=0)
        tried = []
        for _ in range(4 * 24 * 60):
            call_command("requeue_lost_tasks", stdout=StringIO())
            row = DBTaskResult.objects.get(pk=task.pk)
            if row.status == TaskResultStatus.READY:
                tried.append(timezone.now() - begun)
                row.claim("worker")
                row.set_failed(TimeoutError())
            clock.shift(DELAYS[0])

    waits = [later - earlier for earlier, later in pairwise(tried)]
    assert waits[:5] == list(DELAYS)
    assert waits == sorted(waits)
    assert KEEP_TRYING <= tried[-1] < KEEP_TRYING + timedelta(hours=4)
    assert status_of(task) == TaskResultStatus.FAILED


def test_a_task_that_took_three_workers_along_is_tried_again_later(now):
    task = make_task(
        minutes=16,
        workers=3,
        status=TaskResultStatus.FAILED,
        finished_at=now - DELAYS[2],
    )
    DBTaskResult.objects.update(enqueued_at=now - timedelta(hours=1))

    call_command("requeue_lost_tasks", verbosity=0)

    assert status_of(task) == TaskResultStatus.READY


def test_what_was_to_be_brought_up_to_date_and_is_gone_leaves_no_failed_task(loaded_site, settings):
    settings.TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
    page = loaded_site.get_parent().add_child(instance=Page(title="For a moment", slug="moment"))
    page.delete()
    work()
    assert DBTaskResult.objects.failed().exists()

    call_command("requeue_lost_tasks", verbosity=0)

    assert not DBTaskResult.objects.failed().exists()
