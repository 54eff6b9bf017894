"""Limits that make trying cards, codes and seats by machine pointless.

``core.rate_limits`` counts; which kinds there are, and how many are allowed, is said here. Somebody
is known by a keyed digest of a network address or of a browser, which tells nobody who; never by an
email, which anybody can type.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from core import rate_limits
from core.rate_limits import KEPT
from enrollments.errors import TooManyTries
from enrollments.models import Enrollment, Order

PERIODS = {"m": 60, "h": 60 * 60, "d": 24 * 60 * 60}


class Kind(StrEnum):
    """What is counted, under its name in ``ORDER_LIMITS``."""

    ADDRESS = "address"  # payment pages made for one network address
    BROWSER = "browser"  # payment pages made for one browser
    HOLDS = "holds"  # seats held at the same time from one network address
    CODES = "codes"  # wrong codes from one network address
    WAITLIST = "waitlist"  # waitlists joined from one network address


@lru_cache(maxsize=8)
def limits_in(text: str) -> dict[Kind, tuple[int, int]]:
    """For each kind how many are allowed, and in how many seconds (0: at the same time).

    ``text`` is a setting such as ``address=5/h,holds=3``; ``off`` is no limit at all.

    Raises:
        ImproperlyConfigured: it cannot be read.
    """
    if text.strip() in ("", "off"):
        return {}
    try:
        return dict(_limit_in(part) for part in text.split(","))
    except (KeyError, ValueError) as mistake:
        raise ImproperlyConfigured(
            f"ORDER_LIMITS cannot be read: {text!r}. Write address=5/h,browser=5/h,holds=3 or off."
        ) from mistake


def _limit_in(part: str) -> tuple[Kind, tuple[int, int]]:
    name, _, limit = part.strip().partition("=")
    most, _, period = limit.partition("/")
    return Kind(name), (int(most), PERIODS[period] if period else 0)


def browser_digest(browser: str) -> str:
    """The digest under which tries of a browser are counted; ``browser`` is its made-up key."""
    return rate_limits.digest_of("browser", browser)


def count(kind: Kind, digest: str, *, now: datetime) -> None:
    """Count one try; inside a transaction that is rolled back, it was none.

    Raises:
        TooManyTries: there were as many as are allowed; this one is not counted.
    """
    _count({kind: digest}, now)


def _count(digests: dict[Kind, str], now: datetime) -> None:
    """Count one try of each kind, or none of any."""
    if limited := _limited(digests):
        with _refusals():
            rate_limits.count(limited, now=now)


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except rate_limits.TooOften as spent:
        raise TooManyTries from spent


def _limited(digests: dict[Kind, str]) -> list[rate_limits.Limit]:
    """The limits of those kinds that have one, of people who are known."""
    limits = limits_in(settings.ORDER_LIMITS)
    return [
        rate_limits.Limit(kind=kind, digest=digest, most=limits[kind][0], seconds=limits[kind][1])
        for kind, digest in digests.items()
        if kind in limits and digest
    ]


def uncount(kind: Kind, digest: str, *, at: datetime) -> None:
    """Take back a try that was counted at a moment, because it was none after all."""
    rate_limits.uncount(kind=kind, digest=digest, at=at)


def refuse_if_no_page_is_left(*, address: str, browser: str, now: datetime) -> None:
    """A look, before any work and without a lock, whether one more page may be made.

    ``address`` and ``browser`` are digests. ``count_page`` decides.

    Raises:
        TooManyTries: there may not, for this address or this browser.
    """
    if limited := _limited({Kind.ADDRESS: address, Kind.BROWSER: browser}):
        with _refusals():
            rate_limits.refuse_if_spent(limited, now=now)


def _of_page(order: Order) -> dict[Kind, str]:
    return {Kind.ADDRESS: order.address_digest, Kind.BROWSER: order.browser_digest}


def count_page(order: Order, *, now: datetime) -> None:
    """Count a payment page that will be made for ``order``.

    Raises:
        TooManyTries: no more are made for its address or its browser in this hour.
    """
    _count(_of_page(order), now)


def uncount_page(order: Order, *, at: datetime) -> None:
    """The page that was counted at a moment could not be made, through no fault of hers."""
    for kind, digest in _of_page(order).items():
        uncount(kind, digest, at=at)


def refuse_more_holds(digest: str, *, besides: Order) -> None:
    """Nothing, while few seats are held from an address; that of ``besides`` is not counted.

    Raises:
        TooManyTries: others that begin there have to pay or to let go first.
    """
    limit = limits_in(settings.ORDER_LIMITS).get(Kind.HOLDS)
    if limit is None or not digest:
        return
    held = Enrollment.objects.filter(
        state=Enrollment.State.HELD, line__order__address_digest=digest
    ).exclude(line__order=besides)
    if held.count() >= limit[0]:
        raise TooManyTries


def count_joining(digest: str, *, now: datetime) -> None:
    """Count somebody who joins a waitlist from a network address.

    Raises:
        TooManyTries: nobody else can join from there in this hour.
    """
    count(Kind.WAITLIST, digest, now=now)


def forget(*, now: datetime) -> int:
    """How many rows no longer say where something came from."""
    old = Order.objects.filter(created_at__lt=now - KEPT)
    known = old.exclude(address_digest="", browser_digest="")
    return rate_limits.forget(now=now) + known.update(address_digest="", browser_digest="")
