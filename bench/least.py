"""The least possible site, running: what everything that sells is compared with."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit
from uuid import uuid4

from bench.crowd import Crowd, sent_off
from bench.databases import POSTGRESQL, Databases, answers, run_in
from bench.meter import Cost, Meter
from bench.servers import Environment, serving
from bench.wire import Visitor

SOLD = "sold"
# It is so fast that one group would be over before anything could be measured.
GROUPS = 12


@dataclass(frozen=True)
class LeastSeller:
    """Sells seats of groups. The words it answers with are those of the site's own sales."""

    url: str
    env: Environment

    def run(self, at_once: int, seats: int) -> tuple[Crowd, Cost]:
        """Every seat of some groups, sold one group after the other, and what each cost."""
        errands = [
            partial(self.buy, group) for group in self.groups(GROUPS, seats) for _ in range(seats)
        ]
        meter = Meter(urlsplit(self.url).port or 80, self.env)
        crowd = sent_off(errands, at_once).all_came_to(SOLD)
        return crowd, meter.per(len(errands))

    def groups(self, number: int, seats: int) -> list[int]:
        """New ones."""
        made = f"INSERT INTO bench_group (seats) SELECT {seats} FROM generate_series(1, {number})"
        return [group for (group,) in answers(self.env, made + " RETURNING id")]

    def buy(self, group: int) -> str:
        """``sold`` or ``full``, by a new browser."""
        with Visitor() as visitor:
            answer = visitor.post(f"{self.url}{group}/", {"email": f"{uuid4().hex}@example.org"})
        return answer.body.decode()

    def sold(self, group: int) -> int:
        """How many seats of a group are sold."""
        question = f"SELECT count(*) FROM bench_sale WHERE group_id = {group}"
        return int(answers(self.env, question)[0][0])


def least_orders(databases: Databases, stack: ExitStack) -> LeastSeller:
    """The least possible site, on a database of its own."""
    env = databases.new(POSTGRESQL)
    run_in(env, "-m", "bench.least_order")
    return LeastSeller(stack.enter_context(serving("bench.least_order:application", "/", env)), env)
