"""What each public page costs when nothing is kept: literal numbers, so that growth is seen."""

from __future__ import annotations

import pytest
from django.core.management import call_command

pytestmark = pytest.mark.django_db


@pytest.fixture
def sample_quarters(loaded_site, now):
    """The quarters of 2027, still to come."""
    call_command("load_quarters", verbosity=0)


QUERIES = {
    "/": 14,
    "/programs/": 9,
    "/programs/facing-heartbreak/": 12,
    "/programs/facing-heartbreak/week-4/": 9,
    "/programs/am-i/": 9,
    "/team/": 7,
    "/team/charlene-lewis/": 7,
    "/faq/": 8,
    "/safety/": 6,
    "/privacy/": 6,
    "/terms/": 6,
    "/refunds/": 6,
    "/contact/": 6,
}


@pytest.mark.parametrize(("address", "queries"), QUERIES.items(), ids=list(QUERIES))
def test_a_public_page_costs_so_many_queries(
    client, sample_quarters, address, queries, django_assert_num_queries
):
    client.get(address)

    with django_assert_num_queries(queries):
        answer = client.get(address)

    assert answer.status_code == 200


def test_outside_demo_mode_a_page_costs_one_more_to_leave_samples_out_of_the_menus(
    client, loaded_site, settings, django_assert_num_queries
):
    client.get("/safety/")
    settings.DEMO_MODE = False

    with django_assert_num_queries(QUERIES["/safety/"] + 1):
        client.get("/safety/")


def test_a_page_that_is_not_there_is_found_to_be_missing_in_few_queries(
    client, loaded_site, django_assert_max_num_queries
):
    with django_assert_max_num_queries(7):
        assert client.get("/nowhere/at/all/").status_code == 404


def test_public_pages_may_be_kept_by_the_page_cache(client, loaded_site):
    answers = {address: client.get(address) for address in QUERIES}

    varying = {a for a, answer in answers.items() if answer.cookies or answer.has_header("Vary")}
    assert varying == set()
