"""Forms of a row that two people may have open at once.

The page carries what each column held when it was opened, as digests. Whoever saves second is
told what differs, keeps what she typed, and writes only the columns that she changed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import strip_tags
from django.utils.text import Truncator
from wagtail.admin.forms import WagtailAdminModelForm
from wagtail.blocks import StreamValue

TOLD = (
    "Somebody else has changed this since you opened it, so nothing is saved yet. What you "
    "changed is still here. Compare it with what was saved meanwhile, then save again."
)
THEIRS_STAYS = "You did not change it, so this stays as it was saved."
NOTHING = "Empty"
SEEN = "seen"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A field that somebody else has changed: what was saved, and what saving now would leave."""

    label: str
    saved: str
    yours: str


class TwoEditorsForm(WagtailAdminModelForm):
    """A model's form whose second editor overwrites nothing that she has not seen.

    Every field that the form offers is watched. ``columns_behind`` names the column of a field
    that is called otherwise.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.differences: list[Difference] = []
        self.changed_columns: list[str] = []
        self._saved = self._row() if self.instance.pk else {}
        if self.instance.pk:
            self.fields[SEEN] = forms.CharField(widget=forms.HiddenInput, required=False)
            self.initial[SEEN] = json.dumps({c: _digest(v) for c, v in self._saved.items()})

    def full_clean(self) -> None:
        """Check what was typed, then compare it with what was seen and with what is saved."""
        super().full_clean()
        if self.is_bound and self.instance.pk:
            self._compare()

    def save(self, commit: bool = True) -> Any:  # noqa: FBT001, FBT002 (Django's signature)
        """Write the columns that were changed, and no other."""
        if not (commit and self._saved):
            return super().save(commit)
        with transaction.atomic():
            self.instance.save(update_fields=self.plain_changes())
            self._save_m2m()
        return self.instance

    def saved_elsewhere(self) -> dict[str, Any]:
        """What fields show that is no column of this row, and is watched all the same."""
        return {}

    def plain_changes(self) -> list[str]:
        """The columns of the row itself that she changed."""
        return [column for column in self.changed_columns if self._is_plain(column)]

    def _compare(self) -> None:
        seen, typed = self._seen(), self._typed_row()
        saved = {column: _digest(value) for column, value in self._saved.items()}
        hers = {c for c, value in typed.items() if _digest(value) != seen.get(c, saved[c])}
        # Without a word of what was seen, whatever differs may be somebody else's.
        theirs = {c for c in saved if saved[c] not in (seen.get(c), _digest(typed[c]))}
        self.changed_columns = sorted(hers)
        for name, column in self._watched():
            if column not in hers and name not in self.errors:
                self._keep_saved(name, column)
        if theirs:
            self._tell(theirs, hers)

    def _tell(self, theirs: set[str], hers: set[str]) -> None:
        changed = [(name, column) for name, column in self._watched() if column in theirs]
        self.differences = [
            Difference(
                label=str(self.fields[name].label or name).capitalize(),
                saved=readable(self.initial.get(name)),
                yours=self._typed(name) if column in hers else THEIRS_STAYS,
            )
            for name, column in changed
        ]
        # The next save is made knowing of the other change.
        _show(self.fields[SEEN], self.initial[SEEN])
        for name, column in self._watched():
            if column not in hers and name not in self.errors:
                _show(self.fields[name], self.initial.get(name))
        self.add_error(None, ValidationError(TOLD, code="two_editors"))

    def _keep_saved(self, name: str, column: str) -> None:
        """What she left alone is as it stands in the database, to the second."""
        if self._is_plain(column):
            setattr(self.instance, column, self._saved[column])
        else:
            self.cleaned_data[name] = self._saved[column]

    def _watched(self) -> list[tuple[str, str]]:
        """Each field with its column."""
        known = {*self._columns, *self.saved_elsewhere()}
        behind: dict[str, str] = getattr(self, "columns_behind", {})
        pairs = [(name, behind.get(name, name)) for name in self.fields]
        return [(name, column) for name, column in pairs if column in known]

    def _row(self) -> dict[str, Any]:
        elsewhere = self.saved_elsewhere()
        return {
            column: elsewhere.get(column, self._stored(column)) for _, column in self._watched()
        }

    def _stored(self, column: str) -> Any:
        value = getattr(self.instance, column, None)
        return list(value.all()) if isinstance(value, models.Manager) else value

    def _typed_row(self) -> dict[str, Any]:
        """What would be saved; a field with a mistake counts as what was saved."""
        return {
            column: getattr(self.instance, column)
            if self._is_plain(column)
            else self.cleaned_data.get(name, self._saved[column])
            for name, column in self._watched()
        }

    def _seen(self) -> dict[str, str]:
        try:
            seen = json.loads(self.data.get(self.add_prefix(SEEN), ""))
        except ValueError:
            return {}
        return seen if isinstance(seen, dict) else {}

    def _typed(self, name: str) -> str:
        field = self.fields[name]
        raw = field.widget.value_from_datadict(self.data, self.files, self.add_prefix(name))
        has_own_words = isinstance(field, (forms.DateTimeField, forms.CharField))
        return readable(raw if has_own_words else self.cleaned_data.get(name, raw))

    @cached_property
    def _columns(self) -> dict[str, Any]:
        model = self.instance._meta  # noqa: SLF001 (Django's documented way)
        return {field.name: field for field in [*model.concrete_fields, *model.many_to_many]}

    def _is_plain(self, column: str) -> bool:
        """Whether it is a column of the row itself."""
        return column in self._columns and not self._columns[column].many_to_many


def _show(field: forms.Field, value: Any) -> None:
    """Let a form that comes back show ``value`` instead of what was sent."""
    field.bound_data = lambda data, initial: value  # type: ignore[method-assign] # noqa: ARG005


def _digest(value: Any) -> str:
    return hashlib.sha256(_comparable(value).encode()).hexdigest()[:16]


def _comparable(value: Any) -> str:
    if isinstance(value, StreamValue):
        return json.dumps(value.get_prep_value(), sort_keys=True, default=str)
    if isinstance(value, (list, models.QuerySet)):
        return repr(sorted(str(row.pk) for row in value))
    if isinstance(value, models.Model):
        return str(value.pk)
    if isinstance(value, datetime):
        # Forms show and take minutes.
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
    return "" if value is None else str(value)


def readable(value: Any) -> str:
    """A value as staff read it beside another."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, datetime):
        return timezone.localtime(value).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, (list, models.QuerySet)):
        return ", ".join(str(row) for row in value) or NOTHING
    if isinstance(value, StreamValue):
        words = strip_tags(" · ".join(str(block) for block in value))
        return Truncator(" ".join(words.split())).chars(300) or NOTHING
    return NOTHING if value in (None, "") else str(value)
