"""Subscription schedules: one phase after which a subscription ends, or goes on unscheduled."""

from collections.abc import Iterator
from functools import partial

from devtools.stripe_standin import periods, refusals, subscriptions
from devtools.stripe_standin.blanks import blank
from devtools.stripe_standin.calls import (
    Call,
    only_one_of,
    refuse_what_is_not_copied,
    require,
    update_object,
)
from devtools.stripe_standin.clock import Due
from devtools.stripe_standin.contract import Json
from devtools.stripe_standin.store import Store

PHASE_FIELDS = {"items", "start_date", "end_date", "duration", "proration_behavior"}
END_BEHAVIORS = {"cancel", "release"}


def waiting(store: Store) -> Iterator[Due]:
    """When each schedule's phase is over."""
    for schedule in list(store.rows("subscription_schedule").values()):
        if schedule["status"] == "active":
            yield Due(schedule["phases"][-1]["end_date"], partial(_finish, store, schedule))


def create(call: Call) -> Json:
    """A schedule for a subscription that runs; its phase is the current period.

    Raises:
        Refusal: the subscription is unknown, over, or has a schedule already.
    """
    store, given = call.store, call.body
    if "from_subscription" not in given:
        raise refusals.not_copied("schedules without `from_subscription`", "from_subscription")
    for name in set(given) - {"from_subscription", "expand"}:
        raise refusals.Refusal(
            f"You cannot set `{name}` if `from_subscription` is set.", param=name
        )
    subscription = store.get("subscription", given["from_subscription"], "from_subscription")
    if subscription["schedule"]:
        raise refusals.Refusal(
            "You cannot migrate a subscription that is already attached to a schedule: "
            f"`{subscription['schedule']}`.",
            param="from_subscription",
        )
    if subscription["status"] in subscriptions.OVER:
        raise refusals.Refusal(
            "You cannot migrate a subscription that is canceled.", param="from_subscription"
        )
    if subscription["cancel_at"] is not None:
        raise refusals.not_copied(
            "schedules for subscriptions that end by themselves", "from_subscription"
        )
    start, end = subscriptions.current_period(subscription)
    schedule = store.new(
        "subscription_schedule",
        customer=subscription["customer"],
        end_behavior="release",
        status="active",
        subscription=subscription["id"],
    )
    schedule["billing_mode"]["type"] = "classic"
    settings = schedule["default_settings"]
    settings.update(billing_cycle_anchor="automatic", collection_method="charge_automatically")
    settings["invoice_settings"]["issuer"]["type"] = "self"
    _set_phase(schedule, _phase(store, subscription, start, end))
    subscription["schedule"] = schedule["id"]
    store.emit("subscription_schedule.created", schedule)
    store.emit("customer.subscription.updated", subscription, {"schedule": None})
    return schedule


def update(call: Call) -> Json:
    """Change what a schedule does and when it ends.

    Raises:
        Refusal: it is over, or the phase is not one that the subscription could follow.
    """
    store, given = call.store, dict(call.body)
    schedule = store.get("subscription_schedule", call.id)
    demand_active(schedule)
    if given.pop("proration_behavior", "none") != "none":
        raise refusals.not_copied("prorations", "proration_behavior")
    refuse_what_is_not_copied(given, {"end_behavior", "metadata", "phases"})
    if given.get("end_behavior", "cancel") not in END_BEHAVIORS:
        raise refusals.not_copied(f"end_behavior={given['end_behavior']}", "end_behavior")
    phases = given.pop("phases", None)
    if phases is not None:
        _set_phase(schedule, _new_phase(store, schedule, phases))
    update_object(schedule, given, {"end_behavior"})
    store.emit("subscription_schedule.updated", schedule)
    return schedule


def cancel(call: Call) -> Json:
    """End a schedule and its subscription now.

    Raises:
        Refusal: it is over already, or a last invoice is asked for.
    """
    store = call.store
    schedule = store.get("subscription_schedule", call.id)
    demand_active(schedule)
    for name in ("invoice_now", "prorate"):
        if call.body.get(name):
            raise refusals.not_copied(f"`{name}`", name)
    _end_with_subscription(store, schedule, "canceled")
    return schedule


def release(call: Call) -> Json:
    """Take a schedule off its subscription, which goes on.

    Raises:
        Refusal: it is over already.
    """
    schedule = call.store.get("subscription_schedule", call.id)
    demand_active(schedule)
    refuse_what_is_not_copied(call.body, set())
    _release(call.store, schedule)
    return schedule


def demand_active(schedule: Json) -> None:
    if schedule["status"] != "active":
        raise refusals.Refusal(
            f"You cannot change a subscription schedule that is currently in the "
            f"`{schedule['status']}` status.",
        )


def _finish(store: Store, schedule: Json) -> None:
    if schedule["end_behavior"] == "cancel":
        _end_with_subscription(store, schedule, "completed")
    else:
        _release(store, schedule)


def _end_with_subscription(store: Store, schedule: Json, status: str) -> None:
    subscription = store.get("subscription", schedule["subscription"])
    subscriptions.close_schedule(store, subscription, status)
    subscriptions.end(store, subscription, "cancellation_requested")
    store.emit(f"subscription_schedule.{status}", schedule)


def _release(store: Store, schedule: Json) -> None:
    subscription = store.get("subscription", schedule["subscription"])
    subscriptions.close_schedule(store, subscription, "released")
    schedule.update(subscription=None, released_subscription=subscription["id"])
    subscription["schedule"] = None
    store.emit("subscription_schedule.released", schedule)
    store.emit("customer.subscription.updated", subscription, {"schedule": schedule["id"]})


def _new_phase(store: Store, schedule: Json, given: list[Json]) -> Json:
    if len(given) != 1:
        raise refusals.not_copied("more phases than one", "phases")
    [phase] = given
    refuse_what_is_not_copied(phase, PHASE_FIELDS, "phases[0]")
    subscription = store.get("subscription", schedule["subscription"])
    start = require(phase, "start_date", "phases[0]")
    if start != schedule["phases"][0]["start_date"]:
        raise refusals.Refusal(
            "You can not modify the start date of the current phase.",
            param="phases[0][start_date]",
        )
    _check_items(subscription, phase["items"])
    end = _end_of(phase, start)
    if end <= store.clock.now():
        raise refusals.Refusal(
            "The subscription schedule update is invalid since the updated phases all end in "
            "the past.",
            param="phases",
        )
    if not subscriptions.is_boundary(store, subscription, end):
        raise refusals.not_copied("a phase that ends inside a period", "phases[0][end_date]")
    return _phase(store, subscription, start, end)


def _check_items(subscription: Json, given: list[Json]) -> None:
    current = {each["price"]["id"]: each["quantity"] for each in subscription["items"]["data"]}
    wanted = {}
    for position, item in enumerate(given):
        where = f"phases[0][items][{position}]"
        refuse_what_is_not_copied(item, {"price", "quantity"}, where)
        wanted[require(item, "price", where)] = item.get("quantity", 1)
    if wanted != current:
        raise refusals.not_copied("phases that change what is billed", "phases[0][items]")


def _end_of(phase: Json, start: int) -> int:
    only_one_of(phase, "duration", "end_date")
    if "duration" in phase:
        count = phase["duration"].get("interval_count", 1)
        if count < 1:
            raise refusals.Refusal(
                "Invalid positive integer",
                code="parameter_invalid_integer",
                param="phases[0][duration][interval_count]",
            )
        return periods.after(start, phase["duration"]["interval"], count)
    end = require(phase, "end_date", "phases[0]")
    if not isinstance(end, int):
        raise refusals.not_copied(f"end_date={end}", "phases[0][end_date]")
    return end


def _phase(store: Store, subscription: Json, start: int, end: int) -> Json:
    schema = {"$ref": "#/components/schemas/subscription_schedule-Phase"}
    whole = blank(store.contract, schema)
    item_schema = {"$ref": "#/components/schemas/subscription_schedule-Phase-Item"}
    items = [
        {
            **blank(store.contract, item_schema),
            "price": item["price"]["id"],
            "plan": item["price"]["id"],
            "quantity": item["quantity"],
        }
        for item in subscription["items"]["data"]
    ]
    return {
        **whole,
        "currency": subscription["currency"],
        "items": items,
        "start_date": start,
        "end_date": end,
        "proration_behavior": "create_prorations",
    }


def _set_phase(schedule: Json, phase: Json) -> None:
    schedule["phases"] = [phase]
    schedule["current_phase"] = {"start_date": phase["start_date"], "end_date": phase["end_date"]}
