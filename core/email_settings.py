"""Whether an email has gone out with the settings of now.

A wrong token is found only by sending. Each email that the provider took proves the settings it was
sent with; ``manage.py send_test_email`` sends one for that.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Final

from django.conf import settings
from django.utils.crypto import salted_hmac

from core.models import ProvenEmailSettings

WHAT_SENDS: Final = (
    "EMAIL_BACKEND",
    "ANYMAIL",
    "EMAIL_HOST",
    "EMAIL_PORT",
    "EMAIL_HOST_USER",
    "EMAIL_HOST_PASSWORD",
    "EMAIL_USE_TLS",
    "EMAIL_USE_SSL",
    "DEFAULT_FROM_EMAIL",
)


def fingerprint() -> str:
    """A keyed hash of everything that sending depends on; it tells nobody a token."""
    values = {name: getattr(settings, name, None) for name in WHAT_SENDS}
    told = json.dumps(values, sort_keys=True, default=str)
    return salted_hmac("core.email_settings", told, algorithm="sha256").hexdigest()


def are_proven() -> bool:
    """Whether an email has gone out with these settings. One query; none in development."""
    if settings.DEVELOPMENT:
        return True
    return ProvenEmailSettings.objects.filter(fingerprint=fingerprint()).exists()


def note_success(*, now: datetime) -> None:
    """An email has gone out with these settings."""
    ProvenEmailSettings.objects.get_or_create(
        fingerprint=fingerprint(), defaults={"proven_at": now}
    )
