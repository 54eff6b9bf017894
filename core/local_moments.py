"""The field in which staff type a date and a time on the clocks of a zone.

It takes the place of Django's in every form of the admin, Wagtail's own for pages included. An
hour that clocks skip is refused with a sentence; of an hour that comes twice either can be chosen.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from wagtail.admin.forms.models import register_form_field_override
from wagtail.admin.widgets import AdminDateTimeInput

from core.clocks import comes_twice, exists, skipped_sentence, twice_sentence

WHICH: Final = ("first", "second")


class LocalMomentInput(AdminDateTimeInput):
    """Wagtail's, and below it, only where an hour comes twice, which of the two is meant."""

    # Set while an hour is refused because nobody has said which.
    asked_of: datetime | None = None

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """What was typed, followed by ``first`` or ``second`` where that was chosen."""
        typed = super().value_from_datadict(data, files, name)
        which = data.get(f"{name}-which", "")
        return f"{typed} {which}" if typed and which in WHICH else typed

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        typed, chosen = split(value)
        shown: SafeString = super().render(name, typed, attrs, renderer)
        asked_of = self.asked_of or _twice(typed)
        return shown + _choice(name, asked_of, chosen) if asked_of else shown


class LocalMomentField(forms.DateTimeField):
    """A date and a time on the clocks of the current zone."""

    widget = LocalMomentInput

    def to_python(self, value: Any) -> datetime | None:
        typed, which = split(value)
        try:
            return super().to_python(typed)
        except ValidationError as mistake:
            if mistake.code != "ambiguous_timezone":
                raise
            params: Any = mistake.params
            local = params["datetime"].replace(tzinfo=timezone.get_current_timezone())
        return self._unusual(local, which)

    def _unusual(self, local: datetime, which: str) -> datetime:
        """The moment of an hour around which clocks change; in UTC, where it is there once.

        Raises:
            ValidationError: it does not exist, or exists twice and nobody said which is meant.
        """
        if not exists(local):
            raise ValidationError(skipped_sentence(local), code="skipped")
        self.widget.asked_of = local
        if which not in WHICH:
            raise ValidationError(twice_sentence(local), code="comes_twice")
        return local.replace(fold=WHICH.index(which)).astimezone(UTC)


def split(value: Any) -> tuple[Any, str]:
    """What was typed, or the moment that is shown; and ``first`` or ``second``, if that is said."""
    if isinstance(value, datetime):
        return value, WHICH[value.fold]
    if isinstance(value, str):
        typed, _, which = value.rpartition(" ")
        if which in WHICH and typed.strip():
            return typed, which
    return value, ""


def _twice(value: Any) -> datetime | None:
    """``value`` on the clocks of the current zone, if it is a moment whose hour comes twice."""
    if not isinstance(value, datetime):
        return None
    local = value.replace(tzinfo=timezone.get_current_timezone())
    return local if comes_twice(local) else None


def _choice(name: str, local: datetime, chosen: str) -> SafeString:
    """A list of both hours, by the names that their clocks have."""
    names = [(which, f"{local.replace(fold=fold):%Z}") for fold, which in enumerate(WHICH)]
    options = format_html_join(
        "",
        '<option value="{}"{}>The {}, {}</option>',
        ((which, _selected(which == chosen), which, zone) for which, zone in names),
    )
    return format_html(
        '<select name="{0}-which" id="id_{0}-which" aria-label="Which of the two">'
        '<option value="">Which of the two?</option>{1}</select>',
        name,
        options,
    )


def _selected(is_chosen: bool) -> SafeString:  # noqa: FBT001 (what is printed, not what is done)
    return SafeString(" selected") if is_chosen else SafeString("")


def register_for_every_form() -> None:
    """From here on every form of the admin asks for moments with this field."""
    register_form_field_override(
        models.DateTimeField,
        override={"form_class": LocalMomentField, "widget": LocalMomentInput},
    )
