"""Tasks that send letters: tried again while the mail provider is down, and never a second longer.

The queue itself knows no second try. A letter's task is tried five times: at once, and one, five,
thirty and 120 minutes after the last failure. Then it is logged as failed, with its ids only. Any
other error than the provider's is our own mistake, and fails at once.

The arguments of a task stand readable in the database: ids and keys, never a name, an address or
a word of the letter. For the same reason the provider's own error, which quotes addresses, is
replaced by its kind.
"""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, Final

from anymail.exceptions import AnymailAPIError
from django.utils import timezone
from django_tasks import task

logger = logging.getLogger(__name__)

DELAYS: Final = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
)
# Anymail's API errors, SMTP's own, and a provider that cannot be reached.
PROVIDER_TROUBLE: Final = (AnymailAPIError, smtplib.SMTPException, OSError)


class LetterNotSent(Exception):
    """The mail provider took no letter, however often it was asked."""


def letter_task(send: Callable[..., None]) -> Any:
    """A task that calls ``send`` with the ids it was queued with, again and again if need be.

    Queue it with ``send.enqueue(id, ...)``. ``send`` takes positional arguments only.
    """

    @task()
    @wraps(send)
    def tried(*ids: Any, failures: int = 0) -> None:
        try:
            send(*ids)
        except PROVIDER_TROUBLE as trouble:
            _try_later(tried, ids, failures, kind=type(trouble).__name__)

    return tried


def _try_later(letter: Any, ids: tuple[Any, ...], failures: int, kind: str) -> None:
    """Queue the letter once more.

    Raises:
        LetterNotSent: it was tried often enough, or the queue cannot wait.
    """
    if failures < len(DELAYS) and letter.get_backend().supports_defer:
        due = timezone.now() + DELAYS[failures]
        letter.using(run_after=due).enqueue(*ids, failures=failures + 1)
        logger.warning("Letter %s%s waits for the provider: %s", letter.name, ids, kind)
        return
    logger.error("Letter %s%s was not sent: %s", letter.name, ids, kind)
    raise LetterNotSent(kind) from None
