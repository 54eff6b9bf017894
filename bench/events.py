"""What Stripe sends: how many signed events per second the site takes in, by what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from bench import sales, stock
from bench.crowd import Crowd, sent_off
from bench.databases import POSTGRESQL, Databases
from bench.instant_stripe import Samples, order_of
from bench.least import LeastSeller, least_orders
from bench.load import spread
from bench.meter import Cost
from bench.shop import SECRET, Shop, with_instant_stripe
from bench.wire import Visitor

AT_ONCE = 16
PAYMENTS = 48
# Cheap ones are sent so many times as often, so that there is something to measure.
OFTEN = 5
ROUNDS = 4
FIRST, LATER, AGAIN = "first word of a payment", "another event about it", "the same event again"
UNKNOWN, FORGED, LEAST = "a type not handled", "a forged signature", "least possible order"
PAIRS = ((FIRST, LEAST), (LATER, FIRST), (AGAIN, LATER), (UNKNOWN, LEAST), (FORGED, UNKNOWN))
ABOUT = f"""\
PostgreSQL; the site on granian with two workers of four threads; {AT_ONCE} deliveries at once, each
on a connection of its own; {ROUNDS} rounds of {PAYMENTS} payments in one quarter. Stripe, which the
site asks about each payment, answers at once (see above). Median (least to most). Processor time is
that of the site's workers and of PostgreSQL's processes for them.\
"""


@dataclass(frozen=True)
class Round:
    """One crowd of deliveries, and what each cost."""

    crowd: Crowd
    cost: Cost


def report(databases: Databases) -> Iterator[str]:
    """The section, line by line."""
    rounds: dict[str, list[Round]] = {}
    with ExitStack() as stack:
        env, samples = databases.new(POSTGRESQL), sales.samples(databases)
        shop = stack.enter_context(with_instant_stripe(env, samples))
        least = least_orders(databases, stack)
        # The first round is for warming up.
        for slug in stock.quarters(env, *[PAYMENTS] * (ROUNDS + 1)):
            for name, figures in one_round(shop, samples, slug, least).items():
                rounds.setdefault(name, []).append(figures)
    yield from ABOUT.splitlines()
    yield ""
    yield "| event | per second | median ms | processor ms per event |"
    yield "| --- | --- | --- | --- |"
    for name, measured in rounds.items():
        del measured[0]
        per_second = spread([each.crowd.per_second for each in measured])
        median = spread([each.crowd.median_ms for each in measured])
        yield f"| {name} | {per_second} | {median} | {spread([e.cost.ms for e in measured])} |"
    yield ""
    yield "| ratio | per second | processor time |"
    yield "| --- | --- | --- |"
    for one, other in PAIRS:
        pairs = list(zip(rounds[one], rounds[other], strict=True))
        faster = spread([a.crowd.per_second / b.crowd.per_second for a, b in pairs])
        dearer = spread([a.cost.ms / b.cost.ms for a, b in pairs])
        yield f"| {one} / {other} | {faster} | {dearer} |"


def one_round(shop: Shop, samples: Samples, slug: str, least: LeastSeller) -> dict[str, Round]:
    """Every kind of event about the payments of one quarter.

    Raises:
        ValueError: an answer was another than expected, or somebody who paid has no place.
    """
    first = [sales.with_new_id(event) for event in payments(shop, samples, slug)]
    later = [sales.with_new_id(event) for event in first]
    unknown = [sales.with_new_id(event, "charge.updated") for event in first]
    rounds = {FIRST: delivered(shop, first)}
    if shop.places(slug) != {"enrolled": PAYMENTS}:
        raise ValueError(f"not what was paid: {shop.places(slug)}")
    rounds[LATER] = delivered(shop, later)
    rounds[AGAIN] = delivered(shop, first * OFTEN)
    rounds[UNKNOWN] = delivered(shop, unknown * OFTEN)
    rounds[FORGED] = delivered(shop, first * OFTEN, secret="whsec_forged", status=400)
    return {**rounds, LEAST: Round(*least.run(AT_ONCE, PAYMENTS))}


def payments(shop: Shop, samples: Samples, slug: str) -> Sequence[str]:
    """An event for each seat of the quarter, after it has been reserved and paid."""
    pages: list[str] = []

    def reserve() -> str:
        with Visitor() as visitor:
            pages.append(sales.reserve(visitor, shop, slug))
        return sales.RESERVED

    sent_off([reserve] * PAYMENTS, AT_ONCE).all_came_to(sales.RESERVED)
    orders = [order_of(sales.SESSION_ID.findall(page)[0]) for page in pages]
    return [samples.about(order, samples.event, shop.stripe_url) for order in orders]


def delivered(
    shop: Shop, events: Sequence[str], *, secret: str = SECRET, status: int = sales.OK
) -> Round:
    """All of them, delivered and answered as expected."""

    def deliver(event: str) -> str:
        with Visitor() as courier:
            return str(sales.tell(courier, shop, event, secret).status)

    errands: list[Callable[[], str]] = [partial(deliver, event) for event in events]
    meter = shop.meter()
    crowd = sent_off(errands, AT_ONCE).all_came_to(str(status))
    return Round(crowd, meter.per(len(events)))
