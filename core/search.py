"""What staff type into search boxes, read in one way by every list, on every database.

Signs part words and mean nothing else, every word must occur, and what holds no word narrows
nothing: lists search while somebody is still typing, and a quotation mark may be the first sign.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Any, Final

from modelsearch.backends import database
from modelsearch.query import MATCH_ALL, And, Phrase, PlainText, SearchQuery

WORD: Final = re.compile(r"[^\W_]+")
QUOTES: Final = re.compile("[\"'\u2018\u2019\u201a\u201c\u201d\u201e\x00]+")
# Each word is one more condition; nobody types so many, and databases have limits.
MOST_WORDS: Final = 20


def words_of(typed: str) -> list[str]:
    """The words of a search in an index: letters and digits, parted by anything else."""
    return WORD.findall(unicodedata.normalize("NFC", typed))[:MOST_WORDS]


def terms_of(typed: str) -> list[str]:
    """The parts of a search in columns, such as an email address, without quotes around them."""
    found = [term for word in typed.split() if (term := QUOTES.sub("'", word).strip("'"))]
    return found[:MOST_WORDS]


def plain(query: str | SearchQuery) -> SearchQuery:
    """``query`` as words that must all occur; what was not typed by a person stays as it is."""
    if not _is_typed(query):
        return query
    words = words_of(_text_of(query))
    return PlainText(" ".join(words), operator="and") if words else MATCH_ALL


def _is_typed(query: Any) -> bool:
    if isinstance(query, And):
        return all(_is_typed(part) for part in query.subqueries)
    return isinstance(query, (str, PlainText, Phrase))


def _text_of(query: Any) -> str:
    if isinstance(query, And):
        return " ".join(_text_of(part) for part in query.subqueries)
    return query if isinstance(query, str) else str(query.query_string)


class ReadsPlainWords:
    """A search backend that is handed plain words only."""

    def _search(self, compiler: Any, query: Any, rows: Any, **options: Any) -> Any:
        return super()._search(compiler, plain(query), rows, **options)  # type: ignore[misc]


@cache
def _reader(kind: type) -> type:
    return type(kind.__name__, (ReadsPlainWords, kind), {})


def SearchBackend(params: dict[str, Any]) -> Any:  # noqa: N802 (the name that Wagtail looks for)
    """The search of the database in use, behind the one reader of what was typed."""
    kind: Any = type(database.SearchBackend(params))
    return _reader(kind)(params)
