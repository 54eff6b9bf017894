"""What an enroll page asks: a name to be called by, an email, and what she wants beside it."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from django import forms

from accounts.models import User, normalized_email
from enrollments.errors import CodeNotUsable, CodeWithPlan
from enrollments.operations.checkout import Buyer
from enrollments.operations.codes import normalized
from enrollments.operations.wishes import Paying

# The facts of a page that concern everybody, whatever is chosen.
ALWAYS = ("first", "meetings", "included", "lessons")


class PersonForm(forms.Form):
    """Asks a visitor for her name and email."""

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

    def clean_chosen_name(self) -> str:
        """The name without what cannot be seen, which could disguise one name as another."""
        name: str = unicodedata.normalize("NFC", self.cleaned_data["chosen_name"])
        name = " ".join("".join(c for c in name if c.isprintable()).split())
        if not name:
            raise forms.ValidationError(self.fields["chosen_name"].error_messages["required"])
        return name

    def clean_email(self) -> str:
        return normalized_email(self.cleaned_data["email"])


class BuyerForm(PersonForm):
    """Asks who buys. ``form_id`` makes sending it twice one order."""

    form_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    def buyer(self) -> Buyer:
        """Who buys, from a valid form."""
        return Buyer(
            chosen_name=self.cleaned_data["chosen_name"],
            email=self.cleaned_data["email"],
            form_id=self.cleaned_data["form_id"],
        )


class MemberBuyerForm(BuyerForm):
    """Asks a signed-in member for her name only: her email is the account's."""

    email = None  # type: ignore[assignment]

    def __init__(self, member: User, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.member = member
        self.initial.setdefault("chosen_name", member.chosen_name)

    def buyer(self) -> Buyer:
        """Who buys, from a valid form."""
        return Buyer(
            chosen_name=self.cleaned_data["chosen_name"],
            email=self.member.email,
            form_id=self.cleaned_data["form_id"],
            member=self.member,
        )


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What can be chosen on a page: bundles to add and ways to pay, each with its price.

    ``name_help`` says who will read the name.
    """

    bundles: Sequence[tuple[int, str]] = ()
    paying: Sequence[tuple[str, str]] = ()
    name_help: str = "A first name or any name you choose. The group sees only this."


class WishesForm(forms.Form):
    """Asks what she wants beside the thing itself. A field without a choice is not there.

    ``seen`` tells which reduced amount the page has shown her: no code is used unseen. ``shown``
    carries everything else that the page has said (``enrollments.shown``).
    """

    paying = forms.ChoiceField(
        label="How would you like to pay?",
        required=False,
        initial=Paying.AT_ONCE,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": "Choose one of the ways to pay below."},
    )
    bundles = forms.TypedMultipleChoiceField(
        label="Would you like to add something?",
        help_text="Videos to watch alone, in your own time. They open as soon as you have paid.",
        required=False,
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "That can no longer be added. Look at what is left."},
    )
    code = forms.CharField(
        label="Your code",
        help_text="The new price is shown before anything is charged.",
        required=False,
        max_length=60,
        error_messages={"max_length": CodeNotUsable.sentence},
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters"}),
    )
    seen = forms.CharField(required=False, max_length=100, widget=forms.HiddenInput)
    shown = forms.CharField(required=False, widget=forms.HiddenInput)

    data: Any

    def __init__(self, *args: Any, choices: Choices, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["chosen_name"].help_text = choices.name_help
        self._offer("paying", choices.paying)
        self._offer("bundles", choices.bundles)

    def _offer(self, name: str, choices: Sequence[tuple[Any, str]]) -> None:
        if choices:
            self.fields[name].choices = choices  # type: ignore[attr-defined]
        else:
            del self.fields[name]

    def clean_code(self) -> str:
        return normalized(self.cleaned_data["code"])

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("code") and self.chosen_paying == Paying.MONTHLY:
            self.add_error("code", CodeWithPlan.sentence)
        return cleaned

    @property
    def chosen_bundles(self) -> list[int]:
        """The bundles to add, as far as they could be read."""
        return self.cleaned_data.get("bundles") or []

    @property
    def chosen_paying(self) -> Paying:
        """How to pay; at once unless another way was chosen."""
        return Paying(self.cleaned_data.get("paying") or Paying.AT_ONCE)

    @property
    def rests_on(self) -> list[str]:
        """The facts on which the choice rests as it was sent, though it may be none any more."""
        monthly = self.data.get("paying") == Paying.MONTHLY
        bundles = [f"bundle:{number}" for number in self.data.getlist("bundles")]
        return ["monthly" if monthly else "price", *bundles, *ALWAYS]

    def show(self, seen: str) -> None:
        """Let the page that comes back say which reduced amount it has shown."""
        self.data = self.data.copy()
        self.data["seen"] = seen

    def carry(self, shown: str) -> None:
        """Let the page carry what it shows."""
        self.initial["shown"] = shown
        if self.is_bound:
            self.data = self.data.copy()
            self.data["shown"] = shown


class OrderForm(WishesForm, BuyerForm):
    """What a visitor is asked."""

    field_order = ("chosen_name", "email", "paying", "bundles", "code")


class MemberOrderForm(WishesForm, MemberBuyerForm):
    """What a signed-in member is asked."""

    field_order = OrderForm.field_order


class OfferForm(WishesForm, BuyerForm):
    """What somebody is asked for whom a place is kept: the email is that of her letter."""

    email = None  # type: ignore[assignment]
    field_order = OrderForm.field_order

    def __init__(self, email: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known_email = email

    def buyer(self) -> Buyer:
        """Who buys, from a valid form."""
        self.cleaned_data["email"] = self.known_email
        return super().buyer()


class WaitlistForm(PersonForm):
    """What a visitor is asked who wants to wait for a place."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[
            "email"
        ].help_text = "One that only you read is best. We write when a place is free."


class MemberWaitlistForm(PersonForm):
    """What a signed-in member is asked who wants to wait: her email is the account's."""

    email = None  # type: ignore[assignment]

    def __init__(self, member: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.member = member
        self.initial.setdefault("chosen_name", member.chosen_name)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        return cleaned | {"email": self.member.email}


def waitlist_form(
    member: User | None, given: Any = None, *, initial: dict[str, Any] | None = None
) -> WaitlistForm | MemberWaitlistForm:
    """What ``member``, or else a visitor, is asked who wants to wait for a place."""
    known = {name: typed for name, typed in (initial or {}).items() if typed}
    if member:
        return MemberWaitlistForm(member, given, initial=known)
    return WaitlistForm(given, initial=known)
