"""What an enroll page asks: a name to be called by, and an email. Nothing else."""

from __future__ import annotations

import unicodedata
from uuid import UUID, uuid4

from django import forms

from accounts.models import User, normalized_email
from enrollments.operations.checkout import Buyer


class BuyerForm(forms.Form):
    """Asks a visitor for her name and email. ``form_id`` makes sending it twice one order."""

    chosen_name = forms.CharField(
        label="What may we call you?",
        help_text="A first name or any name you choose. The group sees only this.",
        max_length=60,
        error_messages={
            "required": "Enter a name. Any name you choose is fine.",
            "max_length": "Please use a shorter name, at most 60 characters.",
        },
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
    )
    email = forms.EmailField(
        label="Email",
        help_text="One that only you read is best. We send codes, your receipt and changes.",
        max_length=254,
        error_messages={
            "required": "Enter an email address.",
            "invalid": "Enter an email address, for example name@example.com.",
            "max_length": "That email address is too long. Please check it.",
        },
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    form_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    def clean_chosen_name(self) -> str:
        """The name without what cannot be seen, which could disguise one name as another."""
        name: str = unicodedata.normalize("NFC", self.cleaned_data["chosen_name"])
        name = " ".join("".join(c for c in name if c.isprintable()).split())
        if not name:
            raise forms.ValidationError(self.fields["chosen_name"].error_messages["required"])
        return name

    def clean_email(self) -> str:
        return normalized_email(self.cleaned_data["email"])

    def buyer(self, own_orders: list[UUID]) -> Buyer:
        """Who buys, from a valid form."""
        return Buyer(
            chosen_name=self.cleaned_data["chosen_name"],
            email=self.cleaned_data["email"],
            form_id=self.cleaned_data["form_id"],
            own_orders=own_orders,
        )


class MemberBuyerForm(BuyerForm):
    """Asks a signed-in member for her name only: her email is the account's."""

    email = None  # type: ignore[assignment]

    def __init__(self, member: User, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.member = member
        self.initial.setdefault("chosen_name", member.chosen_name)

    def clean_email(self) -> str:
        return self.member.email

    def buyer(self, own_orders: list[UUID]) -> Buyer:
        """Who buys, from a valid form."""
        return Buyer(
            chosen_name=self.cleaned_data["chosen_name"],
            email=self.member.email,
            form_id=self.cleaned_data["form_id"],
            own_orders=own_orders,
            member=self.member,
        )
