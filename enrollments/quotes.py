"""What something comes to, as pages say it before she pays: flat facts, ready to print."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from django.utils import timezone
from django.utils.text import get_text_list

from enrollments.models import BundlePrice, HelpCode, Order, Quarter
from enrollments.money import written
from enrollments.operations.wishes import Paying, Prices


@dataclass(frozen=True, kw_only=True)
class Quote:
    """Names and prices, what a code takes off, and what is asked for month by month.

    ``ways`` are the choices between paying at once and month by month, and ``other_way`` is the
    same in the way that is not chosen. ``pays_on`` is the day from which later payments are
    counted.
    """

    currency: str
    lines: list[tuple[str, int]]
    code: HelpCode | None = None
    instalment_count: int = 0
    instalment_cents: int = 0
    ways: Sequence[tuple[str, str]] = ()
    other_way: Quote | None = None
    pays_on: date

    @property
    def total_cents(self) -> int:
        """All of it, before a code."""
        return sum(cents for _, cents in self.lines)

    @property
    def due_now_cents(self) -> int:
        """What the payment page will ask for."""
        later_cents = max(self.instalment_count - 1, 0) * self.instalment_cents
        return self.total_cents - later_cents - self.discount_cents

    @property
    def discount_cents(self) -> int:
        return self.code.takes_off(self.total_cents) if self.code else 0

    @property
    def paying(self) -> Paying:
        return Paying.MONTHLY if self.instalment_count else Paying.AT_ONCE

    @property
    def is_free(self) -> bool:
        """A code takes off everything."""
        return self.due_now_cents == 0

    def flat(self) -> dict[str, object]:
        """Flat template variables; what does not apply is empty."""
        later = self.instalment_count - 1
        each = self.written(self.instalment_cents)
        return {
            "items": [{"name": name, "price": self.written(cents)} for name, cents in self.lines],
            "has_total": len(self.lines) > 1 or bool(self.code) or later > 0,
            "discount": self.written(self.discount_cents) if self.code else "",
            "due_now": self.written(self.due_now_cents),
            "is_free": self.is_free,
            "later": f"{each} on {self._later_days()}" if later > 0 else "",
            "total": self.written(self.total_cents - self.discount_cents),
            "total_before": self.written(self.due_now_cents + self.discount_cents),
            "label": "Continue, nothing to pay" if self.is_free else "Continue to payment",
        }

    def by_way(self) -> list[dict[str, object]]:
        """What ``flat`` says in the chosen way to pay, and then in the other one, if there is."""
        other = [self.other_way.flat() | {"way": self.other_way.paying}] if self.other_way else []
        return [self.flat() | {"way": self.paying if other else "", "is_chosen": True}, *other]

    def _later_days(self) -> str:
        """``January 27 and February 27``: as Stripe counts, the same day of each month."""
        days = [months_after(self.pays_on, n) for n in range(1, self.instalment_count)]
        return get_text_list([f"{day:%B} {day.day}" for day in days], "and")

    def written(self, cents: int) -> str:
        """An amount in the quote's currency."""
        return written(cents, self.currency)


def months_after(day: date, months: int) -> date:
    """The same day so many months later; the last of a month that is too short."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def quote_for_quarter(
    quarter: Quarter,
    prices: Prices,
    bundles: Iterable[BundlePrice],
    paying: Paying,
    code: HelpCode | None,
) -> Quote:
    """A place in ``quarter`` with ``bundles``, at ``prices``."""
    extra = [(each.bundle.discreet_name, prices.bundles[each.bundle_id]) for each in bundles]
    at_once = Quote(
        currency=quarter.currency,
        lines=[(quarter.discreet_name, prices.at_once_cents), *extra],
        code=code,
        pays_on=timezone.now().astimezone(quarter.zone).date(),
    )
    if prices.monthly is None:
        return at_once
    count, each_cents = prices.monthly
    at_once = replace(at_once, ways=_ways(at_once, count, each_cents))
    monthly = replace(
        at_once,
        lines=[(quarter.discreet_name, count * each_cents), *extra],
        instalment_count=count,
        instalment_cents=each_cents,
    )
    if paying == Paying.MONTHLY:
        return replace(monthly, other_way=at_once)
    # A code and monthly payments do not go together.
    return replace(at_once, other_way=replace(monthly, code=None))


def _ways(at_once: Quote, count: int, each_cents: int) -> list[tuple[str, str]]:
    now = "Nothing to pay" if at_once.is_free else f"Pay {at_once.flat()['due_now']} now"
    monthly = instalments_written(count, each_cents, at_once.currency)
    if at_once.code:
        monthly += ", without the code"
    return [(Paying.AT_ONCE, now), (Paying.MONTHLY, monthly)]


def instalments_written(count: int, each_cents: int, currency: str) -> str:
    """``3 monthly payments of $210 ($630 in all)``."""
    each, total = written(each_cents, currency), written(count * each_cents, currency)
    return f"{count} monthly payments of {each} ({total} in all)"


def quote_for_bundle(price: BundlePrice, code: HelpCode | None) -> Quote:
    """A bundle alone."""
    lines = [(price.bundle.discreet_name, price.price_cents)]
    return Quote(currency=price.currency, lines=lines, code=code, pays_on=timezone.localdate())


def quote_for_order(order: Order) -> Quote:
    """An order as it was agreed. One query, unless its lines are prefetched, and one for a code."""
    lines = sorted(order.lines.all(), key=lambda line: line.pk)
    return Quote(
        currency=order.currency,
        lines=[(line.discreet_name, line.unit_price_cents) for line in lines],
        code=order.help_code,
        instalment_count=order.instalment_count or 0,
        instalment_cents=order.instalment_cents or 0,
        pays_on=timezone.localdate(),
    )
