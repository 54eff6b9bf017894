"""Events that Stripe could not deliver to us, in the order in which they happened."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import stripe

from enrollments.stripe_gateway.client import ask, client
from enrollments.stripe_gateway.webhooks import LONGEST_ID, Event

if TYPE_CHECKING:
    from stripe.params import EventListParams

# Stripe's own limit for one question.
MOST_TYPES = 20


def undelivered_events(*, types: Collection[str], since: datetime) -> list[Event]:
    """What happened since ``since`` and has not reached us, oldest first.

    Raises:
        GatewayError: no usable answer.
    """
    wanted = sorted(types)
    found: list[Event] = []
    for start in range(0, len(wanted), MOST_TYPES):
        params: EventListParams = {
            "types": wanted[start : start + MOST_TYPES],
            "delivery_success": False,
            "created": {"gte": int(since.timestamp())},
            "limit": 100,
        }
        page = ask(lambda: client().v1.events.list(params))  # noqa: B023 (asked at once)
        found += [_event(event) for event in page.data]
        while page.has_more:
            params["starting_after"] = page.data[-1].id
            page = ask(lambda: client().v1.events.list(params))  # noqa: B023 (asked at once)
            found += [_event(event) for event in page.data]
    return sorted(found, key=lambda event: (event.created, event.id))


def _event(event: stripe.Event) -> Event:
    about: Any = event.data.object
    return Event(
        id=event.id,
        type=event.type,
        # Not a dict: it has no get.
        object_id=str(about["id"] if "id" in about else "")[:LONGEST_ID],  # noqa: SIM401
        created=datetime.fromtimestamp(event.created, tz=UTC),
        livemode=event.livemode,
        api_version=event.api_version or "",
    )
