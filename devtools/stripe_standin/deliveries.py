"""Sending webhooks: signatures, retries, and the troubles a test can order.

Owns the queue of deliveries and the log of what became of each. One thread sends them in
the order in which they fall due. Stripe retries for days; here the pauses are seconds.
"""

import hashlib
import hmac
import http.client
import ipaddress
import json
import threading
import time
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from devtools.stripe_standin.contract import Json
from devtools.stripe_standin.faults import WEBHOOK_KINDS, Faults
from devtools.stripe_standin.store import Store

RETRY_PAUSES = (0.3, 1.0, 3.0)
ANSWER_TIMEOUT = 10.0
LOG_LENGTH = 2000
SUCCESS = range(200, 300)


@dataclass
class Delivery:
    """One attempt to bring one event to one endpoint."""

    event_id: str
    event_type: str
    endpoint_id: str
    attempt: int = 1
    status: int = 0
    outcome: str = "waiting"
    due: float = 0.0


def is_on_this_machine(url: str) -> bool:
    """Whether a URL is plain HTTP to the loopback interface."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        has_port = parts.port != 0
    except ValueError:
        return False
    if parts.scheme != "http" or not has_port:
        return False
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def signature_header(body: bytes, secret: str, at: int) -> str:
    """The ``Stripe-Signature`` of a body that is sent at a moment."""
    signed = f"{at}.".encode() + body
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class Courier:
    """Brings events to the endpoints that asked for them."""

    def __init__(self, store: Store, faults: Faults) -> None:
        self._store = store
        self._faults = faults
        self._changed = threading.Condition()
        self._queue: list[Delivery] = []
        self._held: list[Delivery] = []
        self._sending: Delivery | None = None
        self._mode = "send"
        self._stopped = False
        self.log: list[Json] = []
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)
        store.announce = self.announce

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def announce(self, event: Json) -> None:
        """Queue an event for every endpoint that wants it. The caller holds the store's lock."""
        endpoints = [
            endpoint
            for endpoint in self._store.rows("webhook_endpoint").values()
            if endpoint["status"] == "enabled"
            and {"*", event["type"]} & set(endpoint["enabled_events"])
        ]
        event["pending_webhooks"] = len(endpoints)
        for endpoint in endpoints:
            self._accept(Delivery(event["id"], event["type"], endpoint["id"]))

    def hold(self) -> None:
        self._set_mode("hold")

    def drop(self) -> None:
        self._set_mode("drop")

    def release(self) -> None:
        """Send from now on, and first whatever is held, in the order it came."""
        with self._changed:
            self._mode = "send"
            self._queue += self._held
            self._held = []
            self._changed.notify_all()

    def deliver_now(self, event: Json) -> list[int]:
        """Bring an event once more to every enabled endpoint; the statuses they answered."""
        with self._store.lock:
            endpoints = [
                endpoint["id"]
                for endpoint in self._store.rows("webhook_endpoint").values()
                if endpoint["status"] == "enabled"
            ]
        statuses = []
        for endpoint_id in endpoints:
            delivery = Delivery(event["id"], event["type"], endpoint_id)
            self._send(delivery)
            self._finish(delivery)
            statuses.append(delivery.status)
        return statuses

    def counts(self) -> Json:
        """How many deliveries are still to be made, and how many are held back."""
        with self._changed:
            waiting = len(self._queue) + (self._sending is not None)
            return {"waiting": waiting, "held": len(self._held)}

    def forget(self) -> None:
        """Give up all that is queued; wait for the one that is under way."""
        with self._changed:
            self._queue.clear()
            self._held.clear()
            self._mode = "send"
            self._changed.wait_for(lambda: self._sending is None, timeout=ANSWER_TIMEOUT)
            self._queue.clear()
            self.log.clear()

    def _set_mode(self, mode: str) -> None:
        with self._changed:
            self._mode = mode

    def _accept(self, delivery: Delivery) -> None:
        fault = self._faults.take(delivery.event_type, WEBHOOK_KINDS)
        with self._changed:
            if self._mode == "drop" or (fault and fault.kind == "drop"):
                self._record(delivery, "dropped")
            elif fault and fault.kind == "reorder":
                self._held.insert(0, delivery)
                if fault.count <= 0:
                    self._queue += self._held
                    self._held = []
            elif self._mode == "hold" or (fault and fault.kind == "hold"):
                self._held.append(delivery)
            else:
                delivery.due = time.monotonic() + (fault.seconds if fault else 0)
                self._queue.append(delivery)
                if fault and fault.kind == "duplicate":
                    self._queue.append(Delivery(**asdict(delivery)))
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                delivery = self._next()
                if delivery is None:
                    return
                self._sending = delivery
            self._send(delivery)
            self._finish(delivery)
            with self._changed:
                self._sending = None
                self._changed.notify_all()

    def _next(self) -> Delivery | None:
        """Wait for the first delivery that is due; None when stopped."""
        while not self._stopped:
            now = time.monotonic()
            due = [delivery for delivery in self._queue if delivery.due <= now]
            if due:
                self._queue.remove(due[0])
                return due[0]
            soonest = min((delivery.due for delivery in self._queue), default=None)
            self._changed.wait(None if soonest is None else max(soonest - now, 0.001))
        return None

    def _send(self, delivery: Delivery) -> None:
        with self._store.lock:
            event = self._store.rows("event").get(delivery.event_id)
            endpoint = self._store.rows("webhook_endpoint").get(delivery.endpoint_id)
            secret = self._store.endpoint_secrets.get(delivery.endpoint_id, "")
            body = json.dumps(event, indent=2).encode()
            url = endpoint["url"] if endpoint else ""
        signature = signature_header(body, secret, self._store.clock.owners_now())
        delivery.status = _post(url, body, signature) if event and url else 0

    def _finish(self, delivery: Delivery) -> None:
        if delivery.status in SUCCESS:
            self._mark_received(delivery)
            with self._changed:
                self._record(delivery, "received")
            return
        with self._changed:
            self._record(delivery, "refused" if delivery.status else "unreachable")
            if delivery is self._sending and delivery.attempt <= len(RETRY_PAUSES):
                self._queue.append(
                    Delivery(
                        delivery.event_id,
                        delivery.event_type,
                        delivery.endpoint_id,
                        attempt=delivery.attempt + 1,
                        due=time.monotonic() + RETRY_PAUSES[delivery.attempt - 1],
                    )
                )

    def _mark_received(self, delivery: Delivery) -> None:
        with self._store.lock:
            event = self._store.rows("event").get(delivery.event_id)
            if event is None:
                return
            received = {
                entry["endpoint_id"]
                for entry in self.log
                if entry["event_id"] == delivery.event_id and entry["outcome"] == "received"
            }
            if delivery.endpoint_id not in received and event["pending_webhooks"] > 0:
                event["pending_webhooks"] -= 1

    def _record(self, delivery: Delivery, outcome: str) -> None:
        delivery.outcome = outcome
        self.log.append({**asdict(delivery), "at": self._store.clock.now()})
        del self.log[:-LOG_LENGTH]


def _post(url: str, body: bytes, signature: str) -> int:
    """The status that an endpoint answered, or 0 when it could not be reached."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(
        parts.hostname or "", parts.port or 80, timeout=ANSWER_TIMEOUT
    )
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": signature,
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    }
    target = parts.path or "/"
    if parts.query:
        target += "?" + parts.query
    try:
        connection.request("POST", target, body, headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
