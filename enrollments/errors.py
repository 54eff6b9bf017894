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


class NoVideosYet(NotForSale):
    sentence = "This cannot be bought yet: its videos are not here. Nothing was charged."


class AlreadyEnrolled(Refusal):
    """Said only to a member who is signed in, because it tells that she has a place."""

    sentence = "You already have a place in these dates. There is nothing more to pay."


class AlreadyUnlocked(Refusal):
    """Said only to a member who is signed in, because it tells what she has bought."""

    sentence = "This is already unlocked for you. There is nothing more to pay."


class PriceChanged(Refusal):
    """Between the look at the page and the lock; the next look says what is different."""

    sentence = "The price changed at this moment. Nothing was charged. Please look at it again."


class OrderNotPayable(Refusal):
    sentence = "This order can no longer be paid. Please start again. Nothing was charged."


class OrderBusy(Refusal):
    sentence = (
        "This order is being changed in another window. Nothing was charged. Please try again."
    )


class CodeNotUsable(Refusal):
    """Wrong, over, used up or for something else: said alike, so that nothing can be guessed."""

    sentence = "That code cannot be used here. Check it, or go on without it."


class CodeWithPlan(Refusal):
    sentence = (
        "A code cannot be used with monthly payments. Choose to pay at once, or go on without "
        "the code."
    )


class TooManyTries(Refusal):
    sentence = (
        "That is more tries than usual from here. Nothing was charged. Wait an hour, or write "
        "to us."
    )


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


class BeginsBeforeEnrollmentOpens(Refusal):
    """Said to staff."""

    sentence = (
        "The group would begin before enrollment opens. Let enrollment open earlier first, on the "
        "quarter's page. Nothing was changed."
    )


class QuarterInUse(Refusal):
    sentence = "Somebody has enrolled in this quarter, or begun to. It can no longer be deleted."


class StillUndecided(Refusal):
    """Said to staff."""

    sentence = (
        "Her account is closed and what she paid for waits: open the account, or give the money "
        "back. Until then the order stays on the list."
    )


class MoneyFirst(Refusal):
    """Said to staff."""

    sentence = "Money was paid for this order. Give it back: the order ends with that."


class UnknownPayment(Exception):
    """A refund, dispute or warning about no payment of ours."""


class NothingLeftToRefund(Refusal):
    """Said to staff."""

    sentence = "That is more than is left of what was paid for it. Nothing was given back."


class PaymentDisputed(Refusal):
    """Said to staff."""

    sentence = "The bank is looking at this payment, so it cannot be given back here."


class RefundRefused(Refusal):
    """Said to staff."""

    sentence = "Stripe refused this refund. Nothing was given back, and nothing else was changed."


class RefundNotWaiting(Refusal):
    """Said to staff."""

    sentence = "This refund no longer waits for anybody. Nothing was changed."


class OwnProposal(Refusal):
    """Said to staff."""

    sentence = "A second person has to approve this refund. Nothing was changed."


class NothingConfirmed(Refusal):
    """Said to staff."""

    sentence = "Confirm at least one part. Nothing was sent."


class EvidenceChanged(Refusal):
    """Said to staff."""

    sentence = "Something in it changed while you read. Nothing was sent: please read it again."


class EvidenceTooLate(Refusal):
    """Said to staff."""

    sentence = "The bank takes no evidence now: it has some already, or it has decided."


class EvidenceRefused(Refusal):
    """Said to staff."""

    sentence = "Stripe refused the evidence. Nothing was sent; look at the dispute in Stripe."


class UnknownPlan(Exception):
    """An invoice, a subscription, a schedule or a customer of no plan of ours."""


class PlanNotOverdue(Refusal):
    """Said to staff."""

    sentence = "This plan is not waiting for anything any more. Nothing was changed."


class SeatsAreFree(Refusal):
    """Nobody has to wait: she can enroll."""

    sentence = "A place has just come free. You can take it now, without waiting."


class OfferOver(Refusal):
    sentence = "This place is no longer kept for you. Nothing was charged."


class NoSeatToOffer(Refusal):
    """Said to staff."""

    sentence = "Every seat is taken or kept, so there is none to offer."


class OthersComeFirst(Refusal):
    """Said to staff."""

    sentence = "Others have waited longer. Seats are offered in the order of the list."


class NotInLine(Refusal):
    """Said to staff."""

    sentence = "She is not waiting any more. Nothing was changed."


class EmailNotWaiting(Refusal):
    """Said to staff."""

    sentence = (
        "This email was sent, is not needed any more, or is being sent at this moment. "
        "Nothing was changed."
    )


class CannotMove(Refusal):
    """Said to staff."""

    sentence = "Only somebody who is enrolled can be moved. Nothing was changed."


class StillPaying(CannotMove):
    """Said to staff."""

    sentence = "This place is still being paid for. It can be moved once that is done."


class CannotMoveThere(Refusal):
    """Said to staff."""

    sentence = (
        "Nobody can be moved to that quarter: it has begun, is over, cancelled or still a draft, "
        "or belongs to another workshop."
    )


class AlreadyThere(Refusal):
    """Said to staff."""

    sentence = "She has a place in that quarter already. Nothing was changed."


class NoSeatThere(Refusal):
    """Said to staff."""

    sentence = "No seat is free there. Nothing was changed."


class SomebodyWaitsThere(NoSeatThere):
    """Said to staff."""

    sentence = "Somebody waits for a seat there, and comes first. Nothing was changed."


class MoveNotUndoable(Refusal):
    """Said to staff."""

    sentence = "There is no move to undo. Nothing was changed."


class MoveTooOld(MoveNotUndoable):
    """Said to staff."""

    sentence = "More than a day has passed since the move. You can move her again instead."


class HasGoneOn(MoveNotUndoable):
    """Said to staff."""

    sentence = "She no longer has the place that she was moved to. Nothing was changed."


class NothingToComeBackTo(MoveNotUndoable):
    """Said to staff."""

    sentence = "Her earlier group has begun, or will not meet, so she cannot go back to it."


class NoPlaceToLeave(Refusal):
    sentence = "This place has ended already. Nothing was changed."


class QuarterNotCancellable(Refusal):
    """Said to staff."""

    sentence = "This quarter is over, so there is nothing to cancel."
