"""One sign-in by emailed code, between asking for the code and typing it.

The session and the task that sends the letter keep a random seed. The code is a keyed hash of it,
worked out when the letter is written and when the code is typed: a copy of the database tells
nobody a code. A stranger's address gets a seed like a member's, so that everything looks and takes
the same; only the letter is never sent.

Eight digits, not six: with six, somebody who tries all he can of a hundred mailboxes would be in
one of them within months. The code of a day's last letter can be tried from any number of
browsers, and has twelve.
"""

from __future__ import annotations

import secrets
import unicodedata
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from allauth.account import app_settings
from django.contrib.sessions.backends.base import SessionBase
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.models import User

DIGITS: Final = 8
LAST_DIGITS: Final = 12
SESSION_KEY: Final = "sign_in"


@dataclass(frozen=True)
class SignIn:
    """Somebody who was sent a code, or would have been."""

    email: str
    # None: nobody has this address.
    member_id: int | None
    # What her sessions hang on too: a code is worth nothing once it has changed. Empty for nobody.
    account: str
    shared_device: bool
    next_path: str
    seed: str
    sent_at: float
    tries_left: int

    def is_expired(self, now: datetime) -> bool:
        """Whether the code came too long ago."""
        return now.timestamp() > self.sent_at + lifetime().total_seconds()

    def is_spent(self, now: datetime) -> bool:
        """Whether only a new code can help."""
        return self.tries_left <= 0 or self.is_expired(now)

    def is_code(self, typed: str) -> bool:
        """Whether ``typed`` is the code that was sent; never true when none was."""
        same = constant_time_compare(bare(typed), code_of(self.seed))
        return same and self.member_id is not None

    def with_new_code(self, now: datetime) -> SignIn:
        """The same sign-in with a fresh seed, fresh time and fresh tries."""
        return replace(
            self,
            seed=secrets.token_urlsafe(24),
            sent_at=now.timestamp(),
            tries_left=app_settings.LOGIN_BY_CODE_MAX_ATTEMPTS,
        )

    def with_a_try_less(self) -> SignIn:
        """The same sign-in after a wrong code."""
        return replace(self, tries_left=self.tries_left - 1)


def begin(
    *, email: str, member: User | None, shared_device: bool, next_path: str, now: datetime
) -> SignIn:
    """A sign-in that has just been asked for."""
    blank = SignIn(
        email=email,
        member_id=member.pk if member else None,
        account=member.get_session_auth_hash() if member else "",
        shared_device=shared_device,
        next_path=next_path,
        seed="",
        sent_at=0.0,
        tries_left=0,
    )
    return blank.with_new_code(now)


def code_of(seed: str) -> str:
    """The code that belongs to ``seed``."""
    return _digits("accounts.codes", seed, DIGITS)


def last_code_of(seed: str) -> str:
    """The code that belongs to ``seed`` in the last letter of a mailbox's day."""
    return _digits("accounts.codes.last", seed, LAST_DIGITS)


def is_last_code_of(seed: str, typed: str) -> bool:
    """Whether ``typed`` is that code."""
    return constant_time_compare(bare(typed), last_code_of(seed))


def _digits(salt: str, seed: str, count: int) -> str:
    digest = salted_hmac(salt, seed, algorithm="sha256").digest()
    return f"{int.from_bytes(digest, 'big') % 10**count:0{count}}"


def bare(typed: str) -> str:
    """``typed`` without the spaces and dashes that come along when a code is pasted."""
    return "".join(mark for mark in unicodedata.normalize("NFKC", typed) if mark.isalnum())


def lifetime() -> timedelta:
    """How long a code works."""
    return timedelta(seconds=app_settings.LOGIN_BY_CODE_TIMEOUT)


def keep(session: SessionBase, sign_in: SignIn) -> None:
    """Remember ``sign_in`` in this browser's session."""
    session[SESSION_KEY] = asdict(sign_in)


def kept(session: SessionBase) -> SignIn | None:
    """The sign-in under way in this browser."""
    found = session.get(SESSION_KEY)
    return SignIn(**found) if found else None


def forget(session: SessionBase) -> None:
    """Drop the sign-in; its code is worth nothing from now on."""
    session.pop(SESSION_KEY, None)
