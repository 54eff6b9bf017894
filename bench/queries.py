"""How many queries each public page costs when nothing is kept, and when it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bench.servers import PROJECT, environment

PROGRAM = """
import django; django.setup()
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from wagtail.models import Page
client = Client()
client.get("/healthz")
for page in Page.objects.live().filter(depth__gt=1).specific():
    if getattr(page, "has_own_address", True):
        client.get(page.url)
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(page.url)
        print(f"| `{page.url}` | {len(queries)} | {len(answer.content):,} |")
"""


def report(var: Path) -> list[str]:
    """The section of docs/benchmarks.md about queries, line by line."""
    measured = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        check=True,
        cwd=PROJECT,
        env=environment(var),
        capture_output=True,
        text=True,
    )
    return [
        "## Queries of a public page that is not kept",
        "",
        "A kept page costs none.",
        "",
        "| page | queries | bytes |",
        "| --- | --- | --- |",
        *measured.stdout.splitlines(),
        "",
    ]
