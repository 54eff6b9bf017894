"""Small words of presentation for templates: no query, no business rule."""

from __future__ import annotations

from django import template

register = template.Library()


@register.filter
def dollars(cents: int) -> str:
    """An amount of US cents as people write it: 49900 becomes "$499", 49950 "$499.50"."""
    whole, rest = divmod(cents, 100)
    return f"${whole:,}.{rest:02d}" if rest else f"${whole:,}"
