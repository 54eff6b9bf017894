"""Texts encrypted at rest under FIELD_KEYS, each with the fingerprint of its key in front.

The fingerprint says which key a value needs without opening it, and nothing about the key itself.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

FINGERPRINT_LENGTH = 12
SEPARATOR = ":"


class Unreadable(Exception):
    """The key of a value is not among FIELD_KEYS, or the value is damaged.

    ``str()`` is the fingerprint of the key that it was encrypted under.
    """


@lru_cache(maxsize=32)
def fingerprint_of_key(key: str) -> str:
    """Twelve hexadecimal digits that name ``key``."""
    return hashlib.sha256(f"field key {key}".encode()).hexdigest()[:FINGERPRINT_LENGTH]


def fingerprint_of_value(stored: str) -> str:
    """The name of the key that ``stored`` needs; empty for the empty text."""
    return stored[:FINGERPRINT_LENGTH]


def newest_fingerprint() -> str:
    """The name of the key that encrypts from now on."""
    return fingerprint_of_key(settings.FIELD_KEYS[0])


def known_fingerprints() -> frozenset[str]:
    """The names of all keys that still read."""
    return frozenset(map(fingerprint_of_key, settings.FIELD_KEYS))


def encrypt(text: str) -> str:
    """``text`` under the newest of FIELD_KEYS; the empty text stays empty."""
    if not text:
        return ""
    token = _cipher(settings.FIELD_KEYS[0]).encrypt(text.encode()).decode()
    return f"{newest_fingerprint()}{SEPARATOR}{token}"


def decrypt(stored: str) -> str:
    """What was encrypted under any of FIELD_KEYS.

    Raises:
        Unreadable: its key is missing, or it is damaged.
    """
    if not stored:
        return ""
    name = fingerprint_of_value(stored)
    key = next((key for key in settings.FIELD_KEYS if fingerprint_of_key(key) == name), None)
    if key is None:
        raise Unreadable(name)
    try:
        token = stored[FINGERPRINT_LENGTH + len(SEPARATOR) :]
        return _cipher(key).decrypt(token.encode()).decode()
    except InvalidToken as damage:
        raise Unreadable(name) from damage


@lru_cache(maxsize=32)
def _cipher(key: str) -> Fernet:
    return Fernet(key)
