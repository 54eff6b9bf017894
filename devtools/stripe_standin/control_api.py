"""The control door, ``/_standin/``: what tests and the demo may do that Stripe's API may not.

Every request carries the control token. Bodies and answers are JSON; ``control`` is the
client.
"""

from collections.abc import Callable

from devtools.stripe_standin import billing, checkout_payment, endpoints, refunds
from devtools.stripe_standin.contract import Json
from devtools.stripe_standin.engine import Engine
from devtools.stripe_standin.faults import Fault


def read_deliveries(engine: Engine, _given: Json) -> Json:
    counts = engine.courier.counts()
    return {**counts, "log": list(engine.courier.log)}


def read_requests(engine: Engine, _given: Json) -> Json:
    return {"data": list(engine.api.requests)}


def read_events(engine: Engine, _given: Json) -> Json:
    with engine.store.lock:
        return {"data": list(engine.store.rows("event").values())}


def advance_clock(engine: Engine, given: Json) -> Json:
    return {"now": engine.advance(int(given["advance"]))}


def order_fault(engine: Engine, given: Json) -> Json:
    engine.faults.order(
        Fault(
            kind=given["kind"],
            match=given.get("match", ""),
            count=int(given.get("count", 1)),
            seconds=float(given.get("seconds", 0)),
        )
    )
    return {}


def forget_faults(engine: Engine, _given: Json) -> Json:
    engine.faults.clear()
    return {}


def set_webhook(engine: Engine, given: Json) -> Json:
    with engine.store.lock:
        endpoints.set_default(engine.store, given["url"], given["secret"])
    return {}


def hold_webhooks(engine: Engine, _given: Json) -> Json:
    engine.courier.hold()
    return engine.courier.counts()


def drop_webhooks(engine: Engine, _given: Json) -> Json:
    engine.courier.drop()
    return engine.courier.counts()


def release_webhooks(engine: Engine, _given: Json) -> Json:
    engine.courier.release()
    return engine.courier.counts()


def deliver(engine: Engine, given: Json) -> Json:
    with engine.store.lock:
        event = engine.store.get("event", given["event"], "event")
    statuses: list[int] = []
    for _ in range(int(given.get("times", 1))):
        statuses += engine.courier.deliver_now(event)
    return {"statuses": statuses}


def settle(engine: Engine, given: Json) -> Json:
    with engine.store.lock:
        session = engine.store.get("checkout.session", given["session"], "session")
        return checkout_payment.settle(engine.store, session)


def fail(engine: Engine, given: Json) -> Json:
    with engine.store.lock:
        session = engine.store.get("checkout.session", given["session"], "session")
        return checkout_payment.fail(engine.store, session)


def refund(engine: Engine, given: Json) -> Json:
    with engine.store.lock:
        return refunds.refund(engine.store, given)


def fail_refund(engine: Engine, given: Json) -> Json:
    with engine.store.lock:
        return refunds.fail_refund(engine.store, given["refund"])


def dispute(engine: Engine, given: Json) -> Json:
    with engine.store.lock:
        return refunds.open_dispute(engine.store, given)


def change_dispute(engine: Engine, given: Json) -> Json:
    with engine.store.lock:
        return refunds.change_dispute(engine.store, given["dispute"], given["status"])


def break_card(engine: Engine, given: Json) -> Json:
    with engine.store.lock:
        return {"broken": billing.break_cards(engine.store, given["customer"])}


def mend_card(engine: Engine, given: Json) -> Json:
    with engine.store.lock:
        return {"mended": billing.mend_cards(engine.store, given["customer"])}


def let_portal_only_save(engine: Engine, _given: Json) -> Json:
    with engine.store.lock:
        engine.store.portal_only_saves = True
    return {}


def warn_of_fraud(engine: Engine, given: Json) -> Json:
    with engine.store.lock:
        return refunds.warn_of_fraud(engine.store, given)


def read_objects(engine: Engine, given: Json) -> Json:
    with engine.store.lock:
        return {"data": list(engine.store.rows(given["kind"]).values())}


def reset(engine: Engine, _given: Json) -> Json:
    engine.reset()
    return {}


Action = Callable[[Engine, Json], Json]
ACTIONS: dict[tuple[str, str], Action] = {
    ("GET", "deliveries"): read_deliveries,
    ("GET", "events"): read_events,
    ("GET", "requests"): read_requests,
    ("POST", "break-card"): break_card,
    ("POST", "change-dispute"): change_dispute,
    ("POST", "clock"): advance_clock,
    ("POST", "deliver"): deliver,
    ("POST", "dispute"): dispute,
    ("POST", "drop-webhooks"): drop_webhooks,
    ("POST", "fail"): fail,
    ("POST", "fail-refund"): fail_refund,
    ("POST", "faults"): order_fault,
    ("POST", "forget-faults"): forget_faults,
    ("POST", "hold-webhooks"): hold_webhooks,
    ("POST", "mend-card"): mend_card,
    ("POST", "objects"): read_objects,
    ("POST", "portal-only-saves"): let_portal_only_save,
    ("POST", "refund"): refund,
    ("POST", "release-webhooks"): release_webhooks,
    ("POST", "reset"): reset,
    ("POST", "settle"): settle,
    ("POST", "warn-of-fraud"): warn_of_fraud,
    ("POST", "webhook"): set_webhook,
}
# What the desk offers as buttons.
DESK_ACTIONS: dict[str, Action] = {
    "advance": advance_clock,
    "break-card": break_card,
    "deliver": deliver,
    "dispute": dispute,
    "fail": fail,
    "mend-card": mend_card,
    "refund": refund,
    "settle": settle,
}
