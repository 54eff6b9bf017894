"""Stripe's stand-in, for members who have just paid."""

from tests.stripe_fixtures import *  # noqa: F403
