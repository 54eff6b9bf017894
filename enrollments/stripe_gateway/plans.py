"""Plans: the subscription behind an order, its end, its invoices, and the portal for its card."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import stripe
from django.conf import settings

from enrollments.stripe_gateway.client import (
    GatewayMisconfigured,
    NoSuchObject,
    ask,
    client,
    id_of,
)

if TYPE_CHECKING:
    from stripe.params import (
        InvoiceListParams,
        SubscriptionListParams,
        SubscriptionScheduleCreateParams,
        SubscriptionScheduleUpdateParams,
    )
    from stripe.params.billing_portal import SessionCreateParams

OVER = ("canceled", "incomplete_expired")
YEAR = 12
# Stripe's own limit for one page of a list.
MOST_AT_ONCE = 100


@dataclass(frozen=True, kw_only=True)
class InvoiceView:
    """One month's invoice as Stripe has it now, oldest first in a plan.

    ``needs_her``: her bank lets the payment through only once she has confirmed it herself.
    """

    invoice_id: str
    status: str
    was_tried: bool
    amount_paid_cents: int
    currency: str
    payment_intent_id: str
    hosted_url: str
    paid_at: datetime | None
    needs_her: bool = False

    @property
    def is_paid(self) -> bool:
        """Its money has come, or there was nothing to pay."""
        return self.status == "paid"

    @property
    def is_unpaid(self) -> bool:
        """Its money was asked for and did not come; it can still be paid."""
        return self.status == "open" and self.was_tried


@dataclass(frozen=True, kw_only=True)
class ScheduleView:
    """What ends a subscription, or lets it go on, at ``ends_at``."""

    schedule_id: str
    ends_it: bool
    starts_at: datetime
    ends_at: datetime
    prices: tuple[tuple[str, int], ...]


@dataclass(frozen=True, kw_only=True)
class PlanView:
    """A subscription with its end and all its invoices, as Stripe has them now."""

    subscription_id: str
    customer_id: str
    order_reference: str
    status: str
    card_id: str
    started_at: datetime
    ends_at: datetime | None
    ended_at: datetime | None
    schedule: ScheduleView | None
    invoices: tuple[InvoiceView, ...] = ()

    @property
    def is_over(self) -> bool:
        """Nothing is asked for any more by itself."""
        return self.status in OVER

    @property
    def months(self) -> int | None:
        """How many months it is asked for in all; None without an end."""
        return months_between(self.started_at, self.ends_at) if self.ends_at else None


def months_between(start: datetime, end: datetime) -> int:
    """How many months of a subscription lie between two of its boundaries.

    The days may differ: what begins on the 31st is asked for on the last day of a shorter month.
    """
    return (end.year - start.year) * YEAR + end.month - start.month


def get_plan(subscription_id: str) -> PlanView:
    """The subscription and its invoices as they are at Stripe now.

    Raises:
        NoSuchObject: Stripe does not know it.
        GatewayError: no usable answer.
    """
    found = ask(
        lambda: client().v1.subscriptions.retrieve(subscription_id, {"expand": ["schedule"]})
    )
    return _plan(found, _invoices(subscription_id))


def get_plan_of_invoice(invoice_id: str) -> PlanView:
    """The plan that an invoice belongs to.

    Raises:
        NoSuchObject: Stripe does not know it, or it belongs to no subscription.
        GatewayError: no usable answer.
    """
    return get_plan(subscription_of(ask(lambda: client().v1.invoices.retrieve(invoice_id))))


def get_plan_of_schedule(schedule_id: str) -> PlanView:
    """The plan that a schedule ends, or has let go.

    Raises:
        NoSuchObject: Stripe does not know it, or it never had a subscription.
        GatewayError: no usable answer.
    """
    schedule = ask(lambda: client().v1.subscription_schedules.retrieve(schedule_id))
    return get_plan(subscription_of(schedule))


def subscription_of(about: stripe.Invoice | stripe.SubscriptionSchedule) -> str:
    """The id of the subscription that an invoice or a schedule belongs or belonged to.

    Raises:
        NoSuchObject: there is none; it has nothing to do with a plan.
    """
    if isinstance(about, stripe.Invoice):
        details = about.parent.subscription_details if about.parent else None
        found = id_of(details.subscription) if details else ""
    else:
        found = id_of(about.subscription) or about.released_subscription or ""
    if not found:
        raise NoSuchObject(f"{about.id} has no subscription")
    return found


def list_running_plans() -> list[PlanView]:
    """Every subscription that is not over, without its invoices.

    Raises:
        GatewayError: no usable answer.
    """
    params: SubscriptionListParams = {"limit": MOST_AT_ONCE, "expand": ["data.schedule"]}
    found: list[PlanView] = []
    while True:
        page = ask(lambda: client().v1.subscriptions.list(params))
        found += [_plan(subscription, ()) for subscription in page.data]
        if not page.has_more:
            return found
        params["starting_after"] = page.data[-1].id


def create_schedule(subscription_id: str, *, idempotency_key: str) -> ScheduleView:
    """A schedule that takes a running subscription over; it does not end it yet.

    Raises:
        GatewayError: none was made, or Stripe's answer was lost.
    """
    params = schedule_params(subscription_id)
    return _schedule(
        ask(
            lambda: client().v1.subscription_schedules.create(
                params, {"idempotency_key": idempotency_key}
            )
        )
    )


def end_schedule(schedule: ScheduleView, *, months: int, idempotency_key: str) -> ScheduleView:
    """Let a subscription end ``months`` after its schedule's start.

    Raises:
        GatewayError: nothing is known to have changed.
    """
    params = schedule_end_params(schedule, months=months)
    return _schedule(
        ask(
            lambda: client().v1.subscription_schedules.update(
                schedule.schedule_id, params, {"idempotency_key": idempotency_key}
            )
        )
    )


def schedule_params(subscription_id: str) -> SubscriptionScheduleCreateParams:
    """Exactly what is sent to make a schedule; Stripe takes nothing beside it."""
    return {"from_subscription": subscription_id}


def schedule_end_params(schedule: ScheduleView, *, months: int) -> SubscriptionScheduleUpdateParams:
    """Exactly what is sent to set its end: the same prices, so many months, and then no more."""
    return {
        "end_behavior": "cancel",
        "phases": [
            {
                "items": [
                    {"price": price, "quantity": quantity} for price, quantity in schedule.prices
                ],
                "start_date": int(schedule.starts_at.timestamp()),
                "duration": {"interval": "month", "interval_count": months},
            }
        ],
    }


def cancel_plan(subscription_id: str) -> None:
    """End a subscription now, and with it its schedule. Again changes nothing.

    Raises:
        GatewayError: it is not known whether it goes on.
    """
    try:
        ask(lambda: client().v1.subscriptions.cancel(subscription_id))
    except NoSuchObject:
        # Stripe's word for one that is over already; one that never was is unknown here too.
        get_plan(subscription_id)


def void_invoice(invoice_id: str) -> None:
    """Let an open invoice be paid no more.

    Raises:
        GatewayError: it may still be paid.
    """
    ask(lambda: client().v1.invoices.void_invoice(invoice_id))


def get_customer_card(customer_id: str) -> tuple[str, str]:
    """A customer's id, and the id of the card she wants to pay with; empty when she has none.

    Raises:
        NoSuchObject: Stripe does not know her.
        GatewayError: no usable answer.
    """
    customer = ask(lambda: client().v1.customers.retrieve(customer_id))
    chosen = customer.invoice_settings if "invoice_settings" in customer else None
    return customer_id, id_of(chosen.default_payment_method) if chosen else ""


def set_customer_email(customer_id: str, email: str) -> None:
    """Let Stripe write to that address from now on.

    Raises:
        GatewayError: nothing is known to have changed.
    """
    ask(lambda: client().v1.customers.update(customer_id, {"email": email}))


def set_card(subscription_id: str, card_id: str) -> None:
    """Let a subscription be paid with that card from now on.

    Raises:
        GatewayError: nothing is known to have changed.
    """
    ask(
        lambda: client().v1.subscriptions.update(
            subscription_id, {"default_payment_method": card_id}
        )
    )


def pay_invoice(invoice_id: str, card_id: str) -> bool:
    """Ask for an open invoice once more, with that card; whether the money came.

    Raises:
        GatewayRefused: it is paid already, or can be paid no more.
        GatewayError: nothing is known to have been paid.
    """
    try:
        ask(lambda: _charge(invoice_id, card_id))
    except _Declined:
        return False
    return True


class _Declined(Exception):
    """The bank said no; that is an answer, not a failure."""


def _charge(invoice_id: str, card_id: str) -> None:
    try:
        client().v1.invoices.pay(invoice_id, {"payment_method": card_id})
    except stripe.CardError as error:
        raise _Declined from error


def create_portal_page(customer_id: str, *, return_url: str) -> str:
    """The address of a page, made for one visit, where a customer changes her card.

    Raises:
        GatewayMisconfigured: it is not set up; Stripe's own default could let her cancel there.
        GatewayError: none was made.
    """
    params = portal_params(customer_id, return_url=return_url)
    return ask(lambda: client().v1.billing_portal.sessions.create(params)).url


def portal_params(customer_id: str, *, return_url: str) -> SessionCreateParams:
    """Exactly what is sent: whose, where to return to, and which configuration.

    Raises:
        GatewayMisconfigured: STRIPE_PORTAL_CONFIGURATION is not set. The stand-in has but one.
    """
    params: SessionCreateParams = {"customer": customer_id, "return_url": return_url}
    if settings.STRIPE_PORTAL_CONFIGURATION:
        params["configuration"] = settings.STRIPE_PORTAL_CONFIGURATION
    elif settings.STRIPE_MODE != "standin":
        raise GatewayMisconfigured("STRIPE_PORTAL_CONFIGURATION is not set.")
    return params


def _plan(subscription: stripe.Subscription, invoices: tuple[InvoiceView, ...]) -> PlanView:
    found = subscription.schedule
    schedule = _schedule(found) if isinstance(found, stripe.SubscriptionSchedule) else None
    ends_at = _moment(subscription.cancel_at)
    if ends_at is None and schedule and schedule.ends_it:
        ends_at = schedule.ends_at
    metadata = subscription.metadata.to_dict()
    return PlanView(
        subscription_id=subscription.id,
        customer_id=id_of(subscription.customer),
        order_reference=str(metadata.get("order", "")),
        status=subscription.status,
        card_id=id_of(subscription.default_payment_method),
        started_at=datetime.fromtimestamp(subscription.start_date, tz=UTC),
        ends_at=ends_at,
        ended_at=_moment(subscription.ended_at),
        schedule=schedule,
        invoices=invoices,
    )


def _schedule(schedule: stripe.SubscriptionSchedule) -> ScheduleView:
    first, last = schedule.phases[0], schedule.phases[-1]
    items: list[Any] = first["items"]  # The attribute of that name is a method.
    return ScheduleView(
        schedule_id=schedule.id,
        ends_it=schedule.status == "active" and schedule.end_behavior == "cancel",
        starts_at=datetime.fromtimestamp(first.start_date, tz=UTC),
        ends_at=datetime.fromtimestamp(last.end_date, tz=UTC),
        prices=tuple((id_of(item.price), item.quantity or 1) for item in items),
    )


def _invoices(subscription_id: str) -> tuple[InvoiceView, ...]:
    """All of them; a plan has a dozen or two, so that one page holds them."""
    params: InvoiceListParams = {
        "subscription": subscription_id,
        "limit": MOST_AT_ONCE,
        "expand": ["data.payments"],
    }
    page = ask(lambda: client().v1.invoices.list(params))
    return tuple(_invoice(invoice) for invoice in reversed(page.data))


def _invoice(invoice: stripe.Invoice) -> InvoiceView:
    intent_id = _intent_id(invoice)
    is_unpaid = invoice.status == "open" and invoice.attempted
    return InvoiceView(
        invoice_id=str(invoice.id),
        status=invoice.status or "",
        was_tried=invoice.attempted,
        amount_paid_cents=invoice.amount_paid,
        currency=invoice.currency,
        payment_intent_id=intent_id,
        hosted_url=invoice.hosted_invoice_url or "",
        paid_at=_moment(invoice.status_transitions.paid_at),
        needs_her=bool(is_unpaid and intent_id) and _needs_her(intent_id),
    )


def _intent_id(invoice: stripe.Invoice) -> str:
    """The payment that has paid it, or else the one that should; none for what cost nothing."""
    payments = list(invoice.payments.data) if invoice.payments else []
    payments.sort(key=lambda each: each.status != "paid")
    return id_of(payments[0].payment.payment_intent) if payments else ""


def _needs_her(payment_intent_id: str) -> bool:
    """Too deep to come with a list of invoices, so it is asked for when it matters."""
    intent = ask(lambda: client().v1.payment_intents.retrieve(payment_intent_id))
    return intent.status == "requires_action"


def _moment(stamp: int | None) -> datetime | None:
    return datetime.fromtimestamp(stamp, tz=UTC) if stamp else None
