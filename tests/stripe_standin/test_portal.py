"""The billing portal: its configurations, its page, and a new card for what is owed."""

import pytest
import stripe

from devtools.stripe_standin.control import (
    AUTHENTICATED_CARD,
    DECLINED_CARD,
    LATER_DECLINED_CARD,
)

FEATURES = {
    "invoice_history": {"enabled": True},
    "payment_method_update": {"enabled": True},
    "subscription_cancel": {"enabled": False},
}
OTHER_CARD = "5555 5555 5555 4444"


@pytest.fixture
def subscription(standin, shop):
    """A plan of 200 dollars each month, paid for the first time."""
    session = shop.plan_session()
    standin.pay(session.url)
    return shop.subscription_of(session)


def _portal(shop, customer, **changes):
    given = {"customer": customer, "return_url": "http://127.0.0.1:9/orders/", **changes}
    return shop.v1.billing_portal.sessions.create(given)


def _last4(shop, subscription):
    fresh = shop.v1.subscriptions.retrieve(subscription.id, {"expand": ["default_payment_method"]})
    return fresh.default_payment_method.card.last4


def test_a_configuration_is_made_found_and_changed(standin, shop):
    made = shop.v1.billing_portal.configurations.create(
        {"features": FEATURES, "metadata": {"site": "1"}, "name": "Plans"}
    )

    shop.v1.billing_portal.configurations.update(
        made.id, {"business_profile": {"headline": "Billing"}, "default_return_url": "http://a.b/"}
    )

    kept = shop.v1.billing_portal.configurations.retrieve(made.id)
    [listed] = shop.v1.billing_portal.configurations.list({"active": True}).data
    assert (kept.active, kept.name, kept.metadata.to_dict()) == (True, "Plans", {"site": "1"})
    assert kept.features.payment_method_update.enabled is True
    assert kept.features.subscription_cancel.enabled is False
    assert (kept.business_profile.headline, kept.default_return_url) == ("Billing", "http://a.b/")
    assert listed.id == made.id
    assert [event["type"] for event in standin.events()] == [
        "billing_portal.configuration.created",
        "billing_portal.configuration.updated",
    ]


def test_features_change_one_by_one(shop):
    made = shop.v1.billing_portal.configurations.create({"features": FEATURES})

    changed = shop.v1.billing_portal.configurations.update(
        made.id, {"features": {"invoice_history": {"enabled": False}}}
    )

    assert changed.features.invoice_history.enabled is False
    assert changed.features.payment_method_update.enabled is True


@pytest.mark.parametrize(
    "feature", ["subscription_cancel", "subscription_update", "customer_update"]
)
def test_a_feature_that_the_page_does_not_have_cannot_be_switched_on(shop, feature):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.billing_portal.configurations.create({"features": {feature: {"enabled": True}}})

    assert refused.value.param == f"features[{feature}][enabled]"


@pytest.mark.parametrize("is_known", [True, False])
def test_a_session_needs_a_configuration_that_is_known_and_active(shop, subscription, is_known):
    made = shop.v1.billing_portal.configurations.create({"features": FEATURES})
    shop.v1.billing_portal.configurations.update(made.id, {"active": False})

    with pytest.raises(stripe.InvalidRequestError) as refused:
        _portal(shop, subscription.customer, configuration=made.id if is_known else "bpc_none")

    assert refused.value.param == "configuration"


def test_the_page_shows_the_customers_own_invoices_and_card(standin, shop, subscription):
    standin.pay(shop.plan_session().url)
    mine, other = standin.invoices()
    session = _portal(shop, subscription.customer)

    page = standin.read(session.url)

    assert f'href="/i/{mine["id"]}"' in page
    assert other["id"] not in page
    assert "Visa ending in 4242." in page
    assert 'href="http://127.0.0.1:9/orders/"' in page
    assert "<script" not in page


def test_the_configuration_decides_what_the_page_shows(standin, shop, subscription):
    bare = shop.v1.billing_portal.configurations.create(
        {"features": {"invoice_history": {"enabled": False}}}
    )
    session = _portal(shop, subscription.customer, configuration=bare.id)

    page = standin.read(session.url)
    standin.update_card(session.url, OTHER_CARD)

    assert "Invoices" not in page
    assert "Card number" not in page
    assert _last4(shop, subscription) == "4242"


def test_the_way_back_can_be_the_configurations(standin, shop, subscription):
    made = shop.v1.billing_portal.configurations.create(
        {"features": FEATURES, "default_return_url": "http://127.0.0.1:9/home/"}
    )
    session = shop.v1.billing_portal.sessions.create(
        {"customer": subscription.customer, "configuration": made.id}
    )

    assert 'href="http://127.0.0.1:9/home/"' in standin.read(session.url)


def test_a_new_card_pays_from_then_on(standin, shop, subscription):
    session = _portal(shop, subscription.customer)
    standin.break_card(subscription.customer)

    location = standin.update_card(session.url, OTHER_CARD)
    standin.advance(days=32)

    customer = shop.v1.customers.retrieve(subscription.customer)
    assert "Your card was saved." in standin.read(location)
    assert _last4(shop, subscription) == "4444"
    assert customer.invoice_settings.default_payment_method.startswith("pm_")
    assert standin.invoices()[-1]["status"] == "paid"
    assert len(shop.v1.payment_methods.list({"customer": customer.id}).data) == 2


def test_the_portal_can_leave_subscriptions_their_own_card(standin, shop, subscription):
    standin.let_portal_only_save()
    standin.break_card(subscription.customer)
    standin.advance(days=32)

    standin.update_card(_portal(shop, subscription.customer).url, OTHER_CARD)
    before = (_last4(shop, subscription), standin.invoices()[-1]["status"])
    customer = shop.v1.customers.retrieve(subscription.customer)
    new_card = customer.invoice_settings.default_payment_method
    shop.v1.subscriptions.update(subscription.id, {"default_payment_method": new_card})
    shop.v1.invoices.pay(standin.invoices()[-1]["id"])

    assert before == ("4242", "open")
    assert _last4(shop, subscription) == "4444"
    assert shop.v1.subscriptions.retrieve(subscription.id).status == "active"


def test_a_customers_own_card_can_be_made_the_default_and_no_other(standin, shop, subscription):
    standin.pay(shop.plan_session().url)
    foreign = standin.subscriptions()[-1]["default_payment_method"]
    mine = subscription.default_payment_method

    changed = shop.v1.customers.update(
        subscription.customer, {"invoice_settings": {"default_payment_method": mine}}
    )
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.customers.update(
            subscription.customer, {"invoice_settings": {"default_payment_method": foreign}}
        )

    assert changed.invoice_settings.default_payment_method == mine
    assert refused.value.param == "invoice_settings[default_payment_method]"


def test_a_new_card_pays_what_is_overdue_at_once(standin, shop, subscription):
    standin.break_card(subscription.customer)
    standin.advance(days=32)
    session = _portal(shop, subscription.customer)

    standin.update_card(session.url, OTHER_CARD)

    assert standin.invoices()[-1]["status"] == "paid"
    assert shop.v1.subscriptions.retrieve(subscription.id).status == "active"
    assert len(standin.events("invoice.paid")) == 2


def test_a_new_card_that_cannot_be_charged_is_kept_and_the_page_says_so(
    standin, shop, subscription
):
    standin.break_card(subscription.customer)
    standin.advance(days=32)
    session = _portal(shop, subscription.customer)

    location = standin.update_card(session.url, LATER_DECLINED_CARD)

    assert "could not be paid" in standin.read(location)
    assert _last4(shop, subscription) == "0341"
    assert shop.v1.subscriptions.retrieve(subscription.id).status == "past_due"


@pytest.mark.parametrize(
    ("card", "sentence"),
    [
        ("", "Enter a card number."),
        ("1234", "That is not a test card."),
        (DECLINED_CARD, "Your card was declined."),
    ],
)
def test_a_card_that_is_no_good_changes_nothing(standin, shop, subscription, card, sentence):
    session = _portal(shop, subscription.customer)
    known = len(standin.events())

    page = standin.read(standin.update_card(session.url, card))

    assert sentence in page
    assert 'role="alert"' in page
    assert _last4(shop, subscription) == "4242"
    assert len(standin.events()) == known


@pytest.mark.parametrize(("result", "last4"), [("complete", "3155"), ("fail", "4242")])
def test_a_new_card_can_ask_for_the_bank_first(standin, shop, subscription, result, last4):
    session = _portal(shop, subscription.customer)

    question = standin.update_card(session.url, AUTHENTICATED_CARD)
    page = standin.read(question)
    standin.authenticate(question, result)

    assert "Your bank asks you to confirm" in page
    assert _last4(shop, subscription) == last4


def test_a_plan_that_is_over_is_not_collected_by_a_new_card(standin, shop, subscription):
    standin.break_card(subscription.customer)
    standin.advance(days=60)
    session = _portal(shop, subscription.customer)

    standin.update_card(session.url, OTHER_CARD)

    assert standin.invoices()[-1]["status"] == "open"
    assert shop.v1.subscriptions.retrieve(subscription.id).status == "canceled"


def test_an_invoice_of_a_plan_that_is_over_can_still_be_paid(standin, shop, subscription):
    standin.break_card(subscription.customer)
    standin.advance(days=60)

    standin.pay_invoice(standin.invoices()[-1]["hosted_invoice_url"])

    assert standin.invoices()[-1]["status"] == "paid"
    assert shop.v1.subscriptions.retrieve(subscription.id).status == "canceled"


def test_an_invoice_that_is_paid_takes_no_card(standin, shop, subscription):
    [invoice] = standin.invoices()

    location = standin.pay_invoice(invoice["hosted_invoice_url"])

    assert "Paid." in standin.read(location)
    assert len(standin.events("charge.succeeded")) == 1


@pytest.mark.parametrize("path", ["/i/in_none", "/p/session/bps_none", "/elsewhere"])
def test_a_page_that_does_not_exist_says_so(standin, path):
    assert "Page not found" in standin.read(standin.base_url + path)
