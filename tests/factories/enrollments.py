"""Quarters, orders and people who buy, on top of the loaded content."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

from django.utils import timezone

from accounts.models import User
from enrollments.models import (
    BundleAccess,
    BundlePrice,
    Enrollment,
    HelpCode,
    Quarter,
    WaitlistEntry,
)
from enrollments.operations.checkout import Buyer
from enrollments.operations.quarters import create_quarter
from programs.models import BundlePage, WorkshopPage


def workshop() -> WorkshopPage:
    """The practice's workshop, as loaded."""
    return WorkshopPage.objects.get(key="facing-heartbreak")


def bundle() -> BundlePage:
    """The practice's bundle, as loaded."""
    return BundlePage.objects.get(key="am-i-a-sex-addict")


def make_quarter(**changes: Any) -> Quarter:
    """An open quarter of ten seats at $600, from Saturday 9 January 2027."""
    state = changes.pop("state", Quarter.State.OPEN)
    quarter = create_quarter(
        **{
            "workshop": workshop(),
            "label": "Winter 2027",
            "slug": f"winter-{uuid4().hex[:8]}",
            "first_date": date(2027, 1, 9),
            "opens_at": datetime(2026, 11, 1, tzinfo=UTC),
            "capacity": 10,
            "price_cents": 60_000,
        }
        | changes
    )
    quarter.state = state
    quarter.save(update_fields=["state"])
    return quarter


def make_price(**changes: Any) -> BundlePrice:
    """The bundle on sale at $297."""
    price, _ = BundlePrice.objects.update_or_create(
        bundle=changes.pop("bundle", None) or bundle(),
        defaults={"price_cents": 29_700, "currency": "usd", "on_sale": True} | changes,
    )
    return price


def make_member(email: str = "ann@example.org", **fields: Any) -> User:
    """A person with an account."""
    return User.objects.create_user(email, **({"chosen_name": "Ann"} | fields))


def make_buyer(email: str = "ann@example.org", **changes: Any) -> Buyer:
    """A visitor who has filled in the form."""
    return Buyer(**({"chosen_name": "Ann", "email": email, "form_id": uuid4()} | changes))


def make_place(quarter: Quarter, member: User, **changes: Any) -> Enrollment:
    """A paid place of ``member``, in the lowest free seat."""
    taken = quarter.enrollments.occupying().count()
    return Enrollment.objects.create(
        **{
            "quarter": quarter,
            "member": member,
            "seat_number": taken + 1,
            "state": Enrollment.State.ENROLLED,
            "created_at": quarter.opens_at,
        }
        | changes
    )


def make_access(member: User, **changes: Any) -> BundleAccess:
    """The bundle, unlocked for ``member``."""
    return BundleAccess.objects.create(
        **{"member": member, "bundle": bundle(), "granted_at": datetime(2026, 11, 1, tzinfo=UTC)}
        | changes
    )


def make_code(**changes: Any) -> HelpCode:
    """A code for a quarter of the price off, ten times; Stripe does not know it yet."""
    terms = {} if "amount_off_cents" in changes else {"percent_off": 25}
    return HelpCode.objects.create(
        **{
            "code": "QUIET25",
            "most_uses": 10,
            "created_at": datetime(2026, 11, 1, tzinfo=UTC),
        }
        | terms
        | changes
    )


def make_entry(quarter: Quarter, email: str = "zoe@example.org", **changes: Any) -> WaitlistEntry:
    """Somebody who has just begun to wait for a place."""
    return WaitlistEntry.objects.create(
        **{
            "quarter": quarter,
            "email": email,
            "chosen_name": email.partition("@")[0].title(),
            "joined_at": timezone.now(),
        }
        | changes
    )
