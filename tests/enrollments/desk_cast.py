"""The five who come to the desks of the admin, each with a browser, and what they find there."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from itertools import count
from uuid import UUID, uuid4

from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from enrollments.models import (
    BundleAccess,
    CheckoutAttempt,
    Dispute,
    Enrollment,
    Order,
    OrderLine,
    Payment,
    Quarter,
    Refund,
    StripeEvent,
)
from tests.factories.enrollments import (
    bundle,
    make_access,
    make_member,
    make_place,
    make_price,
    make_quarter,
)

MODELS = (
    "quarter",
    "meeting",
    "enrollment",
    "order",
    "refund",
    "dispute",
    "bundleaccess",
    "bundleprice",
    "stripeevent",
)
SIGN_IN = "/account/login/"

# Numbers of orders without a letter in them: a search for a name never meets one by chance.
_numbers = (UUID(f"{number}{0:024}") for number in count(10_000_000))


def make_staff(email: str, *codenames: str) -> User:
    """Somebody who may enter the admin, and do what ``codenames`` say."""
    user = User.objects.create_user(email, is_staff=True)
    permissions = Permission.objects.filter(codename__in=["access_admin", *codenames])
    assert permissions.count() == len(codenames) + 1
    user.user_permissions.set(permissions)
    return user


def browser_of(user: User | None) -> Client:
    """A browser in which ``user``, if any, is signed in."""
    client = Client()
    if user:
        client.force_login(user)
    return client


def make_person(role: str) -> User | None:
    """``owner``, ``viewer``, ``staff`` without permissions, ``member`` or ``visitor``."""
    if role == "owner":
        return User.objects.create_superuser("owner@example.org")
    if role == "viewer":
        return make_staff("viewer@example.org", *(f"view_{model}" for model in MODELS))
    if role == "staff":
        return make_staff("other@example.org")
    return User.objects.create_user("member@example.org") if role == "member" else None


def outcome(response) -> str:
    """``page``, ``denied`` (back to the admin's home), ``sign in``, or whatever else it is."""
    if response.status_code == 302 and response.url == "/staff/":
        return "denied"
    if response.status_code == 302 and response.url.startswith(SIGN_IN):
        return "sign in"
    return "page" if response.status_code == 200 else f"{response.status_code}"


MOMENT = datetime(2026, 11, 20, 15, tzinfo=UTC)


def make_order(quarter: Quarter, name: str = "Ann", **changes) -> Order:
    """A paid order of a member, with its attempt, payment, place and access."""
    email = f"{name.lower()}@example.org"
    member = make_member(email, chosen_name=name)
    order = Order.objects.create(
        **{
            "uuid": next(_numbers),
            "member": member,
            "email": email,
            "chosen_name": name,
            "state": "paid",
            "currency": "usd",
            "created_at": MOMENT,
            "paid_at": MOMENT,
        }
        | changes
    )
    line = OrderLine.objects.create(
        order=order,
        quarter=quarter,
        discreet_name="Saturday course",
        unit_price_cents=60_000,
        paid_cents=60_000,
    )
    attempt = CheckoutAttempt.objects.create(
        order=order,
        number=1,
        session_id=f"cs_test_{name}",
        fingerprint="x",
        created_at=MOMENT,
        expires_at=MOMENT,
        state="complete",
    )
    Payment.objects.create(
        order=order,
        attempt=attempt,
        payment_intent_id=f"pi_{name}",
        amount_cents=60_000,
        currency="usd",
        received_at=MOMENT,
    )
    place = make_place(quarter, member, line=line, created_at=MOMENT)
    make_access(member, enrollment=place)
    return order


def make_refund(order: Order, **changes) -> Refund:
    """$50 of an order's first line, given back by the site."""
    return Refund.objects.create(
        **{
            "order": order,
            "payment": order.payments.first(),
            "line": order.lines.first(),
            "stripe_id": f"re_{uuid4().hex[:8]}",
            "amount_cents": 5_000,
            "currency": order.currency,
            "state": "succeeded",
            "reason": "asked",
            "note": "She wrote on Monday.",
            "requested_at": MOMENT + timedelta(hours=1),
            "settled_at": MOMENT + timedelta(hours=2),
        }
        | changes
    )


def make_dispute(order: Order, **changes) -> Dispute:
    """The order's payment, disputed an hour after it was made."""
    return Dispute.objects.create(
        **{
            "stripe_id": f"du_{uuid4().hex[:8]}",
            "order": order,
            "payment": order.payments.first(),
            "amount_cents": 60_000,
            "currency": order.currency,
            "reason": "product_not_received",
            "status": "needs_response",
            "evidence_due_by": MOMENT + timedelta(days=9),
            "opened_at": MOMENT + timedelta(hours=3),
            "changed_at": MOMENT + timedelta(hours=3),
        }
        | changes
    )


def make_event(number: int = 1, **changes) -> StripeEvent:
    """Something that Stripe has told us."""
    return StripeEvent.objects.create(
        **{
            "id": f"evt_{number}",
            "type": "checkout.session.completed",
            "object_id": f"cs_{number}",
            "created": MOMENT,
            "livemode": False,
            "api_version": "2026-10-01",
            "outcome": "done",
        }
        | changes
    )


def one_row_at_every_desk() -> dict[str, int | str]:
    """The key of one row at every desk, by model."""
    quarter = make_quarter()
    order = make_order(quarter)
    return {
        "quarter": quarter.pk,
        "meeting": quarter.meetings.first().pk,
        "enrollment": Enrollment.objects.get().pk,
        "order": order.pk,
        "refund": make_refund(order).pk,
        "dispute": make_dispute(order).pk,
        "bundleaccess": BundleAccess.objects.get().pk,
        "bundleprice": make_price().pk,
        "stripeevent": make_event().pk.replace("_", "_5F"),
    }


def address(model: str, action: str = "", key: object = "") -> str:
    """Where a desk, or something to do at it, is found."""
    parts = [part for part in (model, action, str(key)) if part]
    return "/".join(["/staff/enrollments", *parts, ""])


def text_of(client: Client, url: str) -> str:
    """What a page says, without its markup."""
    page = client.get(url).content.decode()
    main = page[page.index("<main") :] if "<main" in page else page
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())


# --- giving money back ---------------------------------------------------------------------

MAY_ASK = ("view_order", "view_refund", "add_refund")
FORM_ID = "0b8f4d0e-6f0c-4d3a-9a53-3d1a3f0f2b11"


def refund_page(order: Order) -> str:
    """Where money of ``order`` is given back."""
    return address("order", "refund", order.pk)


def answers(**changes) -> dict[str, object]:
    """The form for all $600, as the page offers it."""
    return {
        "form_id": FORM_ID,
        "shown_cents": 60_000,
        "how_much": "whole",
        "amount": "",
        "reason": "asked",
        "note": "",
        "ends": "at_once",
        "last_day": "",
    } | changes


def mistakes(response) -> dict[str, list[str]]:
    """What the form on a page says is wrong, by field."""
    return {name: list(errors) for name, errors in response.context["form"].errors.items()}


def with_bundle(order: Order) -> Order:
    """The same order with the bundle in it, paid for at once."""
    OrderLine.objects.create(
        order=order,
        bundle=bundle(),
        discreet_name="Video course",
        unit_price_cents=29_700,
        paid_cents=29_700,
    )
    order.payments.update(amount_cents=89_700)
    return order


def proposed(order: Order, by) -> Refund:
    """$200 that wait for a second person."""
    return make_refund(
        order,
        state="proposed",
        requested_by=by,
        stripe_id=None,
        settled_at=None,
        amount_cents=20_000,
    )
