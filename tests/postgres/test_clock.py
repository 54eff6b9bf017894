"""Several runs of the minute's work begin and end a group side by side, on a real PostgreSQL."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest
from django.db import connection, connections
from wagtail.models import ModelLogEntry

from enrollments.models import Enrollment, LedgerEntry, Quarter
from enrollments.operations.quarters import follow_clock
from tests.postgres.crowd import at_once

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="rows are locked on PostgreSQL"),
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]
AFTER = datetime(2027, 6, 1, tzinfo=UTC)


def following() -> int:
    connections.close_all()
    try:
        follow_clock(now=AFTER)
    finally:
        connections.close_all()
    return 200


def test_four_at_once_end_a_group_once(paid, quarter):
    answers = at_once([following] * 4)

    assert answers == Counter({200: 4})
    assert Quarter.objects.get(pk=quarter.pk).state == Quarter.State.ENDED
    assert Enrollment.objects.get(line__order=paid).state == Enrollment.State.COMPLETED
    assert LedgerEntry.objects.filter(order=paid, action="completed").count() == 1
    written = ModelLogEntry.objects.filter(object_id=str(quarter.pk))
    actions = ["enrollments.begin", "enrollments.end"]
    assert list(written.order_by("pk").values_list("action", flat=True)) == actions
