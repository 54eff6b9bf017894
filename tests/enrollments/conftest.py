"""Stripe's stand-in and waiting orders, for every test of enrollments."""

from tests.stripe_fixtures import *  # noqa: F403
