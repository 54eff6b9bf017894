"""Idempotency keys, and the troubles a test can order for the API."""

import threading

import pytest
import stripe

from devtools.stripe_standin.control import ControlRefused

DAY = 24 * 60 * 60
KEY = {"idempotency_key": "checkout:order-1:1"}


def test_the_same_key_gives_the_same_answer(shop):
    parameters = shop.parameters()

    first = shop.v1.checkout.sessions.create(parameters, KEY)
    second = shop.v1.checkout.sessions.create(parameters, KEY)

    assert second.id == first.id
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    assert second.last_response.headers["Original-Request"] == first.last_response.request_id
    assert len(shop.v1.checkout.sessions.list().data) == 1


def test_the_same_key_with_other_parameters_is_refused(shop):
    shop.v1.checkout.sessions.create(shop.parameters(), KEY)

    with pytest.raises(stripe.IdempotencyError) as refused:
        shop.v1.checkout.sessions.create(shop.parameters(client_reference_id="other"), KEY)

    assert refused.value.http_status == 400


def test_a_refused_request_saves_nothing_under_its_key(shop):
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.checkout.sessions.create(shop.parameters(mode="pay"), KEY)
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.checkout.sessions.create(shop.parameters(expires_at=1), KEY)

    made = shop.v1.checkout.sessions.create(shop.parameters(), KEY)

    assert made.status == "open"


def test_a_key_is_forgotten_after_a_day(standin, shop):
    parameters = {"email": "a@example.org"}
    first = shop.v1.customers.create(parameters, KEY)

    standin.advance(DAY)
    second = shop.v1.customers.create(parameters, KEY)

    assert second.id != first.id


def test_a_key_may_not_be_endless(shop):
    with pytest.raises(stripe.IdempotencyError):
        shop.v1.customers.create({}, {"idempotency_key": "k" * 256})


def test_a_failure_is_replayed_too(standin, shop):
    standin.fault("500")

    for _ in range(2):
        with pytest.raises(stripe.APIError) as failed:
            shop.v1.customers.create({"name": "Ada"}, KEY)
        assert failed.value.http_status == 500
    other = shop.v1.customers.create({"name": "Ada"}, {"idempotency_key": "another"})

    assert [customer.id for customer in shop.v1.customers.list().data] == [other.id]


def test_a_key_in_use_by_a_request_under_way_is_a_409(standin, client_for, shop):
    standin.fault("timeout", "POST /v1/customers", seconds=5)
    impatient = client_for(timeout=0.3).v1
    with pytest.raises(stripe.APIConnectionError):
        impatient.customers.create({"name": "Ada"}, KEY)

    with pytest.raises(stripe.APIError) as refused:
        shop.v1.customers.create({"name": "Ada"}, KEY)

    assert refused.value.http_status == 409
    assert refused.value.error.code == "idempotency_key_in_use"
    assert [customer.name for customer in shop.v1.customers.list().data] == ["Ada"]


def test_a_held_answer_still_comes_to_those_who_wait(standin, shop):
    standin.fault("timeout", "POST /v1/customers", seconds=0.2)
    made = []
    waiting = threading.Thread(target=lambda: made.append(shop.v1.customers.create({"name": "A"})))

    waiting.start()
    waiting.join(5)

    assert [customer.name for customer in made] == ["A"]


def test_an_answer_lost_after_the_work_can_be_fetched_with_the_key(standin, shop):
    standin.fault("lost", "POST /v1/checkout/sessions")
    parameters = shop.parameters()

    with pytest.raises(stripe.APIConnectionError):
        shop.v1.checkout.sessions.create(parameters, KEY)
    found = shop.v1.checkout.sessions.create(parameters, KEY)

    assert found.last_response.headers["Idempotent-Replayed"] == "true"
    assert [session.id for session in shop.v1.checkout.sessions.list().data] == [found.id]


def test_the_sdk_gets_over_a_lost_answer_by_itself(standin, client_for, shop):
    standin.fault("lost", "POST /v1/checkout/sessions")

    session = client_for(retries=1).v1.checkout.sessions.create(shop.parameters())

    assert [each.id for each in shop.v1.checkout.sessions.list().data] == [session.id]


def test_a_refused_connection_does_no_work(standin, shop):
    standin.fault("refuse", "POST /v1/customers")

    with pytest.raises(stripe.APIConnectionError):
        shop.v1.customers.create({"name": "Ada"}, KEY)

    assert shop.v1.customers.list().data == []


def test_too_many_requests_are_told_so(standin, shop):
    standin.fault("429", count=2)

    for _ in range(2):
        with pytest.raises(stripe.RateLimitError) as refused:
            shop.v1.customers.list()
        assert refused.value.error.code == "rate_limit"

    assert shop.v1.customers.list().data == []


def test_an_unavailable_server_saves_nothing(standin, shop):
    standin.fault("503", "/v1/customers")

    with pytest.raises(stripe.APIError):
        shop.v1.customers.create({"name": "Ada"}, KEY)

    assert shop.v1.customers.create({"name": "Ada"}, KEY).name == "Ada"


def test_a_fault_waits_for_the_path_it_is_for(standin, shop):
    standin.fault("500", "POST /v1/checkout/sessions/*/expire")
    session = shop.session()

    with pytest.raises(stripe.APIError):
        shop.v1.checkout.sessions.expire(session.id)

    assert shop.status(session) == ("open", "unpaid")


def test_a_fault_can_be_for_making_alone(standin, shop):
    session = shop.session()
    standin.fault("500", "POST /v1/checkout/sessions$")

    shop.v1.checkout.sessions.expire(session.id)

    with pytest.raises(stripe.APIError):
        shop.session()


def test_an_unknown_fault_is_refused(standin):
    with pytest.raises(ControlRefused):
        standin.fault("earthquake")


def test_a_reset_forgets_faults_keys_and_the_clock(standin, shop):
    customer = shop.v1.customers.create({"name": "Ada"}, KEY)
    standin.fault("500", count=100)
    standin.advance(10 * DAY)

    standin.reset()

    assert shop.v1.customers.list().data == []
    again = shop.v1.customers.create({"name": "Ada"}, KEY)
    assert again.id != customer.id
    assert again.created < customer.created + DAY


def test_every_request_is_kept_for_inspection_without_its_key(standin, shop):
    shop.session(metadata={"order": "order-1"})

    [seen] = standin.requests("/v1/checkout/sessions")

    assert (seen["method"], seen["status"]) == ("POST", 200)
    assert seen["body"]["metadata"] == {"order": "order-1"}
    assert seen["body"]["line_items"]["0"]["price_data"]["unit_amount"] == "45000"
    assert seen["headers"]["Stripe-Version"] == stripe.api_version
    assert "sk_test" not in str(seen)
