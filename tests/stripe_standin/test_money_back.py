"""Refunds and disputes, asked for by the site, the dashboard or a bank."""

import pytest
import stripe


@pytest.fixture
def payment(standin, shop):
    """The intent of a session that has been paid, 450 dollars."""
    session = shop.session()
    standin.pay(session.url)
    return shop.intent_of(session)


def _types(standin, since):
    return [event["type"] for event in standin.events()][since:]


def test_a_part_can_be_refunded_and_then_the_rest(standin, shop, payment):
    known = len(standin.events())

    part = shop.v1.refunds.create(
        {
            "payment_intent": payment.id,
            "amount": 15000,
            "reason": "requested_by_customer",
            "metadata": {"refund": "1"},
        }
    )
    after_part = shop.v1.charges.retrieve(payment.latest_charge)
    rest = shop.v1.refunds.create({"charge": payment.latest_charge})
    after_rest = shop.v1.charges.retrieve(payment.latest_charge, {"expand": ["refunds"]})

    assert (part.amount, part.status, part.metadata.to_dict()) == (
        15000,
        "succeeded",
        {"refund": "1"},
    )
    assert (after_part.amount_refunded, after_part.refunded) == (15000, False)
    assert rest.amount == 30000
    assert (after_rest.amount_refunded, after_rest.refunded) == (45000, True)
    assert [each.id for each in after_rest.refunds.data] == [rest.id, part.id]
    assert _types(standin, known) == ["refund.created", "charge.refunded"] * 2


def test_more_than_is_left_is_refused(shop, payment):
    shop.v1.refunds.create({"payment_intent": payment.id, "amount": 40000})

    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.refunds.create({"payment_intent": payment.id, "amount": 5001})

    assert (refused.value.http_status, refused.value.param) == (400, "amount")


def test_a_refunded_payment_is_not_refunded_again(shop, payment):
    shop.v1.refunds.create({"payment_intent": payment.id})

    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.refunds.create({"payment_intent": payment.id})

    assert refused.value.code == "charge_already_refunded"


@pytest.mark.parametrize("amount", [0, -1])
def test_an_amount_that_is_no_amount_is_refused(shop, payment, amount):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.refunds.create({"payment_intent": payment.id, "amount": amount})

    assert refused.value.param == "amount"


def test_a_payment_that_has_not_come_cannot_be_refunded(standin, shop):
    session = shop.session()
    standin.pay_by_bank(session.url)

    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.refunds.create({"payment_intent": shop.look(session).payment_intent})

    assert refused.value.code == "payment_intent_unexpected_state"


def test_a_refund_names_a_payment_that_exists(shop):
    with pytest.raises(stripe.InvalidRequestError) as nameless:
        shop.v1.refunds.create({"amount": 100})
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        shop.v1.refunds.create({"payment_intent": "pi_none"})

    assert nameless.value.code == "parameter_missing"
    assert (unknown.value.code, unknown.value.param) == ("resource_missing", "payment_intent")


def test_a_refund_from_the_dashboard_has_no_request_behind_it(standin, shop, payment):
    made = standin.refund(payment.id, amount=1000)

    listed = shop.v1.refunds.list({"payment_intent": payment.id}).data
    assert [(each.id, each.amount) for each in listed] == [(made["id"], 1000)]
    assert standin.events("refund.created")[0]["request"]["id"] is None


def test_a_refund_of_the_site_carries_its_request_and_key(standin, shop, payment):
    shop.v1.refunds.create({"payment_intent": payment.id}, {"idempotency_key": "refund:1"})

    request = standin.events("refund.created")[0]["request"]
    assert request["idempotency_key"] == "refund:1"
    assert request["id"].startswith("req_")


def test_a_refund_that_fails_is_owed_again(standin, shop, payment):
    refund = shop.v1.refunds.create({"payment_intent": payment.id})
    known = len(standin.events())

    standin.fail_refund(refund.id)

    failed = shop.v1.refunds.retrieve(refund.id)
    charge = shop.v1.charges.retrieve(payment.latest_charge)
    assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    assert (charge.amount_refunded, charge.refunded) == (0, False)
    assert _types(standin, known) == ["refund.updated", "charge.refund.updated", "refund.failed"]
    assert shop.v1.refunds.create({"payment_intent": payment.id}).amount == 45000


def test_a_refund_that_succeeded_cannot_be_cancelled(shop, payment):
    refund = shop.v1.refunds.create({"payment_intent": payment.id})

    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.refunds.cancel(refund.id)


def test_a_dispute_takes_the_money_and_stops_refunds(standin, shop, payment):
    known = len(standin.events())

    opened = standin.dispute(payment.id, reason="product_not_received")

    dispute = shop.v1.disputes.retrieve(opened["id"])
    assert (dispute.status, dispute.amount, dispute.reason) == (
        "needs_response",
        45000,
        "product_not_received",
    )
    assert shop.v1.charges.retrieve(payment.latest_charge).disputed is True
    assert _types(standin, known) == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
    ]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.refunds.create({"payment_intent": payment.id})
    assert refused.value.code == "charge_disputed"


def test_an_inquiry_moves_no_money(standin, shop, payment):
    known = len(standin.events())

    standin.dispute(payment.id, status="warning_needs_response")

    assert _types(standin, known) == ["charge.dispute.created"]
    assert shop.v1.refunds.create({"payment_intent": payment.id}).status == "succeeded"


@pytest.mark.parametrize(
    ("status", "types"),
    [
        ("under_review", ["charge.dispute.updated"]),
        ("lost", ["charge.dispute.closed"]),
        ("won", ["charge.dispute.closed", "charge.dispute.funds_reinstated"]),
        ("prevented", ["charge.dispute.closed"]),
    ],
)
def test_a_dispute_goes_on(standin, shop, payment, status, types):
    opened = standin.dispute(payment.id)
    known = len(standin.events())

    standin.change_dispute(opened["id"], status)

    listed = shop.v1.disputes.list({"payment_intent": payment.id}).data
    assert [dispute.status for dispute in listed] == [status]
    assert _types(standin, known) == types


@pytest.mark.parametrize(
    ("status", "answered"),
    [
        ("needs_response", "under_review"),
        ("warning_needs_response", "warning_under_review"),
    ],
)
def test_evidence_is_sent_to_the_bank_once(standin, shop, payment, status, answered):
    opened = standin.dispute(payment.id, status=status)
    known = len(standin.events())
    sent = {"evidence": {"product_description": "Program enrollment"}, "submit": True}

    dispute = shop.v1.disputes.update(opened["id"], sent)

    assert dispute.status == answered
    assert dispute.evidence.product_description == "Program enrollment"
    details = dispute.evidence_details
    assert (details.has_evidence, details.submission_count) == (True, 1)
    assert _types(standin, known) == ["charge.dispute.updated"]
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.disputes.update(opened["id"], sent)


def test_evidence_can_be_kept_before_it_is_sent(standin, shop, payment):
    opened = standin.dispute(payment.id)

    dispute = shop.v1.disputes.update(
        opened["id"], {"evidence": {"service_date": "November 20, 2026"}, "submit": False}
    )

    assert dispute.status == "needs_response"
    assert dispute.evidence.service_date == "November 20, 2026"
    assert dispute.evidence_details.submission_count == 0


def test_an_answer_is_due_after_nine_days(standin, shop, payment):
    opened = standin.dispute(payment.id)

    dispute = shop.v1.disputes.retrieve(opened["id"])

    assert dispute.evidence_details.due_by == dispute.created + 9 * 24 * 60 * 60
