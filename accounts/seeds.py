"""The encrypted seeds of second steps, which django-allauth keeps inside a JSON column."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from allauth.mfa.models import Authenticator

from core.encryption import Unreadable, decrypt, encrypt, fingerprint_of_value, newest_fingerprint
from core.reencryption import Moved, reencrypt_rows

# The app's, and that of the spare codes.
NAMES = ("secret", "seed")


def unreadable_fingerprints(*, using: str) -> set[str]:
    """The fingerprints of keys of which one seed was tried and did not open. One query."""
    one_of_each = {
        fingerprint_of_value(stored): stored
        for data in Authenticator.objects.using(using).values_list("data", flat=True)
        for stored in _seeds(data)
    }
    return {name for name, stored in one_of_each.items() if not _opens(stored)}


def reencrypt_seeds() -> Moved:
    """Move what stands under an older key; what cannot be read stays as it is."""
    newest = newest_fingerprint()
    stale = [
        pk
        for pk, data in Authenticator.objects.values_list("pk", "data")
        if any(fingerprint_of_value(stored) != newest for stored in _seeds(data))
    ]
    return reencrypt_rows(Authenticator.objects.filter(pk__in=stale), _reencrypt)


def _seeds(data: dict[str, Any]) -> Iterator[str]:
    return (data[name] for name in NAMES if data.get(name))


def _opens(stored: str) -> bool:
    try:
        decrypt(stored)
    except Unreadable:
        return False
    return True


def _reencrypt(row: Authenticator) -> None:
    row.data |= {name: encrypt(decrypt(row.data[name])) for name in NAMES if row.data.get(name)}
    row.save(update_fields=["data"])
