"""What it costs to sell one more seat when there are 100 enrollments, and when there are 100,000.

One process for each size, all asked in turn, so that what else the machine does meets them alike.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench import sales, stock
from bench.databases import POSTGRESQL, Databases, run_in
from bench.load import spread
from bench.servers import PROJECT, Environment, end, serving

SIZES = (100, 1_000, 10_000, 100_000)
WARMING, ROUNDS = 3, 25
STEPS = {"hold": "a seat held (`enroll`)", "fulfil": "a payment fulfilled (`fulfil`)"}
ABOUT = f"""\
PostgreSQL, a database for each size: paid places in quarters of ten, each with its order, line,
attempt, payment and person. In each a quarter is open, of which {WARMING + ROUNDS} seats are sold,
the first {WARMING} for warming up; {ROUNDS} rounds over all sizes, forwards and backwards in turn.
The operations are called as the views call them; what Stripe takes to answer is left out.
Median (least to most).\
"""


class Seller:
    """A process that sells a seat each time it is asked."""

    def __init__(self, env: Environment, slug: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.selling", slug],
            cwd=PROJECT,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )

    def sell(self) -> dict[str, float]:
        """What one sale took.

        Raises:
            ValueError: the process has ended.
        """
        if self.process.stdin is None or self.process.stdout is None:
            raise ValueError("no pipes")
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        answer: dict[str, float] = json.loads(self.process.stdout.readline())
        return answer


def report(databases: Databases) -> Iterator[str]:
    """The section, line by line."""
    figures = measured(databases)
    yield from ABOUT.splitlines()
    for step, title in STEPS.items():
        smallest = [each[f"{step} ms"] for each in figures[SIZES[0]]]
        yield ""
        yield f"| enrollments | queries of {title} | ms | time / time at {SIZES[0]} |"
        yield "| --- | --- | --- | --- |"
        for size in SIZES:
            times = [each[f"{step} ms"] for each in figures[size]]
            queries = sorted({int(each[f"{step} queries"]) for each in figures[size]})
            ratio = spread([a / b for a, b in zip(times, smallest, strict=True)])
            counted = " or ".join(map(str, queries))
            yield f"| {size:,} | {counted} | {spread(times)} | {ratio} |"


def measured(databases: Databases) -> dict[int, list[dict[str, float]]]:
    """The sales at each size."""
    with contextlib.ExitStack() as stack:
        sellers = _sellers(databases, stack)
        for seller in list(sellers.values()) * WARMING:
            seller.sell()
        figures: dict[int, list[dict[str, float]]] = {size: [] for size in SIZES}
        for number in range(ROUNDS):
            for size in SIZES if number % 2 == 0 else SIZES[::-1]:
                figures[size].append(sellers[size].sell())
    return figures


def _sellers(databases: Databases, stack: contextlib.ExitStack) -> dict[int, Seller]:
    stage = databases.new(POSTGRESQL)
    file = Path(stage["VAR_DIR"]) / "samples.json"
    sales.samples(databases).save(file)
    (slug,) = stock.quarters(stage, WARMING + ROUNDS)
    stripe_env = {**stage, "BENCH_STRIPE_SAMPLES": str(file)}
    stripe = stack.enter_context(serving("bench.instant_stripe:application", "/", stripe_env))
    stripe_port = stripe.rstrip("/").rpartition(":")[2]
    sellers = {}
    for size in SIZES:
        run_in(stage, "-m", "bench.growing", str(size))
        sellers[size] = Seller({**databases.copy(stage), "STANDIN_PORT": stripe_port}, slug)
        stack.callback(end, sellers[size].process)
    return sellers
