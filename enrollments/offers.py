"""What public pages say of quarters and prices: flat facts, ready to print.

Owns the wording of amounts, zones and states; the inclusion tags only pass it on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse

from enrollments.models import BundlePrice, Meeting, Quarter
from enrollments.money import written
from enrollments.querysets import bundles_are_for_sale
from enrollments.zones import zone_name, zone_title
from programs.models import BundlePage, WorkshopPage


@dataclass(frozen=True, kw_only=True)
class MeetingDate:
    """One meeting, in the quarter's zone."""

    number: int
    starts_at: datetime
    is_cancelled: bool
    note: str


@dataclass(frozen=True, kw_only=True)
class QuarterOffer:
    """A quarter as a visitor sees it. ``state``: open, full, closed, not_yet."""

    label: str
    state: str
    start: datetime
    last: datetime
    dates: list[MeetingDate]
    weeks: int
    zone_name: str
    zone_title: str
    time_zone: str
    price: str
    instalments: str
    is_sample: bool
    seats_left: int
    opens_at: datetime
    closes_at: datetime
    enroll_url: str
    waitlist_url: str
    discreet_name: str
    workshop_title: str
    workshop_url: str
    includes: list[str]


def instalments_written(quarter: Quarter) -> str:
    """``3 monthly payments of $210, $630 in all``; empty when it is paid at once only."""
    if not quarter.instalment_count or not quarter.instalment_cents:
        return ""
    each = written(quarter.instalment_cents, quarter.currency)
    total = written(quarter.instalment_count * quarter.instalment_cents, quarter.currency)
    return f"{quarter.instalment_count} monthly payments of {each}, {total} in all"


def quarter_offers(workshop: WorkshopPage, now: datetime) -> list[QuarterOffer]:
    """The coming quarters of a workshop, soonest first. One query, however many there are."""
    meetings = Meeting.objects.of_coming_quarters(now).filter(quarter__workshop=workshop)
    return [_offer(group, workshop, now) for group in _by_quarter(meetings)]


def next_starts(now: datetime) -> list[QuarterOffer]:
    """The soonest coming quarter of every published workshop. One query."""
    meetings = (
        Meeting.objects.of_coming_quarters(now)
        .filter(quarter__workshop__live=True)
        .select_related("quarter__workshop")
    )
    soonest: dict[int, list[Meeting]] = {}
    for group in _by_quarter(meetings):
        soonest.setdefault(group[0].quarter.workshop_id, group)
    return [_offer(group, group[0].quarter.workshop, now) for group in soonest.values()]


def _by_quarter(meetings: Iterable[Meeting]) -> list[list[Meeting]]:
    """The meetings of each quarter, the quarter that begins first in front."""
    quarters: dict[int, list[Meeting]] = {}
    for meeting in meetings:
        quarters.setdefault(meeting.quarter_id, []).append(meeting)
    return sorted(quarters.values(), key=lambda group: _held(group)[0].starts_at)


def _held(meetings: Iterable[Meeting]) -> list[Meeting]:
    """Those that take place: only they are a first, a last, or counted."""
    return [meeting for meeting in meetings if not meeting.is_cancelled]


def _offer(meetings: list[Meeting], workshop: WorkshopPage, now: datetime) -> QuarterOffer:
    quarter, annotated = meetings[0].quarter, vars(meetings[0])
    zone, held = quarter.zone, _held(meetings)
    seats_left = max(quarter.capacity - annotated["seats_taken"], 0)
    return QuarterOffer(
        label=quarter.label,
        state=quarter.enrolling_state(now, seats_left, meetings),
        start=held[0].local_start(zone),
        last=held[-1].local_start(zone),
        dates=[
            MeetingDate(
                number=meeting.number,
                starts_at=meeting.local_start(zone),
                is_cancelled=meeting.is_cancelled,
                note=meeting.note,
            )
            for meeting in meetings
        ],
        weeks=len(held),
        zone_name=zone_name(quarter.time_zone),
        zone_title=zone_title(quarter.time_zone),
        time_zone=quarter.time_zone,
        price=written(quarter.price_cents, quarter.currency),
        instalments=instalments_written(quarter),
        is_sample=quarter.is_sample,
        seats_left=seats_left,
        opens_at=quarter.opens_at.astimezone(zone),
        closes_at=min(quarter.closes_at, held[0].starts_at).astimezone(zone),
        enroll_url=reverse("enroll", args=[quarter.slug]),
        waitlist_url=reverse("waitlist", args=[quarter.slug]),
        discreet_name=workshop.discreet_name,
        workshop_title=workshop.title,
        workshop_url=workshop.url or "",
        includes=_included(quarter, annotated),
    )


def _included(quarter: Quarter, annotated: dict[str, Any]) -> list[str]:
    """A sentence for each bundle that a quarter includes; a query only when there are several.

    Nothing is promised of which the videos are not here.
    """
    if not bundles_are_for_sale():
        return []
    if annotated["included_count"] <= 1:
        return [annotated["included"]] if annotated["included"] else []
    told = quarter.bundles.exclude(when_included="").order_by("path")
    return list(told.values_list("when_included", flat=True))


def bundle_offer(bundle: BundlePage) -> dict[str, object]:
    """The price box of a bundle. One query.

    ``state``: open, not_yet while it has no videos to sell, none when it is not on sale.
    """
    price = BundlePrice.objects.shown().filter(bundle=bundle).first()
    if price is None:
        return {"state": "none", "discreet_name": bundle.discreet_name}
    return {
        "state": "open" if bundles_are_for_sale() else "not_yet",
        "price": written(price.price_cents, price.currency),
        "is_sample": price.is_sample,
        "buy_url": reverse("buy", args=[bundle.slug]),
        "discreet_name": bundle.discreet_name,
        "lesson_count": bundle.lesson_count(),
    }


def flat(offer: QuarterOffer | None) -> dict[str, object]:
    """An offer as flat template variables; ``state`` is ``none`` without one."""
    if offer is None:
        return {"state": "none", "demo_mode": settings.DEMO_MODE}
    return asdict(offer) | {"dates": offer.dates, "demo_mode": settings.DEMO_MODE}
