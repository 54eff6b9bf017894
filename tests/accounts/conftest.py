"""People who sign in, and what their letters say."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.http import HttpResponse
from django.test import Client

from accounts.models import User

SIGN_IN = "/account/login/"
TYPE_CODE = "/account/login/code/"


@pytest.fixture
def ann(db) -> User:
    """A member."""
    return User.objects.create_user("ann@example.org", chosen_name="Ann")


@pytest.fixture
def ask(client: Client) -> Callable[..., HttpResponse]:
    """Fills in the first page: ``ask("ann@example.org")``."""

    def fill_in(email: str, **fields: str) -> HttpResponse:
        return client.post(SIGN_IN, {"email": email, **fields})

    return fill_in


@pytest.fixture
def code(mailoutbox) -> Callable[[], str]:
    """The code in the last letter, as it stands there: ``code()``."""

    def read() -> str:
        return re.search(r"^\d{4} \d{4}( \d{4})?$", mailoutbox[-1].body, re.MULTILINE).group()

    return read


@pytest.fixture
def wrong(code) -> Callable[[], str]:
    """Eight digits that are not the code of the last letter."""

    def differ() -> str:
        return f"{(int(code().replace(' ', '')) + 1) % 10**8:08d}"

    return differ
