"""A person's address: changed in one place, followed by everything that carries it.

The mailbox that was hers may be why she changes it, so nothing is written there and nothing there
is worth anything any more: no code, no link, no session. An order keeps what was typed as history;
its letters go to what its member has now (``Order.address``). Stripe, which writes to whoever pays
month by month, is told by ``plans.settle_plans``.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.models import User, normalized_email
from accounts.operations import move_account
from enrollments.models import Order, PaymentPlan
from enrollments.operations import waitlist


@transaction.atomic
def change_address(*, member_id: int, email: str, now: datetime) -> User:
    """The person, under another address. The same one again changes nothing.

    What was begun under the old one and is not hers yet becomes hers: an order that is paid later
    must not open an account for the old mailbox.

    Raises:
        accounts.errors.AddressTaken: somebody else has it.
    """
    member = User.objects.get(pk=member_id)
    old, new = member.email, normalized_email(email)
    if old == new:
        return member
    waitlist.follow_address(old=old, new=new, now=now)
    Order.objects.filter(member=None, email=old).update(member=member)
    PaymentPlan.objects.under_way().filter(order__member=member).update(has_old_address=True)
    return move_account(member_id=member_id, email=new)
