"""Webhooks: signatures, retries, order, and the troubles a test can order for them."""

import pytest
import stripe

from devtools.stripe_standin.control import WEBHOOK_SECRET, ControlRefused


def _customers(shop, *names):
    return [shop.v1.customers.create({"name": name}).id for name in names]


def test_the_sdk_accepts_the_signature_and_reads_the_event(standin, receiver, shop, client_for):
    [customer] = _customers(shop, "Ada")

    standin.wait_for_delivery("customer.created")

    [arrival] = receiver.arrivals
    event = client_for().construct_event(arrival.body, arrival.signature, WEBHOOK_SECRET)
    assert (event.type, event.api_version, event.livemode) == (
        "customer.created",
        stripe.api_version,
        False,
    )
    assert event.data.object.id == customer


@pytest.mark.parametrize("secret", ["whsec_standin_other", "", "whsec_standin_0123456788"])
def test_another_secret_does_not_fit_the_signature(standin, receiver, shop, secret):
    _customers(shop, "Ada")
    standin.wait_for_delivery("customer.created")

    [arrival] = receiver.arrivals

    with pytest.raises(stripe.SignatureVerificationError):
        stripe.WebhookSignature.verify_header(arrival.body.decode(), arrival.signature, secret)


def test_a_changed_body_does_not_fit_the_signature(standin, receiver, shop):
    _customers(shop, "Ada")
    standin.wait_for_delivery("customer.created")

    [arrival] = receiver.arrivals
    changed = arrival.body.decode().replace("Ada", "Eve")

    with pytest.raises(stripe.SignatureVerificationError):
        stripe.WebhookSignature.verify_header(changed, arrival.signature, WEBHOOK_SECRET)


def test_an_endpoint_that_fails_is_tried_again(standin, receiver, shop):
    receiver.answers[:] = [500, 302]

    _customers(shop, "Ada")
    standin.wait_for_delivery("customer.created")

    attempts = standin.deliveries("customer.created")
    assert [(each["attempt"], each["status"], each["outcome"]) for each in attempts] == [
        (1, 500, "refused"),
        (2, 302, "refused"),
        (3, 200, "received"),
    ]
    assert len({arrival.event["id"] for arrival in receiver.arrivals}) == 1


def test_an_event_counts_as_pending_until_it_is_received(standin, receiver, shop):
    standin.hold_webhooks()

    _customers(shop, "Ada")
    pending = shop.v1.events.list({"delivery_success": False}).data
    standin.release_webhooks()
    standin.wait_idle()

    assert [event.pending_webhooks for event in pending] == [1]
    assert shop.v1.events.list({"delivery_success": False}).data == []
    assert [event.pending_webhooks for event in shop.v1.events.list().data] == [0]


def test_an_endpoint_that_is_not_there_is_told_in_the_log(standin, shop):
    standin.set_webhook("http://127.0.0.1:9/nobody/")

    _customers(shop, "Ada")
    standin.wait_for_delivery("customer.created", outcome="unreachable")

    assert standin.deliveries()[0]["status"] == 0


def test_held_webhooks_come_when_they_are_released(standin, receiver, shop):
    standin.hold_webhooks()
    session = shop.session()

    standin.pay(session.url)
    standin.wait_idle()
    before = list(receiver.arrivals)
    status = shop.status(session)
    standin.release_webhooks()
    standin.wait_for_delivery("checkout.session.completed")

    assert before == []
    assert status == ("complete", "paid")
    assert receiver.types == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]


def test_one_type_can_be_held_alone(standin, receiver, shop):
    standin.fault("hold", "checkout.session.completed")

    standin.pay(shop.session().url)
    standin.wait_for_delivery("payment_intent.succeeded")
    standin.wait_idle()
    before = receiver.types
    standin.release_webhooks()
    standin.wait_idle()

    assert "checkout.session.completed" not in before
    assert receiver.types[-1] == "checkout.session.completed"


def test_dropped_webhooks_never_come_but_can_be_listed(standin, receiver, shop):
    standin.drop_webhooks()
    lost = _customers(shop, "Ada")
    standin.release_webhooks()
    _customers(shop, "Bea")
    standin.wait_idle()

    missed = shop.v1.events.list({"delivery_success": False}).data

    assert [arrival.event["data"]["object"]["name"] for arrival in receiver.arrivals] == ["Bea"]
    assert [event.data.object.id for event in missed] == lost


def test_a_dropped_type_is_dropped_as_often_as_ordered(standin, receiver, shop):
    standin.fault("drop", "customer.*", count=2)

    _customers(shop, "Ada", "Bea", "Cleo")
    standin.wait_idle()

    assert [arrival.event["data"]["object"]["name"] for arrival in receiver.arrivals] == ["Cleo"]


def test_a_duplicate_is_the_same_event_twice(standin, receiver, shop):
    standin.fault("duplicate")

    _customers(shop, "Ada")
    standin.wait_for_delivery("customer.created", count=2)

    first, second = (arrival.event["id"] for arrival in receiver.arrivals)
    assert first == second


def test_reordered_webhooks_come_last_first(standin, receiver, shop):
    standin.fault("reorder", count=3)

    _customers(shop, "Ada", "Bea", "Cleo", "Dora")
    standin.wait_for_delivery("customer.created", count=4)

    names = [arrival.event["data"]["object"]["name"] for arrival in receiver.arrivals]
    assert names == ["Cleo", "Bea", "Ada", "Dora"]


def test_a_delayed_webhook_lets_others_pass(standin, receiver, shop):
    standin.fault("delay", seconds=0.8)

    _customers(shop, "Ada", "Bea")
    standin.wait_for_delivery("customer.created", count=2)

    names = [arrival.event["data"]["object"]["name"] for arrival in receiver.arrivals]
    assert names == ["Bea", "Ada"]


def test_an_event_can_be_delivered_again_and_again(standin, receiver, shop):
    _customers(shop, "Ada")
    standin.wait_idle()
    [event] = standin.events()

    statuses = standin.deliver(event["id"], times=3)

    assert statuses == [200, 200, 200]
    assert {arrival.event["id"] for arrival in receiver.arrivals} == {event["id"]}
    assert len(receiver.arrivals) == 4


def test_delivering_an_unknown_event_is_refused(standin, receiver):
    with pytest.raises(ControlRefused):
        standin.deliver("evt_none")


def test_an_endpoint_gets_only_what_it_asked_for_with_its_own_secret(standin, receiver, shop):
    standin.set_webhook("")
    endpoint = shop.v1.webhook_endpoints.create(
        {
            "url": receiver.url,
            "enabled_events": ["customer.updated"],
            "api_version": stripe.api_version,
        }
    )

    [customer] = _customers(shop, "Ada")
    shop.v1.customers.update(customer, {"name": "Ada L."})
    standin.wait_for_delivery("customer.updated")

    [arrival] = receiver.arrivals
    body = arrival.body.decode()
    assert stripe.WebhookSignature.verify_header(body, arrival.signature, endpoint.secret)
    assert arrival.event["data"]["previous_attributes"] == {"name": "Ada"}


def test_a_disabled_endpoint_gets_nothing(standin, receiver, shop):
    standin.set_webhook("")
    parameters = {"url": receiver.url, "enabled_events": ["*"]}
    endpoint = shop.v1.webhook_endpoints.create(parameters)

    shop.v1.webhook_endpoints.update(endpoint.id, {"disabled": True})
    _customers(shop, "Ada")
    standin.wait_idle()

    assert receiver.arrivals == []
    assert shop.v1.webhook_endpoints.retrieve(endpoint.id).status == "disabled"


def test_the_secret_of_an_endpoint_is_shown_once(shop, receiver):
    made = shop.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"]})

    listed = shop.v1.webhook_endpoints.list().data

    assert made.secret.startswith("whsec_standin_")
    assert len(listed) == 2
    assert all("secret" not in endpoint for endpoint in listed)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/webhook/",
        "http://example.org/webhook/",
        "http://10.0.0.1/webhook/",
        "http://127.0.0.1.example.org/",
        "https://127.0.0.1/webhook/",
        "ftp://127.0.0.1/",
        "http://[::1/",
        "not an address",
    ],
)
def test_nothing_leaves_this_machine(standin, shop, url):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.webhook_endpoints.create({"url": url, "enabled_events": ["*"]})
    with pytest.raises(ControlRefused):
        standin.set_webhook(url)

    assert refused.value.param == "url"
    assert shop.v1.webhook_endpoints.list().data == []


def test_events_are_paged_in_both_directions(standin, shop):
    names = [f"Member {number}" for number in range(7)]
    _customers(shop, *names)

    newest_first = shop.v1.events.list({"types": ["customer.created"], "limit": 3})
    listed = [event.data.object.name for event in newest_first.auto_paging_iter()]
    oldest = newest_first.data[-1].id
    back = shop.v1.events.list({"ending_before": oldest, "limit": 1})

    assert listed == names[::-1]
    assert [event.data.object.name for event in back.data] == ["Member 5"]
    assert [event.data.object.name for event in back.auto_paging_iter()] == ["Member 5", "Member 6"]


def test_events_can_be_filtered(standin, shop):
    [customer] = _customers(shop, "Ada")
    shop.v1.customers.update(customer, {"name": "Bea"})
    first = standin.events()[0]

    def types(**query):
        return [event.type for event in shop.v1.events.list(query).data]

    assert types(type="customer.updated") == ["customer.updated"]
    assert types(types=["customer.updated", "refund.created"]) == ["customer.updated"]
    assert types(created={"gte": first["created"]}) == ["customer.updated", "customer.created"]
    assert types(created={"lt": first["created"]}) == []
    assert shop.v1.events.retrieve(first["id"]).type == "customer.created"


def test_a_cursor_that_is_not_in_the_list_is_refused(shop):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.events.list({"starting_after": "evt_none"})

    assert refused.value.param == "starting_after"
