"""What every template may ask about the site as a whole."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, object]:  # noqa: ARG001
    """``demo_mode``, and ``stripe_mode`` while payments are not live. No database query."""
    return {
        "demo_mode": settings.DEMO_MODE,
        "stripe_mode": "" if settings.STRIPE_MODE == "live" else settings.STRIPE_MODE,
    }
