"""What must be true before emails may be sent, said provider by provider when one deploys.

A wrong token looks like a right one: only ``manage.py send_test_email`` finds it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from anymail.backends.base import AnymailBaseBackend
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import get_connection
from django.core.mail.backends.smtp import EmailBackend as SMTPBackend

from core.providers import WHERE_TRACKING_IS_SWITCHED_OFF

HERE: Final = ("localhost", "127.0.0.1", "::1")
# Anymail's options that would count readers, or print words into an email.
TELLING: Final = ("track_opens", "track_clicks", "metadata", "tags", "merge_metadata")
PROMISE: Final = "Nobody counts who opens a letter, or which of its links"


@register(Tags.security, deploy=True)
def emails_can_be_sent(**_: Any) -> list[CheckMessage]:
    """The provider's package and settings are there, and its emails tell nobody anything."""
    try:
        connection = get_connection()
        _prepare(connection)
    except (ImproperlyConfigured, ImportError, AttributeError) as missing:
        return [
            Error(
                f"EMAIL_BACKEND {settings.EMAIL_BACKEND} cannot be used: {missing}",
                hint="Amazon SES: pip install --require-hashes -r requirements/ses.txt",
                id="core.E006",
            )
        ]
    if not isinstance(connection, (AnymailBaseBackend, SMTPBackend)):
        return [
            Error(
                f"EMAIL_BACKEND {settings.EMAIL_BACKEND} sends nothing to anybody.",
                id="core.E007",
            )
        ]
    return [*_empty_values(), *_telling_options(), *_tracking(_provider_of(connection))]


def _prepare(connection: Any) -> None:
    """What a provider's library does before it first sends; nothing goes over the network.

    Raises:
        ImproperlyConfigured: a setting that sending needs is missing.
    """
    if not isinstance(connection, AnymailBaseBackend):
        return
    try:
        connection.open()
        connection.close()
    except Exception as trouble:
        # Of which kind it is, is the library's affair: Amazon's has its own.
        raise ImproperlyConfigured(f"{type(trouble).__name__}: {trouble}") from trouble


def _provider_of(connection: Any) -> str:
    """The name in EMAIL_BACKEND; ``smtp`` for a server elsewhere, nothing for one of our own."""
    if isinstance(connection, SMTPBackend):
        return "" if settings.EMAIL_HOST in HERE else "smtp"
    return type(connection).__module__.rpartition(".")[2]


def _empty_values() -> Iterator[CheckMessage]:
    for name, value in settings.ANYMAIL.items():
        if value == "":
            yield Error(f"{name} in ANYMAIL is empty.", id="core.E008")


def _telling_options() -> Iterator[CheckMessage]:
    for name, options in settings.ANYMAIL.items():
        if not name.endswith("SEND_DEFAULTS"):
            continue
        for option in TELLING:
            if options.get(option):
                yield Error(
                    f"{name} in ANYMAIL sets {option}. {PROMISE} are followed, and no email "
                    "carries tags or metadata: some providers print them into it.",
                    id="core.E009",
                )


def _tracking(provider: str) -> Iterator[CheckMessage]:
    """Where we cannot switch tracking off, the owner has, and says so."""
    where = WHERE_TRACKING_IS_SWITCHED_OFF.get(provider)
    if where is None or provider == settings.TRACKING_SWITCHED_OFF_AT:
        return
    yield Error(
        f"“{PROMISE} are followed” cannot be kept from here with {provider}: an email cannot tell "
        "it not to track.",
        hint=f"{where} Then set TRACKING_SWITCHED_OFF_AT={provider}.",
        id="core.E010",
    )
