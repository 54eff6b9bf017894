"""Subscriptions and their schedules through the API."""

import pytest
import stripe


@pytest.fixture
def subscription(standin, shop):
    """A plan of 200 dollars each month, paid for the first time."""
    session = shop.plan_session()
    standin.pay(session.url)
    return shop.subscription_of(session)


def _period_end(subscription):
    return subscription["items"].data[0].current_period_end


def _phase(schedule, **changes):
    [phase] = schedule.phases
    return {
        "items": [{"price": phase["items"][0].price, "quantity": 1}],
        "start_date": phase.start_date,
        "duration": {"interval": "month", "interval_count": 3},
        **changes,
    }


def _refused(shop, schedule, **changes):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.subscription_schedules.update(
            schedule.id, {"phases": [_phase(schedule, **changes)]}
        )
    return refused.value.param


def test_subscriptions_are_listed_without_those_that_are_over(standin, shop, subscription):
    standin.pay(shop.plan_session().url)
    shop.v1.subscriptions.cancel(subscription.id)

    running = shop.v1.subscriptions.list().data
    own = shop.v1.subscriptions.list({"customer": subscription.customer, "status": "all"}).data
    over = shop.v1.subscriptions.list({"status": "canceled"}).data

    assert [each.status for each in running] == ["active"]
    assert [each.id for each in own] == [each.id for each in over] == [subscription.id]
    assert len(shop.v1.subscriptions.list({"status": "all"}).data) == 2


def test_a_subscription_that_is_cancelled_is_billed_no_more(standin, shop, subscription):
    cancelled = shop.v1.subscriptions.cancel(subscription.id)
    standin.advance(days=40)

    [deleted] = standin.events("customer.subscription.deleted")
    assert (cancelled.status, cancelled.cancellation_details.reason) == (
        "canceled",
        "cancellation_requested",
    )
    assert deleted["data"]["object"]["id"] == subscription.id
    assert len(standin.invoices()) == 1
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.subscriptions.cancel(subscription.id)
    assert refused.value.code == "resource_missing"


def test_a_subscription_can_end_with_its_period(standin, shop, subscription):
    changed = shop.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})

    standin.advance(days=40)

    assert (changed.status, changed.cancel_at) == ("active", _period_end(subscription))
    assert shop.v1.subscriptions.retrieve(subscription.id).status == "canceled"
    assert len(standin.invoices()) == 1


def test_an_end_can_be_taken_back(standin, shop, subscription):
    shop.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    shop.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": False})

    standin.advance(days=40)

    kept = shop.v1.subscriptions.retrieve(subscription.id)
    assert (kept.status, kept.cancel_at, kept.canceled_at) == ("active", None, None)


def test_an_end_at_the_end_of_a_period_is_taken_and_one_inside_is_not_copied(
    standin, shop, subscription
):
    end = _period_end(subscription)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.subscriptions.update(subscription.id, {"cancel_at": end - 60})

    shop.v1.subscriptions.update(subscription.id, {"cancel_at": end, "proration_behavior": "none"})
    standin.advance(days=40)

    assert refused.value.param == "cancel_at"
    assert shop.v1.subscriptions.retrieve(subscription.id).ended_at == end


def test_metadata_and_card_can_be_changed_and_the_events_tell(standin, shop, subscription):
    other = shop.plan_session()
    standin.pay(other.url)
    foreign = shop.subscription_of(other).default_payment_method

    shop.v1.subscriptions.update(subscription.id, {"metadata": {"note": "x"}})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.subscriptions.update(subscription.id, {"default_payment_method": foreign})

    kept = shop.v1.subscriptions.retrieve(subscription.id)
    [told] = standin.events("customer.subscription.updated")
    assert kept.metadata.to_dict() == {"order": "order-1", "note": "x"}
    assert told["data"]["previous_attributes"] == {"metadata": {"order": "order-1"}}
    assert refused.value.param == "default_payment_method"


def test_a_subscription_that_is_over_takes_metadata_only(shop, subscription):
    shop.v1.subscriptions.cancel(subscription.id)

    shop.v1.subscriptions.update(subscription.id, {"metadata": {"note": "x"}})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})

    assert refused.value.code == "invalid_canceled_subscription_fields"


def test_a_schedule_takes_a_running_subscription_over(shop, subscription):
    schedule = shop.v1.subscription_schedules.create({"from_subscription": subscription.id})

    [phase] = schedule.phases
    linked = shop.v1.subscriptions.retrieve(subscription.id, {"expand": ["schedule"]})
    assert (schedule.status, schedule.end_behavior) == ("active", "release")
    assert (phase.start_date, phase.end_date) == (
        subscription.start_date,
        _period_end(subscription),
    )
    assert linked.schedule.id == schedule.id
    found = shop.v1.subscription_schedules.list({"customer": subscription.customer}).data
    assert [each.id for each in found] == [schedule.id]


@pytest.mark.parametrize("months", [1, 3, 6])
def test_a_phase_of_so_many_months_means_so_many_invoices(standin, shop, subscription, months):
    schedule = shop.ends_after(subscription, months)

    standin.advance(days=31 * 8)

    assert len(standin.invoices()) == months
    assert {invoice["status"] for invoice in standin.invoices()} == {"paid"}
    assert shop.v1.subscriptions.retrieve(subscription.id).status == "canceled"
    assert shop.v1.subscription_schedules.retrieve(schedule.id).status == "completed"
    assert [event["type"] for event in standin.events()][-2:] == [
        "customer.subscription.deleted",
        "subscription_schedule.completed",
    ]


def test_a_schedule_made_late_still_ends_the_plan(standin, shop, subscription):
    standin.advance(days=32)
    shop.ends_after(subscription, 2)

    standin.advance(days=31 * 5)

    assert len(standin.invoices()) == 3


def test_a_subscription_has_one_schedule(shop, subscription):
    shop.v1.subscription_schedules.create({"from_subscription": subscription.id})

    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.subscription_schedules.create({"from_subscription": subscription.id})

    assert (refused.value.http_status, refused.value.param) == (400, "from_subscription")


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"from_subscription": "sub_none"}, "from_subscription"),
        ({"end_behavior": "cancel"}, "end_behavior"),
        ({"metadata": {"a": "b"}}, "metadata"),
    ],
)
def test_a_schedule_is_made_from_a_subscription_and_nothing_else(shop, subscription, given, param):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.subscription_schedules.create({"from_subscription": subscription.id, **given})

    assert refused.value.param == param


def test_a_phase_that_does_not_fit_the_subscription_is_refused_at_its_field(shop, subscription):
    schedule = shop.v1.subscription_schedules.create({"from_subscription": subscription.id})
    start = schedule.phases[0].start_date
    price = schedule.phases[0]["items"][0].price

    assert _refused(shop, schedule, start_date=start + 60) == "phases[0][start_date]"
    assert _refused(shop, schedule, end_date=start + 60) == "end_date"
    assert _refused(shop, schedule, items=[{"price": "price_none"}]) == "phases[0][items]"
    assert _refused(shop, schedule, items=[{"price": price, "quantity": 2}]) == "phases[0][items]"
    assert (
        _refused(shop, schedule, duration={"interval": "day", "interval_count": 3})
        == "phases[0][end_date]"
    )
    assert _refused(shop, schedule, iterations=3) == "phases[0][iterations]"
    kept = shop.v1.subscription_schedules.retrieve(schedule.id)
    assert kept.phases[0].end_date == _period_end(subscription)


def test_the_end_of_a_scheduled_subscription_is_the_schedules_business(shop, subscription):
    shop.ends_after(subscription, 3)

    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})

    assert "managed by the subscription schedule" in refused.value.user_message


def test_cancelling_a_scheduled_subscription_cancels_its_schedule(standin, shop, subscription):
    schedule = shop.ends_after(subscription, 3)

    shop.v1.subscriptions.cancel(subscription.id)

    assert shop.v1.subscription_schedules.retrieve(schedule.id).status == "canceled"
    assert len(standin.events("subscription_schedule.canceled")) == 1


def test_cancelling_a_schedule_cancels_its_subscription(standin, shop, subscription):
    schedule = shop.ends_after(subscription, 3)

    shop.v1.subscription_schedules.cancel(schedule.id)

    assert shop.v1.subscriptions.retrieve(subscription.id).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.subscription_schedules.cancel(schedule.id)


def test_a_released_subscription_goes_on(standin, shop, subscription):
    schedule = shop.ends_after(subscription, 1)

    released = shop.v1.subscription_schedules.release(schedule.id)
    standin.advance(days=70)

    assert (released.status, released.released_subscription) == ("released", subscription.id)
    assert shop.v1.subscriptions.retrieve(subscription.id).schedule is None
    assert len(standin.invoices()) == 3


def test_a_schedule_that_nobody_changed_lets_go_at_the_end_of_the_period(
    standin, shop, subscription
):
    schedule = shop.v1.subscription_schedules.create({"from_subscription": subscription.id})

    standin.advance(days=32)

    assert shop.v1.subscription_schedules.retrieve(schedule.id).status == "released"
    assert shop.v1.subscriptions.retrieve(subscription.id).status == "active"
    assert len(standin.invoices()) == 2
