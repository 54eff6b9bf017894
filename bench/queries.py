"""How many queries each public page costs when it is not kept, and how long it is."""

from __future__ import annotations

from collections.abc import Iterator

from bench.databases import SQLITE, Databases, run_in

# In a process of its own, because Django is set up once for one database.
PROGRAM = """
import brotli, django; django.setup()
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from wagtail.models import Page
client = Client()
pages = Page.objects.live().filter(depth__gt=1).order_by("path")
for address in [*(page.url for page in pages), "/sitemap.xml", "/robots.txt", "/nothing-here/"]:
    client.get(address)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(address)
    if answer.status_code in (200, 404):
        packed = len(brotli.compress(answer.content, quality=5))
        print(f"| `{address}` | {len(queries)} | {len(answer.content):,} | {packed:,} |")
"""


def report(databases: Databases) -> Iterator[str]:
    """The section about queries, line by line."""
    measured = run_in(databases.new(SQLITE), "-c", PROGRAM)
    yield "Asked for the second time in one process. A kept one costs none."
    yield ""
    yield "| address | queries | bytes | packed |"
    yield "| --- | --- | --- | --- |"
    yield from measured.splitlines()
