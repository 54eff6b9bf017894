"""The pages that tests read, and what a page tells whoever reads it or its source."""

from __future__ import annotations

import re

from django.http import HttpResponse

# Every public page of the loaded content that has an address of its own, but for the other weeks.
ADDRESSES = (
    "/",
    "/programs/",
    "/programs/facing-heartbreak/",
    "/programs/facing-heartbreak/week-4/",
    "/programs/am-i/",
    "/team/",
    "/team/charlene-lewis/",
    "/faq/",
    "/safety/",
    "/privacy/",
    "/terms/",
    "/refunds/",
    "/contact/",
)

# Random by design: three letters of it may spell anything.
TOKENS = re.compile(r'<input type="hidden"[^>]*>')
# Folded away on every page, whoever reads it, and called by their own names.
CRISIS_LINES = re.compile(r'<div class="crisis">.*?</div>', re.DOTALL)


def told_by(page: HttpResponse) -> str:
    """The page's source without its random tokens and the crisis lines."""
    return CRISIS_LINES.sub("", TOKENS.sub("", page.content.decode()))


def carried_by(page) -> dict[str, str]:
    """What an order form carries unseen: its number, and what the page has shown."""
    fields = re.findall(
        r'<input type="hidden" name="(form_id|seen|shown)"(?: value="([^"]*)")?',
        page.content.decode(),
    )
    return dict(fields)
