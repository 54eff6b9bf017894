"""How long a browser stays signed in.

Fourteen days on a device of one's own. On a shared or watched one: until the browser closes, or
until nothing was clicked for twenty minutes. Every session of somebody ends when her account
changes (``User.get_session_auth_hash``), one that waits for its second step too.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.contrib.sessions.backends.base import SessionBase
from django.utils.crypto import constant_time_compare

from accounts.models import User

IDLE: Final = timedelta(minutes=20)
# A row is written once a minute at most, not with every click.
NOTED_EVERY: Final = timedelta(minutes=1)
CHOSEN: Final = "shared_device_chosen"
LAST_SEEN: Final = "shared_device_seen_at"
ACCOUNT: Final = "account_of_first_step"


def remember_account(session: SessionBase, member: User) -> None:
    """Note the account as it stands at the first step of signing in."""
    session[ACCOUNT] = member.get_session_auth_hash()


def has_kept_account(session: SessionBase, member: User) -> bool:
    """Whether the account has not changed since the first step; asked once."""
    return constant_time_compare(session.pop(ACCOUNT, ""), member.get_session_auth_hash())


def choose_shared_device(session: SessionBase) -> None:
    """Remember, until the sign-in is complete, that this device is shared."""
    session[CHOSEN] = True


def keep_signed_in(session: SessionBase, now: datetime) -> None:
    """Start the signed-in time that was chosen."""
    if session.pop(CHOSEN, False):
        session.set_expiry(0)
        session[LAST_SEEN] = now.timestamp()


def is_idle(session: SessionBase, now: datetime) -> bool:
    """Whether a shared device was left alone too long; notes that it is in use if not."""
    seen = session.get(LAST_SEEN)
    if seen is None:
        return False
    quiet = now.timestamp() - seen
    if quiet > IDLE.total_seconds():
        return True
    if quiet > NOTED_EVERY.total_seconds():
        session[LAST_SEEN] = now.timestamp()
    return False
