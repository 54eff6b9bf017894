"""From the words of the file to what fields hold."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any


def paragraph(text: str) -> str:
    """One paragraph of rich text."""
    return f"<p>{escape(text, quote=False)}</p>"


def bullets(items: Iterable[str]) -> str:
    """A list in rich text."""
    return f"<ul>{''.join(f'<li>{escape(item, quote=False)}</li>' for item in items)}</ul>"


def lines(items: Iterable[dict[str, Any]]) -> list[tuple[str, str]]:
    """Children of a stream of lines."""
    return [("line", item["text"]) for item in items]


def story(blocks: Iterable[dict[str, Any]]) -> list[tuple[str, Any]]:
    """Children of the free part of a page."""
    return [
        ("text", block["text"]) if "text" in block else ("crisis_panel", None) for block in blocks
    ]


def with_suggestion(item: dict[str, Any]) -> str:
    """The note for editors of a week or a lesson."""
    notes = [item["editorial_note"]] if "editorial_note" in item else []
    if suggestion := item.get("suggested_title"):
        notes.append(f"Another wording for the title: “{suggestion}”. Put it into “Display title”.")
    return "\n".join(notes)


def is_inferred(item: dict[str, Any]) -> bool:
    """Whether the file says that this was worked out."""
    return item.get("origin") == "inferred"
