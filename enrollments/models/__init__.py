"""Operations: plain tables without revisions, so that erasing a person is complete.

Amounts are integer minor units in columns named ``_cents``; times are aware.
States change only through ``enrollments.operations``.
"""

from enrollments.models.access import BundleAccess
from enrollments.models.bundle_price import BundlePrice
from enrollments.models.dispute import Dispute
from enrollments.models.enrollment import Enrollment
from enrollments.models.help_code import HelpCode
from enrollments.models.inbox import StripeEvent
from enrollments.models.installation import Installation
from enrollments.models.ledger import LedgerEntry
from enrollments.models.meeting_email import MeetingEmail
from enrollments.models.money_settings import MoneySettings
from enrollments.models.order import CheckoutAttempt, Order, OrderLine, Payment
from enrollments.models.plan import Instalment, PaymentPlan
from enrollments.models.quarter import Meeting, MeetingRoom, Phase, Quarter
from enrollments.models.reconciliation import Reconciliation
from enrollments.models.refund import Refund
from enrollments.models.waitlist import WaitlistEntry, WaitlistLetter

__all__ = [
    "BundleAccess",
    "BundlePrice",
    "CheckoutAttempt",
    "Dispute",
    "Enrollment",
    "HelpCode",
    "Installation",
    "Instalment",
    "LedgerEntry",
    "Meeting",
    "MeetingEmail",
    "MeetingRoom",
    "MoneySettings",
    "Order",
    "OrderLine",
    "Payment",
    "PaymentPlan",
    "Phase",
    "Quarter",
    "Reconciliation",
    "Refund",
    "StripeEvent",
    "WaitlistEntry",
    "WaitlistLetter",
]
