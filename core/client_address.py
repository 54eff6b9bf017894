"""Where a request comes from, behind proxies of ours and in front of none.

Each proxy writes the address of whoever spoke to it behind what it was told, so only the end of
``X-Forwarded-For`` can be believed, and only while every hop behind it is a proxy of ours: one in
a private network, or in one that ``TRUSTED_PROXIES`` names. Reading stops at the first other
address, or at the latest ``TRUSTED_PROXY_COUNT`` hops before the end. So whatever a visitor writes
into the header, and however wrong the count is, she is known by an address that she cannot choose.

A count that does not fit what arrives is remembered for an hour, in this process: ``/readyz`` and
the admin's home say so.
"""

from __future__ import annotations

import logging
import time
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from django.conf import settings
from django.http import HttpRequest

from core.rate_limits import address_digest

logger = logging.getLogger(__name__)

UNKNOWN: Final = "0.0.0.0"  # noqa: S104 (an address of nobody, not one to listen on)
PRIVATE_NETWORKS: Final = (
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "100.64.0.0/10",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
)
REMEMBERED_SECONDS: Final = 60 * 60


class Misfit(StrEnum):
    """How the count of proxies differs from what arrives."""

    TOO_HIGH = "too high"
    TOO_LOW = "too low"
    NOTHING_FORWARDED = "nothing forwarded"


def client_address(request: HttpRequest) -> str:
    """The address that limits know a visitor by; ``UNKNOWN`` when it cannot be told."""
    return _client_of(_hops(request))[0] or UNKNOWN


def client_digest(request: HttpRequest) -> str:
    """The keyed digest of ``client_address``: enough for limits, and nobody's address."""
    return address_digest(client_address(request))


def misfit_of(request: HttpRequest) -> Misfit | None:
    """What one request says about the count of proxies, if it does not fit."""
    hops = _hops(request)
    client, skipped = _client_of(hops)
    count = settings.TRUSTED_PROXY_COUNT
    if count and len(hops) == 1:
        return Misfit.NOTHING_FORWARDED
    if skipped < count:
        return Misfit.TOO_HIGH
    if skipped < len(hops) - 1 and _is_proxy(client):
        return Misfit.TOO_LOW
    return None


def _hops(request: HttpRequest) -> list[str]:
    """The addresses that a request passed, the nearest last; empty for what is no address."""
    told = request.headers.get("X-Forwarded-For", "")
    passed = [*told.split(","), request.META.get("REMOTE_ADDR", "")]
    return [_plain(hop) for hop in (passed if told else passed[-1:])]


def _client_of(hops: list[str]) -> tuple[str, int]:
    """The first hop from the end that is no proxy of ours, and how many proxies stand behind it."""
    most = min(settings.TRUSTED_PROXY_COUNT, len(hops) - 1)
    for skipped in range(most):
        hop = hops[-1 - skipped]
        # A server on a socket of the same machine has no address: its proxy is the nearest hop.
        if not (_is_proxy(hop) or (skipped == 0 and not hop)):
            return hop, skipped
    return hops[-1 - most], most


def _plain(hop: str) -> str:
    """``hop`` as an address, without a port or brackets; empty when it is none."""
    text = hop.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return ""
    if isinstance(found, IPv6Address):
        found = found.ipv4_mapped or IPv6Address(int(found))
    return str(found)


def _is_proxy(hop: str) -> bool:
    if not hop:
        return False
    found = ip_address(hop)
    return any(found in network for network in _proxy_networks(tuple(settings.TRUSTED_PROXIES)))


@lru_cache(maxsize=8)
def _proxy_networks(named: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(network) for network in (*PRIVATE_NETWORKS, *named))


class _Memory:
    """The latest misfit of this process."""

    def __init__(self) -> None:
        self.misfit: Misfit | None = None
        self.seen_at = 0.0


_memory = _Memory()


def note_misfit(misfit: Misfit) -> None:
    """Remember ``misfit``, and log it once an hour."""
    if latest_misfit() != misfit:
        logger.warning(
            "TRUSTED_PROXY_COUNT %d does not fit what arrives: %s",
            settings.TRUSTED_PROXY_COUNT,
            misfit,
        )
    _memory.misfit, _memory.seen_at = misfit, time.monotonic()


def latest_misfit() -> Misfit | None:
    """What did not fit in the last hour, as this process has seen it."""
    is_recent = time.monotonic() - _memory.seen_at < REMEMBERED_SECONDS
    return _memory.misfit if is_recent else None


def forget_misfit() -> None:
    """Forget what was seen, as a new process does."""
    _memory.misfit = None
