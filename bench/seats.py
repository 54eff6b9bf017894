"""Seats sold per second: the whole web checkout, and the step in which buyers meet, alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from bench import sales, standin_alone, stock
from bench.crowd import Crowd, Errand, sent_off
from bench.databases import POSTGRESQL, Databases
from bench.least import LeastSeller, least_orders
from bench.load import spread
from bench.meter import Cost
from bench.servers import Environment
from bench.shop import Shop, with_instant_stripe, with_standin
from devtools.stripe_standin.control import StandIn

WHOLE, INSTANT = "whole checkout, stand-in", "whole checkout, instant Stripe"
STEP, LEAST, STANDIN = "contested step", "least possible order", "the stand-in alone"
# How many buyers at once, and how many orders they make in a round.
CROWDS = {1: 8, 10: 20, 50: 60}
WARMING = 16
ROUNDS = 3
PAIRS = ((WHOLE, LEAST), (INSTANT, LEAST), (STEP, LEAST), (WHOLE, INSTANT), (WHOLE, STANDIN))
ABOUT = f"""\
PostgreSQL; the site on granian with two workers of four threads; {ROUNDS} interleaved rounds of
{", ".join(f"{orders} orders by {at_once}" for at_once, orders in CROWDS.items())} at once, all for
one quarter, which has just as many seats; every order is checked. Median (least to most).
The buyers, Stripe, the site and PostgreSQL share this machine. Processor time is that of the site's
workers and of PostgreSQL's processes for them. No money moves: Stripe is on loopback, and letters
stay in the queue.

- Whole checkout: the form, the form sent (a seat is held, a payment page is made), paid, a signed
  webhook, and the return page that thanks her, in a new browser each. With the stand-in, a process
  of its own that checks every request against Stripe's contract, webhooks come one after another
  and may come after her; the last column says how long after the last buyer the last one did.
- Instant Stripe: the same, but Stripe only repeats what the stand-in once said, and brings its
  webhook before she returns. What is left is the site's own part.
- Contested step: the form, and the form sent, until the seat is held and the page is made (instant
  Stripe).
- Least possible order: one POST, one transaction, a row lock, a count and an insert, in Django
  without middleware, pages, sessions or Stripe.
- The stand-in alone: the four questions that a sale asks of it, by the same buyers without the
  site. No checkout with it can be faster.
"""
COLUMNS = (
    "what",
    "at once",
    "orders per second",
    "buyer's median ms",
    "processor ms per order",
    "of it PostgreSQL",
    "last webhook",
)
OTHERS = """\
Not of this run, and another program on such a machine earlier, with two gunicorn workers on
PostgreSQL: pretix 2026.8 sold 2.6 orders per second through its web checkout to 50 at once, at 520
to 700 ms of processor time each, and 17 per second through its REST interface to 10 at once.\
"""


@dataclass(frozen=True)
class Round:
    """One crowd, and what its orders cost."""

    crowd: Crowd
    cost: Cost | None
    late_seconds: float = 0


Run = Callable[[int, int], Round]


def report(databases: Databases) -> Iterator[str]:
    """The section, line by line."""
    with ExitStack() as stack:
        rounds = measured(_runs(databases, stack))
    yield from ABOUT.splitlines()
    yield ""
    yield f"| {' | '.join(COLUMNS)} |"
    yield "| --- " * len(COLUMNS) + "|"
    for (name, at_once), figures in rounds.items():
        yield f"| {name} | {at_once} | {' | '.join(cells(figures))} |"
    yield ""
    yield "| ratio | at once | orders per second | processor time per order |"
    yield "| --- | --- | --- | --- |"
    for ours, theirs in PAIRS:
        for at_once in CROWDS:
            pair = list(zip(rounds[ours, at_once], rounds[theirs, at_once], strict=True))
            faster = spread([a.crowd.per_second / b.crowd.per_second for a, b in pair])
            costs = [a.cost.ms / b.cost.ms for a, b in pair if a.cost and b.cost]
            dearer = spread(costs) if costs else ""
            yield f"| {ours} / {theirs} | {at_once} | {faster} | {dearer} |"
    yield ""
    yield from OTHERS.splitlines()


def measured(runs: dict[str, Run]) -> dict[tuple[str, int], list[Round]]:
    """Rounds of everything, forwards and backwards in turn, so that drift cancels out."""
    kinds = [(name, at_once) for name in runs for at_once in CROWDS]
    rounds: dict[tuple[str, int], list[Round]] = {kind: [] for kind in kinds}
    for number in range(ROUNDS):
        for name, at_once in kinds if number % 2 == 0 else kinds[::-1]:
            rounds[name, at_once].append(runs[name](at_once, CROWDS[at_once]))
    return rounds


def cells(figures: Sequence[Round]) -> list[str]:
    """The figures of one kind."""
    costs = [each.cost for each in figures if each.cost]
    late = [each.late_seconds for each in figures]
    return [
        spread([each.crowd.per_second for each in figures]),
        spread([each.crowd.median_ms for each in figures]),
        spread([cost.ms for cost in costs]) if costs else "",
        spread([cost.database_ms for cost in costs]) if costs else "",
        f"{spread(late)} s later" if any(late) else "",
    ]


def _runs(databases: Databases, stack: ExitStack) -> dict[str, Run]:
    """Everything that is measured, running and warm."""
    ours, theirs = databases.new(POSTGRESQL), databases.new(POSTGRESQL)
    whole = stack.enter_context(with_standin(ours))
    samples = sales.samples(databases)
    instant = stack.enter_context(with_instant_stripe(theirs, samples))
    alone = stack.enter_context(StandIn.start(extra=("--no-seed",)))
    shelf = Shelf(theirs, times=2)
    runs: dict[str, Run] = {
        WHOLE: Seller(whole, Shelf(ours), sales.buy, sales.SOLD).run,
        INSTANT: Seller(instant, shelf, partial(sales.buy_instantly, samples), sales.SOLD).run,
        STEP: Seller(instant, shelf, sales.only_reserve, sales.RESERVED).run,
        LEAST: partial(_sell_least, least_orders(databases, stack)),
        STANDIN: partial(_ask_standin, alone.base_url),
    }
    for run in runs.values():
        run(WARMING, WARMING)
    return runs


class Shelf:
    """New quarters of the sizes that are wanted, made at once, because each process costs time."""

    def __init__(self, env: Environment, times: int = 1) -> None:
        sizes = [WARMING, *list(CROWDS.values()) * ROUNDS] * times
        self._slugs = list(zip(sizes, stock.quarters(env, *sizes), strict=True))

    def take(self, size: int) -> str:
        """The slug of one that nobody has used."""
        found = next(each for each in self._slugs if each[0] == size)
        self._slugs.remove(found)
        return found[1]


@dataclass(frozen=True)
class Seller:
    """A shop, and what its buyers do there."""

    shop: Shop
    shelf: Shelf
    errand: Callable[[Shop, str], str]
    comes_to: str

    def run(self, at_once: int, orders: int) -> Round:
        """One crowd that buys every seat of a quarter.

        Raises:
            ValueError: somebody was not served, or the database says something else.
        """
        slug = self.shelf.take(orders)
        heard, meter = self.shop.events_heard(), self.shop.meter()
        crowd = sent_off([partial(self.errand, self.shop, slug)] * orders, at_once)
        crowd.all_came_to(self.comes_to)
        is_sold = self.comes_to == sales.SOLD
        late = self.shop.wait_for_events(heard + orders) if is_sold else 0.0
        cost = meter.per(orders)
        if self.shop.places(slug) != {"enrolled" if is_sold else "held": orders}:
            raise ValueError(f"not what was sold: {self.shop.places(slug)}")
        return Round(crowd, cost, late if self.shop.standin else 0)


def _sell_least(least: LeastSeller, at_once: int, orders: int) -> Round:
    return Round(*least.run(at_once, orders))


def _ask_standin(base_url: str, at_once: int, orders: int) -> Round:
    errands: list[Errand] = [partial(standin_alone.one_sale, base_url)] * orders
    return Round(sent_off(errands, at_once).all_came_to(sales.SOLD), None)
