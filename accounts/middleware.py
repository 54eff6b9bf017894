"""Who may stay, and who may enter the admin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from accounts.models import User
from accounts.sessions import is_idle
from core.leaving import end_session
from core.middleware import is_private

Answer = Callable[[HttpRequest], HttpResponse]

SIGNED_OUT_WHEN_IDLE: Final = (
    "You were signed out because nothing was clicked for 20 minutes. That is what you chose for "
    "this device."
)


class SharedDevice:
    """Signs out a shared or watched device that was left alone."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Leaving must work whatever is broken, and ends the session anyway.
        watched = is_private(request.path) and request.path != reverse("leave")
        if watched and settings.SESSION_COOKIE_NAME in request.COOKIES:
            self._sign_out_if_idle(request)
        return self.get_response(request)

    def _sign_out_if_idle(self, request: HttpRequest) -> None:
        if is_idle(request.session, timezone.now()):
            end_session(request)
            request.user = AnonymousUser()
            messages.info(request, SIGNED_OUT_WHEN_IDLE)


class StaffSecondFactor:
    """Lets staff into the admin after the second step of this session, and members never."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        admin, second_step = reverse("wagtailadmin_home"), reverse("mfa_index")
        if request.path.startswith((admin, second_step)) and isinstance(request.user, User):
            if not request.user.may_use_admin():
                # Not a redirect to signing in: she is signed in, and would be sent back here.
                raise Http404
            wanted = settings.STAFF_SECOND_FACTOR_REQUIRED and request.path.startswith(admin)
            if wanted and (step := step_missing(request, request.user)):
                return redirect(f"{reverse(step)}?{urlencode({'next': request.get_full_path()})}")
        return self.get_response(request)


def step_missing(request: HttpRequest, member: User) -> str:
    """The name of the address where ``member`` completes her second step; empty: it is complete."""
    if not is_mfa_enabled(member, [Authenticator.Type.TOTP]):
        return "mfa_activate_totp"
    methods = [record["method"] for record in get_authentication_records(request, member)]
    return "" if "mfa" in methods else "mfa_reauthenticate"
