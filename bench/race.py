"""The last seats: many people want ten of them at the same moment, over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from bench import sales, stock
from bench.crowd import Crowd, sent_off
from bench.databases import POSTGRESQL, SQLITE, Databases
from bench.least import LeastSeller, least_orders
from bench.load import spread
from bench.shop import Shop, with_standin

SEATS = 10
BUYERS = (50, 200)
ROUNDS = 3
LEAST = "least possible order, PostgreSQL"
ABOUT = f"""\
{SEATS} seats and everybody at once, each with a browser of her own: the form, the form sent, and
whoever got a seat pays for it at the stand-in and comes back. {ROUNDS} interleaved rounds; the site
on granian with two workers of four threads. A loser's time is from asking for the form to reading
that the quarter is full. Least possible order: one POST, as above.

Not of this run, and another program on such a machine earlier: pretix 2026.8 on PostgreSQL, 50
buyers for 10 seats: exactly 10 sold, in 7.4 to 9.1 seconds.
"""


@dataclass(frozen=True)
class Race:
    """What came of one, and how many places the database then had."""

    crowd: Crowd
    sold: int

    @property
    def errors(self) -> list[str]:
        """What came of an errand that is neither a place nor a refusal."""
        return [said for said in self.crowd.outcomes() if said not in (sales.SOLD, sales.FULL)]


def report(databases: Databases) -> Iterator[str]:
    """The section, line by line."""
    with ExitStack() as stack:
        runs = _runs(databases, stack)
        races: dict[tuple[str, int], list[Race]] = {}
        for number in range(ROUNDS):
            for name in list(runs) if number % 2 == 0 else list(runs)[::-1]:
                for buyers in BUYERS:
                    races.setdefault((name, buyers), []).append(runs[name](buyers))
    yield from ABOUT.splitlines()
    yield ""
    yield "| | buyers | sold | errors | seconds | losers' median ms | losers' 99 % ms |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for (name, buyers), measured in sorted(races.items(), key=lambda each: each[0][1]):
        yield f"| {name} | {buyers} | {' | '.join(cells(measured))} |"
    for error in sorted(
        {said for measured in races.values() for r in measured for said in r.errors}
    ):
        yield f"- {error}"


def cells(races: Sequence[Race]) -> list[str]:
    """The figures of one kind."""
    losers = [race.crowd.times(sales.FULL) for race in races]
    return [
        ", ".join(str(race.sold) for race in races),
        ", ".join(str(sum(race.crowd.outcomes()[said] for said in race.errors)) for race in races),
        spread([race.crowd.seconds for race in races]),
        spread([times[len(times) // 2] for times in losers]),
        spread([times[int(len(times) * 0.99)] for times in losers]),
    ]


def _runs(databases: Databases, stack: ExitStack) -> dict[str, Callable[[int], Race]]:
    """Everything that is measured, running and warm."""
    runs: dict[str, Callable[[int], Race]] = {}
    for kind in (POSTGRESQL, SQLITE):
        env = databases.new(kind)
        shop = stack.enter_context(with_standin(env))
        slugs = stock.quarters(env, *[SEATS] * (1 + len(BUYERS) * ROUNDS))
        runs[f"the site, {kind}"] = partial(_race, shop, slugs)
    runs[LEAST] = partial(_least_race, least_orders(databases, stack))
    for run in runs.values():
        run(2 * SEATS)
    return runs


def _race(shop: Shop, slugs: list[str], buyers: int) -> Race:
    slug = slugs.pop()
    crowd = sent_off([partial(sales.buy, shop, slug)] * buyers, buyers)
    return Race(crowd, shop.places(slug).get("enrolled", 0))


def _least_race(least: LeastSeller, buyers: int) -> Race:
    (group,) = least.groups(1, SEATS)
    crowd = sent_off([partial(least.buy, group)] * buyers, buyers)
    return Race(crowd, least.sold(group))
