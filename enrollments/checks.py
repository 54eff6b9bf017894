"""System checks: no mixture of payment modes starts, and no limits that cannot be read."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from enrollments import stripe_gateway
from enrollments.operations.limits import limits_in


def payments_are_configured(**_: Any) -> list[checks.CheckMessage]:
    """An error for settings that must never meet; nothing for payments that are switched off."""
    if settings.STRIPE_MODE == "off":
        return []
    problem = stripe_gateway.misconfiguration()
    return [checks.Error(problem, id="enrollments.E001")] if problem else []


def order_limits_can_be_read(**_: Any) -> list[checks.CheckMessage]:
    """An error for limits that nobody could keep to, before the first buyer meets them."""
    try:
        limits_in(settings.ORDER_LIMITS)
    except ImproperlyConfigured as mistake:
        return [checks.Error(str(mistake), id="enrollments.E002")]
    return []
