"""Signing in by emailed code, signing out, and the staff's second step.

The same page, the same status and the same time whether an address is known or not.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from http import HTTPStatus
from typing import Any, NoReturn

from allauth.account.utils import perform_login
from allauth.mfa.base.internal.flows import post_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.views import ActivateTOTPView
from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe
from django.views.generic import FormView

from accounts import codes, emails, limits, mailboxes
from accounts.adapters import home_of
from accounts.forms import SECOND_STEP_UNREADABLE, CodeForm, SignInForm
from accounts.models import User
from accounts.sessions import choose_shared_device, remember_account
from core.encryption import Unreadable
from core.leaving import end_session, erase_traces
from core.rate_limits import TooOften

TOO_OFTEN = "That was asked for too often. Please wait a minute, then try again."


@method_decorator(sensitive_post_parameters(), name="dispatch")
class SignInView(FormView[SignInForm]):
    """Asks for the address and, whoever it belongs to, goes on to the code."""

    form_class = SignInForm
    template_name = "account/login.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            return redirect(own_path(request.GET.get("next", "")) or home_of(request.user))
        return super().dispatch(request, *args, **kwargs)

    def get_initial(self) -> dict[str, Any]:
        under_way = codes.kept(self.request.session)
        return {
            "email": under_way.email if under_way else "",
            "shared_device": under_way.shared_device if under_way else False,
            "next": own_path(self.request.GET.get("next", "")),
        }

    def form_valid(self, form: SignInForm) -> HttpResponse:
        email, now = form.cleaned_data["email"], timezone.now()
        try:
            limits.count_ask(self.request, now=now)
        except TooOften:
            return refused(self, form)
        sign_in = codes.begin(
            email=email,
            member=User.objects.filter(email=email, is_active=True).first(),
            shared_device=form.cleaned_data["shared_device"],
            next_path=own_path(form.cleaned_data["next"]),
            now=now,
        )
        codes.keep(self.request.session, sign_in)
        send_code_of(sign_in, now=now)
        return redirect("account_confirm_login_code")


@method_decorator(sensitive_post_parameters(), name="dispatch")
class CodeView(FormView[CodeForm]):
    """Takes the code, or sends a new one; the address is kept whatever goes wrong."""

    form_class = CodeForm
    template_name = "account/confirm_login_code.html"
    sign_in: codes.SignIn

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        under_way = codes.kept(request.session)
        if request.user.is_authenticated or under_way is None:
            return redirect("account_login")
        self.sign_in = under_way
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.POST.get("action") == "resend":
            return self.send_again()
        if self.sign_in.is_spent(timezone.now()):
            return self.render_to_response(self.get_context_data(form=CodeForm()))
        return super().post(request, *args, **kwargs)

    def send_again(self) -> HttpResponse:
        """A new code to the same address; the old one stops working."""
        now = timezone.now()
        try:
            limits.count_ask(self.request, now=now)
        except TooOften:
            return refused(self, CodeForm())
        self.sign_in = self.sign_in.with_new_code(now)
        codes.keep(self.request.session, self.sign_in)
        send_code_of(self.sign_in, now=now)
        return redirect("account_confirm_login_code")

    def form_valid(self, form: CodeForm) -> HttpResponse:
        typed, now = form.cleaned_data["code"], timezone.now()
        try:
            limits.count_try(self.request, self.sign_in, now=now)
            if len(typed) == codes.LAST_DIGITS:
                limits.count_last_code_try(self.request, self.sign_in, now=now)
        except TooOften:
            return refused(self, form)
        if member := member_let_in_by(typed, self.sign_in, now=now):
            return self.enter(member)
        self.sign_in = self.sign_in.with_a_try_less()
        codes.keep(self.request.session, self.sign_in)
        if self.sign_in.tries_left > 0:
            form.add_error("code", wrong_code(self.sign_in.tries_left))
            # Emptied, or the next code would be pasted behind this one.
            form.data = {}
        return self.form_invalid(form)

    def enter(self, member: User) -> HttpResponse:
        """Sign ``member`` in, or have staff take the second step first."""
        codes.forget(self.request.session)
        remember_account(self.request.session, member)
        if self.sign_in.shared_device:
            choose_shared_device(self.request.session)
        response: HttpResponse = perform_login(
            self.request, member, redirect_url=self.sign_in.next_path or None
        )
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now = timezone.now()
        return super().get_context_data(**kwargs) | {
            "email": self.sign_in.email,
            "minutes": int(codes.lifetime().total_seconds() // 60),
            "has_expired": self.sign_in.is_expired(now),
            "is_spent": self.sign_in.is_spent(now),
        }


class SetUpSecondStepView(ActivateTOTPView):
    """Sets up the authenticator app.

    The code that proves it counts as this session's second step; staff would be asked for another
    one at once otherwise.
    """

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        key = context["form"].secret
        return context | {"key": " ".join(key[at : at + 4] for at in range(0, len(key), 4))}

    def form_valid(self, form: Form) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        app = Authenticator.objects.get(user=self.request.user, type=Authenticator.Type.TOTP)
        post_authentication(self.request, app, reauthenticated=True)
        return response


def says_when_unreadable(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """``view``; when the spare codes cannot be read, the page before it with a sentence."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except Unreadable:
            messages.error(request, SECOND_STEP_UNREADABLE)
            return redirect("mfa_index")

    return wrapped


@require_http_methods(["GET", "HEAD", "POST"])
def sign_out(request: HttpRequest) -> HttpResponse:
    """Asks first, because anybody can make a link; then nothing of her stays in this browser."""
    if request.method != "POST":
        return render(request, "account/logout.html")
    end_session(request)
    return erase_traces(request, redirect("account_signed_out"))


@require_safe
def signed_out(request: HttpRequest) -> HttpResponse:
    """A page that says nothing about anybody."""
    return render(request, "account/signed_out.html")


def closed(request: HttpRequest, **parts: str) -> NoReturn:  # noqa: ARG001
    """What allauth offers and this site does not: sign-up, passwords, changing addresses.

    Raises:
        Http404: always.
    """
    raise Http404


def own_path(path: str) -> str:
    """``path`` if it leads to a page of this site, else nothing."""
    is_ours = path.startswith("/") and url_has_allowed_host_and_scheme(path, allowed_hosts=None)
    return path if is_ours else ""


def send_code_of(sign_in: codes.SignIn, *, now: datetime) -> None:
    """Have the code sent, if its mailbox gets another letter today. Nobody is told if not."""
    turn = mailboxes.take_turn(sign_in, now=now)
    if turn is mailboxes.Turn.USUAL:
        emails.queue_code(sign_in)
    elif turn is mailboxes.Turn.LAST:
        emails.queue_last_code(sign_in)


def member_let_in_by(typed: str, sign_in: codes.SignIn, *, now: datetime) -> User | None:
    """Whom the typed code lets in: nobody whose account has changed since it was asked for."""
    is_right = sign_in.is_code(typed) or mailboxes.is_last_code(sign_in, typed, now=now)
    member = User.objects.filter(pk=sign_in.member_id or 0, is_active=True).first()
    if not is_right or member is None:
        return None
    is_unchanged = constant_time_compare(member.get_session_auth_hash(), sign_in.account)
    return member if is_unchanged else None


def refused(view: FormView[Any], form: Form) -> HttpResponse:
    """The page again, with a sentence that asks for patience."""
    context = view.get_context_data(form=form, refusal=TOO_OFTEN)
    return view.render_to_response(context, status=HTTPStatus.TOO_MANY_REQUESTS)


def wrong_code(tries_left: int) -> str:
    """What to say to a code that is not the one that was sent."""
    tries = "1 try" if tries_left == 1 else f"{tries_left} tries"
    return f"That is not the code we sent. You have {tries} left."
