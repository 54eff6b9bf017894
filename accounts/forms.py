"""Forms for signing in, and the admin's forms for people."""

from __future__ import annotations

from typing import Any, ClassVar

from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from django import forms
from django.utils import timezone
from wagtail.users.forms import UserCreationForm, UserEditForm

from accounts import codes, limits
from accounts.models import User, normalized_email
from core import rate_limits
from core.encryption import Unreadable

LONGEST_EMAIL = 254
SECOND_STEP_UNREADABLE = (
    "Your second step cannot be read on this site at the moment, whatever you type. Ask whoever "
    "runs it to let you set it up again."
)
SECOND_STEP_TOO_OFTEN = "That was tried too often. Please wait five minutes, then try again."


class FocusedForm(forms.Form):
    """A form of one question: after a mistake the browser starts at the field that holds it."""

    def add_error(self, field: str | None, error: Any) -> None:
        super().add_error(field, error)
        if field in self.fields:
            self.fields[field].widget.attrs["data-focus-first"] = ""


class SignInForm(FocusedForm):
    """Which address the code goes to, and how long this browser stays signed in."""

    email = forms.EmailField(
        label="Email address",
        max_length=LONGEST_EMAIL,
        error_messages={
            "required": "Type the email address you gave us.",
            "invalid": "That does not look like an email address. An example: ann@example.org.",
            "max_length": "That is too long for an email address.",
        },
        widget=forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"}),
    )
    shared_device = forms.BooleanField(
        label="This is a shared or watched device",
        required=False,
        help_text="Signs you out when the browser closes, or after 20 minutes without a click.",
    )
    next = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean_email(self) -> str:
        return normalized_email(self.cleaned_data["email"])


class CodeForm(FocusedForm):
    """The code from the letter, however it was pasted."""

    code = forms.CharField(
        label="Your code",
        max_length=40,
        help_text=f"{codes.DIGITS} digits. Spaces and dashes do not matter.",
        error_messages={
            "required": f"Type the {codes.DIGITS} digits from the letter.",
            "max_length": f"The code has {codes.DIGITS} digits. Copy nothing else from the letter.",
        },
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "inputmode": "numeric",
                "autocapitalize": "off",
                "spellcheck": "false",
            }
        ),
    )

    def clean_code(self) -> str:
        code = codes.bare(self.cleaned_data["code"])
        has_its_length = len(code) in (codes.DIGITS, codes.LAST_DIGITS)
        if not (has_its_length and code.isascii() and code.isdigit()):
            raise forms.ValidationError(
                f"The code has {codes.DIGITS} digits, and no letters.", code="shape"
            )
        return code


class AppCodeMixin(FocusedForm):
    """One code field for the authenticator app, in the words and the manner of our own."""

    user: User

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label = "Code from your app"
        self.fields["code"].widget = forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"}
        )

    def clean_code(self) -> str:
        """The code, counted in the database: allauth would count, and note it as used, in a cache.

        Raises:
            ValidationError: wrong, used before, or tried too often.
        """
        now = timezone.now()
        try:
            limits.count_second_step(self.user, now=now)
        except rate_limits.TooOften as spent:
            raise forms.ValidationError(SECOND_STEP_TOO_OFTEN, code="too_often") from spent
        code: str = super().clean_code()  # type: ignore[misc]  # of allauth's form behind it
        try:
            limits.has_passed_second_step(self.user, codes.bare(code), now=now)
        except rate_limits.TooOften as used:
            raise forms.ValidationError("Incorrect code.", code="used") from used
        return code


class SetUpAppForm(AppCodeMixin, ActivateTOTPForm):
    """Proves that the app was set up."""


class SecondStepMixin(AppCodeMixin):
    """Says so when what the code is compared with cannot be read."""

    def clean_code(self) -> str:
        try:
            # The form of django-allauth beside this one has it.
            code: str = super().clean_code()
        except Unreadable as missing:
            raise forms.ValidationError(SECOND_STEP_UNREADABLE, code="unreadable") from missing
        return code


class SecondStepForm(SecondStepMixin, AuthenticateForm):
    """The second step of signing in."""


class SecondStepAgainForm(SecondStepMixin, ReauthenticateForm):
    """The second step once more, before something that matters."""


class PersonForm(forms.ModelForm[User]):
    """What the admin's two forms for people share: nobody here has a password."""

    first_name = forms.CharField(required=False, max_length=150)
    last_name = forms.CharField(required=False, max_length=150)
    chosen_name = forms.CharField(
        required=False,
        max_length=60,
        help_text="The name she chose. Other members see this one only.",
    )

    def clean_email(self) -> str:
        return normalized_email(self.cleaned_data["email"])

    def save(self, commit: bool = True) -> User:  # noqa: FBT001, FBT002 (Django's)
        if not self.instance.pk:
            self.instance.set_unusable_password()
        person: User = super().save(commit=commit)
        return person


class NewPersonForm(PersonForm, UserCreationForm):
    """Opens an account for somebody of the practice; she signs in by code."""

    class Meta(UserCreationForm.Meta):
        fields: ClassVar[set[str]] = {*UserCreationForm.Meta.fields, "chosen_name"}


class EditPersonForm(PersonForm, UserEditForm):
    """Changes an account."""

    class Meta(UserEditForm.Meta):
        fields: ClassVar[set[str]] = {*UserEditForm.Meta.fields, "chosen_name"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].help_text = (
            "The address that signs in and gets every letter. When you change it, she is signed "
            "out everywhere, and nothing sent to the old one works any more."
        )
