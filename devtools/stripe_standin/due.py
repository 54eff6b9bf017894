"""What falls due as the clock goes on, in the order of its moments.

When the clock jumps, everything in between happens one after the other, and each thing is
dated at its own moment.
"""

from devtools.stripe_standin import billing, checkout, checkout_payment, schedules
from devtools.stripe_standin.store import Store


def do_what_is_due(store: Store) -> None:
    """Expire sessions, settle bank debits, end, renew and charge subscriptions."""
    while True:
        # At one moment an end comes before a renewal: what ends is not billed once more.
        waiting = [
            *checkout.waiting(store),
            *checkout_payment.waiting(store),
            *schedules.waiting(store),
            *billing.waiting(store),
        ]
        now = store.clock.now()
        due = [each for each in waiting if each.at <= now]
        if not due:
            return
        first = min(due, key=lambda each: each.at)
        with store.clock.at(first.at):
            first.act()
