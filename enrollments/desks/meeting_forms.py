"""What staff fill in for a meeting, in its quarter's own zone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from wagtail.admin.panels import FieldPanel, FieldRowPanel, ObjectList

from core.discretion import validate_discreet
from core.two_editors import TwoEditorsForm
from enrollments.models import Meeting

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

    def clean_starts_at(self) -> datetime:
        starts_at: datetime = self.cleaned_data["starts_at"]
        others = Meeting.objects.filter(quarter=self.instance.quarter_id, starts_at=starts_at)
        if others.exclude(pk=self.instance.pk).exists():
            raise ValidationError("Another meeting of this quarter starts at that moment.")
        return starts_at


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
