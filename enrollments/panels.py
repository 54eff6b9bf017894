"""Forms of the settings: amounts are typed as people write them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django import forms

from core.two_editors import TwoEditorsForm

CENTS = 100


class MoneySettingsForm(TwoEditorsForm):
    """Asks for the limit of one person alone in whole units, and keeps it in cents."""

    columns_behind: ClassVar[dict[str, str]] = {"second_person_above": "second_person_above_cents"}

    second_person_above = forms.DecimalField(
        label="Refunds that need a second person",
        required=False,
        min_value=Decimal(0),
        max_digits=8,
        decimal_places=2,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        help_text="Above this amount, one person proposes a refund and another approves it. For "
        "example 500, or 499.50. Empty: one person is enough. 0: always two.",
        error_messages={"invalid": "Write the amount as a number, for example 500."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cents = self.instance.second_person_above_cents
        if cents is not None:
            whole, rest = divmod(cents, CENTS)
            self.initial["second_person_above"] = f"{whole}.{rest:02}" if rest else str(whole)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        if "second_person_above" in cleaned:
            amount: Decimal | None = cleaned["second_person_above"]
            cents = None if amount is None else int(amount * CENTS)
            self.instance.second_person_above_cents = cents
        return cleaned
