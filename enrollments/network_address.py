"""Where a request comes from, as a keyed digest: enough for limits, and nobody's address."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest

from enrollments.operations.limits import address_digest

UNKNOWN = "0.0.0.0"  # noqa: S104 (an address of nobody, not one to listen on)


def digest_of(request: HttpRequest) -> str:
    """The digest of the request's address, found as sign-in finds it behind trusted proxies.

    Requests whose address cannot be told count as one.
    """
    try:
        return address_digest(get_adapter().get_client_ip(request))
    except (ImproperlyConfigured, PermissionDenied, ValueError):
        return address_digest(UNKNOWN)
