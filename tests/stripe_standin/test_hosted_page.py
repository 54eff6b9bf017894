"""The hosted page, driven over HTTP as a buyer's browser without scripts would."""

import re

import pytest

from devtools.stripe_standin.control import AUTHENTICATED_CARD

NO_FUNDS = "4000 0000 0000 9995"


def test_the_page_shows_the_order_and_that_no_money_moves(standin, shop):
    session = shop.session(submit_type="book", custom_text={"submit": {"message": "Discreet."}})

    page = standin.read(session.url)

    assert "Test payment - no money moves" in page
    assert "Program enrollment" in page
    assert "Book for $450.00" in page
    assert "Discreet." in page
    assert 'href="http://127.0.0.1:9/back/"' in page
    assert re.search(r'value="member@example.org" readonly', page)
    assert "<script" not in page


def test_what_the_site_says_is_escaped(standin, shop):
    price_data = {
        "currency": "usd",
        "unit_amount": 100,
        "product_data": {"name": "<b>Course</b> & more"},
    }
    session = shop.session(line_items=[{"quantity": 1, "price_data": price_data}])

    page = standin.read(session.url)

    assert "&lt;b&gt;Course&lt;/b&gt; &amp; more" in page


def test_a_good_card_completes_and_leads_to_the_success_page(standin, shop):
    session = shop.session(
        payment_intent_data={
            "metadata": {"order": "order-1"},
            "receipt_email": "member@example.org",
            "statement_descriptor_suffix": "COURSE",
        }
    )

    location = standin.pay(session.url)

    paid = shop.look(session, "payment_intent.latest_charge")
    charge = paid.payment_intent.latest_charge
    assert location == f"http://127.0.0.1:9/done/?session={session.id}"
    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    assert paid.customer_details.email == "member@example.org"
    assert (paid.payment_intent.status, paid.payment_intent.amount_received) == (
        "succeeded",
        45000,
    )
    assert (charge.paid, charge.amount, charge.payment_method_details.card.last4) == (
        True,
        45000,
        "4242",
    )
    assert charge.calculated_statement_descriptor == "STANDIN* COURSE"
    assert charge.receipt_email == "member@example.org"
    assert charge.metadata.to_dict() == {"order": "order-1"}


def test_metadata_of_the_session_stays_with_the_session(standin, shop):
    session = shop.session(metadata={"order": "order-1"})

    standin.pay(session.url)

    assert shop.intent_of(session).metadata.to_dict() == {}


def test_the_events_of_a_payment_come_in_stripes_order(standin, shop):
    session = shop.session()

    standin.pay(session.url)

    assert [event["type"] for event in standin.events()] == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]


def test_a_declined_card_leaves_the_session_open_for_another(standin, shop):
    session = shop.session()

    location = standin.decline(session.url)
    page = standin.read(location)
    after_decline = shop.status(session)
    declined = shop.intent_of(session)
    retried = standin.pay(session.url)

    assert location == session.url + "?problem=card_declined"
    assert "Your card was declined." in page
    assert 'role="alert"' in page
    assert after_decline == ("open", "unpaid")
    assert declined.status == "requires_payment_method"
    assert declined.last_payment_error.decline_code == "generic_decline"
    assert retried.startswith("http://127.0.0.1:9/done/")
    assert shop.status(session) == ("complete", "paid")
    assert shop.intent_of(session).id == declined.id
    assert [event["type"] for event in standin.events()] == [
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]


def test_a_card_without_funds_says_so(standin, shop):
    session = shop.session()

    location = standin.pay(session.url, NO_FUNDS)

    assert "Your card has insufficient funds." in standin.read(location)


@pytest.mark.parametrize(
    ("card", "sentence"),
    [("", "Enter a card number."), ("1234", "That is not a test card.")],
)
def test_a_card_number_that_cannot_be_tried_changes_nothing(standin, shop, card, sentence):
    session = shop.session()

    location = standin.pay(session.url, card)

    assert sentence in standin.read(location)
    assert shop.look(session).payment_intent is None
    assert standin.events() == []


def test_without_an_email_the_buyer_is_asked_for_one(standin, shop):
    session = shop.session(customer_email=None)

    refused = standin.post(session.url, email="nobody", method="card", card="4242424242424242")
    page = standin.read(refused)
    standin.pay(session.url)

    assert "Enter an email address" in page
    assert shop.look(session).customer_details.email == "buyer@example.org"


def test_a_fixed_email_cannot_be_changed_by_the_form(standin, shop):
    session = shop.session()

    standin.pay(session.url)

    assert shop.look(session).customer_details.email == "member@example.org"


def test_a_guest_gets_no_customer_unless_wished_for(standin, shop):
    guest, kept = shop.session(), shop.session(customer_creation="always")

    standin.pay(guest.url)
    standin.pay(kept.url)

    assert shop.look(guest).customer is None
    assert shop.look(kept, "customer").customer.email == "member@example.org"


def test_a_known_customer_stays_the_customer(standin, shop):
    customer = shop.v1.customers.create({"email": "c@example.org"})
    session = shop.session(customer=customer.id, customer_email=None)

    standin.pay(session.url)

    paid = shop.look(session, "payment_intent")
    assert (paid.customer, paid.payment_intent.customer) == (customer.id, customer.id)
    assert paid.customer_details.email == "c@example.org"


def test_a_customer_without_an_email_gets_the_one_that_was_typed(standin, shop):
    customer = shop.v1.customers.create({"name": "Ada"})
    session = shop.session(customer=customer.id, customer_email=None)

    standin.pay(session.url)

    assert shop.v1.customers.retrieve(customer.id).email == "buyer@example.org"


def test_the_bank_may_ask_and_the_buyer_confirm(standin, shop):
    session = shop.session()

    question = standin.pay(session.url, AUTHENTICATED_CARD)
    page = standin.read(question)
    waiting = shop.intent_of(session).status
    location = standin.authenticate(question)

    assert question == session.url + "/authenticate"
    assert "Your bank asks you to confirm" in page
    assert waiting == "requires_action"
    assert location.startswith("http://127.0.0.1:9/done/")
    assert shop.status(session) == ("complete", "paid")


def test_a_failed_confirmation_leaves_the_session_open(standin, shop):
    session = shop.session()

    question = standin.pay(session.url, AUTHENTICATED_CARD)
    location = standin.authenticate(question, "fail")

    error = shop.intent_of(session).last_payment_error
    assert "unable to authenticate" in standin.read(location)
    assert error.code == "payment_intent_authentication_failure"
    assert shop.status(session) == ("open", "unpaid")
    assert standin.pay(session.url).startswith("http://127.0.0.1:9/done/")


def test_a_bank_debit_completes_now_and_is_paid_later(standin, shop):
    session = shop.session()

    location = standin.pay_by_bank(session.url)
    before = shop.status(session), shop.intent_of(session).status
    standin.settle(session.id)

    assert location.startswith("http://127.0.0.1:9/done/")
    assert before == (("complete", "unpaid"), "processing")
    assert shop.status(session) == ("complete", "paid")
    assert [event["type"] for event in standin.events()] == [
        "payment_intent.created",
        "payment_intent.processing",
        "charge.pending",
        "checkout.session.completed",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.async_payment_succeeded",
    ]


def test_a_bank_debit_can_fail(standin, shop):
    session = shop.session()
    standin.pay_by_bank(session.url)

    standin.fail(session.id)

    assert shop.status(session) == ("complete", "unpaid")
    assert shop.intent_of(session).status == "requires_payment_method"
    assert [event["type"] for event in standin.events()][-3:] == [
        "charge.failed",
        "payment_intent.payment_failed",
        "checkout.session.async_payment_failed",
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"excluded_payment_method_types": ["us_bank_account"]},
        {"allowed_payment_method_types": ["card"]},
    ],
)
def test_a_site_can_refuse_bank_debits(standin, shop, changes):
    session = shop.session(**changes)

    page = standin.read(session.url)
    standin.pay_by_bank(session.url)

    assert "Bank debit" not in page
    assert shop.status(session) == ("open", "unpaid")


def test_a_full_discount_needs_no_card_and_makes_no_payment(standin, shop):
    shop.code("FREE", percent_off=100)
    session = shop.session(allow_promotion_codes=True)

    back = standin.apply_code(session.url, "free")
    page = standin.read(back)
    location = standin.pay(session.url, card="")

    done = shop.look(session)
    assert "Nothing to pay" in page
    assert "Card number" not in page
    assert location.startswith("http://127.0.0.1:9/done/")
    assert (done.status, done.payment_status) == ("complete", "no_payment_required")
    assert (done.payment_intent, done.amount_total) == (None, 0)
    assert done.total_details.amount_discount == 45000
    assert [event["type"] for event in standin.events()][-1] == "checkout.session.completed"
    assert standin.events("payment_intent.created") == []


def test_a_partial_discount_is_shared_among_the_lines(standin, shop):
    code = shop.code("HELP", percent_off=25)
    session = shop.session(allow_promotion_codes=True)

    standin.pay(session.url, promotion_code="help")

    paid = shop.look(session, "line_items", "payment_intent")
    assert (paid.amount_subtotal, paid.amount_total) == (45000, 33750)
    assert paid.payment_intent.amount == 33750
    assert paid.line_items.data[0].amount_discount == 11250
    assert paid.discounts[0].promotion_code == code.id
    assert shop.v1.promotion_codes.retrieve(code.id).times_redeemed == 1


def test_an_amount_off_never_takes_more_than_there_is(standin, shop):
    shop.code("BIG", amount_off=99999, currency="usd")
    session = shop.session(allow_promotion_codes=True)

    standin.apply_code(session.url, "BIG")

    assert shop.look(session).amount_total == 0


def test_a_code_can_be_taken_away_again(standin, shop):
    shop.code("HELP", percent_off=25)
    session = shop.session(allow_promotion_codes=True)
    standin.apply_code(session.url, "HELP")

    standin.post(session.url + "/code", remove="1")

    assert shop.look(session).amount_total == 45000


def test_a_code_works_as_often_as_it_may(standin, shop):
    code = shop.code("ONCE", percent_off=10, max_redemptions=1)
    first, second = (shop.session(allow_promotion_codes=True) for _ in range(2))

    standin.pay(first.url, promotion_code="ONCE")
    location = standin.pay(second.url, promotion_code="ONCE")

    assert "This code is invalid." in standin.read(location)
    assert shop.status(second) == ("open", "unpaid")
    assert shop.v1.promotion_codes.retrieve(code.id).active is False


def test_a_code_that_is_used_up_meanwhile_gives_the_full_price_back(standin, shop):
    shop.code("ONCE", percent_off=100, max_redemptions=1)
    first, second = (shop.session(allow_promotion_codes=True) for _ in range(2))
    for session in (first, second):
        standin.apply_code(session.url, "ONCE")

    standin.pay(first.url, card="")
    location = standin.pay(second.url, card="")

    assert location.endswith("?problem=code_invalid")
    assert shop.status(second) == ("open", "unpaid")
    assert shop.look(second).amount_total == 45000


@pytest.mark.parametrize(
    "restrictions",
    [
        {"first_time_transaction": True},
        {"minimum_amount": 45001, "minimum_amount_currency": "usd"},
        {"minimum_amount": 100, "minimum_amount_currency": "eur"},
    ],
)
def test_a_restricted_code_is_refused_to_those_it_is_not_for(standin, shop, restrictions):
    shop.code("SOME", percent_off=10, restrictions=restrictions)
    session = shop.session(allow_promotion_codes=True)

    location = standin.apply_code(session.url, "SOME")

    assert location.endswith("?problem=code_invalid")
    assert shop.look(session).amount_total == 45000


def test_a_code_is_refused_where_the_site_takes_none(standin, shop):
    shop.code("HELP", percent_off=25)
    session = shop.session()

    location = standin.apply_code(session.url, "HELP")

    assert location.endswith("?problem=code_invalid")
    assert "Promotion code" not in standin.read(session.url)


def test_a_discount_given_by_the_site_is_taken_off_at_once(standin, shop):
    coupon = shop.v1.coupons.create({"amount_off": 5000, "currency": "usd"})

    session = shop.session(discounts=[{"coupon": coupon.id}])

    assert (session.amount_subtotal, session.amount_total) == (45000, 40000)
    assert session.discounts[0].coupon == coupon.id


def test_a_coupon_for_other_products_takes_nothing_off(standin, shop):
    other = shop.v1.products.create({"name": "Other"})
    shop.code("OTHER", percent_off=50, applies_to={"products": [other.id]})
    session = shop.session(allow_promotion_codes=True)

    standin.apply_code(session.url, "OTHER")

    assert shop.look(session).amount_total == 45000


def test_an_expired_session_shows_so_and_takes_no_payment(standin, shop):
    session = shop.session()
    shop.v1.checkout.sessions.expire(session.id)

    location = standin.pay(session.url)

    assert "This checkout has expired" in standin.read(location)
    assert 'href="http://127.0.0.1:9/back/"' in standin.read(location)
    assert shop.status(session) == ("expired", "unpaid")


def test_a_session_that_expires_while_the_page_is_open_takes_no_payment(standin, shop):
    session = shop.session()
    standin.read(session.url)

    standin.advance(32 * 60)
    location = standin.pay(session.url)

    assert location == session.url
    assert shop.status(session) == ("expired", "unpaid")


def test_a_second_payment_of_one_session_is_not_taken(standin, shop):
    session = shop.session()
    standin.pay(session.url)

    again = standin.pay(session.url)

    assert "This order is complete" in standin.read(again)
    assert len(standin.events("checkout.session.completed")) == 1


def test_an_unknown_session_has_no_page(standin):
    page = standin.read(standin.base_url + "/c/pay/cs_test_none")

    assert "Page not found" in page
