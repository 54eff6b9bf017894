"""What a page tells whoever reads it, its source or its addresses."""

from __future__ import annotations

import re

from django.http import HttpResponse

# Random by design: three letters of it may spell anything.
TOKENS = re.compile(r'<input type="hidden"[^>]*>')
# Folded away on every page, whoever reads it, and called by their own names.
CRISIS_LINES = re.compile(r'<div class="crisis">.*?</div>', re.DOTALL)


def told_by(page: HttpResponse) -> str:
    """The page's source without its random tokens and the crisis lines."""
    return CRISIS_LINES.sub("", TOKENS.sub("", page.content.decode()))
