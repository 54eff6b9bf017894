"""Words that must not be read over a member's shoulder.

Owns the one list, for everything that leaves the public pages: discreet names, statement lines,
subjects of letters, titles of the member area. Public pages may name things plainly, except in
their addresses, which stay in the history of a shared browser.
"""

from __future__ import annotations

from typing import Final

from django.core.exceptions import ValidationError

LEAK_WORDS: Final = (
    "addict",
    "sex",
    "betray",
    "partner",
    "heartbreak",
    "therap",
    "recovery",
    "porn",
)
# The practice's own program is called Facing Heartbreak, and its address may say so.
WORDS_ALLOWED_IN_ADDRESSES: Final = frozenset({"heartbreak"})
# Places and names that hold one of the words by accident.
INNOCENT_WORDS: Final = ("essex", "sussex", "wessex", "middlesex", "sextant", "sextet")
INVISIBLE: Final = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))


def leak_words_in(text: str) -> list[str]:
    """The words of the list that ``text`` holds, also inside longer words, in the list's order."""
    plain = text.translate(INVISIBLE).casefold()
    for innocent in INNOCENT_WORDS:
        plain = plain.replace(innocent, "")
    return [word for word in LEAK_WORDS if word in plain]


def validate_discreet(value: str) -> None:
    """Accept a name that gives nothing away.

    Raises:
        ValidationError: ``value`` holds a word that says what the program is about.
    """
    if leaks := leak_words_in(value):
        raise ValidationError(
            "This is read in letters, on bank statements and on locked screens. "
            "Please leave out: %(words)s.",
            code="not_discreet",
            params={"words": ", ".join(leaks)},
        )


def validate_discreet_address(value: str) -> None:
    """Accept a part of a page's address that gives little away.

    Raises:
        ValidationError: ``value`` holds a clinical word.
    """
    leaks = [word for word in leak_words_in(value) if word not in WORDS_ALLOWED_IN_ADDRESSES]
    if leaks:
        raise ValidationError(
            "The address of a page stays in the history of the browser. "
            "Please leave out: %(words)s.",
            code="not_discreet",
            params={"words": ", ".join(leaks)},
        )
