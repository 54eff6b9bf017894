"""Measure, and write docs/benchmarks.md: ``make bench``, or ``python -m bench seats race``.

A section is a function that measures and returns its lines. One that is measured alone leaves the
text of the others as it was, and each says when it was measured.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from types import FrameType

from bench import events, growth, pages, queries, race, seats
from bench.databases import Databases, NoPostgreSQL, temporary_databases
from bench.servers import PROJECT

SECTIONS: dict[str, tuple[str, Callable[[Databases], Iterable[str]]]] = {
    "queries": ("Queries of a public address that is not kept", queries.report),
    "pages": ("The workshop page", pages.report),
    "seats": ("Seats sold", seats.report),
    "events": ("What Stripe sends", events.report),
    "race": ("The last seats", race.report),
    "growth": ("A seat sold when there are many", growth.report),
}
FILE = PROJECT / "docs/benchmarks.md"
HEADING = "\n## "
HEAD = """\
# Benchmarks

Written by `make bench`, over loopback only. A figure alone says more about the machine than about
the site; the ratios, taken round by round in one run, say how the site compares.

{cores} cores, {system}, Python {python}, {versions}.
"""


def head() -> str:
    """On what it was measured."""
    names = ("Django", "wagtail", "granian", "psycopg")
    return HEAD.format(
        cores=os.cpu_count(),
        system=platform.system(),
        python=platform.python_version(),
        versions=", ".join(f"{name} {version(name)}" for name in names),
    )


def measured_before() -> dict[str, str]:
    """The text of each section as it is in the file, by its title."""
    if not FILE.exists():
        return {}
    _, *sections = FILE.read_text(encoding="utf-8").split(HEADING)
    return {text.partition("\n")[0]: text.partition("\n")[2].strip() for text in sections}


def write(texts: dict[str, str]) -> None:
    """The file, with the sections in their sequence; what is no section any more is left out."""
    titles = [title for title, _ in SECTIONS.values() if title in texts]
    parts = [f"{HEADING}{title}\n\n{texts[title]}\n" for title in titles]
    FILE.write_text(head() + "".join(parts), encoding="utf-8")


def measure(name: str, databases: Databases) -> str:
    """The text of one section."""
    begun, busy = time.strftime("%Y-%m-%d", time.gmtime()), os.getloadavg()[0]
    clock = time.monotonic()
    text = "\n".join(SECTIONS[name][1](databases))
    took = time.monotonic() - clock
    when = f"{begun}, in {took:.0f} seconds; load of the machine when it began: {busy:.1f}."
    return f"{when}\n\n{text}".strip()


def stop(_signal: int, _frame: FrameType | None) -> None:
    """Let whatever is running be ended on the way out."""
    sys.exit(143)


def chosen(arguments: list[str]) -> list[str]:
    """The sections that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m bench")
    # With choices, some Pythons would refuse an empty list.
    parser.add_argument("section", nargs="*", help=f"of {', '.join(SECTIONS)}; all by default")
    named: list[str] = parser.parse_args(arguments).section
    if unknown := [name for name in named if name not in SECTIONS]:
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    return named or list(SECTIONS)


def main(arguments: list[str]) -> None:
    """Measure what is named, or everything, and write each down as soon as it is there."""
    names = chosen(arguments)
    signal.signal(signal.SIGTERM, stop)
    texts = measured_before()
    with (
        tempfile.TemporaryDirectory(prefix="practice-bench-") as folder,
        temporary_databases(Path(folder)) as databases,
    ):
        for name in names:
            title = SECTIONS[name][0]
            try:
                texts[title] = measure(name, databases)
            except NoPostgreSQL as missing:
                print(f"{title}: not measured. {missing}", file=sys.stderr)
                continue
            print(f"{HEADING}{title}\n\n{texts[title]}", flush=True)
            write(texts)


if __name__ == "__main__":
    main(sys.argv[1:])
