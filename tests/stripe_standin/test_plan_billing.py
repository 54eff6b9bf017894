"""Subscriptions on the clock: renewals, cards that fail later, retries and the end."""

import pytest
import stripe

from devtools.stripe_standin.control import (
    LATER_AUTHENTICATED_CARD,
    LATER_DECLINED_CARD,
    SUCCESSFUL_CARD,
    WEBHOOK_SECRET,
)

MONTH = 32


@pytest.fixture
def session(standin, shop):
    """A plan of 200 dollars each month, paid for the first time."""
    session = shop.plan_session()
    standin.pay(session.url)
    return session


@pytest.fixture
def subscription(shop, session):
    return shop.subscription_of(session)


def _types(standin, since):
    return [event["type"] for event in standin.events()][since:]


def test_each_period_is_billed_when_it_begins(standin, shop, subscription):
    first_end = subscription["items"].data[0].current_period_end

    standin.advance_to(first_end)

    renewed = shop.v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]})
    invoice = renewed.latest_invoice
    assert renewed["items"].data[0].current_period_start == first_end
    assert (invoice.billing_reason, invoice.status) == ("subscription_cycle", "paid")
    assert (invoice.created, invoice.amount_paid) == (first_end, 20000)
    assert invoice.period_end == first_end
    assert invoice.lines.data[0].period.start == first_end


def test_the_events_of_a_renewal(standin, subscription):
    known = len(standin.events())

    standin.advance(days=MONTH)

    assert _types(standin, known) == [
        "customer.subscription.updated",
        "invoice.created",
        "invoice.finalized",
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice.paid",
        "invoice.payment_succeeded",
        "invoice_payment.paid",
    ]
    assert standin.events()[-1]["request"]["id"] is None


def test_a_jump_over_several_periods_bills_each_at_its_own_time(standin, shop, subscription):
    standin.advance(days=100)

    created = [invoice["created"] for invoice in standin.invoices(subscription.id)]
    dates = [event["created"] for event in standin.events("invoice.paid")]
    assert len(created) == 4
    assert created == sorted(set(created))
    # The first was paid by hand, while the clock ran on.
    assert created[1:] == dates[1:]


def test_webhooks_tell_of_each_payment_in_order(standin, receiver, client_for, subscription):
    standin.advance(days=63)

    standin.wait_for_delivery("invoice.paid", count=3)
    standin.wait_idle()
    paid = [arrival for arrival in receiver.arrivals if arrival.type == "invoice.paid"]
    events = [
        client_for().construct_event(arrival.body, arrival.signature, WEBHOOK_SECRET)
        for arrival in paid
    ]
    told = [event.data.object.parent.subscription_details.subscription for event in events]
    created = [event.data.object.created for event in events]
    assert told == [subscription.id] * 3
    assert created == sorted(set(created))


def test_a_refused_call_takes_back_nothing_that_the_clock_has_done(standin, shop, subscription):
    standin.advance(days=MONTH)

    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.subscriptions.retrieve("sub_none")

    assert len(shop.v1.invoices.list({"subscription": subscription.id}).data) == 2


def test_a_card_that_stops_working_makes_the_plan_past_due(standin, shop, subscription):
    standin.break_card(subscription.customer)
    known = len(standin.events())

    standin.advance(days=MONTH)

    invoice = standin.invoices()[-1]
    assert shop.v1.subscriptions.retrieve(subscription.id).status == "past_due"
    assert (invoice["status"], invoice["attempt_count"]) == ("open", 1)
    assert invoice["amount_remaining"] == 20000
    assert invoice["next_payment_attempt"] == invoice["created"] + 3 * 24 * 60 * 60
    assert invoice["hosted_invoice_url"] == f"{standin.base_url}/i/{invoice['id']}"
    assert _types(standin, known) == [
        "customer.subscription.updated",
        "invoice.created",
        "invoice.finalized",
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
        "invoice.payment_failed",
        "customer.subscription.updated",
    ]


def test_a_retry_that_succeeds_makes_the_plan_active_again(standin, shop, subscription):
    standin.break_card(subscription.customer)
    standin.advance_to(subscription["items"].data[0].current_period_end)
    standin.mend_card(subscription.customer)

    standin.advance(days=3)

    invoice = standin.invoices()[-1]
    assert (invoice["status"], invoice["attempt_count"]) == ("paid", 2)
    assert invoice["next_payment_attempt"] is None
    assert shop.v1.subscriptions.retrieve(subscription.id).status == "active"
    assert len(standin.events("payment_intent.created")) == 2


def test_after_the_last_retry_the_plan_is_cancelled(standin, shop, subscription):
    schedule = shop.ends_after(subscription, 3)
    standin.break_card(subscription.customer)

    standin.advance(days=100)

    ended = shop.v1.subscriptions.retrieve(subscription.id)
    first, second = standin.invoices()
    days = [
        (event["created"] - second["created"]) // (24 * 60 * 60)
        for event in standin.events("invoice.payment_failed")
    ]
    assert (ended.status, ended.cancellation_details.reason) == ("canceled", "payment_failed")
    assert (first["status"], second["status"], second["attempt_count"]) == ("paid", "open", 4)
    assert (second["next_payment_attempt"], second["auto_advance"]) == (None, False)
    assert days == [0, 3, 8, 15]
    assert shop.v1.subscription_schedules.retrieve(schedule.id).status == "canceled"
    assert _types(standin, -2) == ["customer.subscription.deleted", "subscription_schedule.aborted"]


def test_a_card_can_be_one_that_only_pays_with_the_buyer_there(standin, shop):
    standin.pay(shop.plan_session().url, LATER_DECLINED_CARD)

    standin.advance(days=MONTH)

    [failed] = standin.events("invoice.payment_failed")
    assert failed["data"]["object"]["status"] == "open"


def test_a_bank_that_wants_the_buyer_each_time_is_told_and_answered(standin, shop):
    session = shop.plan_session()
    standin.authenticate(standin.pay(session.url, LATER_AUTHENTICATED_CARD))
    standin.advance(days=MONTH)
    invoice = standin.invoices()[-1]

    question = standin.pay_invoice(invoice["hosted_invoice_url"], LATER_AUTHENTICATED_CARD)
    standin.authenticate(question)

    assert len(standin.events("invoice.payment_action_required")) == 1
    assert standin.invoices()[-1]["status"] == "paid"
    assert shop.subscription_of(session).status == "active"


def test_an_open_invoice_is_paid_on_its_own_page(standin, shop, subscription):
    standin.break_card(subscription.customer)
    standin.advance(days=MONTH)
    url = standin.invoices()[-1]["hosted_invoice_url"]

    page = standin.read(url)
    declined = standin.pay_invoice(url, "4000 0000 0000 0002")
    after = standin.pay_invoice(url, SUCCESSFUL_CARD)

    assert "Pay $200.00" in page
    assert "Your card was declined." in standin.read(declined)
    assert "Paid." in standin.read(after)
    assert shop.v1.subscriptions.retrieve(subscription.id).status == "active"
    assert standin.invoices()[-1]["attempt_count"] == 1


def test_a_retry_of_the_site_is_answered_at_once(standin, shop, subscription):
    standin.break_card(subscription.customer)
    standin.advance(days=MONTH)
    invoice_id = standin.invoices()[-1]["id"]

    with pytest.raises(stripe.CardError) as declined:
        shop.v1.invoices.pay(invoice_id)
    failed = len(standin.events("invoice.payment_failed"))
    standin.mend_card(subscription.customer)
    paid = shop.v1.invoices.pay(invoice_id)

    assert (declined.value.http_status, declined.value.code) == (402, "card_declined")
    assert failed == 2
    assert (paid.status, paid.attempt_count) == ("paid", 1)
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.invoices.pay(invoice_id)


def test_an_open_invoice_can_be_given_up(standin, shop, subscription):
    standin.break_card(subscription.customer)
    standin.advance(days=MONTH)
    invoice_id = standin.invoices()[-1]["id"]

    shop.v1.invoices.void_invoice(invoice_id)
    standin.advance(days=10)

    invoice = shop.v1.invoices.retrieve(invoice_id)
    assert (invoice.status, invoice.attempt_count) == ("void", 1)
    assert len(standin.events("invoice.voided")) == 1
    assert shop.v1.subscriptions.retrieve(subscription.id).status == "active"


def test_a_payment_of_a_plan_is_refunded_like_any_other(standin, shop, session):
    [payment] = shop.v1.invoice_payments.list({"invoice": shop.look(session).invoice}).data
    intent = payment.payment.payment_intent

    refund = shop.v1.refunds.create({"payment_intent": intent, "amount": 5000})

    assert shop.v1.refunds.list({"payment_intent": intent}).data[0].id == refund.id
    assert standin.invoices()[-1]["status"] == "paid"


def test_a_month_without_the_day_ends_on_its_last_one(standin, shop):
    now = standin.advance()
    target = 1801353600  # January 31, 2027, at midnight
    standin.advance(target - now)
    standin.pay(shop.plan_session(expires_at=None).url)

    standin.advance(days=92)

    days = [invoice["created"] - invoice["created"] % 86400 for invoice in standin.invoices()]
    assert days == [1801353600, 1803772800, 1806451200, 1809043200]


def test_invoices_are_found_by_subscription_customer_and_status(standin, shop, subscription):
    standin.pay(shop.plan_session().url)
    other = standin.invoices()[-1]

    own = shop.v1.invoices.list({"subscription": subscription.id}).data
    by_customer = shop.v1.invoices.list({"customer": other["customer"]}).data

    assert [invoice.id for invoice in own] == [subscription.latest_invoice]
    assert [invoice.id for invoice in by_customer] == [other["id"]]
    assert shop.v1.invoices.list({"status": "open"}).data == []
