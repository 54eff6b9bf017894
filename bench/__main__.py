"""Measure everything and write docs/benchmarks.md: ``make bench``.

Each section is a function that measures and returns its lines; a new one is added to ``SECTIONS``.
"""

from __future__ import annotations

import os
import platform
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from bench import client, pages, queries
from bench.servers import PROJECT, prepare

SECTIONS = (queries.report, pages.report)
HEAD = """\
# Benchmarks

Written by `make bench`, over loopback only. A figure alone says more about the machine than about
the site; the ratios, taken round by round in one run, say how the site compares.

{day}: {cores} cores, {system}, Python {python}, {versions};
asked by {client}; load of the machine when it began: {load:.1f}.
"""


def head() -> str:
    """When it was measured, and on what."""
    names = ("Django", "wagtail", "granian")
    return HEAD.format(
        day=time.strftime("%Y-%m-%d", time.gmtime()),
        cores=os.cpu_count(),
        system=platform.system(),
        python=platform.python_version(),
        versions=", ".join(f"{name} {version(name)}" for name in names),
        client=client.name(),
        load=os.getloadavg()[0],
    )


def main() -> None:
    """Measure each section, then write all of them down."""
    client.install_wrk()
    with tempfile.TemporaryDirectory(prefix="practice-bench-") as folder:
        text = head()
        prepare(Path(folder))
        for section in SECTIONS:
            text += "\n" + "\n".join(section(Path(folder))) + "\n"
    print(text)
    (PROJECT / "docs/benchmarks.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
