"""What staff fill in to give money back, and what they are told before they press."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from enrollments.desks.prices import as_typed, cents_from
from enrollments.models import BundleAccess, Enrollment, OrderLine, PaymentPlan, Refund
from enrollments.money import decimal_places, written
from enrollments.operations.endings import has_begun
from enrollments.operations.refund_rules import consequence_of

Reason = Refund.Reason
# The others are the site's own, or Stripe's.
CHOSEN_BY_STAFF = (
    Reason.ASKED,
    Reason.CANNOT_ATTEND,
    Reason.GOODWILL,
    Reason.PAID_TWICE,
    Reason.MISTAKE,
)
NOTHING_FOLLOWS = "Nothing else changes: she keeps what she has."
LONGEST_ACCESS = timedelta(days=3 * 366)
ON_HER_STATEMENT = "A refund will also appear on her statement."


class ReasonForm(forms.Form):
    """Asks why money is given back. Sent twice it is one refund."""

    form_id = forms.UUIDField(
        widget=forms.HiddenInput,
        initial=uuid4,
        error_messages=dict.fromkeys(("required", "invalid"), "Please open this page once more."),
    )
    reason = forms.ChoiceField(
        choices=[("", "Choose a reason"), *((r.value, r.label) for r in CHOSEN_BY_STAFF)],
        error_messages={"required": "Choose a reason."},
    )
    note = forms.CharField(
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3, "aria-describedby": "id_note_help"}),
        error_messages={"max_length": "Please keep the note to 500 characters."},
    )


class RefundForm(ReasonForm):
    """Asks how much of a line is given back as well, and when access ends."""

    # What was left when the page was made: nobody gives back more than she has read.
    shown_cents = forms.IntegerField(required=False)
    how_much = forms.ChoiceField(
        choices=[("whole", "All that is left"), ("part", "A part of it")],
        error_messages={"required": "Choose how much to give back."},
    )
    amount = forms.CharField(
        required=False,
        max_length=20,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    ends = forms.ChoiceField(
        required=False, choices=[("at_once", "At once"), ("on_a_day", "At the end of a day")]
    )
    last_day = forms.DateField(
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        error_messages={"invalid": "Write the day as year-month-day, for example 2027-03-31."},
    )

    def __init__(self, *args: Any, line: OrderLine, left_cents: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.line, self.left_cents = line, left_cents
        self.currency = line.order.currency
        self.initial["ends"] = "at_once"

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("how_much") == "whole":
            self._refuse_what_was_not_read(cleaned)
            cleaned["amount_cents"] = self.left_cents
        elif cleaned.get("how_much") == "part":
            cleaned["amount_cents"] = self._amount(cleaned.get("amount", ""))
        cleaned["access_ends_at"] = self._end_of_access(cleaned)
        cleaned["line"] = self.line
        return cleaned

    def _refuse_what_was_not_read(self, cleaned: dict[str, Any]) -> None:
        if cleaned.get("shown_cents") != self.left_cents:
            self.add_error(
                "how_much",
                f"Something has changed meanwhile: {written(self.left_cents, self.currency)} is "
                "left now. Look again, then press once more.",
            )

    def _amount(self, typed: str) -> int | None:
        places = decimal_places(self.currency)
        digits = (
            f", with at most {places} digits after the point" if places else ", without a point"
        )
        example = as_typed(12_050 if places else 120, self.currency)
        try:
            cents = cents_from(typed, self.currency)
        except ValidationError:
            self.add_error(
                "amount", f"Write the amount as a number{digits}, for example {example}."
            )
            return None
        if cents == 0:
            self.add_error("amount", "Enter more than zero.")
        elif cents > self.left_cents:
            left = written(self.left_cents, self.currency)
            self.add_error("amount", f"That is more than is left: {left}.")
        return cents

    def _end_of_access(self, cleaned: dict[str, Any]) -> datetime | None:
        """The midnight after the chosen day; only a whole refund ends anything."""
        is_whole = cleaned.get("amount_cents") == self.left_cents
        if cleaned.get("ends") != "on_a_day" or not is_whole or "last_day" in self.errors:
            return None
        day = cleaned.get("last_day")
        if day is None:
            self.add_error("last_day", "Choose the last day of her access.")
            return None
        today = timezone.localdate(timezone=self.zone)
        if not today <= day <= today + LONGEST_ACCESS:
            self.add_error("last_day", "Choose a day from today on, at most three years ahead.")
            return None
        return datetime(day.year, day.month, day.day, tzinfo=self.zone) + timedelta(days=1)

    @property
    def zone(self) -> ZoneInfo | Any:
        """On whose clocks a day ends: those of the group, or else of the reader."""
        quarter = self.line.quarter
        return quarter.zone if quarter else timezone.get_current_timezone()


def what_follows(line: OrderLine, share: str, now: datetime) -> list[str]:
    """What happens when the ``whole`` of a line is given back, or a ``part``; a sentence each."""
    consequence = consequence_of(line, share, now)
    if not consequence.ends_access:
        return [NOTHING_FOLLOWS]
    sentences = _end_of_bundle(line) if line.bundle_id else _end_of_place(line, now)
    plans = PaymentPlan.objects.under_way().filter(order=line.order_id)
    if consequence.ends_plan and plans.exists():
        sentences.append("The payment plan ends: no further instalment is taken.")
    return sentences


def _end_of_bundle(line: OrderLine) -> list[str]:
    if BundleAccess.objects.in_force().filter(line=line).exists():
        return ["The bundle closes for her."]
    return ["The bundle is closed for her already, so nothing else changes."]


def _end_of_place(line: OrderLine, now: datetime) -> list[str]:
    places = Enrollment.objects.select_related("quarter").filter(line=line)
    place = places.filter(state__in=("enrolled", "completed")).first()
    if place is None:
        return ["Her place has ended already, so nothing else changes."]
    if has_begun(line, now):
        sentences = ["Her place ends. The group has met already, so nobody else gets the seat."]
    else:
        sentences = ["Her place ends, and the seat goes to whoever is next."]
    titles = place.bundle_access.in_force().values_list("bundle__title", flat=True)
    if titles:
        sentences.append(f"What came with it closes too ({', '.join(titles)}).")
    return sentences
