"""What staff fill in for a help code. Its terms cannot change later: Stripe keeps them as made."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from wagtail.admin.forms import WagtailAdminModelForm
from wagtail.admin.panels import FieldPanel, FieldRowPanel, ObjectList

from core.discretion import validate_discreet
from enrollments.desks.prices import CurrencyField, cents_from
from enrollments.models import HelpCode, Quarter
from enrollments.operations.codes import normalized


class CodeField(forms.CharField):
    """A code in any case, with spaces or without."""

    def to_python(self, value: Any) -> str:
        return normalized(str(super().to_python(value) or ""))


class HelpCodeForm(WagtailAdminModelForm):
    """A code for a share or an amount off."""

    code = CodeField(
        max_length=40,
        error_messages={"required": "Enter the code that people will type."},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    amount = forms.CharField(
        max_length=20,
        required=False,
        help_text="As people write it: 150 or 150.50, without a sign.",
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    currency = CurrencyField(
        required=False, initial="usd", help_text="Of the amount: three letters, for example usd."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["percent_off"].error_messages |= dict.fromkeys(
            ["invalid", "min_value", "max_value"], "Enter a whole number from 1 to 100."
        )
        self.fields["most_uses"].error_messages |= dict.fromkeys(
            ["required", "invalid", "min_value"], "Enter how often it may be used, at least once."
        )
        self.fields["quarter"].queryset = Quarter.objects.exclude(
            state__in=(Quarter.State.ENDED, Quarter.State.CANCELLED)
        )
        self.fields["quarter"].empty_label = "Any quarter or bundle"

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        validate_discreet(code)
        if HelpCode.objects.filter(code=code).exists():
            raise ValidationError("There is a code like this already. Choose another.")
        return code

    def clean_ends_at(self) -> datetime | None:
        ends_at: datetime | None = self.cleaned_data["ends_at"]
        if ends_at and ends_at <= timezone.now():
            raise ValidationError("Choose a moment that is still to come, or leave it empty.")
        return ends_at

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        if {"amount", "percent_off"} & self.errors.keys():
            return cleaned
        if bool(cleaned["amount"]) == bool(cleaned["percent_off"]):
            self.add_error("percent_off", "Enter either a percentage or an amount.")
        elif cleaned["amount"]:
            self._read_amount(cleaned)
        return cleaned

    def _read_amount(self, cleaned: dict[str, Any]) -> None:
        currency, quarter = cleaned.get("currency") or "usd", cleaned.get("quarter")
        try:
            self.instance.amount_off_cents = cents_from(cleaned["amount"], currency)
        except ValidationError as mistake:
            self.add_error("amount", mistake)
        if not self.instance.amount_off_cents:
            self.add_error("amount", "The amount must be above zero.")
        if quarter and quarter.currency != currency:
            self.add_error("currency", f"This quarter is paid in {quarter.currency.upper()}.")

    def clean_currency(self) -> str:
        return self.cleaned_data["currency"] or "usd"

    def save(self, commit: bool = True) -> HelpCode:  # noqa: FBT001, FBT002 (Django's signature)
        self.instance.created_by = self.for_user
        self.instance.created_at = timezone.now()
        code: HelpCode = super().save(commit)
        return code


def help_code_panels() -> ObjectList:
    """The form of a new code."""
    return ObjectList(
        [
            FieldPanel(
                "code",
                help_text="What she types, in any case. Letters, digits and dashes, at least "
                "four; she reads it on the payment page, so keep it discreet.",
            ),
            FieldPanel("percent_off", heading="Percent off", help_text="100 is a free place."),
            FieldRowPanel(
                [FieldPanel("amount", heading="Or an amount off"), FieldPanel("currency")]
            ),
            FieldPanel(
                "quarter",
                widget=forms.Select,
                help_text="What she adds to a place in the quarter becomes cheaper too.",
            ),
            FieldPanel("most_uses", heading="Most uses", help_text="By everybody together."),
            FieldPanel("ends_at", heading="Ends", help_text="Empty: it does not end by itself."),
        ],
        base_form_class=HelpCodeForm,
    )
