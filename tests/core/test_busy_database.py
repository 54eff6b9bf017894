"""When the database is busy or away for a moment, the page says so and keeps what was typed."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse

from core.discretion import leak_words_in
from tests.factories.enrollments import make_quarter

TYPED = {
    "chosen_name": "Ann & <Co>",
    "email": "ann@example.org",
    "form_id": "6d1f7c0e-7f63-4a53-9a54-0b1a52f2c001",
}


def busy(_execute, sql, *_rest):
    """PostgreSQL's answer when a lock was waited for long enough."""
    raise OperationalError("canceling statement due to lock timeout")


@pytest.fixture
def address(loaded_site) -> str:
    return reverse("enroll", args=[make_quarter().slug])


def answer_of(client: Client, address: str):
    with connection.execute_wrapper(busy):
        return client.post(address, TYPED)


def test_the_page_says_so_and_gives_back_what_was_typed(address):
    answer = answer_of(Client(raise_request_exception=False), address)

    page = answer.content.decode()
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert 'value="Ann &amp; &lt;Co&gt;"' in page
    assert 'value="ann@example.org"' in page
    assert f'action="{address}"' in page


def test_it_tells_nothing(address):
    page = answer_of(Client(raise_request_exception=False), address).content.decode()

    assert leak_words_in(page) == []
    assert "lock timeout" not in page


def test_any_other_failure_is_not_called_a_busy_moment(address):
    def broken(_execute, sql, *_rest):
        raise ValueError("a mistake of ours")

    with connection.execute_wrapper(broken):
        answer = Client(raise_request_exception=False).post(address, TYPED)

    assert answer.status_code == 500
    assert "ann@example.org" not in answer.content.decode()


def test_a_form_of_somebody_else_is_not_given_back(address):
    strict = Client(raise_request_exception=False, enforce_csrf_checks=True)

    answer = answer_of(strict, address)

    assert "ann@example.org" not in answer.content.decode()
