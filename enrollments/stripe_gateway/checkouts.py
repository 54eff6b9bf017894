"""Checkout Sessions: the pages on which orders are paid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import stripe

from enrollments.stripe_gateway.client import GatewayRefused, ask, client, id_of

if TYPE_CHECKING:
    from stripe.params.checkout import (
        SessionCreateParams,
        SessionCreateParamsLineItem,
        SessionCreateParamsLineItemPriceData,
        SessionListParams,
    )

EXPANDED = ["payment_intent", "line_items", "invoice.payments"]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One thing to pay, under the name that the payment page and the receipt show.

    ``is_monthly``: the amount is one instalment, asked for again each month.
    """

    discreet_name: str
    unit_price_cents: int
    is_monthly: bool = False


@dataclass(frozen=True, kw_only=True)
class CheckoutRequest:
    """A Checkout Session to be made. ``success_url`` holds ``{CHECKOUT_SESSION_ID}``.

    With a monthly line it begins a subscription, whose end is set once it is paid.
    """

    order_reference: str
    attempt_number: int
    installation_code: str
    lines: Sequence[Line]
    currency: str
    email: str
    success_url: str
    cancel_url: str
    expires_at: datetime
    promotion_code_id: str = ""
    customer_id: str = ""

    @property
    def mode(self) -> str:
        """``subscription`` when something is paid month by month, else ``payment``."""
        return "subscription" if any(line.is_monthly for line in self.lines) else "payment"


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """A Checkout Session as Stripe has it now. Amounts in minor units of ``currency``.

    ``line_totals_cents`` are the shares of its lines after discounts, in the order in which they
    were sent; empty unless the session was fetched. The payment of a subscription's first month
    is that of its invoice.
    """

    session_id: str
    order_reference: str
    attempt_number: int | None
    installation_code: str
    created_at: datetime
    success_url: str
    email: str
    url: str
    mode: str
    status: str
    payment_status: str
    currency: str
    subtotal_cents: int
    discount_cents: int
    tax_cents: int
    total_cents: int
    payment_intent_id: str
    payment_intent_status: str
    line_totals_cents: tuple[int, ...] = ()
    subscription_id: str = ""
    invoice_id: str = ""
    customer_id: str = ""

    @property
    def is_open(self) -> bool:
        """It can be paid now."""
        return self.status == "open"

    @property
    def is_expired(self) -> bool:
        """It can never be paid."""
        return self.status == "expired"

    @property
    def is_settled(self) -> bool:
        """Completed, with the money received or nothing to pay."""
        return self.status == "complete" and self.payment_status in ("paid", "no_payment_required")

    @property
    def has_failed(self) -> bool:
        """Completed with a delayed method whose money will not come."""
        return (
            self.status == "complete"
            and self.payment_status == "unpaid"
            and self.payment_intent_status in ("requires_payment_method", "canceled")
        )


def create_checkout(request: CheckoutRequest, *, idempotency_key: str) -> Checkout:
    """A hosted page on which ``request`` can be paid.

    The same key returns the same page, however often it is asked.

    Raises:
        GatewayError: no page was made, or Stripe's answer was lost.
    """
    return _checkout(
        ask(
            lambda: client().v1.checkout.sessions.create(
                checkout_params(request), {"idempotency_key": idempotency_key}
            )
        )
    )


def checkout_params(request: CheckoutRequest) -> SessionCreateParams:
    """Exactly what is sent: neutral names, opaque references, and the email that was typed."""
    reference = {
        "order": request.order_reference,
        "attempt": str(request.attempt_number),
        "installation": request.installation_code,
    }
    params: SessionCreateParams = {
        "mode": "subscription" if request.mode == "subscription" else "payment",
        "client_reference_id": request.order_reference,
        "metadata": reference,
        "line_items": [_line_item(line, request.currency) for line in request.lines],
        # Otherwise amounts may come back in another currency than the one agreed.
        "adaptive_pricing": {"enabled": False},
        "expires_at": int(request.expires_at.timestamp()),
        "success_url": request.success_url,
        "cancel_url": request.cancel_url,
    }
    # A session's metadata is not copied to what it makes.
    if request.mode == "subscription":
        params["subscription_data"] = {"metadata": reference}
        params["payment_method_collection"] = "always"
    else:
        params["payment_intent_data"] = {"metadata": reference}
    if request.customer_id:
        params["customer"] = request.customer_id
    else:
        params["customer_email"] = request.email
    if request.promotion_code_id:
        params["discounts"] = [{"promotion_code": request.promotion_code_id}]
    return params


def _line_item(line: Line, currency: str) -> SessionCreateParamsLineItem:
    price: SessionCreateParamsLineItemPriceData = {
        "currency": currency,
        "unit_amount": line.unit_price_cents,
        "product_data": {"name": line.discreet_name},
    }
    if line.is_monthly:
        price["recurring"] = {"interval": "month"}
    return {"quantity": 1, "price_data": price}


def get_checkout(session_id: str) -> Checkout:
    """The session as it is at Stripe now.

    Raises:
        NoSuchObject: Stripe does not know it.
        GatewayError: no usable answer.
    """
    return _checkout(
        ask(lambda: client().v1.checkout.sessions.retrieve(session_id, {"expand": EXPANDED}))
    )


def expire_checkout(session_id: str) -> Checkout:
    """End a session, and say how it ended: one that was paid meanwhile comes back as paid.

    Raises:
        GatewayError: it is not known whether the session can still be paid.
    """
    try:
        return _checkout(ask(lambda: client().v1.checkout.sessions.expire(session_id)))
    except GatewayRefused:
        return get_checkout(session_id)


def list_checkouts(since: datetime) -> Iterator[Checkout]:
    """Every session made at or after ``since``, newest first; asks page by page.

    Raises:
        GatewayError: no usable answer.
    """
    return _listed({"created": {"gte": int(since.timestamp())}, "limit": 100})


def list_completed_checkouts(since: datetime) -> Iterator[Checkout]:
    """Those of them whose form was sent, whether the money has come or is on its way.

    Raises:
        GatewayError: no usable answer.
    """
    return _listed({"created": {"gte": int(since.timestamp())}, "status": "complete", "limit": 100})


def _listed(params: SessionListParams) -> Iterator[Checkout]:
    page = ask(lambda: client().v1.checkout.sessions.list(params))
    while True:
        yield from (_checkout(session) for session in page.data)
        if not page.has_more:
            return
        params["starting_after"] = page.data[-1].id
        page = ask(lambda: client().v1.checkout.sessions.list(params))


def _checkout(session: stripe.checkout.Session) -> Checkout:
    details = session.total_details
    metadata = session.metadata.to_dict() if session.metadata else {}
    number = str(metadata.get("attempt", ""))
    # Only there when it was asked for.
    lines = session.line_items.data if "line_items" in session and session.line_items else []
    intent = session.payment_intent or _intent_of_invoice(session.invoice)
    return Checkout(
        session_id=session.id,
        order_reference=session.client_reference_id or "",
        attempt_number=int(number) if number.isascii() and number.isdigit() else None,
        installation_code=str(metadata.get("installation", "")),
        created_at=datetime.fromtimestamp(session.created, tz=UTC),
        success_url=session.success_url or "",
        email=_email(session),
        url=session.url or "",
        mode=session.mode,
        status=session.status or "",
        payment_status=session.payment_status,
        currency=session.currency or "",
        subtotal_cents=session.amount_subtotal or 0,
        discount_cents=details.amount_discount if details else 0,
        tax_cents=details.amount_tax if details else 0,
        total_cents=session.amount_total or 0,
        payment_intent_id=id_of(intent),
        payment_intent_status=intent.status if isinstance(intent, stripe.PaymentIntent) else "",
        line_totals_cents=tuple(line.amount_total for line in lines),
        subscription_id=id_of(session.subscription),
        invoice_id=id_of(session.invoice),
        customer_id=id_of(session.customer),
    )


def _email(session: stripe.checkout.Session) -> str:
    """The one that was typed on the payment page, or else the one that it was made with."""
    typed = session.customer_details.email if session.customer_details else None
    return typed or session.customer_email or ""


def _intent_of_invoice(invoice: stripe.Invoice | str | None) -> stripe.PaymentIntent | str | None:
    if not isinstance(invoice, stripe.Invoice) or not invoice.payments:
        return None
    return next((paid.payment.payment_intent for paid in invoice.payments.data), None)
