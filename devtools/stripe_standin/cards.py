"""The card numbers the hosted page knows, and what each of them does."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Card:
    """A test card; ``error_code`` is empty when it pays while the buyer is there.

    ``later_error_code`` is what a charge without the buyer runs into, empty when it pays.
    """

    brand: str
    error_code: str = ""
    decline_code: str = ""
    asks_for_authentication: bool = False
    later_error_code: str = ""


class UnknownCard(ValueError):
    """A number that is not one of the test cards."""


CARDS = {
    "4242424242424242": Card("visa"),
    "5555555555554444": Card("mastercard"),
    "4000000000000002": Card("visa", "card_declined", "generic_decline"),
    "4000000000009995": Card("visa", "card_declined", "insufficient_funds"),
    "4000002500003155": Card("visa", asks_for_authentication=True),
    "4000002760003184": Card(
        "visa", asks_for_authentication=True, later_error_code="authentication_required"
    ),
    "4000000000000341": Card("visa", later_error_code="card_declined"),
}
MESSAGES = {
    "card_declined": "Your card was declined.",
    "authentication_required": "Your card was declined. It requires authentication.",
    "insufficient_funds": "Your card has insufficient funds.",
    "payment_intent_authentication_failure": (
        "We are unable to authenticate your payment method. "
        "Please choose a different payment method and try again."
    ),
}


def card_for(number: str) -> tuple[str, Card]:
    """The digits typed and the card they belong to.

    Raises:
        UnknownCard: it is not one of the test cards.
    """
    digits = number.replace(" ", "").replace("-", "")
    if digits not in CARDS:
        raise UnknownCard
    return digits, CARDS[digits]
