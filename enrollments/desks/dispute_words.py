"""Stripe's words for the status of a dispute, as staff read them, and what each asks of staff."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Status:
    """``name`` for lists; ``meaning`` and ``task`` for its page."""

    name: str
    meaning: str
    task: str


WAIT = "There is nothing to do but wait; Stripe tells the site when the bank has decided."
STATUSES = {
    "warning_needs_response": Status(
        name="The bank asks",
        meaning="Her bank asks about this payment. No money was moved.",
        task="Answer with evidence before the day below, or talk to her and give the money back: "
        "either can keep it from becoming a dispute.",
    ),
    "warning_under_review": Status(
        name="Answer sent",
        meaning="Her bank asked about this payment and reads the answer. No money was moved.",
        task=WAIT,
    ),
    "warning_closed": Status(
        name="The question is over",
        meaning="The bank's question did not become a dispute. The payment stands.",
        task="There is nothing to do.",
    ),
    "needs_response": Status(
        name="Waits for an answer",
        meaning="Her bank took the payment back for now, and a fee. Nothing can be given back "
        "here meanwhile: she would have the money twice.",
        task="Send evidence before the day below. Without an answer the bank decides for her. If "
        "she is right, accept the dispute in Stripe.",
    ),
    "under_review": Status(
        name="The bank decides",
        meaning="The evidence is with her bank. That can take two or three months.",
        task=WAIT,
    ),
    "won": Status(
        name="Decided for the practice",
        meaning="The bank gave the payment back to the practice. Her place stands.",
        task="There is nothing to do.",
    ),
    "lost": Status(
        name="Decided for her",
        meaning="The bank kept the payment for her. What it paid for has ended.",
        task="Nothing can be given back any more. Look at the order, then mark it as dealt with.",
    ),
    "prevented": Status(
        name="Settled before it began",
        meaning="The dispute was settled before it became one, most often by giving the money "
        "back.",
        task="See in Stripe whether money was given back, and whether her place should end. Then "
        "mark the order as dealt with.",
    ),
    "appeal_needs_response": Status(
        name="Appeal: waits for an answer",
        meaning="The decision is being appealed, and an answer is wanted.",
        task="Answer in Stripe's dashboard before the day below.",
    ),
    "appeal_under_review": Status(
        name="Appeal: the bank decides",
        meaning="The decision is being appealed, and the bank looks at it again.",
        task=WAIT,
    ),
}


def status_of(word: str) -> Status:
    """What staff read about Stripe's ``word``; of one that is new, that it is."""
    unknown = Status(
        name=word.replace("_", " ").capitalize(),
        meaning=f"Stripe calls this “{word}”, which is new here. Nothing was taken from her, and "
        "no money is given back from here meanwhile.",
        task="Look at the dispute in Stripe.",
    )
    return STATUSES.get(word, unknown)


def status_in_words(word: str) -> str:
    """The name alone."""
    return status_of(word).name
