"""Moving encrypted values to the newest key, a few rows at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import models, transaction

from core.encryption import Unreadable, newest_fingerprint
from core.fields import EncryptedColumn, UnreadableText

# Locked at a time, so that nobody who saves waits for more than these.
CHUNK = 100


@dataclass(frozen=True)
class Moved:
    """How many values stand under the newest key now that did not, and how many cannot be read."""

    moved: int = 0
    unreadable: int = 0

    def __add__(self, other: Moved) -> Moved:
        return Moved(self.moved + other.moved, self.unreadable + other.unreadable)


def reencrypt_column(column: EncryptedColumn) -> Moved:
    """Move what stands under an older key. Stopped anywhere, it goes on from there when repeated.

    What cannot be read stays as it is.
    """
    stale = column.rows().exclude(**{column.key_name: newest_fingerprint()})

    def reencrypt_row(row: models.Model) -> None:
        text = getattr(row, column.name)
        if isinstance(text, UnreadableText):
            raise Unreadable(getattr(row, column.key_name))
        row.save(update_fields=[column.name])

    return reencrypt_rows(stale, reencrypt_row)


def reencrypt_rows(stale: models.QuerySet[Any], reencrypt_row: Callable[[Any], None]) -> Moved:
    """Call ``reencrypt_row`` with each of ``stale``, locked, in short transactions.

    It raises ``Unreadable`` for a row that must stay as it is.
    """
    total, last = Moved(), None
    while keys := _next_keys(stale, last):
        with transaction.atomic():
            rows = stale.select_for_update().filter(pk__in=keys)
            total = sum((_moved(row, reencrypt_row) for row in rows), start=total)
        last = keys[-1]
    return total


def _next_keys(stale: models.QuerySet[Any], last: Any) -> list[Any]:
    later = stale if last is None else stale.filter(pk__gt=last)
    return list(later.order_by("pk").values_list("pk", flat=True)[:CHUNK])


def _moved(row: Any, reencrypt_row: Callable[[Any], None]) -> Moved:
    try:
        reencrypt_row(row)
    except Unreadable:
        return Moved(unreadable=1)
    return Moved(moved=1)
