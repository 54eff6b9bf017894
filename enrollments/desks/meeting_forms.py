"""What staff fill in for a meeting, in its quarter's own zone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils import timezone
from wagtail.admin.panels import FieldPanel, FieldRowPanel, ObjectList

from core.discretion import validate_discreet
from core.two_editors import TwoEditorsForm
from enrollments.models import Meeting
from enrollments.operations.meetings import change_meeting

MINUTES_EXAMPLE = "Enter how many minutes, for example 120."
MOMENT_EXAMPLE = "Enter a date and a time, for example 2027-01-09 10:00."


class MeetingForm(TwoEditorsForm):
    """When a meeting is, and what members should know of it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["starts_at"].error_messages |= {
            "required": MOMENT_EXAMPLE,
            "invalid": MOMENT_EXAMPLE,
        }
        self.fields["minutes"].error_messages |= {
            "required": MINUTES_EXAMPLE,
            "invalid": MINUTES_EXAMPLE,
        }
        self.fields["minutes"].validators = [
            MinValueValidator(1, MINUTES_EXAMPLE),
            MaxValueValidator(24 * 60, MINUTES_EXAMPLE),
        ]

    def clean_note(self) -> str:
        note: str = self.cleaned_data["note"]
        validate_discreet(note)
        return note

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        if not cleaned.get("is_cancelled") and "starts_at" in cleaned:
            self._refuse_the_moment_of_another(cleaned["starts_at"])
        return cleaned

    def _refuse_the_moment_of_another(self, starts_at: datetime) -> None:
        """One that is cancelled is in nobody's way."""
        others = Meeting.objects.filter(quarter=self.instance.quarter_id, is_cancelled=False)
        if others.filter(starts_at=starts_at).exclude(pk=self.instance.pk).exists():
            self.add_error("starts_at", "Another meeting of this quarter starts at that moment.")

    def save(self, commit: bool = True) -> Meeting:  # noqa: ARG002, FBT001, FBT002 (Django's)
        meeting: Meeting = self.instance
        change_meeting(meeting, fields=self.plain_changes(), now=timezone.now())
        return meeting


def meeting_panels(clocks: str) -> ObjectList:
    """The form of a meeting, on ``clocks``."""
    return ObjectList(
        [
            FieldRowPanel(
                [
                    FieldPanel(
                        "starts_at",
                        heading="Starts",
                        help_text=f"Date and time in {clocks}, for example 2027-01-09 10:00.",
                    ),
                    FieldPanel("minutes", heading="Length in minutes"),
                ]
            ),
            FieldPanel("is_cancelled", heading="This meeting is cancelled"),
            FieldPanel("note"),
        ],
        base_form_class=MeetingForm,
    )
