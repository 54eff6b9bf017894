"""Whether an email has gone out with the settings of now: before somebody waits for hers."""

from __future__ import annotations

import json

import pytest
from django.core.mail.backends.locmem import EmailBackend
from django.core.management import CommandError, call_command

from core.email_settings import are_proven, fingerprint
from core.models import ProvenEmailSettings
from tests.core.test_outbox import answer

pytestmark = pytest.mark.django_db


class WrongToken(EmailBackend):
    """A provider that does not know us."""

    def send_messages(self, messages):
        raise answer(401)


@pytest.fixture(autouse=True)
def production(settings):
    """Settings under which it matters."""
    settings.DEVELOPMENT = False
    settings.ANYMAIL = {"POSTMARK_SERVER_TOKEN": "first"}


def emails_in(client) -> str:
    return json.loads(client.get("/readyz").content)["emails"]


def test_a_test_email_that_went_out_proves_the_settings(client, mailoutbox):
    before = emails_in(client)

    call_command("send_test_email", "owner@example.org", verbosity=0)

    assert (before, emails_in(client)) == ("not proven", "ok")
    assert [letter.to for letter in mailoutbox] == [["owner@example.org"]]


@pytest.mark.parametrize(
    "change",
    [
        {"ANYMAIL": {"POSTMARK_SERVER_TOKEN": "second"}},
        {"EMAIL_HOST_PASSWORD": "second"},
        {"DEFAULT_FROM_EMAIL": "office@other.example"},
    ],
)
def test_settings_that_changed_since_are_not_proven(settings, change):
    call_command("send_test_email", "owner@example.org", verbosity=0)
    for name, value in change.items():
        setattr(settings, name, value)

    assert not are_proven()


def test_a_wrong_token_is_found_and_proves_nothing(settings):
    settings.EMAIL_BACKEND = "tests.core.test_email_settings.WrongToken"

    with pytest.raises(CommandError, match="did not accept our token"):
        call_command("send_test_email", "owner@example.org", verbosity=0)

    assert not are_proven()


def test_what_is_no_address_is_refused():
    with pytest.raises(CommandError, match="not an email address"):
        call_command("send_test_email", "owner", verbosity=0)


def test_the_fingerprint_tells_nobody_the_token(settings):
    settings.ANYMAIL = {"POSTMARK_SERVER_TOKEN": "very-secret"}
    call_command("send_test_email", "owner@example.org", verbosity=0)

    assert "very-secret" not in str(ProvenEmailSettings.objects.values())
    assert len(fingerprint()) == 64


def test_in_development_nothing_has_to_be_proven(client, settings):
    settings.DEVELOPMENT = True

    assert emails_in(client) == "ok"


def test_probes_do_not_take_the_site_away_for_it(client):
    assert client.get("/readyz").status_code == 200
