"""How many letters with codes a mailbox receives: twelve a day, and nobody is kept out by it.

The code in the last of them is longer, and works in any browser until the day ends. So whoever
asks for somebody else's codes fills a mailbox with twelve letters and reaches nothing more: its
owner finds a code there that signs her in.

A stranger's address is counted like a member's, so that both take the same time. When an account
is opened, or its address or its state changes, the count begins anew: what was counted before was
never sent to it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts import codes
from accounts.models import CodeMailbox
from core.rate_limits import digest_of

LETTERS_A_DAY: Final = 12
KEPT: Final = timedelta(days=2)


class Turn(Enum):
    """Which letter a mailbox gets next."""

    USUAL = auto()
    LAST = auto()
    NONE = auto()


@transaction.atomic
def take_turn(sign_in: codes.SignIn, *, now: datetime) -> Turn:
    """Count one letter with the code of ``sign_in``, if its mailbox gets another one today."""
    as_new = {"account": sign_in.account, "day": timezone.localdate(now)}
    fresh = CodeMailbox(digest=_digest(sign_in), **as_new)
    CodeMailbox.objects.bulk_create([fresh], ignore_conflicts=True)
    mailbox = CodeMailbox.objects.select_for_update().get(digest=fresh.digest)
    if (mailbox.day, mailbox.account) != (fresh.day, fresh.account):
        mailbox = CodeMailbox(pk=mailbox.pk, digest=fresh.digest, **as_new)
    turn = _next_turn(mailbox.letters)
    if turn is not Turn.NONE:
        mailbox.letters += 1
    if turn is Turn.LAST:
        mailbox.last_seed = sign_in.seed
    mailbox.save(force_update=True)
    return turn


def _next_turn(letters: int) -> Turn:
    if letters >= LETTERS_A_DAY:
        return Turn.NONE
    return Turn.LAST if letters == LETTERS_A_DAY - 1 else Turn.USUAL


def is_last_code(sign_in: codes.SignIn, typed: str, *, now: datetime) -> bool:
    """Whether ``typed`` is the code of the last letter that its mailbox got today."""
    today = timezone.localdate(now)
    mailbox = CodeMailbox.objects.filter(
        digest=_digest(sign_in), account=sign_in.account, day=today
    ).first()
    # Compared even where there is none, so that both take the same time.
    is_same = codes.is_last_code_of(mailbox.last_seed if mailbox else "", typed)
    return is_same and mailbox is not None and mailbox.last_seed != ""


def forget(*, now: datetime) -> int:
    """How many mailboxes of past days were forgotten."""
    gone, _ = CodeMailbox.objects.filter(day__lt=timezone.localdate(now - KEPT)).delete()
    return gone


def _digest(sign_in: codes.SignIn) -> str:
    return digest_of("mailbox", sign_in.email)
