"""System checks: no mixture of payment modes starts."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks

from enrollments import stripe_gateway


def payments_are_configured(**_: Any) -> list[checks.CheckMessage]:
    """An error for settings that must never meet; nothing for payments that are switched off."""
    if settings.STRIPE_MODE == "off":
        return []
    problem = stripe_gateway.misconfiguration()
    return [checks.Error(problem, id="enrollments.E001")] if problem else []
