"""Our emails through every provider that Anymail knows; what would leave is caught."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default as modern
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import botocore.awsrequest
import botocore.httpsession
import pytest
import requests
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from config.email import anymail_settings
from core.email_checks import emails_can_be_sent
from core.letters import Identity, send_letter
from core.providers import WHERE_TRACKING_IS_SWITCHED_OFF

pytestmark = [
    pytest.mark.django_db,
    # SendGrid works, and Anymail says that it no longer tests it.
    pytest.mark.filterwarnings("ignore::anymail.exceptions.AnymailNotSupportedWarning"),
]

ADDRESS = "ann@example.org"
IDENTITY = Identity(message=UUID(int=1), request=UUID(int=2))
MESSAGE_ID = f"<{IDENTITY.message}@stillwater.example>"
LETTER = {"code": "1234 5678", "minutes": 15, "name": "Ann"}
AMAZON = {
    "AMAZON_SES_CLIENT_PARAMS": {
        "region_name": "us-east-1",
        "aws_access_key_id": "x",
        "aws_secret_access_key": "x",
    }
}
# Each with its least settings, and what it answers when it has taken an email.
PROVIDERS: dict[str, tuple[dict[str, Any], Any]] = {
    "amazon_ses": (AMAZON, {"MessageId": "1"}),
    "brevo": ({"BREVO_API_KEY": "x"}, {"messageId": "<1>"}),
    "mailersend": ({"MAILERSEND_API_TOKEN": "x"}, None),
    "mailgun": (
        {"MAILGUN_API_KEY": "x", "MAILGUN_SENDER_DOMAIN": "stillwater.example"},
        {"id": "<1>", "message": "Queued. Thank you."},
    ),
    "mailjet": (
        {"MAILJET_API_KEY": "x", "MAILJET_SECRET_KEY": "x"},
        {"Messages": [{"Status": "success", "To": [{"Email": ADDRESS, "MessageID": 1}]}]},
    ),
    "mailtrap": ({"MAILTRAP_API_TOKEN": "x"}, {"success": True, "message_ids": ["1"]}),
    "mandrill": ({"MANDRILL_API_KEY": "x"}, [{"email": ADDRESS, "status": "sent", "_id": "1"}]),
    "postal": (
        {"POSTAL_API_KEY": "x", "POSTAL_API_URL": "https://postal.example"},
        {"status": "success", "data": {"messages": {ADDRESS: {"id": 1, "token": "x"}}}},
    ),
    "postmark": (
        {"POSTMARK_SERVER_TOKEN": "x"},
        {"ErrorCode": 0, "Message": "OK", "MessageID": "1", "To": ADDRESS},
    ),
    "resend": ({"RESEND_API_KEY": "x"}, {"id": "1"}),
    "scaleway": (
        {"SCALEWAY_SECRET_KEY": "x", "SCALEWAY_PROJECT_ID": "x"},
        {"emails": [{"id": "1", "mail_rcpt": ADDRESS, "status": "new"}]},
    ),
    "sendgrid": ({"SENDGRID_API_KEY": "x"}, None),
    "sparkpost": (
        {"SPARKPOST_API_KEY": "x"},
        {"results": {"id": "1", "total_accepted_recipients": 1, "total_rejected_recipients": 0}},
    ),
    "unisender_go": (
        {
            "UNISENDER_GO_API_KEY": "x",
            "UNISENDER_GO_API_URL": "https://go1.unisender.ru/ru/transactional/api/v1/",
        },
        {"status": "success", "job_id": "1", "emails": [ADDRESS]},
    ),
}
# How those that can be told not to track are told.
NOT_TRACKED = {
    "mailersend": {"settings.track_opens": False, "settings.track_clicks": False},
    "mailgun": {"o:tracking-opens": "no", "o:tracking-clicks": "no"},
    "mailjet": {
        "Globals.TrackOpens": "disabled",
        "Globals.TrackClicks": "disabled",
    },
    "mandrill": {"message.track_opens": False, "message.track_clicks": False},
    "postmark": {"TrackOpens": False, "TrackLinks": "None"},
    "sendgrid": {
        "tracking_settings.open_tracking.enable": False,
        "tracking_settings.click_tracking.enable": False,
    },
    "sparkpost": {"options.open_tracking": False, "options.click_tracking": False},
    "unisender_go": {"message.track_read": 0, "message.track_links": 0},
}
# Words by which providers know what somebody wants printed or counted.
TELLING = ("metadata", "tag", "custom_arg", "customid", "eventpayload", "variables", "categor")


@dataclass(frozen=True)
class Caught:
    """A request that a provider would have had."""

    headers: dict[str, str]
    body: bytes

    def facts(self) -> dict[str, Any]:
        """The body's values by their paths; of Amazon's, the headers of the message in it."""
        if "multipart" in self.headers.get("Content-Type", ""):
            return dict(self._parts())
        try:
            told = json.loads(self.body)
        except ValueError:
            return dict(parse_qsl(self.body.decode()))
        return dict(flat(told))

    def _parts(self) -> Iterator[tuple[str, str]]:
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        for part in message_from_bytes(head + self.body, policy=modern).iter_parts():
            name = str(part["Content-Disposition"].params["name"])
            yield name, part.get_content().strip()

    def text(self) -> str:
        """Everything in it, decoded."""
        facts = self.facts()
        raw = facts.get("Content.Raw.Data")
        if raw:
            return base64.b64decode(raw).decode()
        return "\n".join(f"{path}: {value}" for path, value in facts.items())


def flat(told: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each value with where it stands; positions in lists are left out when there is only one."""
    if isinstance(told, dict):
        for key, value in told.items():
            yield from flat(value, f"{path}.{key}" if path else str(key))
    elif isinstance(told, list):
        for number, value in enumerate(told):
            yield from flat(value, path if len(told) == 1 else f"{path}.{number}")
    else:
        yield path, told


@pytest.fixture
def network(monkeypatch) -> list[Caught]:
    """What would have gone out; ``answer`` is what comes back."""
    caught: list[Caught] = []

    def over_requests(session, request, **_options):
        body = request.body.encode() if isinstance(request.body, str) else request.body
        caught.append(Caught(dict(request.headers), body))
        response = requests.Response()
        response.status_code = 202
        response.headers["Content-Type"] = "application/json" if answers[-1] else "text/html"
        response.headers["X-Message-Id"] = "1"
        response._content = json.dumps(answers[-1]).encode() if answers[-1] else b""
        return response

    def over_amazon(session, request):
        caught.append(Caught({}, request.body))
        body = json.dumps(answers[-1]).encode()
        raw = SimpleNamespace(stream=lambda **_options: iter([body]))
        return botocore.awsrequest.AWSResponse(request.url, 200, {}, raw)

    monkeypatch.setattr(requests.Session, "send", over_requests)
    monkeypatch.setattr(botocore.httpsession.URLLib3Session, "send", over_amazon)
    return caught


answers: list[Any] = []


def use(settings, provider: str) -> None:
    own, answer = PROVIDERS[provider]
    settings.EMAIL_BACKEND = f"anymail.backends.{provider}.EmailBackend"
    settings.ANYMAIL = anymail_settings(json.dumps(own))
    settings.DEFAULT_FROM_EMAIL = "Stillwater <office@stillwater.example>"
    answers.append(answer)


def send_through(settings, provider: str, network: list[Caught]) -> Caught:
    use(settings, provider)
    send_letter(to=ADDRESS, template="code", context=LETTER, identity=IDENTITY)
    [request] = network
    return request


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_provider_gets_the_whole_letter_and_its_headers(settings, network, provider):
    told = send_through(settings, provider, network).text()

    for part in ("Your code", "1234 5678", ADDRESS, "office@stillwater.example", MESSAGE_ID):
        assert part in told
    assert "Auto-Submitted" in told
    assert "auto-generated" in told
    assert "X-Auto-Response-Suppress" in told


@pytest.mark.parametrize("provider", PROVIDERS)
def test_no_provider_is_given_metadata_or_tags(settings, network, provider):
    facts = send_through(settings, provider, network).facts()

    told = {
        path: value
        for path, value in facts.items()
        if any(word in path.lower() for word in TELLING) and value not in (None, "", {}, [])
    }
    assert told == {}


@pytest.mark.parametrize("provider", NOT_TRACKED)
def test_providers_that_can_be_told_are_told_not_to_track(settings, network, provider):
    facts = send_through(settings, provider, network).facts()

    assert {path: facts.get(path) for path in NOT_TRACKED[provider]} == NOT_TRACKED[provider]


def test_every_provider_is_told_or_its_owner_is_asked():
    asked = set(WHERE_TRACKING_IS_SWITCHED_OFF) - {"smtp"}

    assert set(PROVIDERS) == set(NOT_TRACKED) | asked
    assert set(NOT_TRACKED) & asked == set()


@pytest.mark.parametrize("provider", sorted(set(WHERE_TRACKING_IS_SWITCHED_OFF) - {"smtp"}))
def test_the_others_are_told_nothing_that_they_would_not_know(settings, network, provider):
    assert "track" not in send_through(settings, provider, network).text().lower()


def test_providers_that_know_a_key_for_it_see_that_a_second_try_is_the_same(settings, network):
    for provider in ("brevo", "resend", "postmark"):
        use(settings, provider)
        send_letter(to=ADDRESS, template="code", context=LETTER, identity=IDENTITY)

    brevo, resend, postmark = network
    assert brevo.facts()["headers.idempotencyKey"] == str(IDENTITY.request)
    assert resend.headers["Idempotency-Key"] == str(IDENTITY.request)
    assert "X-PM-KeepID" in postmark.text()


# --- what is found before the first email ---------------------------------------------------


def found() -> list[str]:
    return [message.id for message in emails_can_be_sent()]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_provider_with_its_settings_is_fine_once_nobody_tracks(settings, provider):
    use(settings, provider)
    settings.TRACKING_SWITCHED_OFF_AT = provider

    assert found() == []


@pytest.mark.parametrize(
    ("provider", "missing"),
    [
        (provider, name)
        for provider, (own, _answer) in PROVIDERS.items()
        for name in own
        # Mailgun takes the domain from the sender, Unisender Go has a usual address.
        if name not in ("MAILGUN_SENDER_DOMAIN", "UNISENDER_GO_API_URL")
    ],
)
def test_a_missing_setting_is_found_and_named(settings, monkeypatch, provider, missing):
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    use(settings, provider)
    settings.TRACKING_SWITCHED_OFF_AT = provider
    settings.ANYMAIL = {k: v for k, v in settings.ANYMAIL.items() if k != missing}

    [error] = emails_can_be_sent()

    assert error.id == "core.E006"
    assert missing in error.msg or "region" in error.msg


def test_an_empty_token_is_found(settings):
    use(settings, "postmark")
    settings.ANYMAIL = anymail_settings("POSTMARK_SERVER_TOKEN=")

    assert found() == ["core.E008"]


@pytest.mark.parametrize("provider", sorted(WHERE_TRACKING_IS_SWITCHED_OFF))
def test_the_owner_says_that_tracking_is_off_where_we_cannot_switch_it_off(settings, provider):
    if provider == "smtp":
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST = "smtp.provider.example"
    else:
        use(settings, provider)

    [error] = emails_can_be_sent()
    assert error.id == "core.E010"
    assert provider in error.msg
    assert WHERE_TRACKING_IS_SWITCHED_OFF[provider] in error.hint
    settings.TRACKING_SWITCHED_OFF_AT = "another"
    assert found() == ["core.E010"]
    settings.TRACKING_SWITCHED_OFF_AT = provider
    assert found() == []


def test_a_mail_server_of_our_own_needs_no_word(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "localhost"

    assert found() == []


@pytest.mark.parametrize("backend", ["locmem", "console", "dummy"])
def test_what_sends_nothing_is_found(settings, backend):
    settings.EMAIL_BACKEND = f"django.core.mail.backends.{backend}.EmailBackend"

    assert found() == ["core.E007"]


@pytest.mark.parametrize(
    "backend", ["anymail.backends.postmrak.EmailBackend", "anymail.backends.postmark.Backend"]
)
def test_a_misspelt_backend_is_found(settings, backend):
    settings.EMAIL_BACKEND = backend

    assert found() == ["core.E006"]


@pytest.mark.parametrize(
    "option", [{"track_opens": True}, {"metadata": {"a": "b"}}, {"tags": ["x"]}]
)
def test_no_setting_of_a_provider_tells_more_than_we_do(settings, option):
    use(settings, "postmark")
    settings.ANYMAIL = {**settings.ANYMAIL, "POSTMARK_SEND_DEFAULTS": option}

    assert found() == ["core.E009"]


def test_the_checks_are_those_of_a_deployment(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"

    def run(**options):
        return {message.id for message in checks.run_checks(tags=["security"], **options)}

    assert "core.E007" not in run()
    assert "core.E007" in run(include_deployment_checks=True)


# --- the setting ----------------------------------------------------------------------------


def test_what_the_owner_sets_is_added_to_what_this_site_always_wants():
    own = {"SEND_DEFAULTS": {"track_opens": True, "esp_extra": {"a": 1}}, "RESEND_API_KEY": "x"}

    told = anymail_settings(json.dumps(own))

    assert told["SEND_DEFAULTS"] == {
        "track_opens": False,
        "track_clicks": False,
        "esp_extra": {"a": 1},
    }
    assert told["RESEND_API_KEY"] == "x"
    assert told["IGNORE_UNSUPPORTED_FEATURES"] is True


@pytest.mark.parametrize(
    ("given", "token"),
    [
        ("POSTMARK_SERVER_TOKEN=abc", "abc"),
        (" POSTMARK_SERVER_TOKEN = abc , X=1", "abc"),
        ("POSTMARK_SERVER_TOKEN=YWJj==", "YWJj=="),
        ('{"POSTMARK_SERVER_TOKEN": "a,b"}', "a,b"),
    ],
)
def test_a_token_is_read_as_it_was_given(given, token):
    assert anymail_settings(given)["POSTMARK_SERVER_TOKEN"] == token


@pytest.mark.parametrize(
    "given", ["abc", "A=1,abc", "{", '{"SEND_DEFAULTS": 1}', "SEND_DEFAULTS=track_opens"]
)
def test_what_cannot_be_read_stops_the_start_and_is_not_repeated(given):
    with pytest.raises(ImproperlyConfigured) as refusal:
        anymail_settings(given)

    assert "abc" not in str(refusal.value)
