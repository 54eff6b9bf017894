"""What every test may rely on: the practice's content is loaded once, before the first test.

A test with ``@pytest.mark.django_db`` runs in a transaction that is rolled back, so it always finds
the content as loaded. A test that commits (``transaction=True``, ``live_server``) empties the
database when it ends: it must ask for ``serialized_rollback=True`` in its mark, or use the fixture
``django_db_serialized_rollback``. It then starts with the same content, whatever ran before it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test import Client

from accounts.models import User
from core.client_address import forget_misfit
from home.content.load import load, read
from home.models import HomePage
from tests import calendar


def pytest_configure(config: pytest.Config) -> None:
    """The same day for every test, and for what is computed while they are collected."""
    clock = time_machine.travel(calendar.THE_DAY)
    clock.start()
    config.add_cleanup(clock.stop)


def commits(item: pytest.Item) -> bool:
    """Whether a test commits, and so empties its process's database when it ends."""
    mark = item.get_closest_marker("django_db")
    fixtures = {"transactional_db", "live_server"} & set(getattr(item, "fixturenames", ()))
    return bool(fixtures) or bool(mark and mark.kwargs.get("transaction"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Committing tests come last, whatever order the others were shuffled into.

    Test processes are handed tests in this order, so none of them goes back to a test that finds
    the content as loaded after one that has emptied the database.
    """
    items.sort(key=commits)


@contextmanager
def quiet_logs() -> Iterator[None]:
    """Without the four lines per page of which nobody reads one."""
    logging.disable(logging.INFO)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker) -> None:
    """The test database, with the practice's content in it."""
    with django_db_blocker.unblock(), quiet_logs():
        load(read(settings.BASE_DIR / "content/practice.yaml"))
        # What a committing test puts back before it starts; Django took its copy before the load.
        connection._test_serialized_contents = connection.creation.serialize_db_to_string()


@pytest.fixture
def now() -> Iterator[datetime]:
    """The start of the tests' day, Monday 23 November 2026, 15:00 UTC; the clock stands still."""
    with time_machine.travel(calendar.THE_DAY, tick=False):
        yield calendar.THE_DAY


@pytest.fixture(autouse=True)
def process_that_has_seen_no_visitor() -> None:
    """What a process notices about proxies lives in its memory, which no test rolls back."""
    forget_misfit()


@pytest.fixture
def loaded_site(db) -> HomePage:
    """The home page of the loaded site."""
    return HomePage.objects.get(key="home")


@pytest.fixture
def owner_of_site(db) -> User:
    """Somebody of the practice who may do everything in the admin."""
    return User.objects.create_superuser("staff@example.org")


@pytest.fixture
def staff_client(owner_of_site: User) -> Client:
    """A browser in which the practice's owner is signed in."""
    client = Client()
    client.force_login(owner_of_site)
    return client
