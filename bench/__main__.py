"""Measure everything and write docs/benchmarks.md: ``make bench``."""

from __future__ import annotations

import os
import platform
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench import pages, queries
from bench.load import need_wrk
from bench.servers import PROJECT, prepare


def head() -> list[str]:
    """What was measured, when and on what."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("Django", "wagtail", "granian"))
    return [
        "# Benchmarks",
        "",
        "Written by `make bench`. Ratios within one run say more than any figure alone.",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"{versions}; load when it began {pages.load_average()}.",
        "",
    ]


def main() -> None:
    """Print each section as it is measured, then write them all down."""
    need_wrk()
    with tempfile.TemporaryDirectory(prefix="practice-bench-") as folder:
        var = Path(folder)
        prepare(var)
        lines = head()
        lines += queries.report(var)
        lines += pages.report(var)
    text = "\n".join(lines).rstrip() + "\n"
    print(text)
    (PROJECT / "docs/benchmarks.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
