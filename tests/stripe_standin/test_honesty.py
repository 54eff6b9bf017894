"""The stand-in never says what Stripe could not say: it fails loudly instead."""

from email.message import Message

import pytest

from devtools.stripe_standin.api import Request
from devtools.stripe_standin.control import API_KEY
from devtools.stripe_standin.engine import Engine, Options
from devtools.stripe_standin.refusals import ContractBroken


@pytest.fixture
def engine():
    return Engine(Options(control_token="token"))


def _get(engine, path):
    headers = Message()
    headers["Authorization"] = f"Bearer {API_KEY}"
    return engine.api.answer(Request("GET", path, "", b"", headers, "http://127.0.0.1"))


def test_an_answer_that_breaks_the_contract_is_a_500_that_names_the_break(engine):
    product = engine.store.new("product", name="Course", active="perhaps")

    answer = _get(engine, f"/v1/products/{product['id']}")

    assert answer.status == 500
    assert "active" in answer.body["error"]["message"]
    assert "breaks the contract" in answer.body["error"]["message"]


def test_an_answer_with_a_field_that_stripe_does_not_have_is_a_500(engine):
    product = engine.store.new("product", name="Course", seats=12)

    answer = _get(engine, f"/v1/products/{product['id']}")

    assert answer.status == 500
    assert "seats" in answer.body["error"]["message"]


def test_an_event_that_breaks_the_contract_is_not_sent(engine):
    charge = engine.store.new("charge", status="payed")

    with pytest.raises(ContractBroken) as broken:
        engine.store.emit("charge.succeeded", charge)

    assert "data[object][status]" in str(broken.value)


def test_an_event_of_a_type_that_stripe_does_not_have_is_not_sent(engine):
    product = engine.store.new("product", name="Course")

    with pytest.raises(ContractBroken):
        engine.store.emit("product.enjoyed", product)
