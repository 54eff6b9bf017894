"""How often something may be done: counted in the database.

So a limit holds in every process and whatever happens to the cache. Somebody is known by a keyed
digest of a network address or of whatever else names her, which tells nobody who she is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from ipaddress import ip_address, ip_network
from operator import or_

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.crypto import salted_hmac

from core.models import RateLimitCounter

# One household or one machine has at least this much of the newer network to itself.
IPV6_SHARE = 64
# No limit looks further back.
KEPT = timedelta(days=2)


class TooOften(Exception):
    """It was done as often as it may be in this time."""


@dataclass(frozen=True, kw_only=True)
class Limit:
    """What one ``digest`` may do of one ``kind``: ``most`` times in any ``seconds``."""

    kind: str
    digest: str
    most: int
    seconds: int


def digest_of(*parts: str) -> str:
    """The digest under which whoever ``parts`` name is counted."""
    return salted_hmac("core.rate_limits", "\n".join(parts), algorithm="sha256").hexdigest()


def address_digest(address: str) -> str:
    """The digest under which a network address is counted.

    Raises:
        ValueError: it is not one.
    """
    found = ip_address(address)
    share = ip_network((found, IPV6_SHARE), strict=False) if found.version > 4 else found  # noqa: PLR2004
    return digest_of("address", str(share))


@transaction.atomic
def count(limits: Iterable[Limit], *, now: datetime) -> None:
    """Count one try under each limit, or under none; rolled back, it was none.

    Raises:
        TooOften: one of them is spent.
    """
    # Always in one order, so that nobody waits in a circle.
    wanted = sorted(limits, key=lambda limit: (limit.kind, limit.digest))
    rows = [RateLimitCounter(kind=it.kind, digest=it.digest, last_at=now) for it in wanted]
    RateLimitCounter.objects.bulk_create(rows, ignore_conflicts=True)
    counters = list(_counters(wanted).select_for_update().order_by("kind", "digest"))
    by_name = {(limit.kind, limit.digest): limit for limit in wanted}
    for counter in counters:
        limit = by_name[counter.kind, counter.digest]
        counter.moments = [*_recent_unless_spent(counter, limit, now), int(now.timestamp())]
        counter.last_at = now
    RateLimitCounter.objects.bulk_update(counters, ["moments", "last_at"])


def refuse_if_spent(limits: Iterable[Limit], *, now: datetime) -> None:
    """A look without a lock; ``count`` decides. One query.

    Raises:
        TooOften: one of them is spent.
    """
    wanted = {(limit.kind, limit.digest): limit for limit in limits}
    for counter in _counters(wanted.values()):
        _recent_unless_spent(counter, wanted[counter.kind, counter.digest], now)


def _counters(limits: Iterable[Limit]) -> QuerySet[RateLimitCounter]:
    which = (Q(kind=limit.kind, digest=limit.digest) for limit in limits)
    return RateLimitCounter.objects.filter(reduce(or_, which))


def _recent_unless_spent(counter: RateLimitCounter, limit: Limit, now: datetime) -> list[int]:
    since = int(now.timestamp()) - limit.seconds
    recent = [moment for moment in counter.moments if moment > since]
    if len(recent) >= limit.most:
        raise TooOften
    return recent


@transaction.atomic
def uncount(*, kind: str, digest: str, at: datetime) -> None:
    """Take back a try that was counted at a moment, because it was none after all."""
    row = RateLimitCounter.objects.select_for_update().filter(kind=kind, digest=digest).first()
    if row and int(at.timestamp()) in row.moments:
        row.moments.remove(int(at.timestamp()))
        row.save(update_fields=["moments"])


def clear(*, kind: str, digest: str) -> None:
    """Forget every try of one kind by one digest."""
    RateLimitCounter.objects.filter(kind=kind, digest=digest).delete()


def forget(*, now: datetime) -> int:
    """How many counters that no limit asks for any more were deleted."""
    gone, _ = RateLimitCounter.objects.filter(last_at__lt=now - KEPT).delete()
    return gone
