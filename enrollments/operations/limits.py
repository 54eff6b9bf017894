"""Limits that make trying cards, codes and seats by machine pointless.

Counted in the database, so that they hold in every process and whatever happens to the cache.
Somebody is known by a keyed digest of a network address or of a browser, which tells nobody who;
never by an email, which anybody can type.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache, reduce
from ipaddress import ip_address, ip_network
from operator import or_

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.crypto import salted_hmac

from enrollments.errors import TooManyTries
from enrollments.models import Enrollment, Order, Tries

PERIODS = {"m": 60, "h": 60 * 60, "d": 24 * 60 * 60}
# One household or one machine has at least this much of the newer network to itself.
IPV6_SHARE = 64
# After this, nothing asks any more where an order came from.
KEPT = timedelta(days=2)


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


def address_digest(address: str) -> str:
    """The digest under which tries from a network address are counted."""
    found = ip_address(address)
    share = ip_network((found, IPV6_SHARE), strict=False) if found.version > 4 else found  # noqa: PLR2004
    return _digest(str(share))


def browser_digest(browser: str) -> str:
    """The digest under which tries of a browser are counted; ``browser`` is its made-up key."""
    return _digest(browser)


def _digest(text: str) -> str:
    return salted_hmac("enrollments.limits", text, algorithm="sha256").hexdigest()


def count(kind: Kind, digest: str, *, now: datetime) -> None:
    """Count one try; inside a transaction that is rolled back, it was none.

    Raises:
        TooManyTries: there were as many as are allowed; this one is not counted.
    """
    if limited := _limited({kind: digest}):
        _count(limited, now)


@transaction.atomic
def _count(limited: dict[Kind, str], now: datetime) -> None:
    """Count one try of each kind, or none of any."""
    # Always in one order, so that nobody waits in a circle.
    rows = [Tries(kind=kind, digest=limited[kind], last_at=now) for kind in sorted(limited)]
    Tries.objects.bulk_create(rows, ignore_conflicts=True)
    for row in _tries(limited).select_for_update().order_by("kind"):
        row.moments = [*_recent_unless_spent(row, now), int(now.timestamp())]
        row.last_at = now
        row.save(update_fields=["moments", "last_at"])


def _limited(digests: dict[Kind, str]) -> dict[Kind, str]:
    """Those that are limited at all, of people who are known."""
    limits = limits_in(settings.ORDER_LIMITS)
    return {kind: digest for kind, digest in digests.items() if kind in limits and digest}


def _tries(digests: dict[Kind, str]) -> QuerySet[Tries]:
    which = (Q(kind=kind, digest=digest) for kind, digest in digests.items())
    return Tries.objects.filter(reduce(or_, which))


def _recent_unless_spent(row: Tries, now: datetime) -> list[int]:
    most, seconds = limits_in(settings.ORDER_LIMITS)[Kind(row.kind)]
    recent = [moment for moment in row.moments if moment > int(now.timestamp()) - seconds]
    if len(recent) >= most:
        raise TooManyTries
    return recent


@transaction.atomic
def uncount(kind: Kind, digest: str, *, at: datetime) -> None:
    """Take back a try that was counted at a moment, because it was none after all."""
    row = Tries.objects.select_for_update().filter(kind=kind, digest=digest).first()
    if row and int(at.timestamp()) in row.moments:
        row.moments.remove(int(at.timestamp()))
        row.save(update_fields=["moments"])


def refuse_if_no_page_is_left(*, address: str, browser: str, now: datetime) -> None:
    """A look, before any work and without a lock, whether one more page may be made.

    ``address`` and ``browser`` are digests. ``count_page`` decides.

    Raises:
        TooManyTries: there may not, for this address or this browser.
    """
    if limited := _limited({Kind.ADDRESS: address, Kind.BROWSER: browser}):
        for row in _tries(limited):
            _recent_unless_spent(row, now)


def _of_page(order: Order) -> dict[Kind, str]:
    return {Kind.ADDRESS: order.address_digest, Kind.BROWSER: order.browser_digest}


def count_page(order: Order, *, now: datetime) -> None:
    """Count a payment page that will be made for ``order``.

    Raises:
        TooManyTries: no more are made for its address or its browser in this hour.
    """
    if limited := _limited(_of_page(order)):
        _count(limited, now)


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
    gone, _ = Tries.objects.filter(last_at__lt=now - KEPT).delete()
    old = Order.objects.filter(created_at__lt=now - KEPT)
    known = old.exclude(address_digest="", browser_digest="")
    return gone + known.update(address_digest="", browser_digest="")
