"""What a form has shown, carried by the form itself: so a page can say what is different now.

A fact has a key and a text as people read it. Facts are signed: a page repeats nobody else's words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from django.core import signing

Facts = Mapping[str, str]

SALT = "enrollments.shown"
CHANGED = {
    "price": "The price is now {now}. It was {before} when you opened this page.",
    "monthly": "Paying monthly is now {now}. It was {before} when you opened this page.",
    "first": "The first meeting is now on {now}. It was on {before} when you opened this page.",
    "meetings": "There are now {now} meetings. There were {before} when you opened this page.",
    "lessons": "There are now {now} videos. There were {before} when you opened this page.",
    "included": "Included is now: {now}. When you opened this page it was: {before}.",
    "bundle": "You can now add: {now}. When you opened this page it was: {before}.",
}
GONE = {
    "monthly": "Monthly payments are no longer offered for these dates.",
    "bundle": "This can no longer be added: {before}.",
}
# A form that shows nothing, or was opened long ago: before the site was set up anew.
UNREADABLE = "Please look at this page once more before you go on."


def sealed(facts: Facts) -> str:
    """``facts`` for a hidden field."""
    return signing.dumps(dict(facts), salt=SALT)


def unsealed(text: str) -> Facts | None:
    """The facts that a form carries; None when it carries none that we have written."""
    try:
        return cast("Facts", signing.loads(text, salt=SALT))
    except signing.BadSignature:
        return None


def differences(text: str, now: Facts, keys: Iterable[str]) -> list[str]:
    """What is different now from what a form carries in ``text``, a sentence each.

    Only ``keys``: what somebody did not choose may change.
    """
    before = unsealed(text)
    if before is None:
        return [UNREADABLE]
    pairs = [(key, before.get(key, ""), now.get(key, "")) for key in keys]
    return [_sentence(key, old, new) for key, old, new in pairs if old != new]


def _sentence(key: str, before: str, now: str) -> str:
    kind = key.partition(":")[0]
    if not before:
        return UNREADABLE
    sentence = CHANGED[kind] if now else GONE.get(kind, UNREADABLE)
    return sentence.format(before=before, now=now)
