"""What public pages show of quarters and prices, so that ``programs`` never asks who paid."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils import timezone

from enrollments import offers
from programs.models import BundlePage, WorkshopPage

register = template.Library()


def _offers(context: dict[str, Any], workshop: WorkshopPage) -> list[offers.QuarterOffer]:
    """The workshop's offers, asked for once per page however many tags show them."""
    kept: dict[int, list[offers.QuarterOffer]] = context.setdefault("_offers", {})
    if workshop.pk not in kept:
        kept[workshop.pk] = offers.quarter_offers(workshop, timezone.now())
    return kept[workshop.pk]


def _next(context: dict[str, Any], workshop: WorkshopPage) -> dict[str, Any]:
    coming = _offers(context, workshop)
    flat = offers.flat(coming[0] if coming else None)
    return flat | {"later": coming[1:], "settings": context.get("settings")}


@register.inclusion_tag("enrollments/tags/quarter_facts.html", takes_context=True)
def quarter_facts(context: dict[str, Any], workshop: WorkshopPage) -> dict[str, Any]:
    """One line: when the next quarter starts."""
    return _next(context, workshop)


@register.inclusion_tag("enrollments/tags/quarter_dates.html", takes_context=True)
def quarter_dates(context: dict[str, Any], workshop: WorkshopPage) -> dict[str, Any]:
    """Every date of the next quarter."""
    return _next(context, workshop)


@register.inclusion_tag("enrollments/tags/quarter_price_box.html", takes_context=True)
def quarter_price_box(context: dict[str, Any], workshop: WorkshopPage) -> dict[str, Any]:
    """Price, state, and the way to enroll; later quarters as ``later``."""
    return _next(context, workshop)


@register.inclusion_tag("enrollments/tags/bundle_price_box.html", takes_context=True)
def bundle_price_box(context: dict[str, Any], bundle: BundlePage) -> dict[str, Any]:
    """Price of a bundle, and the way to buy it."""
    return offers.bundle_offer(bundle) | {"settings": context.get("settings")}


@register.inclusion_tag("enrollments/tags/next_starts.html")
def next_starts() -> dict[str, Any]:
    """The next start of every workshop, as ``starts``."""
    return {"starts": offers.next_starts(timezone.now())}
