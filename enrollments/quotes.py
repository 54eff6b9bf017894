"""What something comes to, as pages say it before she pays: flat facts, ready to print."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from enrollments.models import BundlePrice, HelpCode, Order, Quarter
from enrollments.money import written
from enrollments.operations.wishes import Paying


@dataclass(frozen=True, kw_only=True)
class Quote:
    """Names and prices, what a code takes off, and what is asked for month by month."""

    currency: str
    lines: list[tuple[str, int]]
    code: HelpCode | None = None
    instalment_count: int = 0
    instalment_cents: int = 0

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
            "later": f"{later} monthly payments of {each}" if later > 0 else "",
            "total": self.written(self.total_cents - self.discount_cents),
            "total_before": self.written(self.due_now_cents + self.discount_cents),
            "label": "Continue, nothing to pay" if self.is_free else "Continue to payment",
        }

    def written(self, cents: int) -> str:
        """An amount in the quote's currency."""
        return written(cents, self.currency)


def quote_for_quarter(
    quarter: Quarter, bundles: Iterable[BundlePrice], paying: Paying, code: HelpCode | None
) -> Quote:
    """A place in ``quarter`` with ``bundles``."""
    name, cents = quarter.discreet_name, quarter.price_cents
    count, each = 0, 0
    if paying == Paying.MONTHLY:
        count, each = quarter.instalment_count or 0, quarter.instalment_cents or 0
        cents = count * each
    extra = [(price.bundle.discreet_name, price.price_cents) for price in bundles]
    return Quote(
        currency=quarter.currency,
        lines=[(name, cents), *extra],
        code=code,
        instalment_count=count,
        instalment_cents=each,
    )


def quote_for_bundle(price: BundlePrice, code: HelpCode | None) -> Quote:
    """A bundle alone."""
    lines = [(price.bundle.discreet_name, price.price_cents)]
    return Quote(currency=price.currency, lines=lines, code=code)


def quote_for_order(order: Order) -> Quote:
    """An order as it was agreed. One query, unless its lines are prefetched, and one for a code."""
    lines = sorted(order.lines.all(), key=lambda line: line.pk)
    return Quote(
        currency=order.currency,
        lines=[(line.discreet_name, line.unit_price_cents) for line in lines],
        code=order.help_code,
        instalment_count=order.instalment_count or 0,
        instalment_cents=order.instalment_cents or 0,
    )


def ways_to_pay(quarter: Quarter) -> list[tuple[str, str]]:
    """The choices between paying at once and month by month; none when there is no plan."""
    if not quarter.instalment_count or not quarter.instalment_cents:
        return []
    count, each = quarter.instalment_count, quarter.instalment_cents
    price, rate, total = (
        written(cents, quarter.currency) for cents in (quarter.price_cents, each, count * each)
    )
    return [
        (Paying.AT_ONCE, f"Pay {price} now"),
        (Paying.MONTHLY, f"{count} monthly payments of {rate} ({total} in all)"),
    ]
