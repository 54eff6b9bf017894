"""Everything the stand-in remembers.

Owns Stripe's objects, the private side of each checkout (its *cart*), of each subscription
and of each saved card (their *books*), the endpoints' secrets, saved idempotent answers, and
the file in which a demo keeps them. Whoever reads or changes anything here holds ``lock``.
"""

import json
import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from devtools.stripe_standin import refusals
from devtools.stripe_standin.blanks import blank_object
from devtools.stripe_standin.clock import Clock
from devtools.stripe_standin.contract import Contract, Json

ID_PREFIXES = {
    "billing_portal.configuration": "bpc_",
    "billing_portal.session": "bps_",
    "charge": "ch_",
    "checkout.session": "cs_test_",
    "coupon": "",
    "customer": "cus_",
    "discount": "di_",
    "dispute": "du_",
    "event": "evt_",
    "invoice": "in_",
    "invoice_payment": "inpay_",
    "item": "li_",
    "line_item": "il_",
    "payment_intent": "pi_",
    "payment_method": "pm_",
    "price": "price_",
    "product": "prod_",
    "promotion_code": "promo_",
    "radar.early_fraud_warning": "issfr_",
    "refund": "re_",
    "subscription": "sub_",
    "subscription_item": "si_",
    "subscription_schedule": "sub_sched_",
    "webhook_endpoint": "we_",
}
PERSISTED = ("objects", "carts", "books", "endpoint_secrets", "saved_answers")


class Store:
    """Objects by kind and id, in the order they were made."""

    def __init__(self, contract: Contract, clock: Clock, state_file: Path | None = None) -> None:
        self.contract = contract
        self.clock = clock
        self.lock = threading.RLock()
        self.announce: Callable[[Json], None] = _tell_nobody
        self.request: Json | None = None
        self.settle_after: int | None = None
        # Where the hosted pages are; known once the server listens.
        self.base_url = ""
        self._state_file = state_file
        self._saved_text = ""
        self.clear()
        self._load()

    def clear(self) -> None:
        self.objects: dict[str, dict[str, Json]] = {}
        self.carts: dict[str, Json] = {}
        self.books: dict[str, Json] = {}
        # Whether a new card in the portal leaves subscriptions and what is owed alone.
        self.portal_only_saves = False
        self.endpoint_secrets: dict[str, str] = {}
        self.saved_answers: dict[str, Json] = {}
        self._made: list[Json] = []

    def new(self, kind: str, **fields: Any) -> Json:
        """A new object of a kind, remembered."""
        thing = blank_object(self.contract, kind)
        thing["id"] = ID_PREFIXES[kind] + secrets.token_hex(12)
        for name, value in (("created", self.clock.now()), ("livemode", False)):
            if name in thing:
                thing[name] = value
        if thing.get("metadata", ...) is None:
            thing["metadata"] = {}
        thing.update(fields)
        self.rows(kind)[thing["id"]] = thing
        self._made.append(thing)
        return thing

    def begin(self) -> None:
        """Start a call: from here on ``undo`` knows what to take back."""
        self._made = []

    def undo(self) -> None:
        """Forget what a refused call had already made."""
        for thing in self._made:
            self.rows(thing["object"]).pop(thing["id"], None)
            self.carts.pop(thing["id"], None)
            self.books.pop(thing["id"], None)
        self._made = []

    def rows(self, kind: str) -> dict[str, Json]:
        return self.objects.setdefault(kind, {})

    def get(self, kind: str, object_id: str, param: str = "id") -> Json:
        """One object.

        Raises:
            Refusal: there is none, with the parameter that named it.
        """
        try:
            return self.rows(kind)[object_id]
        except KeyError:
            raise refusals.missing(kind, object_id, param) from None

    def find(self, object_id: str) -> Json | None:
        """The object with an id, whatever its kind."""
        for rows in self.objects.values():
            if object_id in rows:
                return rows[object_id]
        return None

    def emit(self, event_type: str, thing: Json, previous: Json | None = None) -> Json:
        """Record that something happened and hand it to whoever delivers.

        Raises:
            ContractBroken: Stripe could not send such an event.
        """
        data: Json = {"object": json.loads(json.dumps(thing))}
        if previous is not None:
            data["previous_attributes"] = previous
        event = self.new(
            "event",
            type=event_type,
            api_version=self.contract.api_version,
            data=data,
            request=self.request or {"id": None, "idempotency_key": None},
        )
        problems = self.contract.check_event(event)
        if problems:
            raise refusals.ContractBroken(f"event {event_type}", problems)
        self.announce(event)
        return event

    def save(self) -> None:
        """Write the state file, if there is one and something changed."""
        if self._state_file is None:
            return
        with self.lock:
            kept = {name: getattr(self, name) for name in PERSISTED}
            text = json.dumps({"api_version": self.contract.api_version, **kept})
        if text == self._saved_text:
            return
        unfinished = self._state_file.with_suffix(".unfinished")
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(self._state_file)
        self._saved_text = text

    def _load(self) -> None:
        if self._state_file is None or not self._state_file.exists():
            return
        text = self._state_file.read_text(encoding="utf-8")
        kept = json.loads(text)
        # Objects of another version of the API would break the contract: start afresh.
        if kept["api_version"] == self.contract.api_version:
            for name in PERSISTED:
                setattr(self, name, kept.get(name, {}))


def _tell_nobody(_event: Json) -> None:
    """Until somebody delivers, events are only recorded."""
