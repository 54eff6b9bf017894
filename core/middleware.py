"""Headers that every answer carries: what a page may load, and who may keep a copy of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from core import page_cache

Answer = Callable[[HttpRequest], HttpResponse]

ADMIN: Final = "/staff/"
MEMBER: Final = "/member/"
ORDERS: Final = "/orders/"
# Nobody keeps a copy of these and no search engine lists them; robots.txt names the same ones.
PRIVATE: Final = (
    MEMBER,
    ADMIN,
    "/account/",
    "/enroll/",
    "/buy/",
    ORDERS,
    "/waitlist/",
    "/leave/",
)


def is_private(path: str) -> bool:
    """Whether what stands at ``path`` concerns one person."""
    return path.startswith(PRIVATE)


class ContentSecurityPolicy(CSPMiddleware):
    """One strict policy for everything but the admin, which needs its inline scripts and styles."""

    def get_policy_parts(
        self,
        request: HttpRequest,
        response: HttpResponseBase,
        report_only: bool = False,  # noqa: FBT001, FBT002 (the library's)
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if report_only:
            return parts
        if request.path.startswith(ADMIN):
            # A nonce would switch 'unsafe-inline' off again.
            parts.config, parts.nonce = settings.CONTENT_SECURITY_POLICY_ADMIN, None
        # Read now: where payments lead is settled last, by the environment or by a test.
        update: dict[str, Any] = parts.update or {}
        parts.update = {**update, "form-action": settings.FORM_ACTION_SOURCES}
        return parts


class PrivateResponses:
    """Keeps what concerns one person out of caches, search engines and other sites' logs."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if is_private(request.path):
            response["Cache-Control"] = "no-store, private"
            response["X-Robots-Tag"] = "noindex"
            response["Referrer-Policy"] = referrer_policy(request)
        return response


def referrer_policy(request: HttpRequest) -> str:
    """No referrer from pages of members and orders, except from those that hold a form.

    An order's address may hold the number of its payment page.
    A browser sends the form of a page without referrer as if it came from nowhere, and the CSRF
    check would refuse it.
    """
    holds_form = "CSRF_COOKIE_NEEDS_UPDATE" in request.META
    if request.path.startswith((MEMBER, ORDERS)) and not holds_form:
        return "no-referrer"
    return "same-origin"


class EvictPublicPagesAfterStaffWrites:
    """Whatever staff have just written, public pages show it at once."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith(ADMIN) and request.method not in ("GET", "HEAD", "OPTIONS"):
            page_cache.evict()
        return response
