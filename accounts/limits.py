"""How often codes are asked for and tried: limits that nobody can spend for somebody else.

Who asks is counted, by browser and by network address, never the mailbox alone: whoever knows an
address could otherwise keep its owner out. What one mailbox receives is limited by
``accounts.mailboxes``, which never keeps anybody out.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Final

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from accounts.codes import SignIn
from core import rate_limits
from core.client_address import client_digest
from core.rate_limits import Limit

MINUTE: Final = 60
DAY: Final = 24 * 60 * MINUTE
# What a whole household shares is limited by the minute: one of them must not keep another out.
ASKS_PER_BROWSER: Final = (3, MINUTE)
ASKS_PER_ADDRESS: Final = (20, MINUTE)
TRIES_PER_CODE: Final = (5, 15 * MINUTE)
TRIES_PER_ADDRESS: Final = (20, MINUTE)
LAST_CODE_TRIES_PER_BROWSER: Final = (5, DAY)
SECOND_STEP_TRIES: Final = (5, 5 * MINUTE)
# An app's code is right for a minute and a half, and right once.
APP_CODE_USES: Final = (1, 2 * MINUTE)
BROWSER: Final = "browser"


def count_ask(request: HttpRequest, *, now: datetime) -> None:
    """Count that this browser asks for a code.

    Raises:
        rate_limits.TooOften: this browser, or its network address, asks too often.
    """
    limits = [
        _limit("code_ask", ASKS_PER_BROWSER, browser_of(request.session)),
        _limit_of_address("code_ask_address", ASKS_PER_ADDRESS, request),
    ]
    rate_limits.count(limits, now=now)


def count_try(request: HttpRequest, sign_in: SignIn, *, now: datetime) -> None:
    """Count that a code is tried; outside the session, which many requests at once could share.

    Raises:
        rate_limits.TooOften: this code, or this network address, was tried too often.
    """
    limits = [
        _limit("code_try", TRIES_PER_CODE, sign_in.seed),
        _limit_of_address("code_try_address", TRIES_PER_ADDRESS, request),
    ]
    rate_limits.count(limits, now=now)


def count_last_code_try(request: HttpRequest, sign_in: SignIn, *, now: datetime) -> None:
    """Count that this browser tries the last code of a mailbox's day.

    Raises:
        rate_limits.TooOften: it has tried five times.
    """
    browser = browser_of(request.session)
    limit = _limit("last_code_try", LAST_CODE_TRIES_PER_BROWSER, browser, sign_in.email)
    rate_limits.count([limit], now=now)


def count_second_step(user: AbstractBaseUser, *, now: datetime) -> None:
    """Count a try at the second step; only who has passed the first one can spend it.

    Raises:
        rate_limits.TooOften: it was tried too often.
    """
    rate_limits.count([_limit("second_step", SECOND_STEP_TRIES, str(user.pk))], now=now)


def has_passed_second_step(user: AbstractBaseUser, code: str, *, now: datetime) -> None:
    """The tries are forgotten, and ``code`` is worth nothing any more.

    Raises:
        rate_limits.TooOften: it was used before.
    """
    rate_limits.count([_limit("app_code", APP_CODE_USES, str(user.pk), code)], now=now)
    spent = _limit("second_step", SECOND_STEP_TRIES, str(user.pk))
    rate_limits.clear(kind=spent.kind, digest=spent.digest)


def browser_of(session: SessionBase) -> str:
    """What a browser is known by: a random word in its session."""
    if BROWSER not in session:
        session[BROWSER] = secrets.token_urlsafe(12)
    return str(session[BROWSER])


def _limit(kind: str, allowed: tuple[int, int], *who: str) -> Limit:
    most, seconds = allowed
    return Limit(kind=kind, digest=rate_limits.digest_of(*who), most=most, seconds=seconds)


def _limit_of_address(kind: str, allowed: tuple[int, int], request: HttpRequest) -> Limit:
    most, seconds = allowed
    return Limit(kind=kind, digest=client_digest(request), most=most, seconds=seconds)
