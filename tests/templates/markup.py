"""A page's source as a strict parser reads it."""

from __future__ import annotations

from justhtml import JustHTML


def read(source: str) -> JustHTML:
    """The whole document, with every mistake of its markup in ``errors``."""
    return JustHTML(source, sanitize=False, collect_errors=True)


def read_part(source: str) -> JustHTML:
    """A piece of a page."""
    return JustHTML(source, sanitize=False, fragment=True, collect_errors=True)
