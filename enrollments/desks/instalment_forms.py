"""What staff fill in about paying month by month: for a quarter, and for a plan that waits."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from wagtail.admin.panels import FieldPanel, FieldRowPanel

from enrollments.desks.prices import (
    PricedForm,
    as_typed,
    cents_from,
    refuse_what_cannot_be_paid,
)

FEWEST, MOST = 2, 24
LONGEST_GRACE = 60
HOW_MANY = f"Enter a whole number from {FEWEST} to {MOST}, or leave it empty."
HOW_LONG = f"Enter a whole number of days, from 1 to {LONGEST_GRACE}."


class InstalmentsForm(PricedForm):
    """A priced form that also asks for monthly payments: how many and how much, or neither."""

    columns_behind: ClassVar[dict[str, str]] = {
        **PricedForm.columns_behind,
        "each_instalment": "instalment_cents",
    }

    instalment_count = forms.IntegerField(
        label="Number of instalments",
        required=False,
        min_value=FEWEST,
        max_value=MOST,
        help_text="One each month, the first at once. Empty: she pays all at once only.",
        error_messages=dict.fromkeys(["invalid", "min_value", "max_value"], HOW_MANY),
    )
    each_instalment = forms.CharField(
        required=False,
        max_length=20,
        help_text="As people write it: 210. Together they may be more than the price, or less; "
        "the page says both.",
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and self.instance.instalment_cents:
            self.initial["each_instalment"] = as_typed(
                self.instance.instalment_cents, self.instance.currency
            )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        each = cleaned.get("each_instalment", "").strip()
        self.instance.instalment_cents = self._cents(each, cleaned) if each else None
        if each and cleaned.get("instalment_count", FEWEST) is None:
            self.add_error("instalment_count", "Enter how many instalments there are.")
        if cleaned.get("instalment_count") and not each:
            self.add_error("each_instalment", "Enter how much each instalment is.")
        return cleaned

    def _cents(self, each: str, cleaned: dict[str, Any]) -> int | None:
        if "currency" not in cleaned:
            return None
        try:
            cents = cents_from(each, cleaned["currency"])
            refuse_what_cannot_be_paid(cents, cleaned["currency"])
        except ValidationError as mistake:
            self.add_error("each_instalment", mistake)
            return None
        return cents


def instalments_row() -> FieldRowPanel:
    """Both fields, side by side."""
    return FieldRowPanel([FieldPanel("instalment_count"), FieldPanel("each_instalment")])


class MoreDaysForm(forms.Form):
    """Asks for how many more days access stays open."""

    days = forms.IntegerField(
        min_value=1,
        max_value=LONGEST_GRACE,
        error_messages=dict.fromkeys(["required", "invalid", "min_value", "max_value"], HOW_LONG),
        widget=forms.NumberInput(attrs={"aria-describedby": "id_days_help errors-days"}),
    )
