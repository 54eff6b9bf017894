"""What quarters, members and orders hold of the pages that editors keep.

A quarter that is over needs its workshop, but its weeks no longer: each meeting keeps its title.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db.models import Count, Model, Q, QuerySet
from wagtail.models import Page

from core.keeping import Deed
from enrollments.models import BundleAccess, BundlePrice, OrderLine, Quarter
from enrollments.querysets import OCCUPYING
from programs.models import BundlePage

OVER = (Quarter.State.ENDED, Quarter.State.CANCELLED)


def what_enrollment_hangs_on(rows: Sequence[Model], deed: Deed) -> Iterator[str]:
    """Sentences about what was planned, is for sale or was bought, and needs one of ``rows``."""
    pages = [row.pk for row in rows if isinstance(row, Page)]
    if not pages:
        return
    yield from _of_workshops(pages, deed)
    yield from _of_weeks(pages, deed)
    yield from _of_bundles(pages, deed)
    yield from _of_parts_of_bundles(rows)


def _of_workshops(pages: list[int], deed: Deed) -> Iterator[str]:
    quarters = _with_people(Quarter.objects.filter(workshop__in=pages))
    needed = quarters if deed is Deed.DELETE else _on_sale_or_held(quarters)
    for quarter in needed:
        yield f"{_called(quarter)} is a run of this workshop{_people(quarter)}."


def _of_weeks(pages: list[int], deed: Deed) -> Iterator[str]:
    quarters = _with_people(Quarter.objects.filter(meetings__week__in=pages)).exclude(
        state__in=OVER
    )
    needed = _on_sale_or_held(quarters) if deed is Deed.UNPUBLISH else quarters
    for quarter in needed:
        yield f"{_called(quarter)} meets for this week{_people(quarter)}."


def _of_bundles(pages: list[int], deed: Deed) -> Iterator[str]:
    quarters = _with_people(Quarter.objects.filter(bundles__in=pages)).exclude(state__in=OVER)
    prices = BundlePrice.objects.filter(bundle__in=pages)
    access = BundleAccess.objects.filter(bundle__in=pages)
    if deed is not Deed.DELETE:
        quarters, prices = _on_sale_or_held(quarters), prices.filter(on_sale=True)
        access = access.filter(revoked_at=None)
    for quarter in quarters:
        yield f"{_called(quarter)} includes this bundle{_people(quarter)}."
    if prices.filter(on_sale=True).exists():
        yield "This bundle is for sale."
    elif prices.exists():
        yield "This bundle has a price."
    if held := access.values("member").distinct().count():
        yield f"{_so_many(held, 'person has', 'people have')} had this bundle opened."
    lines = OrderLine.objects.filter(bundle__in=pages).values("order").distinct().count()
    if lines and deed is Deed.DELETE:
        yield f"{_so_many(lines, 'order holds', 'orders hold')} this bundle."


def _of_parts_of_bundles(rows: Sequence[Model]) -> Iterator[str]:
    """Courses and lessons: whoever bought the bundle holds them, too."""
    parts = [row for row in rows if isinstance(row, Page) and row.depth > 1]
    for bundle in BundlePage.objects.filter(pk__in=BundleAccess.objects.values("bundle")):
        if any(part.is_descendant_of(bundle) for part in parts):
            open_to = BundleAccess.objects.filter(bundle=bundle, revoked_at=None)
            if held := open_to.values("member").distinct().count():
                yield f"{_so_many(held, 'person has', 'people have')} this in their videos."


def _with_people(quarters: QuerySet[Quarter]) -> QuerySet[Quarter]:
    seats = Count("enrollments", filter=Q(enrollments__state__in=OCCUPYING), distinct=True)
    return quarters.annotate(people=seats).distinct().order_by("opens_at")


def _on_sale_or_held(quarters: QuerySet[Quarter]) -> QuerySet[Quarter]:
    held = Q(people__gt=0) & ~Q(state__in=OVER)
    return quarters.filter(Q(state=Quarter.State.OPEN) | held)


def _called(quarter: Quarter) -> str:
    return f"{quarter.label} ({quarter.get_state_display().lower()})"


def _people(quarter: Quarter) -> str:
    people = quarter.people  # type: ignore[attr-defined]
    return f", and {_so_many(people, 'person has', 'people have')} a place in it" if people else ""


def _so_many(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
