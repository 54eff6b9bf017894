"""What is due: one step that fails keeps no other from running, and staff see it until it works."""

from __future__ import annotations

import sys

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from core.due_steps import run_step
from core.models import FailedStep
from enrollments.management.commands import tick
from tests.enrollments.desk_cast import browser_of, make_staff, text_of

pytestmark = pytest.mark.django_db

FAILURES = [
    ValueError("ann@example.org"),
    CommandError("no"),
    SystemExit(1),
    MemoryError(),
    OperationalError("canceling statement due to statement timeout"),
]


def failing(failure):
    def step():
        raise failure

    return step


@pytest.mark.parametrize("failure", FAILURES, ids=lambda each: type(each).__name__)
def test_however_a_step_ends_the_others_run(monkeypatch, failure):
    called = []

    def call(name, *_args, **_options):
        called.append(name)
        if name == "release_holds":
            raise failure

    monkeypatch.setattr(tick, "call_command", call)

    with pytest.raises(CommandError, match="not done: release_holds"):
        call_command("tick", verbosity=0)

    assert called == [due[0] for due in tick.DUE]
    assert [(step.name, step.error) for step in FailedStep.objects.all()] == [
        ("release_holds", type(failure).__name__)
    ]


def test_a_step_that_leaves_with_success_has_not_failed():
    assert run_step("quiet", "Nothing.", lambda: sys.exit(0))
    assert not FailedStep.objects.exists()


def test_whoever_stops_the_site_stops_it():
    with pytest.raises(KeyboardInterrupt):
        run_step("quiet", "Nothing.", failing(KeyboardInterrupt()))


def test_staff_see_since_when_a_step_fails_until_it_works(loaded_site, now):
    colleague = browser_of(make_staff("other@example.org"))
    for _ in range(2):
        run_step("send_refunds", "Send refunds.", failing(ValueError("ann@example.org")))

    while_failing = text_of(colleague, "/staff/")
    styles = colleague.get("/staff/").content.count(b"css/desks.css")
    run_step("send_refunds", "Send refunds.", lambda: None)

    assert "Send refunds. This has failed since Nov 23, 10:00 am. It is tried" in while_failing
    assert "ann@" not in while_failing
    assert styles == 1
    assert "Not done by itself" not in text_of(colleague, "/staff/")


def test_no_log_line_of_a_failed_step_names_anybody(caplog):
    run_step("send_refunds", "Send refunds.", failing(ValueError("ann@example.org")))

    assert "ann@" not in " ".join(record.getMessage() for record in caplog.records)


def test_every_step_says_what_it_is_for():
    assert all(tick.purpose_of(due[0]) for due in tick.DUE)
