"""No page for visitors or members reads an encrypted column, so none needs its key."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.fields import encrypted_columns
from enrollments.models import Enrollment, MeetingRoom, Quarter
from tests.factories.enrollments import make_member, make_place
from tests.reading import ADDRESSES

pytestmark = pytest.mark.django_db


@pytest.fixture
def quarters(loaded_site, now) -> list[Quarter]:
    """The quarters of 2027, still to come; members of each know how to come in."""
    call_command("load_quarters", verbosity=0)
    found = list(Quarter.objects.all())
    for quarter in found:
        MeetingRoom.objects.create(quarter=quarter, join_link="https://video.example/123")
    return found


@pytest.fixture
def keys_are_lost(quarters, settings) -> None:
    """What the quarters hold cannot be read any more."""
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]


def encrypted_columns_read(queries: CaptureQueriesContext) -> set[str]:
    names = {f'"{column.name}"' for column in encrypted_columns()}
    return {name for name in names for query in queries if name in query["sql"]}


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_public_page_reads_nothing_encrypted(client, keys_are_lost, address):
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(address)

    assert answer.status_code == 200
    assert encrypted_columns_read(queries) == set()


@pytest.mark.parametrize("name", ["enroll", "waitlist"])
def test_a_quarters_own_pages_read_nothing_encrypted(client, quarters, keys_are_lost, name):
    if name == "waitlist":
        Quarter.objects.update(capacity=1)
        make_place(quarters[0], make_member())

    with CaptureQueriesContext(connection) as queries:
        answer = client.get(reverse(name, args=[quarters[0].slug]))

    assert answer.status_code == 200
    assert encrypted_columns_read(queries) == set()


def test_a_members_pages_read_nothing_encrypted(quarters, keys_are_lost):
    ann, browser = make_member(), Client()
    make_place(quarters[0], ann, state=Enrollment.State.ENROLLED)
    browser.force_login(ann)

    with CaptureQueriesContext(connection) as queries:
        answer = browser.get("/member/")

    assert answer.status_code == 200
    assert encrypted_columns_read(queries) == set()


def test_the_desk_of_quarters_lists_and_tells_without_the_keys(
    quarters, keys_are_lost, staff_client
):
    listed = staff_client.get(reverse("enrollments_quarter_modeladmin_index"))
    told = staff_client.get(
        reverse("enrollments_quarter_modeladmin_inspect", args=[quarters[0].pk])
    )

    assert listed.status_code == 200
    assert "Not readable" in told.content.decode()
