"""Operations: plain tables without revisions, so that erasing a person is complete.

Amounts are integer minor units in columns named ``_cents``; times are aware.
States change only through ``enrollments.operations``.
"""

from enrollments.models.access import BundleAccess
from enrollments.models.bundle_price import BundlePrice
from enrollments.models.enrollment import Enrollment
from enrollments.models.inbox import StripeEvent
from enrollments.models.order import CheckoutAttempt, Order, OrderLine, Payment
from enrollments.models.quarter import Meeting, Quarter

__all__ = [
    "BundleAccess",
    "BundlePrice",
    "CheckoutAttempt",
    "Enrollment",
    "Meeting",
    "Order",
    "OrderLine",
    "Payment",
    "Quarter",
    "StripeEvent",
]
