"""What somebody asks for beside the thing itself: bundles, a code, paying month by month.

Everything is written into her order under its lock. What stays in an order keeps its price.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from accounts.models import User
from enrollments.errors import CodeWithPlan, NotForSale, PriceChanged
from enrollments.models import BundleAccess, BundlePrice, Order, OrderLine, Quarter
from enrollments.operations import codes


class Paying(StrEnum):
    """How a quarter is paid."""

    AT_ONCE = "at_once"
    MONTHLY = "monthly"


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """Bundles to add, the code to use, and how to pay.

    ``shown_cents`` is what a page said that all of it comes to, before a code; None where none did.
    """

    bundle_ids: Collection[int] = ()
    code_id: int | None = None
    paying: Paying = Paying.AT_ONCE
    shown_cents: int | None = None

    def are_met_by(self, order: Order) -> bool:
        """Whether ``order`` holds just this. One query."""
        bundles = {line.bundle_id for line in order.lines.all() if line.bundle_id}
        return (
            bundles == set(self.bundle_ids)
            and order.help_code_id == self.code_id
            and bool(order.instalment_count) == (self.paying == Paying.MONTHLY)
        )

    def refuse_another_price(self, lines: Iterable[OrderLine]) -> None:
        """Nothing, when ``lines`` come to what a page has shown.

        Raises:
            PriceChanged: they come to something else.
        """
        total_cents = sum(line.unit_price_cents for line in lines)
        if self.shown_cents not in (None, total_cents):
            raise PriceChanged


NOTHING_MORE = Wishes()


@dataclass(frozen=True, kw_only=True)
class Prices:
    """What a place costs at once, month by month (how often, how much), and bundles beside it."""

    at_once_cents: int
    monthly: tuple[int, int] | None
    bundles: Mapping[int, int]


def prices_of(quarter: Quarter, more: Iterable[BundlePrice], order: Order | None) -> Prices:
    """What things cost now; what is in ``order``, which waits, keeps its price.

    No query for a new order; one, unless its lines are prefetched, for one that waits.
    """
    at_once_cents = quarter.price_cents
    count, each_cents = quarter.instalment_count, quarter.instalment_cents
    bundles = {price.bundle_id: price.price_cents for price in more}
    lines = list(order.lines.all()) if order else []
    if order and order.instalment_count:
        count, each_cents = order.instalment_count, order.instalment_cents
    else:
        at_once_cents = next((x.unit_price_cents for x in lines if x.quarter_id), at_once_cents)
    bundles |= {x.bundle_id: x.unit_price_cents for x in lines if x.bundle_id}
    monthly = (count, each_cents) if count and each_cents else None
    return Prices(at_once_cents=at_once_cents, monthly=monthly, bundles=bundles)


def extras(quarter: Quarter, member: User | None) -> list[BundlePrice]:
    """The bundles that can be bought together with a place in ``quarter``, with their prices.

    None that comes with the quarter, and none that a signed-in member has already. One query.
    """
    prices = (
        BundlePrice.objects.payable()
        .filter(bundle__live=True, currency=quarter.currency)
        .exclude(bundle__in=quarter.bundles.values("pk"))
        .select_related("bundle")
        .only("currency", "price_cents", "bundle__discreet_name")
        .order_by("bundle__title")
    )
    if member:
        hers = BundleAccess.objects.in_force().filter(member=member)
        prices = prices.exclude(bundle__in=hers.values("bundle"))
    return list(prices)


def agree_on_quarter(
    order: Order, quarter: Quarter, wishes: Wishes, *, now: datetime
) -> list[OrderLine]:
    """The lines, the quarter's first, of ``order``, which now holds what ``wishes`` ask for.

    The order is locked, or new and not saved yet. What it held before keeps its price.

    Raises:
        Refusal: a bundle, the plan or the code is not to be had; nothing was saved.
    """
    had = list(order.lines.all()) if order.pk else []
    lines = [
        _line_of_quarter(order, quarter, wishes.paying, had),
        *_lines_of_bundles(order, quarter, wishes.bundle_ids, had),
    ]
    _agree(order, lines, wishes, quarter_id=quarter.pk, now=now)
    return lines


def agree_on_bundle(
    order: Order, price: BundlePrice, wishes: Wishes, *, now: datetime
) -> list[OrderLine]:
    """The line of ``order``, which now holds a bundle alone, with the code that ``wishes`` name.

    The order is locked, or new and not saved yet.

    Raises:
        Refusal: the code is not to be had; nothing was saved.
    """
    lines = list(order.lines.all()) if order.pk else [_line_for(price)]
    _agree(order, lines, wishes, quarter_id=None, now=now)
    return lines


def _line_of_quarter(
    order: Order, quarter: Quarter, paying: Paying, had: list[OrderLine]
) -> OrderLine:
    line = next((line for line in had if line.quarter_id), None)
    if line and bool(order.instalment_count) == (paying == Paying.MONTHLY):
        return line
    price_cents = quarter.price_cents
    order.instalment_count = order.instalment_cents = None
    if paying == Paying.MONTHLY:
        if not quarter.instalment_count or not quarter.instalment_cents:
            raise NotForSale
        order.instalment_count = quarter.instalment_count
        order.instalment_cents = quarter.instalment_cents
        price_cents = quarter.instalment_count * quarter.instalment_cents
    line = line or OrderLine(quarter=quarter, discreet_name=quarter.discreet_name)
    line.unit_price_cents = price_cents
    return line


def _lines_of_bundles(
    order: Order, quarter: Quarter, bundle_ids: Collection[int], had: list[OrderLine]
) -> list[OrderLine]:
    kept = [line for line in had if line.bundle_id in bundle_ids]
    missing = set(bundle_ids) - {line.bundle_id for line in kept}
    if not missing:
        return kept
    on_sale = {price.bundle_id: price for price in extras(quarter, order.member)}
    if not missing <= set(on_sale):
        raise NotForSale
    return [*kept, *(_line_for(on_sale[bundle_id]) for bundle_id in sorted(missing))]


def _line_for(price: BundlePrice) -> OrderLine:
    return OrderLine(
        bundle=price.bundle,
        discreet_name=price.bundle.discreet_name,
        unit_price_cents=price.price_cents,
    )


def _agree(
    order: Order,
    lines: list[OrderLine],
    wishes: Wishes,
    *,
    quarter_id: int | None,
    now: datetime,
) -> None:
    """Save ``order`` with just these lines, and the code that it is paid with."""
    is_new = order.pk is None
    wishes.refuse_another_price(lines)
    if wishes.code_id:
        if order.instalment_count:
            raise CodeWithPlan
        purchase = codes.Purchase(
            quarter_id=quarter_id,
            currency=order.currency,
            total_cents=sum(line.unit_price_cents for line in lines),
            order=None if is_new else order,
        )
        codes.lock(wishes.code_id, purchase, now=now)
    order.help_code_id = wishes.code_id
    order.save()
    if not is_new:
        order.lines.exclude(pk__in=[line.pk for line in lines if line.pk]).delete()
    for line in lines:
        line.order = order
        line.save()
