"""Public pages: the workshop page warm and cold against a plain Django view and against bytes."""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from bench.load import Round, measure, spread
from bench.servers import environment, serving

WORKSHOP = "/programs/facing-heartbreak/"
TARGETS = {
    "workshop page, warm": ("config.wsgi:application", WORKSHOP),
    "workshop page, cold": ("config.wsgi:django_application", WORKSHOP),
    "plain Django view": ("bench.plain_site:application", "/"),
    "bytes from WSGI": ("bench.raw_bytes:application", "/"),
}
ROUNDS = 9
SECONDS = 2


def report(var: Path) -> Iterator[str]:
    """The section of docs/benchmarks.md about public pages, line by line."""
    with ExitStack() as stack:
        urls: dict[str, str] = {}
        env = environment(var)
        for name, (target, path) in TARGETS.items():
            urls[name] = stack.enter_context(serving(target, path, env))
            if not env.get("BENCH_PAGE_BYTES"):
                # The others answer with as many bytes as the workshop page has.
                env = {**env, "BENCH_PAGE_BYTES": str(page_bytes(urls[name]))}
        rounds = interleaved(urls)
    yield "## The workshop page"
    yield ""
    yield f"{env['BENCH_PAGE_BYTES']} bytes, uncompressed; granian with two workers of four"
    yield f"threads; 16 connections; {ROUNDS} interleaved rounds of {SECONDS} seconds;"
    yield "least – median – most."
    yield ""
    yield "| target | answers per second | median ms | 99 % ms | processor ms per answer |"
    yield "| --- | --- | --- | --- | --- |"
    for name, measured in rounds.items():
        yield f"| {name} | {row(measured)} |"
    yield ""
    yield from ratios(rounds)


def page_bytes(url: str) -> int:
    """How long the page at ``url`` is."""
    with urllib.request.urlopen(url) as answer:
        return len(answer.read())


def interleaved(urls: dict[str, str]) -> dict[str, list[Round]]:
    """Rounds of every target, forwards and backwards in turn, so that drift cancels out."""
    for url in urls.values():
        measure(url, 1)
    rounds: dict[str, list[Round]] = {name: [] for name in urls}
    for number in range(ROUNDS):
        for name in list(urls) if number % 2 == 0 else list(urls)[::-1]:
            rounds[name].append(measure(urls[name], SECONDS))
    return rounds


def row(measured: list[Round]) -> str:
    """The figures of one target as cells."""
    return " | ".join(
        (
            spread([each.per_second for each in measured]),
            spread([each.median_ms for each in measured]),
            spread([each.slowest_percent_ms for each in measured]),
            spread([each.cpu_ms for each in measured]),
        )
    )


def ratios(rounds: dict[str, list[Round]]) -> Iterator[str]:
    """Paired ratios, round by round."""
    yield "| ratio of answers per second | least – median – most |"
    yield "| --- | --- |"
    for ours in ("workshop page, warm", "workshop page, cold"):
        for floor in ("plain Django view", "bytes from WSGI"):
            paired = [
                a.per_second / b.per_second
                for a, b in zip(rounds[ours], rounds[floor], strict=True)
            ]
            yield f"| {ours} / {floor} | {spread(paired)} |"


def load_average() -> str:
    """How busy the machine is, for the reader to judge by."""
    return f"{os.getloadavg()[0]:.1f}"
