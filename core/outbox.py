"""Emails on their way: kept as rows, tried for three days, and never lost without a word.

Whoever owns what an email is about registers a ``Kind`` when the app starts, and queues emails of
it in the transaction that causes them. At each try the kind writes the email anew, or says that it
is no longer true; then it is not sent. The kind notes what came of it in the same transaction.

A try that fails because of the provider is made again, later each time; all that wait are tried at
once when one has gone through. After three days staff decide. Any other error is a mistake of
ours, and staff decide at once.

A worker that dies between sending and noting leaves the row claimed. The next try then carries the
same Message-ID, and the same idempotency key where the provider knows one (``core.providers``).

Rows and logs hold ids, keys and codes, never a name, an address or a word of the email.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid5

from django.core.exceptions import ValidationError
from django.db import Error, transaction
from django.utils import timezone
from django_tasks import task
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from core import providers
from core.email_settings import note_success
from core.letters import Attachment, Identity, LetterNotDiscreet, send_letter
from core.models import OutgoingEmail

logger = logging.getLogger(__name__)

State, Reason = OutgoingEmail.State, OutgoingEmail.Reason
KEEP_TRYING: Final = timedelta(days=3)
DELAYS: Final = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=2),
)
LONGEST_DELAY: Final = timedelta(hours=4)
# Nobody needs so long for one try: whoever began it is gone.
CLAIM: Final = timedelta(minutes=10)
# How long what came of an email is kept; an order's ledger keeps it for good.
KEPT: Final = timedelta(days=90)
WAITING: Final = (State.QUEUED, State.FAILED)


class NotWaiting(Exception):
    """The email was sent, is not needed, or is being sent at this moment."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """An email as its kind writes it: ``templates/letters/<template>`` filled with ``context``."""

    to: str
    template: str
    context: Mapping[str, object]
    attachments: Iterable[Attachment] = ()


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Emails about one kind of thing.

    ``write`` returns the draft, or None once it would say something untrue. ``note`` is told
    whenever the state of an email has changed, in the transaction that changes it.
    """

    name: str
    write: Callable[[OutgoingEmail, datetime], Draft | None]
    note: Callable[[OutgoingEmail, datetime], None]


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    """``kind``, known to every process from now on. Call it while the app is imported."""
    _kinds[kind.name] = kind
    return kind


# --- queueing -------------------------------------------------------------------------------


def queue(kind: Kind, *, template: str, ids: list[Any], now: datetime) -> OutgoingEmail:
    """The email that ``kind`` writes from ``ids``, sent once the transaction is committed."""
    email = OutgoingEmail.objects.create(
        kind=kind.name,
        template=template,
        ids=ids,
        queued_at=now,
        trying_since=now,
        next_try_at=now,
    )
    send_queued_email.enqueue(email.pk)
    return email


def queue_forgotten(*, now: datetime) -> int:
    """How many emails were due for which no task was on its way any more; now one is."""
    overdue = OutgoingEmail.objects.due_for(CLAIM, now).values_list("pk", flat=True)
    forgotten = [pk for pk in overdue if not _has_task(pk)]
    for pk in forgotten:
        send_queued_email.enqueue(pk)
    return len(forgotten)


def _has_task(email_id: int) -> bool:
    under_way = DBTaskResult.objects.filter(
        status__in=(TaskResultStatus.READY, TaskResultStatus.RUNNING),
        task_path=send_queued_email.module_path,
    )
    return under_way.filter(args_kwargs={"args": [email_id], "kwargs": {}}).exists()


def forget_settled(*, now: datetime) -> int:
    """How many emails were deleted that were settled long ago; those that failed stay."""
    old = OutgoingEmail.objects.exclude(state__in=WAITING).filter(settled_at__lte=now - KEPT)
    return old.delete()[0]


# --- one try --------------------------------------------------------------------------------


@task()
def send_queued_email(email_id: int) -> None:
    """Try to send one email, if it is due."""
    send_if_due(email_id=email_id, now=timezone.now())


def send_if_due(*, email_id: int, now: datetime) -> None:
    """Try to send one email, unless it is settled, waits, or is in another worker's hand.

    Raises:
        django.db.Error: the database failed. The email is tried again when the claim is over.
    """
    email = _claim(email_id, now)
    if email is None:
        return
    try:
        draft = _kinds[email.kind].write(email, now)
        if draft is None:
            _settle(email, State.OBSOLETE, now=now)
            return
        _send(email, draft)
    except Error:
        raise
    except providers.TROUBLE as trouble:
        _after_trouble(email, trouble, now)
    except Exception as mistake:
        # The formatter of the logs prints where it happened, and no word of the email.
        logger.exception("Email %s (%s) cannot be sent", email.pk, email.template)
        _settle(email, State.FAILED, reason=_kind_of_mistake(mistake), now=now)
    else:
        _settle_as_sent(email, now)


@transaction.atomic
def _claim(email_id: int, now: datetime) -> OutgoingEmail | None:
    email = OutgoingEmail.objects.select_for_update().filter(pk=email_id).first()
    if email is None or not email.is_due(now):
        return None
    email.tries += 1
    email.claimed_until = now + CLAIM
    email.save(update_fields=["tries", "claimed_until"])
    return email


def _send(email: OutgoingEmail, draft: Draft) -> None:
    send_letter(
        to=draft.to,
        template=draft.template,
        context=draft.context,
        attachments=draft.attachments,
        identity=Identity(message=email.uuid, request=uuid5(email.uuid, str(email.refusals))),
    )


def _kind_of_mistake(mistake: Exception) -> OutgoingEmail.Reason:
    if isinstance(mistake, LetterNotDiscreet):
        return Reason.NOT_DISCREET
    if isinstance(mistake, (ValidationError, providers.NotAnAddress)):
        return Reason.NO_ADDRESS
    return Reason.NOT_WRITTEN


# --- what came of it ------------------------------------------------------------------------


def _after_trouble(email: OutgoingEmail, trouble: Exception, now: datetime) -> None:
    """The provider did not take it: later again, or staff decide."""
    if providers.has_sent_before(trouble):
        _settle_as_sent(email, now)
        return
    reason = Reason(providers.reason_for(trouble))
    if providers.has_answered(trouble):
        email.refusals += 1
    if now >= email.trying_since + KEEP_TRYING and email.tries > len(DELAYS):
        logger.error("Email %s (%s) is given up: %s", email.pk, email.template, reason)
        _settle(email, State.FAILED, reason=reason, now=now)
        return
    logger.warning("Email %s (%s) waits for the provider: %s", email.pk, email.template, reason)
    email.reason, email.claimed_until = reason, None
    email.next_try_at = now + (DELAYS[email.tries - 1 :] or (LONGEST_DELAY,))[0]
    email.save(update_fields=["reason", "claimed_until", "next_try_at", "refusals"])
    _queue_next_try(email)


def _queue_next_try(email: OutgoingEmail) -> None:
    """A queue that cannot wait leaves it to ``queue_forgotten``."""
    if send_queued_email.get_backend().supports_defer:
        send_queued_email.using(run_after=email.next_try_at).enqueue(email.pk)


@transaction.atomic
def _settle(
    email: OutgoingEmail,
    state: OutgoingEmail.State,
    *,
    reason: OutgoingEmail.Reason = Reason.NONE,
    now: datetime,
) -> None:
    email.state, email.reason = state, reason
    email.claimed_until, email.settled_at = None, now
    email.save(update_fields=["state", "reason", "claimed_until", "settled_at", "refusals"])
    _kinds[email.kind].note(email, now)


def _settle_as_sent(email: OutgoingEmail, now: datetime) -> None:
    """It is out; the provider is there, so that whatever waited for it need not wait longer."""
    _settle(email, State.SENT, now=now)
    note_success(now=now)
    waiting = OutgoingEmail.objects.waiting_for_provider(now)
    for pk in list(waiting.values_list("pk", flat=True)):
        if OutgoingEmail.objects.waiting_for_provider(now).filter(pk=pk).update(next_try_at=now):
            send_queued_email.enqueue(pk)


# --- what staff decide ----------------------------------------------------------------------


@transaction.atomic
def send_again(*, email_id: int, now: datetime) -> OutgoingEmail:
    """The email, tried at once and then for three days more.

    Raises:
        NotWaiting: it was sent, is not needed, or is being sent.
    """
    email = _waiting(email_id, now)
    email.state, email.settled_at = State.QUEUED, None
    email.tries, email.trying_since, email.next_try_at = 0, now, now
    email.save(update_fields=["state", "settled_at", "tries", "trying_since", "next_try_at"])
    _kinds[email.kind].note(email, now)
    send_queued_email.enqueue(email.pk)
    return email


@transaction.atomic
def dismiss(*, email_id: int, now: datetime) -> OutgoingEmail:
    """The email, which staff have dealt with in another way.

    Raises:
        NotWaiting: it was sent, is not needed, or is being sent.
    """
    email = _waiting(email_id, now)
    email.state, email.settled_at = State.DISMISSED, now
    email.save(update_fields=["state", "settled_at"])
    _kinds[email.kind].note(email, now)
    return email


def _waiting(email_id: int, now: datetime) -> OutgoingEmail:
    email = OutgoingEmail.objects.select_for_update().get(pk=email_id)
    if not may_be_decided(email, now):
        raise NotWaiting
    return email


def may_be_decided(email: OutgoingEmail, now: datetime) -> bool:
    """Whether staff may send ``email`` again, or let it go."""
    is_in_hand = email.claimed_until is not None and email.claimed_until > now
    return email.state in WAITING and not is_in_hand
