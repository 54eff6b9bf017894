"""Columns whose content is encrypted at rest, with keys of their own that can be rotated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from django.apps import apps
from django.core import checks
from django.core.exceptions import FieldDoesNotExist, FieldError
from django.db import models
from django.db.models.functions import Left
from django.db.models.lookups import IsNull

from core.encryption import FINGERPRINT_LENGTH, Unreadable, decrypt, encrypt


class UnreadableText(str):
    """What an encrypted column holds while its key is missing: the empty text.

    Saving it leaves what is stored as it is, so that a key that turns up again still reads it.
    """

    __slots__ = ("stored",)
    stored: str

    def __new__(cls, stored: str) -> Self:
        text = super().__new__(cls)
        text.stored = stored
        return text

    def __getnewargs__(self) -> tuple[str]:
        return (self.stored,)


class EncryptedTextField(models.TextField[str, str]):
    """Text that stands encrypted in the database and plain in Python. It cannot be searched.

    What cannot be read is an ``UnreadableText``, never an error. A column named like this one with
    ``_key`` behind it holds the fingerprint of its key; ``fingerprint_column`` makes it.
    """

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, UnreadableText):
            return value.stored
        value = super().get_prep_value(value)
        return value if value is None else encrypt(value)

    def from_db_value(self, value: Any, *_: Any) -> Any:
        if value is None:
            return None
        try:
            return decrypt(value)
        except Unreadable:
            return UnreadableText(value)

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name != IsNull.lookup_name:
            raise FieldError(f"{self.name} is encrypted and cannot be searched.")
        return super().get_lookup(lookup_name)

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        return [*super().check(**kwargs), *self._check_fingerprint()]

    def _check_fingerprint(self) -> list[checks.CheckMessage]:
        try:
            self.model._meta.get_field(f"{self.name}_key")  # noqa: SLF001 (documented)
        except FieldDoesNotExist:
            hint = f'{self.name}_key = fingerprint_column("{self.name}")'
            message = "An encrypted column needs one for the fingerprint of its key."
            return [checks.Error(message, hint=hint, obj=self, id="core.E006")]
        return []


def fingerprint_column(of: str) -> models.GeneratedField:
    """The column, kept by the database itself, that names the key of the encrypted one ``of``."""
    return models.GeneratedField(
        expression=Left(of, FINGERPRINT_LENGTH),
        output_field=models.CharField(max_length=FINGERPRINT_LENGTH),
        db_persist=True,
    )


@dataclass(frozen=True)
class EncryptedColumn:
    """One encrypted column of the site, wherever its model lives."""

    model: type[models.Model]
    name: str

    @property
    def label(self) -> str:
        """How messages call it."""
        return f"{self.model._meta.label}.{self.name}"  # noqa: SLF001 (documented)

    @property
    def key_name(self) -> str:
        """The column with the fingerprints of its keys."""
        return f"{self.name}_key"

    def rows(self) -> models.QuerySet[models.Model]:
        """Those that hold a value."""
        everything: models.QuerySet[models.Model] = models.QuerySet(self.model)
        return everything.exclude(**{self.key_name: ""})


def encrypted_columns() -> Iterator[EncryptedColumn]:
    """Every encrypted column that any model of the site has."""
    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:  # noqa: SLF001 (documented)
            if isinstance(field, EncryptedTextField):
                yield EncryptedColumn(model, field.name)
