"""On an order that a closed account has paid for: opening the account, or letting the order go."""

from __future__ import annotations

from django.utils import timezone

from accounts.models import User
from enrollments.desks.base import AskFirstView
from enrollments.errors import MoneyFirst
from enrollments.models import Order
from enrollments.operations import closed_accounts

NOT_WAITING = "This order waits for nobody's account. Nothing was changed."


def may_open(order: Order, user: User) -> bool:
    """Whether ``user`` may open the account that paid for ``order``, and it waits for that."""
    return may_open_accounts(user) and closed_accounts.waits_for_staff(order)


def may_open_accounts(user: User) -> bool:
    """Whether ``user`` deals with orders, and with people's accounts."""
    return user.has_perms(["enrollments.change_order", "accounts.change_user"])


def may_let_go(order: Order, user: User) -> bool:
    """Whether ``user`` may end ``order``, for which nothing is left to give back."""
    is_kept = order.state == Order.State.CLOSED_ACCOUNT
    may_decide = user.has_perm("enrollments.change_order")
    return may_decide and is_kept and not closed_accounts.may_be_owed(order)


class OpenAccountView(AskFirstView):
    """Opens the account that paid for an order, and gives what waited for it."""

    button = "Open the account and go on"
    question = "Open the account?"
    done = "the account is open."

    def check_action_permitted(self, user: User) -> bool:
        return may_open_accounts(user)

    def reasons(self) -> list[str]:
        return [] if closed_accounts.waits_for_staff(self.instance) else [NOT_WAITING]

    def consequences(self) -> list[str]:
        follows = ["Its owner can sign in again, and sees whatever else is hers."]
        if self.instance.state == Order.State.CLOSED_ACCOUNT:
            follows += [
                "What this order paid for becomes hers now, and her receipt goes out.",
                "What is not to be had any more is given back by itself.",
            ]
        return follows

    def change(self) -> None:
        closed_accounts.open_and_go_on(
            order_id=self.instance.pk, by=self.request.user, now=timezone.now()
        )


class LetGoView(AskFirstView):
    """Ends an order of a closed account that cost nothing."""

    button = "Do not go on with it"
    question = "Let this order go?"
    consequence = (
        "The account stays closed. A place that is kept is free again, and whoever waits for it "
        "is offered it. A letter says that the order does not go ahead. This cannot be undone."
    )
    done = "let go."

    def check_action_permitted(self, user: User) -> bool:
        return bool(user.has_perm("enrollments.change_order"))

    def reasons(self) -> list[str]:
        if self.instance.state != Order.State.CLOSED_ACCOUNT:
            return [NOT_WAITING]
        return [MoneyFirst.sentence] if closed_accounts.may_be_owed(self.instance) else []

    def change(self) -> None:
        closed_accounts.let_go(order_id=self.instance.pk, by=self.request.user, now=timezone.now())
