"""The real stand-in, and the shop of the long proofs."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import stripe

from tests.proof.shop import Shop
from tests.stripe_fixtures import *  # noqa: F403
from tests.stripe_standin.receiver import Receiver


@pytest.fixture(scope="session")
def endpoint() -> Iterator[Receiver]:
    """Where Stripe hears that an event was taken."""
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def impatient_sdk(monkeypatch) -> None:
    """The SDK asks a second time at once; half a second for each stumble would add up."""
    monkeypatch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0)
    monkeypatch.setattr(stripe.HTTPClient, "MAX_DELAY", 0)


@pytest.fixture
def silence() -> Iterator[None]:
    """What is tried on purpose, thousands of times, is not worth a line each."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def shop(standin, endpoint, queued, impatient_sdk, loaded_site, silence) -> Shop:
    """An empty shop with the practice's content."""
    return Shop(standin, endpoint)
