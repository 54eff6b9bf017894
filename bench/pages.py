"""Public pages: the workshop page warm and cold against a plain Django view and against bytes."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack

from bench import client
from bench.databases import SQLITE, Databases
from bench.load import Round, interleaved, paired, spread
from bench.servers import serving

WORKSHOP = "/programs/facing-heartbreak/"
WARM, COLD = "workshop page, warm", "workshop page, cold"
VIEW, BYTES = "plain Django view", "bytes from WSGI"
TARGETS = {
    WARM: ("config.wsgi:application", WORKSHOP),
    COLD: ("config.wsgi:django_application", WORKSHOP),
    VIEW: ("bench.plain_site:application", "/"),
    BYTES: ("bench.raw_bytes:application", "/"),
}
PAIRS = ((WARM, VIEW), (WARM, BYTES), (COLD, VIEW), (WARM, COLD))
ROUNDS = 9
SECONDS = 2


def report(databases: Databases) -> Iterator[str]:
    """The section about the workshop page, line by line."""
    client.install_wrk()
    env = databases.new(SQLITE)
    with ExitStack() as stack:
        urls: dict[str, str] = {}
        for name, (target, path) in TARGETS.items():
            urls[name] = stack.enter_context(serving(target, path, env))
            # The others answer with as many bytes as the first, the workshop page, has.
            env = {"BENCH_PAGE_BYTES": str(page_bytes(urls[name])), **env}
        rounds = interleaved(urls, ROUNDS, SECONDS)
    yield f"{int(env['BENCH_PAGE_BYTES']):,} bytes, not packed; SQLite; granian with two workers of"
    yield f"four threads; {ROUNDS} interleaved rounds of {SECONDS} seconds; median (least to most)."
    yield f"Asked by {client.name()}."
    yield "Warm: from the page cache. Cold: rendered for each answer, the page cache left out."
    yield "Plain Django view: the default middleware around bytes made in advance."
    yield ""
    yield "| target | answers per second | median ms | 99 % ms | processor ms per answer |"
    yield "| --- | --- | --- | --- | --- |"
    for name, measured in rounds.items():
        yield f"| {name} | {' | '.join(cells(measured))} |"
    yield ""
    yield "| ratio | answers per second | processor time per answer |"
    yield "| --- | --- | --- |"
    for ours, theirs in PAIRS:
        faster = paired(rounds[ours], rounds[theirs], lambda each: each.asked.per_second)
        dearer = paired(rounds[ours], rounds[theirs], lambda each: each.cpu_ms)
        yield f"| {ours} / {theirs} | {faster} | {dearer} |"


def page_bytes(url: str) -> int:
    """How long the page at ``url`` is."""
    with urllib.request.urlopen(url) as answer:
        return len(answer.read())


def cells(measured: list[Round]) -> list[str]:
    """The figures of one target."""
    return [
        spread([each.asked.per_second for each in measured]),
        spread([each.asked.median_ms for each in measured]),
        spread([each.asked.slowest_percent_ms for each in measured]),
        spread([each.cpu_ms for each in measured]),
    ]
