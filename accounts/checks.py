"""What must be true of the staff's second steps before this site may run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from allauth.mfa.models import Authenticator
from django.core.checks import CheckMessage, Tags, register

from accounts.seeds import unreadable_fingerprints
from core.checks import has_table, unreadable_values


@register(Tags.database)
def second_steps_can_be_read(
    databases: Sequence[str] | None = None, **_: Any
) -> list[CheckMessage]:
    """For every key that a stored seed needs there is one that opens it."""
    return [
        unreadable_values("The second step of staff", missing)
        for alias in databases or []
        if has_table(alias, Authenticator) and (missing := unreadable_fingerprints(using=alias))
    ]
