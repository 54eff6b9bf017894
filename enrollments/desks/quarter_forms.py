"""What staff fill in for a quarter, in its own zone."""

# ruff: noqa: ARG002 (hooks of Wagtail and Django keep their signatures)

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.text import slugify
from wagtail.admin.panels import FieldPanel, FieldRowPanel, MultiFieldPanel, ObjectList
from wagtail.admin.widgets import AdminDateInput, AdminTimeInput

from core.clocks import exists, skipped_sentence
from core.discretion import validate_discreet, validate_discreet_address
from core.fields import UnreadableText
from core.two_editors import TwoEditorsForm
from enrollments.desks.instalment_forms import InstalmentsForm, instalments_row
from enrollments.desks.meeting_forms import MINUTES_EXAMPLE, MOMENT_EXAMPLE
from enrollments.errors import WorkshopHasNoWeeks
from enrollments.models import MeetingRoom, Quarter
from enrollments.operations.quarters import (
    START,
    change_quarter,
    change_room,
    create_quarter,
    meeting_dates,
    room_of,
)
from enrollments.zones import zone_choices
from programs.models import WorkshopPage

LABEL_HELP = "For example “Winter 2027”. Members read it in letters too, so keep it discreet."
OPENS_HELP = "From this moment visitors can enroll, once you have pressed “Open enrollment”."
SEATS_HELP = "How many people the group takes."
NOT_READABLE = "What is stored cannot be read, because its key is missing. Enter it again."
BUNDLES_HELP = "Unlocked for everyone who pays for this quarter from now on."


class SkippedDatesField(forms.CharField):
    """Dates, one on each line."""

    widget = forms.Textarea(attrs={"rows": 3})

    def clean(self, value: Any) -> frozenset[date]:
        lines = str(super().clean(value) or "").splitlines()
        return frozenset(self._date(line.strip()) for line in lines if line.strip())

    def _date(self, line: str) -> date:
        try:
            day: date = forms.DateField().clean(line)
        except ValidationError as mistake:
            raise ValidationError(
                f"“{line[:40]}” is not a date. Write one date on each line, such as 2027-02-13."
            ) from mistake
        return day


class QuarterForm(InstalmentsForm):
    """What the forms of a new and of an existing quarter share."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in {"opens_at", "closes_at", "forum_closes_at"} & self.fields.keys():
            self.fields[name].error_messages |= {
                "required": MOMENT_EXAMPLE,
                "invalid": MOMENT_EXAMPLE,
            }
        self.fields["capacity"].error_messages |= {
            "required": "Enter how many people the group takes.",
            "invalid": "Enter a whole number of seats.",
            "min_value": "There must be at least one seat.",
        }
        self.fields["label"].error_messages["required"] = "Enter a label, such as “Winter 2027”."

    def clean_label(self) -> str:
        label: str = self.cleaned_data["label"]
        validate_discreet(label)
        return label


class NewQuarterForm(QuarterForm):
    """Everything that a quarter needs at the start; its meetings follow from the first date."""

    first_date = forms.DateField(
        widget=AdminDateInput,
        help_text="The day of week 1, for example 2027-01-09. The other meetings follow weekly, "
        "on the same day of the week.",
        error_messages={
            "required": "Enter the date of the first meeting, for example 2027-01-09.",
            "invalid": "Enter a date that exists, for example 2027-01-09.",
        },
    )
    skipped = SkippedDatesField(
        label="Dates to skip",
        required=False,
        help_text="Holidays, one date on each line. All later meetings move by a week.",
    )
    start = forms.TimeField(
        label="Start time",
        initial=START,
        widget=AdminTimeInput,
        help_text="On the clocks of the time zone below, for example 10:00.",
        error_messages={
            "required": "Enter the time at which meetings start, for example 10:00.",
            "invalid": "Enter a time, for example 10:00.",
        },
    )
    minutes = forms.IntegerField(
        label="Length in minutes",
        initial=120,
        min_value=1,
        max_value=24 * 60,
        error_messages=dict.fromkeys(
            ["required", "invalid", "min_value", "max_value"], MINUTES_EXAMPLE
        ),
    )
    time_zone = forms.ChoiceField(choices=zone_choices, help_text="For every time on this page.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["slug"].required = False
        self.fields["slug"].error_messages["unique"] = (
            "Another quarter has this address. Please choose another."
        )
        self.fields["closes_at"].required = False
        self.fields["workshop"].error_messages["required"] = "Choose the workshop."
        workshops = WorkshopPage.objects.order_by("title")
        self.fields["workshop"].queryset = workshops
        if len(workshops) == 1:
            self.initial["workshop"] = workshops[0]

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"] or slugify(self.cleaned_data.get("label", ""))
        if not slug:
            raise ValidationError("Enter a short address, for example winter-2027.")
        validate_discreet_address(slug)
        return slug

    def clean_workshop(self) -> WorkshopPage:
        workshop: WorkshopPage = self.cleaned_data["workshop"]
        if not workshop.syllabus():
            raise ValidationError(WorkshopHasNoWeeks.sentence)
        return workshop

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        first, skipped = cleaned.get("first_date"), cleaned.get("skipped")
        if first and skipped:
            self._check_skipped(first, skipped)
        if first and cleaned.get("start") and cleaned.get("time_zone"):
            self._check_hours(cleaned)
        return cleaned

    def _check_skipped(self, first: date, skipped: Iterable[date]) -> None:
        for day in sorted(skipped):
            if day <= first:
                self.add_error("skipped", f"{day} is not after the first date.")
            elif (day - first).days % 7:
                self.add_error(
                    "skipped",
                    f"{day} is a {day:%A}, but the meetings are on {first:%A}s.",
                )

    def _check_hours(self, cleaned: dict[str, Any]) -> None:
        """Every meeting is at an hour that clocks show, and the first after enrollment opens."""
        zone = ZoneInfo(cleaned["time_zone"])
        workshop = cleaned.get("workshop")
        weeks = len(workshop.syllabus()) if workshop else 1
        days = meeting_dates(
            cleaned["first_date"], count=weeks, skipped=cleaned.get("skipped") or ()
        )
        starts = [datetime.combine(day, cleaned["start"], tzinfo=zone) for day in days]
        for start in starts:
            if not exists(start):
                self.add_error("start", skipped_sentence(start))
        if cleaned.get("opens_at") and cleaned["opens_at"] >= starts[0]:
            self.add_error("opens_at", "Enrollment must open before the first meeting.")

    @transaction.atomic
    def save(self, commit: bool = True) -> Quarter:  # noqa: FBT001, FBT002 (Django's signature)
        entered = self.cleaned_data
        quarter = create_quarter(
            workshop=entered["workshop"],
            label=entered["label"],
            slug=entered["slug"],
            first_date=entered["first_date"],
            opens_at=entered["opens_at"],
            closes_at=entered["closes_at"],
            capacity=entered["capacity"],
            price_cents=self.instance.price_cents,
            currency=entered["currency"],
            instalment_count=entered["instalment_count"],
            instalment_cents=self.instance.instalment_cents,
            time_zone=entered["time_zone"],
            start=entered["start"],
            minutes=entered["minutes"],
            skipped=entered["skipped"],
        )
        quarter.bundles.set(entered["bundles"])
        return quarter


class ChangedQuarterForm(TwoEditorsForm, QuarterForm):
    """What may change while a quarter lives."""

    join_link = forms.CharField(
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="The video link. Stored encrypted; only members of this quarter see it.",
    )
    dial_in = forms.CharField(
        label="Dial-in",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Telephone number and codes. Stored encrypted; only members of this quarter "
        "see them.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, text in self.saved_elsewhere().items():
            self._show_room(name, text)

    def saved_elsewhere(self) -> dict[str, Any]:
        return {name: getattr(self._room, name) for name in ROOM}

    @cached_property
    def _room(self) -> MeetingRoom:
        return room_of(self.instance)

    def _show_room(self, name: str, text: str) -> None:
        self.initial[name] = text
        if isinstance(text, UnreadableText):
            self.fields[name].help_text = NOT_READABLE

    @transaction.atomic
    def save(self, commit: bool = True) -> Quarter:  # noqa: FBT001, FBT002 (Django's signature)
        quarter: Quarter = self.instance
        change_quarter(
            quarter,
            fields=self.plain_changes(),
            bundles=self.cleaned_data["bundles"],
            now=timezone.now(),
        )
        # What was left empty because it cannot be read stays as it is stored.
        changed = {name: self.cleaned_data[name] for name in ROOM if name in self.changed_columns}
        change_room(quarter, fields=changed)
        return quarter


ROOM = ("join_link", "dial_in")


def new_quarter_panels() -> ObjectList:
    """The form of a new quarter."""
    return ObjectList(
        [
            MultiFieldPanel(
                [
                    FieldPanel("workshop", widget=forms.Select),
                    FieldPanel("label", help_text=LABEL_HELP, widget=_label_that_proposes_slug()),
                    FieldPanel(
                        "slug",
                        heading="Address of the enroll page",
                        help_text="The last part of it, proposed from the label. It stays in the "
                        "history of browsers, so keep it discreet.",
                    ),
                ],
                heading="What it is",
            ),
            MultiFieldPanel(
                [
                    FieldRowPanel([FieldPanel("first_date"), FieldPanel("start")]),
                    FieldRowPanel([FieldPanel("minutes"), FieldPanel("time_zone")]),
                    FieldPanel("skipped"),
                ],
                heading="Meetings",
            ),
            MultiFieldPanel(
                [
                    FieldRowPanel(
                        [
                            FieldPanel("opens_at", help_text=OPENS_HELP),
                            FieldPanel(
                                "closes_at", help_text="Empty: when the first meeting begins."
                            ),
                        ]
                    ),
                    FieldPanel("capacity", help_text=SEATS_HELP),
                ],
                heading="Enrollment",
            ),
            _price_panel(),
        ],
        base_form_class=NewQuarterForm,
    )


def changed_quarter_panels(clocks: str) -> ObjectList:
    """The form of an existing quarter, whose times are on ``clocks``, such as Eastern Time."""
    return ObjectList(
        [
            MultiFieldPanel(
                [
                    FieldPanel("label", help_text=LABEL_HELP),
                    FieldRowPanel(
                        [
                            FieldPanel("opens_at", help_text=OPENS_HELP),
                            FieldPanel("closes_at", help_text="After this, nobody can enroll."),
                        ]
                    ),
                    FieldPanel("capacity", help_text=SEATS_HELP),
                ],
                heading=f"Enrollment, in {clocks}",
            ),
            _price_panel(),
            MultiFieldPanel(
                [
                    FieldPanel("join_link"),
                    FieldPanel("dial_in", heading="Dial-in"),
                    FieldPanel(
                        "forum_closes_at",
                        heading="Forum closes",
                        help_text="Empty: the forum of this quarter stays open.",
                    ),
                ],
                heading="For members",
            ),
        ],
        base_form_class=ChangedQuarterForm,
    )


def _price_panel() -> MultiFieldPanel:
    return MultiFieldPanel(
        [
            FieldRowPanel([FieldPanel("price"), FieldPanel("currency")]),
            instalments_row(),
            FieldPanel("bundles", widget=forms.CheckboxSelectMultiple, help_text=BUNDLES_HELP),
        ],
        heading="Price",
    )


def _label_that_proposes_slug() -> forms.TextInput:
    return forms.TextInput(
        attrs={
            "data-controller": "w-sync",
            "data-action": "focus->w-sync#check blur->w-sync#apply "
            "change->w-sync#apply keyup->w-sync#apply",
            "data-w-sync-target-value": "#id_slug",
        }
    )
