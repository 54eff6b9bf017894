"""The process itself: who may talk to it, how it starts, ends and remembers."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest
import stripe

from devtools.stripe_standin.control import PROJECT, ControlRefused, NotStarted, StandIn
from tests import calendar
from tests.stripe_standin.shop import Shop


def _get(standin, path, **headers):
    address = standin.base_url.removeprefix("http://")
    connection = http.client.HTTPConnection(address, timeout=5)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, body.decode()


@pytest.mark.parametrize(
    "key",
    [
        "sk_live_0123456789",
        "rk_live_0123456789",
        "sk_test_0123456789",
        "sk_test_standin_",
        "pk_test_standin_0123456789",
        "whsec_standin_0123456789",
    ],
)
def test_a_key_that_is_not_its_own_is_refused(client_for, key):
    with pytest.raises(stripe.AuthenticationError) as refused:
        client_for(key).v1.products.list()

    assert refused.value.http_status == 401


def test_a_restricted_key_of_its_own_is_accepted(client_for):
    assert client_for("rk_test_standin_0123456789").v1.products.list().data == []


def test_a_request_without_a_key_is_refused(standin):
    status, _ = _get(standin, "/v1/products")

    assert status == 401


def test_another_version_of_the_api_is_refused(shop):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.products.list({}, {"stripe_version": "2026-09-30.endive"})

    assert stripe.api_version in refused.value.user_message


def test_an_unknown_address_of_the_api_is_a_404(standin):
    key = {"Authorization": "Bearer sk_test_standin_1"}

    status, body = _get(standin, "/v1/payouts", **key)

    assert status == 404
    assert "Unrecognized request URL" in body


def test_it_listens_on_the_loopback_interface_only(standin):
    port = int(standin.base_url.rsplit(":", 1)[1])

    # Another address of this machine: only a listener on all of them would answer there.
    with pytest.raises((ConnectionRefusedError, TimeoutError)):
        socket.create_connection(("127.0.0.2", port), timeout=2)


def test_a_foreign_host_name_is_turned_away(standin):
    status, _ = _get(standin, "/v1/products", Host="attacker.example")

    assert status == 403


@pytest.mark.parametrize("token", ["", "wrong", "t\u00f6ken"])
def test_the_control_door_needs_its_token(standin, token):
    intruder = StandIn(standin.base_url, token.encode().decode("latin-1"))

    with pytest.raises(ControlRefused):
        intruder.reset()


def test_the_desk_needs_the_token_too(standin):
    status, body = _get(standin, "/_standin/?token=wrong")

    assert (status, "Checkouts" in body) == (403, False)


def test_an_order_that_cannot_be_read_is_refused(standin):
    with pytest.raises(ControlRefused):
        standin._control("POST", "clock", {"forward": 1})
    with pytest.raises(ControlRefused):
        standin._control("POST", "nothing")


def test_the_desk_lets_a_bank_debit_settle(standin, shop):
    session = shop.session()
    standin.pay_by_bank(session.url)

    page = standin.read(standin.desk_url)
    standin.post(
        standin.base_url + "/_standin/",
        token=standin.token,
        action="settle",
        session=session.id,
    )

    assert "Settle" in page
    assert shop.status(session) == ("complete", "paid")


def test_a_body_that_is_too_large_is_refused(standin):
    address = standin.base_url.removeprefix("http://")
    connection = http.client.HTTPConnection(address, timeout=5)
    connection.putrequest("POST", "/v1/customers")
    connection.putheader("Content-Length", str(10**9))
    connection.endheaders()

    status = connection.getresponse().status
    connection.close()

    assert status == 413


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_promptly_even_while_an_answer_is_held(client_for, signal_number):
    standin = StandIn.start()
    client = client_for(base_url=standin.base_url, timeout=0.2)
    standin.fault("timeout", seconds=60)
    with pytest.raises(stripe.APIConnectionError):
        client.v1.products.list()

    began = time.monotonic()
    os.kill(standin._process.pid, signal_number)
    status = standin._process.wait(30)
    standin.stop()

    assert status == 0
    assert time.monotonic() - began < 15


def test_a_webhook_address_elsewhere_keeps_it_from_starting(capfd):
    with pytest.raises(NotStarted):
        StandIn.start(webhook_url="https://example.org/stripe/webhook/")

    assert "this machine only" in capfd.readouterr().err


def test_a_demo_remembers_and_lets_debits_settle_by_the_clock(tmp_path, client_for):
    state = tmp_path / "standin.json"
    told = ("--settle-after=3600", "--merchant=Riverbend Programs", calendar.in_step())
    extra = (f"--state={state}", *told)

    with StandIn.start(extra=extra) as first:
        shop = Shop(client_for(base_url=first.base_url).v1)
        codes = {code.code for code in shop.v1.promotion_codes.list().data}
        session = shop.session(allow_promotion_codes=True)
        page = first.read(session.url)
        first.pay_by_bank(session.url)
    with StandIn.start(extra=extra) as second:
        shop = Shop(client_for(base_url=second.base_url).v1)
        kept = shop.status(session)
        second.advance(3601)
        settled = shop.status(session)
        codes_again = len(shop.v1.promotion_codes.list().data)

    assert codes == {"FREE100", "HELP25"}
    assert "Riverbend Programs" in page
    assert kept == ("complete", "unpaid")
    assert settled == ("complete", "paid")
    assert codes_again == 2


def test_a_demo_remembers_its_plans(tmp_path, client_for):
    extra = (f"--state={tmp_path / 'standin.json'}", calendar.in_step())

    with StandIn.start(extra=extra) as first:
        shop = Shop(client_for(base_url=first.base_url).v1)
        session = shop.plan_session()
        first.pay(session.url)
        first.break_card(shop.look(session).customer)
    with StandIn.start(extra=extra) as second:
        second.advance(days=32)
        [subscription] = second.subscriptions()
        totals = [invoice["amount_paid"] for invoice in second.invoices()]

    assert subscription["status"] == "past_due"
    assert totals == [20000, 0]


def test_the_desk_shows_plans_and_lets_a_month_go_by(standin, shop):
    standin.pay(shop.plan_session().url)

    page = standin.read(standin.desk_url)
    standin.post(
        standin.base_url + "/_standin/",
        token=standin.token,
        action="advance",
        advance=str(31 * 24 * 60 * 60),
    )

    [subscription] = standin.subscriptions()
    assert "A month later" in page
    assert subscription["id"] in page
    assert len(standin.invoices()) == 2


def test_a_reset_brings_the_seeded_codes_back_and_tells_nobody(receiver, client_for):
    with StandIn.start(webhook_url=receiver.url) as seeded:
        v1 = client_for(base_url=seeded.base_url).v1
        [first, _] = v1.promotion_codes.list().data
        v1.promotion_codes.update(first.id, {"active": False})

        seeded.reset()

        assert len(v1.promotion_codes.list({"active": True}).data) == 2
        assert v1.events.list().data == []
        assert seeded.deliveries() == []


def test_a_port_that_is_taken_is_told(standin, capfd):
    port = int(standin.base_url.rsplit(":", 1)[1])

    with pytest.raises(NotStarted):
        StandIn.start(port=port)

    assert f"cannot listen on port {port}" in capfd.readouterr().err


def test_a_state_of_another_api_version_is_not_taken_over(tmp_path):
    state = tmp_path / "standin.json"
    state.write_text(json.dumps({"api_version": "2019-01-01", "objects": {"product": 1}}))

    with StandIn.start(extra=(f"--state={state}",)) as standin:
        events = standin.events()

    assert events == []


def test_its_clock_is_as_far_ahead_as_it_was_told():
    day = 24 * 60 * 60
    with StandIn.start() as usual, StandIn.start(extra=(f"--clock-ahead={day}",)) as ahead:
        difference = ahead.advance(0) - usual.advance(0)

    assert difference == pytest.approx(day, abs=5)


def test_the_command_says_where_it_listens_and_nothing_else():
    command = [sys.executable, "-m", "devtools.stripe_standin", "--port=0"]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        line = process.stdout.readline()
        process.terminate()
        rest = process.stdout.read()

    assert line.startswith("stand-in listening on http://127.0.0.1:")
    assert rest == ""
