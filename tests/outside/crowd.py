"""Many visitors and buyers at once, in one process of the site; prints what it found as JSON."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import django

THREADS = 12
ROUNDS = 12
SEATS = 5

django.setup()

from django.conf import settings  # noqa: E402 (after the setup)
from django.db import connection, connections, transaction  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402
from django_tasks_db.models import DBTaskResult  # noqa: E402

from enrollments.errors import QuarterFull  # noqa: E402
from enrollments.models import Enrollment, Meeting, Quarter  # noqa: E402
from enrollments.operations import checkout  # noqa: E402
from tests.factories.enrollments import make_buyer  # noqa: E402

backends: set[int] = set()
limits: set[tuple[str, ...]] = set()
errors: list[str] = []
together = threading.Barrier(THREADS)


def visit(number: int, _turn: int) -> None:
    addresses = ("/", "/programs/facing-heartbreak/", "/enroll/2027-q1/", "/healthz")
    answer = Client(HTTP_HOST="127.0.0.1").get(addresses[number % len(addresses)])
    if answer.status_code != 200:
        errors.append(f"{answer.status_code} {answer.request['PATH_INFO']}")


def buy(number: int, turn: int) -> None:
    quarter_id = Quarter.objects.get(slug="2027-q1").pk
    buyer = make_buyer(f"buyer{number}-{turn}@example.org")
    try:
        checkout.enroll(quarter_id=quarter_id, buyer=buyer, now=timezone.now())
    except QuarterFull:
        return


def read_long_lists(_number: int, _turn: int) -> None:
    """Outside a transaction, in parts: what a server-side cursor would be needed for."""
    if len(list(Meeting.objects.order_by("pk").iterator(chunk_size=2))) != Meeting.objects.count():
        errors.append("a list lost a part")


def look_at_the_limits(_number: int, _turn: int) -> None:
    look()
    with transaction.atomic():
        look()


def look() -> None:
    settings_of_session = "current_setting('{}')"
    asked = ", ".join(settings_of_session.format(name) for name in settings.DATABASE_LIMITS)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_backend_pid(), current_setting('TimeZone'), {asked}")
        backend, zone, *found = cursor.fetchone()
    backends.add(backend)
    limits.add(tuple(found))
    if zone != "UTC":
        errors.append(f"time zone {zone}")


WORK: tuple[Callable[[int, int], None], ...] = (visit, buy, read_long_lists, look_at_the_limits)


def work(number: int) -> None:
    together.wait()
    for turn in range(ROUNDS):
        for step in WORK:
            try:
                step(number, turn)
            except Exception as error:  # noqa: BLE001 (told to whoever started this)
                errors.append(f"{step.__name__}: {type(error).__name__}: {error}"[:300])
    connections.close_all()


def main() -> None:
    Quarter.objects.filter(slug="2027-q1").update(
        capacity=SEATS, state="open", opens_at=timezone.now()
    )
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))
    taken = Enrollment.objects.filter(quarter__slug="2027-q1").occupying()
    found = {
        "errors": sorted(set(errors)),
        "seats": SEATS,
        "sold": taken.values("seat_number").distinct().count(),
        "oversold": taken.count() - taken.values("seat_number").distinct().count(),
        "limits": sorted(map(list, limits)),
        "server_connections": len(backends),
        "threads": THREADS,
        "tasks": DBTaskResult.objects.count(),
    }
    sys.stdout.write(f"{json.dumps(found)}\n")


if __name__ == "__main__":
    main()
