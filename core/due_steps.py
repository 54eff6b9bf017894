"""The steps of what is due: none keeps the others from running, and what fails is seen by staff."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import DatabaseError, connections
from django.utils import timezone

from core.models import FailedStep

logger = logging.getLogger(__name__)


def run_step(name: str, purpose: str, step: Callable[[], object]) -> bool:
    """Run ``step``; whether it was done. However it ends, the next one can run.

    While a step fails, a row says since when; the row goes with its next success.
    """
    try:
        step()
    except (Exception, SystemExit) as failure:
        if isinstance(failure, SystemExit) and not failure.code:
            _forget(name)
            return True
        logger.exception("Step %s was not done", name)
        _drop_broken_connections()
        _note(name, purpose, type(failure).__name__)
        return False
    _forget(name)
    return True


def _drop_broken_connections() -> None:
    """The next step opens its own."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block and not connection.is_usable():
            connection.close()


def _note(name: str, purpose: str, error: str) -> None:
    now = timezone.now()
    try:
        FailedStep.objects.update_or_create(
            name=name,
            defaults={"purpose": purpose[:200], "error": error[:100], "failed_at": now},
            create_defaults={
                "purpose": purpose[:200],
                "error": error[:100],
                "failed_at": now,
                "since": now,
            },
        )
    except DatabaseError:
        logger.exception("The failure of step %s could not be noted", name)


def _forget(name: str) -> None:
    try:
        FailedStep.objects.filter(name=name).delete()
    except DatabaseError:
        logger.exception("The success of step %s could not be noted", name)
