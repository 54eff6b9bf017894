"""Headers that every answer carries: what a page may load, and who may keep a copy of it."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from inspect import unwrap
from typing import Any, Final

from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.contrib import messages
from django.db import DataError
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseBase,
)
from django.shortcuts import redirect

from core import client_address, page_cache

logger = logging.getLogger(__name__)

Answer = Callable[[HttpRequest], HttpResponse]

ADMIN: Final = "/staff/"
NO_EXPORT: Final = "This list cannot be exported."
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
SURROGATES: Final = re.compile("[\ud800-\udfff]")
PROBES: Final = ("/healthz", "/readyz")


def is_private(path: str) -> bool:
    """Whether what stands at ``path`` concerns one person."""
    return path.startswith(PRIVATE)


class ContentSecurityPolicy(CSPMiddleware):
    """One strict policy for everything but the admin, which needs its inline scripts and styles.

    A preview of a page has the page's policy, except that the editor beside it may frame it.
    """

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
        if getattr(request, "is_preview", False):
            # Only Wagtail says this of a request, when it shows an editor's page beside her form.
            parts.replace = {**(parts.replace or {}), "frame-ancestors": ["'self'"]}
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


class RefuseEmptyExports:
    """Says that a list cannot be exported, where Wagtail would send a file of blank lines.

    Wagtail's lists and those of modeladmin answer ``?export=`` whether or not they say which
    columns would be exported.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, _args: Any, _named: Any
    ) -> HttpResponse | None:
        if "export" not in request.GET or not request.path.startswith(ADMIN):
            return None
        if exported_columns(view):
            return None
        messages.error(request, NO_EXPORT)
        return redirect(request.path)


def exported_columns(view: Any) -> Any:
    """What a list in the admin exports; nothing where ``view`` is no list or exports nothing."""
    given = getattr(view, "view_initkwargs", {})
    owner = getattr(unwrap(view), "__self__", None) or getattr(view, "view_class", None)
    return given.get("list_export") or getattr(owner, "list_export", None)


class EvictPublicPagesAfterStaffWrites:
    """Whatever staff have just written, public pages show it at once."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith(ADMIN) and request.method not in ("GET", "HEAD", "OPTIONS"):
            page_cache.evict()
        return response


class SameOriginResources:
    """No other site may put anything of this one into its pages: static files and media too.

    The first of all, so that it sees every answer; the page cache keeps the header with the page.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response["Cross-Origin-Resource-Policy"] = "same-origin"
        return response


class ReadableRequests:
    """Answers 400 to a request that holds what no column can: NUL, half a character, a huge number.

    Text is looked at where a request comes in, because addresses, search boxes and session keys
    reach the database from many places; fields of forms refuse it themselves, with a sentence. A
    number is known to be out of range once a database says so: Wagtail's views take any.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not all(map(is_readable, _texts_of(request))):
            return _bad_request()
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not (is_out_of_range(exception) or is_half_character(exception)):
            return None
        # Logged all the same, without the address: what we keep ourselves may be wrong.
        logger.warning("A %s was not readable: %s", request.method, type(exception).__name__)
        return _bad_request()


def _bad_request() -> HttpResponse:
    return HttpResponseBadRequest("400 Bad Request", content_type="text/plain")


def is_half_character(exception: Exception) -> bool:
    """Whether something holds half a character after all, such as a sentence in a signed cookie."""
    return isinstance(exception, UnicodeEncodeError) and "surrogates" in exception.reason


def is_out_of_range(exception: Exception) -> bool:
    """Whether a database refused a number: SQLite's module in its way, PostgreSQL in another."""
    if isinstance(exception, OverflowError):
        return "SQLite" in str(exception)
    cause = type(exception.__cause__).__name__
    return isinstance(exception, DataError) and cause == "NumericValueOutOfRange"


def _texts_of(request: HttpRequest) -> Iterator[str]:
    """Everything of a request that is read before its body."""
    yield request.path_info
    for name, values in request.GET.lists():
        yield name
        yield from values
    yield from request.COOKIES.values()


def is_readable(text: str) -> bool:
    """Whether both databases can keep ``text``."""
    return "\0" not in text and not SURROGATES.search(text)


class ProxiesAsCounted:
    """Notices when ``TRUSTED_PROXY_COUNT`` does not fit what arrives. No query."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Probes come from the machine itself, past every proxy.
        is_probe = request.path in PROBES
        if not is_probe and (misfit := client_address.misfit_of(request)):
            client_address.note_misfit(misfit)
        return self.get_response(request)
