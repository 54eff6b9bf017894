"""What has to stand at Stripe before anything is sold: made once, checked ever after."""

from __future__ import annotations

import re

import pytest
from django.core.management import CommandError, call_command

from enrollments import stripe_gateway
from enrollments.operations.inbox import HANDLED

URL = "http://127.0.0.1:8000/stripe/webhook/"


@pytest.fixture
def told(standin, settings, capsys):
    """Runs the command and gives back what it printed."""
    settings.BASE_URL = "http://127.0.0.1:8000"
    settings.STRIPE_PORTAL_CONFIGURATION = ""

    def run(*options: str) -> str:
        call_command("stripe_setup", *options)
        return capsys.readouterr().out

    return run


def test_the_first_run_makes_everything_and_prints_what_to_set(told):
    out = told()

    endpoint = stripe_gateway.find_endpoint(URL)
    assert endpoint.events == frozenset(HANDLED)
    assert endpoint.api_version == stripe_gateway.API_VERSION
    assert re.search(r"^STRIPE_WEBHOOK_SECRETS=whsec_\S+$", out, re.MULTILINE)
    assert re.search(r"^STRIPE_PORTAL_CONFIGURATION=bpc_\S+$", out, re.MULTILINE)


def test_a_second_run_makes_nothing_more(told, settings, standin):
    settings.STRIPE_PORTAL_CONFIGURATION = portal_in(told())
    made = len([r for r in standin.requests() if r["method"] == "POST"])

    out = told()

    assert "webhook endpoint is right" in out
    assert len([r for r in standin.requests() if r["method"] == "POST"]) == made


def portal_in(out: str) -> str:
    return re.search(r"STRIPE_PORTAL_CONFIGURATION=(\S+)", out)[1]


def test_checking_fails_until_everything_stands(told, settings):
    with pytest.raises(CommandError):
        told("--check")
    settings.STRIPE_PORTAL_CONFIGURATION = portal_in(told())

    out = told("--check")

    assert out.count("as it should be") == 2


def test_an_endpoint_that_lacks_an_event_is_put_right(told, settings):
    told()
    endpoint = stripe_gateway.find_endpoint(URL)
    stripe_gateway.update_endpoint(endpoint.endpoint_id, events=["refund.failed"])
    with pytest.raises(CommandError):
        told("--check")

    told()

    assert stripe_gateway.find_endpoint(URL).events == frozenset(HANDLED)


def test_a_portal_in_which_no_card_can_be_changed_is_not_as_it_should_be(
    told, settings, stripe_sdk
):
    told()
    bare = stripe_sdk.v1.billing_portal.configurations.create(
        {"features": {"invoice_history": {"enabled": True}}}
    )
    settings.STRIPE_PORTAL_CONFIGURATION = bare.id

    with pytest.raises(CommandError):
        told("--check")


def test_a_portal_that_stripe_does_not_know_is_said(told, settings, capsys):
    told()
    settings.STRIPE_PORTAL_CONFIGURATION = "bpc_unknown"

    with pytest.raises(CommandError):
        call_command("stripe_setup", "--check")

    assert "does not know" in capsys.readouterr().out


def test_when_stripe_cannot_be_asked_it_says_so(told, standin):
    standin.fault("refuse", count=2)

    with pytest.raises(CommandError, match="could not be asked"):
        told()
