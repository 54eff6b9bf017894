"""The contract: where it comes from, and that it tells good messages from bad ones."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import stripe

from devtools.stripe_standin import contract_slice
from devtools.stripe_standin.blanks import blank_object
from devtools.stripe_standin.contract import Contract, MalformedForm, form_decode


@pytest.fixture(scope="module")
def contract():
    return Contract()


class Recorder(ThreadingHTTPServer):
    """Keeps every request that the SDK sends and answers an empty list."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Recording)
        self.seen = []


class _Recording(BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        path, _, query = self.path.partition("?")
        self.server.seen.append((self.command, path, body, query))
        answer = b'{"id":"x_1","object":"list","data":[],"has_more":false,"url":"/"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def do_POST(self):
        self.do_GET()

    def do_DELETE(self):
        self.do_GET()

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def recorder():
    server = Recorder()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def problems_of(contract, recorder, client_for):
    """A function that lets the SDK send something and checks what arrived."""
    base_url = f"http://127.0.0.1:{recorder.server_port}"
    v1 = client_for("sk_test_standin_recorder", base_url=base_url).v1

    def problems(send):
        recorder.seen.clear()
        send(v1)
        verb, path, body, query = recorder.seen[0]
        operation = contract.find(verb, path)
        _, _, found = contract.check_request(operation, body, query)
        return [problem.field for problem in found]

    return problems


def test_the_committed_slice_is_what_the_installed_sdk_says():
    derived = contract_slice.as_text(contract_slice.derive())

    assert contract_slice.COMMITTED_FILE.read_text(encoding="utf-8") == derived


def test_the_slice_is_of_the_version_that_the_sdk_sends(contract):
    assert contract.api_version == stripe.api_version


SESSION = {
    "mode": "payment",
    "success_url": "https://example.org/ok?s={CHECKOUT_SESSION_ID}",
    "line_items": [
        {
            "quantity": 1,
            "price_data": {
                "currency": "usd",
                "unit_amount": 45000,
                "product_data": {"name": "Course"},
            },
        }
    ],
    "client_reference_id": "order-1",
    "metadata": {"order": "order-1"},
    "customer_email": "a@example.org",
    "expires_at": 2_000_000_000,
    "allow_promotion_codes": True,
    "allowed_payment_method_types": ["card", "link"],
    "submit_type": "book",
    "payment_intent_data": {
        "statement_descriptor_suffix": "COURSE",
        "metadata": {"order": "order-1"},
        "receipt_email": "a@example.org",
    },
    "invoice_creation": {"enabled": True, "invoice_data": {"metadata": {"order": "order-1"}}},
    "custom_text": {"submit": {"message": "Discreet billing."}},
}
PLAN_PHASE = {
    "items": [{"price": "price_1", "quantity": 1}],
    "start_date": 1,
    "duration": {"interval": "month", "interval_count": 3},
}
GOOD = {
    "checkout": lambda v1: v1.checkout.sessions.create(SESSION),
    "checkout of a plan": lambda v1: v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "success_url": "https://example.org/ok",
            "line_items": [{"price": "price_1", "quantity": 1}],
            "subscription_data": {"metadata": {"plan": "3"}},
        }
    ),
    "list of checkouts": lambda v1: v1.checkout.sessions.list(
        {"created": {"gte": 1}, "limit": 100, "expand": ["data.line_items"], "status": "complete"}
    ),
    "list of charges": lambda v1: v1.charges.list({"created": {"gte": 1}, "limit": 100}),
    "expiring": lambda v1: v1.checkout.sessions.expire("cs_test_1"),
    "lines": lambda v1: v1.checkout.sessions.line_items.list("cs_test_1", {"limit": 5}),
    "retrieving": lambda v1: v1.checkout.sessions.retrieve(
        "cs_test_1", {"expand": ["payment_intent.latest_charge"]}
    ),
    "refund": lambda v1: v1.refunds.create(
        {
            "payment_intent": "pi_1",
            "amount": 100,
            "reason": "requested_by_customer",
            "metadata": {"refund": "1"},
        }
    ),
    "promotion code": lambda v1: v1.promotion_codes.create(
        {
            "promotion": {"type": "coupon", "coupon": "c1"},
            "code": "WELCOME",
            "max_redemptions": 5,
            "restrictions": {"first_time_transaction": True},
        }
    ),
    "coupon": lambda v1: v1.coupons.create({"percent_off": 12.5, "duration": "once"}),
    "schedule of a subscription": lambda v1: v1.subscription_schedules.create(
        {"from_subscription": "sub_1"}
    ),
    "phases of a schedule": lambda v1: v1.subscription_schedules.update(
        "sub_sched_1", {"end_behavior": "cancel", "phases": [PLAN_PHASE]}
    ),
    "end of a subscription": lambda v1: v1.subscriptions.update(
        "sub_1", {"cancel_at": 2_000_000_000, "proration_behavior": "none"}
    ),
    "cancelled subscription": lambda v1: v1.subscriptions.cancel("sub_1", {"invoice_now": False}),
    "portal": lambda v1: v1.billing_portal.sessions.create(
        {"customer": "cus_1", "return_url": "https://example.org/"}
    ),
    "portal configuration": lambda v1: v1.billing_portal.configurations.create(
        {
            "features": {
                "invoice_history": {"enabled": True},
                "payment_method_update": {"enabled": True},
                "subscription_cancel": {"enabled": False},
            },
            "metadata": {"site": "1"},
        }
    ),
    "payments of an invoice": lambda v1: v1.invoice_payments.list({"invoice": "in_1"}),
    "events": lambda v1: v1.events.list(
        {
            "types": ["checkout.session.completed"],
            "created": {"gt": 5},
            "delivery_success": False,
        }
    ),
    "endpoint": lambda v1: v1.webhook_endpoints.create(
        {
            "url": "https://example.org/wh",
            "enabled_events": ["checkout.session.completed", "refund.updated"],
            "api_version": stripe.api_version,
        }
    ),
}


@pytest.mark.parametrize("send", GOOD.values(), ids=GOOD.keys())
def test_what_the_sdk_sends_for_us_conforms(problems_of, send):
    assert problems_of(send) == []


def _session(**parameters):
    return lambda v1: v1.checkout.sessions.create(parameters)


BAD = {
    "misspelt parameter": (_session(mode="payment", sucess_url="https://a.b"), "(body)"),
    "parameter that was removed": (_session(payment_method_types=["card"]), "(body)"),
    "value that was renamed": (_session(ui_mode="hosted"), "ui_mode"),
    "value that does not exist": (_session(mode="pay"), "mode"),
    "amount that is not whole": (
        lambda v1: v1.refunds.create({"payment_intent": "pi_1", "amount": 450.5}),
        "amount",
    ),
    "suffix that is too long": (
        _session(payment_intent_data={"statement_descriptor_suffix": "X" * 23}),
        "payment_intent_data[statement_descriptor_suffix]",
    ),
    "reference that is too long": (_session(client_reference_id="X" * 201), "client_reference_id"),
    "metadata value that is too long": (_session(metadata={"a": "X" * 501}), "metadata[a]"),
    "metadata key that is too long": (
        _session(metadata={"k" * 41: "x"}),
        f"metadata[{'k' * 41}]",
    ),
    "too many metadata keys": (
        _session(metadata={f"k{number}": "x" for number in range(51)}),
        "metadata",
    ),
    "unknown parameter inside a line": (
        _session(line_items=[{"price": "p", "qty": 1}]),
        "line_items[0]",
    ),
    "iterations of a phase": (
        lambda v1: v1.subscription_schedules.create(
            {"phases": [{"items": [{"price": "p"}], "iterations": 3}]}
        ),
        "phases[0]",
    ),
    "end of a subscription at checkout": (
        _session(mode="subscription", subscription_data={"cancel_at": 1}),
        "subscription_data",
    ),
    "unknown query parameter": (lambda v1: v1.refunds.list({"paymentintent": "pi_1"}), "(body)"),
    "unknown event type": (
        lambda v1: v1.webhook_endpoints.create(
            {"url": "https://a.b", "enabled_events": ["checkout.session.complete"]}
        ),
        "enabled_events[0]",
    ),
}


@pytest.mark.parametrize(("send", "field"), BAD.values(), ids=BAD.keys())
def test_what_stripe_would_refuse_is_found_at_its_field(problems_of, send, field):
    assert problems_of(send) == [field]


def test_the_old_shape_of_promotion_codes_breaks_in_two_ways(problems_of):
    found = problems_of(lambda v1: v1.promotion_codes.create({"coupon": "c1", "code": "X"}))

    assert found == ["(body)", "(body)"]


def test_an_operation_outside_the_contract_is_not_found(contract):
    with pytest.raises(LookupError):
        contract.find("GET", "/v1/payouts")


@pytest.mark.parametrize("kind", contract_slice.RESOURCES)
def test_an_empty_object_conforms_but_for_no_invented_field(contract, kind):
    empty = blank_object(contract, kind)

    assert contract.check_object(empty) == []
    assert len(contract.check_object({**empty, "seat": 1})) == 1


def test_a_wrong_status_in_an_event_is_found(contract):
    session = blank_object(contract, "checkout.session") | {"payment_status": "payed"}
    event = blank_object(contract, "event") | {
        "type": "checkout.session.completed",
        "data": {"object": session},
    }

    found = contract.check_event(event)

    assert [problem.field for problem in found] == ["data[object][payment_status]"]


def test_an_error_with_a_code_that_stripe_does_not_know_is_found(contract):
    error = {"error": {"type": "invalid_request_error", "code": "made_up", "message": "No."}}

    assert [problem.field for problem in contract.check_error(error)] == ["error[code]"]


def test_a_form_is_read_as_stripe_reads_it():
    form = "line_items[0][price]=p&line_items[1][price]=q&expand[]=a&metadata[k]=v&empty="

    assert form_decode(form) == {
        "line_items": {"0": {"price": "p"}, "1": {"price": "q"}},
        "expand": {"0": "a"},
        "metadata": {"k": "v"},
        "empty": "",
    }


@pytest.mark.parametrize("form", ["a=1&a=2", "a=1&a[b]=2", "a[b=1", "[a]=1", "novalue", b"a=\xff"])
def test_a_form_that_stripe_would_misread_is_refused(form):
    with pytest.raises(MalformedForm):
        form_decode(form)
