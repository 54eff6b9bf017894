"""The settings of mail providers, from one environment variable and what this site always wants."""

from __future__ import annotations

import json
from typing import Any

from django.core.exceptions import ImproperlyConfigured

# Providers would otherwise count who opens a letter and rewrite its links to watch them.
SEND_DEFAULTS = {"track_opens": False, "track_clicks": False}
ALWAYS: dict[str, Any] = {
    # Some refuse to hear that they should not track: ``core.email_checks`` asks the owner.
    "IGNORE_UNSUPPORTED_FEATURES": True,
    # Numbers of their own in every email, as metadata, for webhooks that this site has not.
    "SENDGRID_GENERATE_MESSAGE_ID": False,
    "UNISENDER_GO_GENERATE_MESSAGE_ID": False,
}


def anymail_settings(given: str) -> dict[str, Any]:
    """What this site always wants, and ``given``: ``NAME=value,NAME=value``, or a JSON object.

    Raises:
        ImproperlyConfigured: ``given`` is neither.
    """
    own = _as_object(given) if given.lstrip().startswith("{") else _as_pairs(given)
    send_defaults = {**own.pop("SEND_DEFAULTS", {}), **SEND_DEFAULTS}
    return {**ALWAYS, **own, "SEND_DEFAULTS": send_defaults}


def _as_object(given: str) -> dict[str, Any]:
    try:
        own = json.loads(given)
    except ValueError as mistake:
        raise ImproperlyConfigured("ANYMAIL begins like JSON and is none.") from mistake
    if not isinstance(own.get("SEND_DEFAULTS", {}), dict):
        raise ImproperlyConfigured("SEND_DEFAULTS in ANYMAIL must be an object of JSON.")
    return dict(own)


def _as_pairs(given: str) -> dict[str, Any]:
    pairs = [pair.strip() for pair in given.split(",") if pair.strip()]
    if strays := [pair for pair in pairs if "=" not in pair]:
        raise ImproperlyConfigured(
            f"ANYMAIL holds {len(strays)} part(s) without “=”. Write NAME=value, with a comma "
            "between two, or a JSON object when a value holds a comma."
        )
    # A token may end with "=".
    own = {name.strip(): value.strip() for name, value in (pair.split("=", 1) for pair in pairs)}
    if "SEND_DEFAULTS" in own:
        raise ImproperlyConfigured("SEND_DEFAULTS in ANYMAIL must be an object of JSON.")
    return own
