"""Prices as people type them: ``600``, ``600.50``, ``$1,250``. Read without floats."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from wagtail.admin.forms import WagtailAdminModelForm

from enrollments.models.quarter import CURRENCY
from enrollments.money import SIGNS, decimal_places, smallest_charge, smallest_step, written

AMOUNT = re.compile(r"(?P<whole>[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.(?P<rest>[0-9]+))?")
# Stripe takes at most eight digits of minor units.
LARGEST = 99_999_999


def cents_from(text: str, currency: str) -> int:
    """What somebody typed as a price, in minor units of ``currency``.

    Raises:
        ValidationError: with a sentence that says how to write it.
    """
    sign = SIGNS.get(currency, "")
    amount = AMOUNT.fullmatch(text.strip().removeprefix(sign).strip())
    places = decimal_places(currency)
    example = as_typed(60_050 if places else 600, currency)
    if not amount:
        raise ValidationError(f"Write the price as a number, for example {example}.")
    rest = amount["rest"] or ""
    if len(rest) > places:
        raise ValidationError(
            f"Prices in {currency.upper()} have "
            + (f"at most {places} digits" if places else "no digits")
            + f" after the point, for example {example}."
        )
    cents = int(amount["whole"].replace(",", "") + rest.ljust(places, "0"))
    if cents > LARGEST:
        raise ValidationError(f"At most {as_typed(LARGEST, currency)} can be paid at once.")
    return cents


def refuse_what_cannot_be_paid(cents: int, currency: str) -> None:
    """Nothing, for an amount that Stripe takes.

    Raises:
        ValidationError: with a sentence that says which amount would do.
    """
    smallest, step = smallest_charge(currency), smallest_step(currency)
    if cents < smallest:
        raise ValidationError(f"At least {written(smallest, currency)} has to be paid.")
    if cents % step:
        lower, higher = cents - cents % step, cents - cents % step + step
        raise ValidationError(
            f"This amount cannot be paid in {currency.upper()}. Choose "
            f"{as_typed(lower, currency)} or {as_typed(higher, currency)}."
        )


def as_typed(cents: int, currency: str) -> str:
    """A price as it stands in a form: ``600`` or ``600.50``, without a sign."""
    places = decimal_places(currency)
    whole, rest = divmod(cents, 10**places)
    return f"{whole}.{rest:0{places}d}" if rest else str(whole)


class CurrencyField(forms.CharField):
    """Three letters in either case."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validators=[CURRENCY], **kwargs)

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value) or "").lower()


class PricedForm(WagtailAdminModelForm):
    """A form of something with ``price_cents`` and ``currency``, which asks for ``price``."""

    currency = CurrencyField(
        help_text="Three letters, for example usd.",
        error_messages={"required": "Enter the three letters of a currency, for example usd."},
    )
    price = forms.CharField(
        max_length=20,
        help_text="As people write it: 600 or 600.50, without a sign.",
        error_messages={"required": "Enter a price, for example 600."},
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )

    columns_behind: ClassVar[dict[str, str]] = {"price": "price_cents"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["price"] = as_typed(self.instance.price_cents, self.instance.currency)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        if "price" in cleaned and "currency" in cleaned:
            try:
                cents = cents_from(cleaned["price"], cleaned["currency"])
                refuse_what_cannot_be_paid(cents, cleaned["currency"])
                self.instance.price_cents = cents
            except ValidationError as mistake:
                self.add_error("price", mistake)
        return cleaned
