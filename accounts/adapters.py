"""What django-allauth does differently here: no sign-up, no letters of its own, encrypted seeds."""

from __future__ import annotations

from typing import Any, NoReturn

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.sessions import has_kept_account, keep_signed_in
from core import letters
from core.client_address import client_address
from core.encryption import decrypt, encrypt


def home_of(user: Any) -> str:
    """Where somebody who has signed in belongs."""
    is_staff = isinstance(user, User) and user.may_use_admin()
    return reverse("wagtailadmin_home" if is_staff else "member_today")


class AccountAdapter(DefaultAccountAdapter):
    """Accounts open by paying; they are entered by code."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return home_of(request.user)

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        """Sign ``user`` in for as long as she chose.

        Raises:
            ImmediateHttpResponse: her account has changed since the first step; she begins anew.
        """
        if not (isinstance(user, User) and has_kept_account(request.session, user)):
            raise ImmediateHttpResponse(HttpResponseRedirect(reverse("account_login")))
        super().login(request, user)
        keep_signed_in(request.session, timezone.now())

    def respond_user_inactive(
        self,
        request: HttpRequest,  # noqa: ARG002
        user: AbstractBaseUser,  # noqa: ARG002
    ) -> HttpResponse:
        return HttpResponseRedirect(reverse("account_login"))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> NoReturn:
        """Refuse: allauth's own letters name the site and what happened on it.

        Raises:
            NotImplementedError: always. Our letters are sent by ``accounts.emails``.
        """
        raise NotImplementedError(template_prefix)


class SecondStepAdapter(DefaultMFAAdapter):
    """The seeds of authenticator apps and recovery codes stand encrypted under FIELD_KEYS."""

    def encrypt(self, text: str) -> str:
        return encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Its seed, for ``accounts.forms`` and ``accounts.views`` to say when it cannot be read.

        Raises:
            Unreadable: its key is missing.
        """
        return decrypt(encrypted_text)

    def get_totp_issuer(self) -> str:
        return letters.sender_name() or super().get_totp_issuer()
