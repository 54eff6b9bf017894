"""Reasons to refuse, named by the situation. Each carries a sentence fit for anybody to read."""

from __future__ import annotations


class Refusal(Exception):
    """Something a person asked for cannot be done; nothing was changed."""

    sentence = "That is not possible right now. Nothing was changed."


class QuarterNotOpenYet(Refusal):
    sentence = "Enrollment has not opened yet. Nothing was charged."


class QuarterClosed(Refusal):
    sentence = "Enrollment for these dates is closed. Nothing was charged."


class QuarterFull(Refusal):
    sentence = "The last place was just taken. Nothing was charged."


class WorkshopHasNoWeeks(Refusal):
    sentence = "This workshop has no published weeks yet, so its meetings cannot be planned."


class NotForSale(Refusal):
    sentence = "This cannot be bought at the moment. Nothing was charged."


class AlreadyEnrolled(Refusal):
    """Said only to a member who is signed in, because it tells that she has a place."""

    sentence = "You already have a place in these dates. There is nothing more to pay."


class AlreadyUnlocked(Refusal):
    """Said only to a member who is signed in, because it tells what she has bought."""

    sentence = "This is already unlocked for you. There is nothing more to pay."


class OrderNotPayable(Refusal):
    sentence = "This order can no longer be paid. Please start again. Nothing was charged."


class UnknownCheckout(Exception):
    """A Checkout Session that no order of ours asked for."""


class NotReadyToOpen(Refusal):
    """Said to staff: ``reasons`` lists everything that is missing, a sentence each."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = reasons
        self.sentence = " ".join(reasons)


class EnrollmentNotOpen(Refusal):
    sentence = "Enrollment is not open, so there is nothing to close."


class TooFewSeats(Refusal):
    """Said to staff: fewer seats than the highest number that somebody has."""

    def __init__(self, highest: int) -> None:
        super().__init__(highest)
        self.sentence = f"Seat {highest} is taken, so there must be at least {highest} seats."


class QuarterInUse(Refusal):
    sentence = "Somebody has enrolled in this quarter, or begun to. It can no longer be deleted."
