"""Stripe's stand-in for tests on a real PostgreSQL."""

from tests.stripe_fixtures import *  # noqa: F403
