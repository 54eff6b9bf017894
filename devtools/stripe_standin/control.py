"""The client of a stand-in: starting one, steering it, and paying like a buyer.

Used by the tests and by the demo. Nothing here sleeps blindly: waiting is for a condition,
with a deadline.
"""

import http.client
import json
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode, urljoin, urlsplit

Json = dict[str, Any]
PROJECT = Path(__file__).parents[2]
READY = "stand-in listening on "
API_KEY = "sk_test_standin_0123456789"
TOKEN = "standin-control"
WEBHOOK_SECRET = "whsec_standin_0123456789"
EMAIL = "buyer@example.org"
SUCCESSFUL_CARD = "4242 4242 4242 4242"
DECLINED_CARD = "4000 0000 0000 0002"
AUTHENTICATED_CARD = "4000 0025 0000 3155"
# Pays while the buyer is there and fails later, when the buyer is not.
LATER_DECLINED_CARD = "4000 0000 0000 0341"
LATER_AUTHENTICATED_CARD = "4000 0027 6000 3184"
START_DEADLINE = 20.0
STOP_DEADLINE = 5.0
DEADLINE = 10.0
ANSWER_TIMEOUT = 30.0
PAUSE = 0.01
OK = 200
DAY = 24 * 60 * 60


class NotStarted(Exception):
    """The stand-in did not say in time that it is ready."""


class ControlRefused(Exception):
    """The stand-in refused a command, with its reason."""


class TooLate(Exception):
    """What was waited for did not happen before the deadline."""


class StandIn:
    """A running stand-in. Use it as a context manager, or call ``stop``."""

    def __init__(
        self, base_url: str, token: str = TOKEN, process: subprocess.Popen[str] | None = None
    ) -> None:
        self.base_url = base_url
        self.token = token
        self._process = process

    @classmethod
    def start(
        cls,
        *,
        port: int = 0,
        webhook_url: str = "",
        webhook_secret: str = WEBHOOK_SECRET,
        token: str = TOKEN,
        extra: tuple[str, ...] = (),
    ) -> Self:
        """Start a process and wait until it listens; ``extra`` are further arguments.

        Raises:
            NotStarted: it ended, or took too long.
        """
        command = [sys.executable, "-m", "devtools.stripe_standin", f"--port={port}"]
        command += [f"--control-token={token}", f"--webhook-secret={webhook_secret}"]
        if webhook_url:
            command.append(f"--webhook-url={webhook_url}")
        process = subprocess.Popen(
            [*command, *extra],
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        line = _first_line(process)
        if not line.startswith(READY):
            _end(process)
            raise NotStarted(line)
        return cls(line.removeprefix(READY).strip(), token, process)

    def stop(self) -> None:
        """End the process, if this object started it."""
        if self._process is not None:
            _end(self._process)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def desk_url(self) -> str:
        """The page that shows what has happened, for a browser."""
        return f"{self.base_url}/_standin/?{urlencode({'token': self.token})}"

    # Steering

    def reset(self) -> None:
        """Forget everything: objects, events, faults, the clock's advance, what is queued."""
        self._control("POST", "reset")

    def advance(self, seconds: int = 0, *, days: int = 0) -> int:
        """Move the clock; what becomes due has happened when this returns. The new time."""
        order = {"advance": seconds + days * DAY}
        return int(self._control("POST", "clock", order)["now"])

    def advance_to(self, moment: int) -> int:
        """Move the clock to a moment that is still to come, and not back; the new time."""
        return self.advance(max(0, moment - self.advance()))

    def fault(self, kind: str, path: str = "", count: int = 1, seconds: float = 0) -> None:
        """Order a fault.

        For the API: ``500``, ``503``, ``429``, ``timeout`` (the answer is held for ``seconds``),
        ``lost`` (work done, line dropped), ``refuse`` (line dropped before). For webhooks:
        ``drop``, ``duplicate``, ``delay``, ``hold``, ``reorder`` (the next ``count`` in reverse).
        ``path`` is text that ``VERB /path``, or the event's type, must hold; ``*`` stands for
        anything, and a ``$`` at its end for the end.
        """
        order = {"kind": kind, "match": path, "count": count, "seconds": seconds}
        self._control("POST", "faults", order)

    def forget_faults(self) -> None:
        """Take back every fault that was ordered and has not happened yet."""
        self._control("POST", "forget-faults")

    def set_webhook(self, url: str, secret: str = WEBHOOK_SECRET) -> None:
        """Send webhooks to this address from now on; to none if it is empty."""
        self._control("POST", "webhook", {"url": url, "secret": secret})

    def hold_webhooks(self) -> None:
        """Keep every webhook back until ``release_webhooks``."""
        self._control("POST", "hold-webhooks")

    def drop_webhooks(self) -> None:
        """Lose every webhook until ``release_webhooks``."""
        self._control("POST", "drop-webhooks")

    def release_webhooks(self) -> None:
        """Send again, and first what was held."""
        self._control("POST", "release-webhooks")

    def deliver(self, event_id: str, times: int = 1) -> list[int]:
        """Deliver an event again, now; the statuses that were answered."""
        order = {"event": event_id, "times": times}
        return list(self._control("POST", "deliver", order)["statuses"])

    def settle(self, session_id: str) -> Json:
        """Let the money of a bank debit arrive."""
        return self._control("POST", "settle", {"session": session_id})

    def fail(self, session_id: str) -> Json:
        """Let a bank debit fail."""
        return self._control("POST", "fail", {"session": session_id})

    def refund(self, payment_intent: str, **fields: Any) -> Json:
        """Refund as if from Stripe's dashboard."""
        return self._control("POST", "refund", {"payment_intent": payment_intent, **fields})

    def fail_refund(self, refund_id: str) -> Json:
        return self._control("POST", "fail-refund", {"refund": refund_id})

    def dispute(self, payment_intent: str, **fields: Any) -> Json:
        """Let the buyer's bank dispute a payment; ``amount``, ``reason``, ``status``."""
        return self._control("POST", "dispute", {"payment_intent": payment_intent, **fields})

    def change_dispute(self, dispute_id: str, status: str) -> Json:
        return self._control("POST", "change-dispute", {"dispute": dispute_id, "status": status})

    def warn_of_fraud(self, payment_intent: str, **fields: Any) -> Json:
        """Let the card's network warn that a payment may be fraud; ``fraud_type``."""
        order = {"payment_intent": payment_intent, **fields}
        return self._control("POST", "warn-of-fraud", order)

    def break_card(self, customer_id: str) -> None:
        """Let charges of a customer's saved cards fail from now on."""
        self._control("POST", "break-card", {"customer": customer_id})

    def mend_card(self, customer_id: str) -> None:
        """Let charges of a customer's saved cards work, whatever kept them from it."""
        self._control("POST", "mend-card", {"customer": customer_id})

    def let_portal_only_save(self) -> None:
        """From now on a new card in the portal becomes the customer's default and no more.

        Subscriptions keep their own card and nothing is charged, as people report of Stripe's
        portal; until ``reset``.
        """
        self._control("POST", "portal-only-saves")

    # Looking

    def events(self, event_type: str = "") -> list[Json]:
        """Every event, oldest first."""
        events = self._control("GET", "events")["data"]
        return [each for each in events if event_type in {"", each["type"]}]

    def subscriptions(self) -> list[Json]:
        """Every subscription, oldest first, those that are over too."""
        return self._objects("subscription")

    def schedules(self) -> list[Json]:
        """Every subscription schedule, oldest first."""
        return self._objects("subscription_schedule")

    def invoices(self, subscription_id: str = "") -> list[Json]:
        """Every invoice, or those of one subscription, oldest first."""
        return [
            each
            for each in self._objects("invoice")
            if subscription_id in {"", each["parent"]["subscription_details"]["subscription"]}
        ]

    def deliveries(self, event_type: str = "") -> list[Json]:
        """Every attempt to deliver, oldest first, with its ``outcome`` and ``status``."""
        log = self._control("GET", "deliveries")["log"]
        return [each for each in log if event_type in {"", each["event_type"]}]

    def requests(self, path: str = "") -> list[Json]:
        """Every API request that arrived: method, path, query, decoded body, headers, status."""
        requests = self._control("GET", "requests")["data"]
        return [each for each in requests if path in {"", each["path"]}]

    # Waiting

    def wait_for_delivery(
        self, event_type: str, *, count: int = 1, outcome: str = "received"
    ) -> list[Json]:
        """The deliveries of a type with that outcome, once there are so many.

        Raises:
            TooLate: there are not.
        """

        def found() -> list[Json]:
            attempts = self.deliveries(event_type)
            return [each for each in attempts if each["outcome"] == outcome]

        _wait(lambda: len(found()) >= count, f"{count} x {event_type} {outcome}")
        return found()

    def wait_idle(self) -> None:
        """Return when no delivery waits for its turn or its retry; held ones do not count.

        Raises:
            TooLate: some still do.
        """
        _wait(lambda: not self._control("GET", "deliveries")["waiting"], "idle deliveries")

    # Paying like a buyer; each returns where the buyer was sent

    def pay(self, session_url: str, card: str = SUCCESSFUL_CARD, promotion_code: str = "") -> str:
        """Use a code, if given, and pay by card. A refused code ends at the page again."""
        if promotion_code:
            location = self.apply_code(session_url, promotion_code)
            if "problem=" in location:
                return location
        return self.post(session_url, email=EMAIL, method="card", card=card)

    def decline(self, session_url: str) -> str:
        """Try a card that is declined: the buyer is back at the page."""
        return self.pay(session_url, DECLINED_CARD)

    def pay_by_bank(self, session_url: str) -> str:
        return self.post(session_url, email=EMAIL, method="bank")

    def apply_code(self, session_url: str, promotion_code: str) -> str:
        return self.post(session_url + "/code", promotion_code=promotion_code)

    def pay_invoice(self, hosted_invoice_url: str, card: str = SUCCESSFUL_CARD) -> str:
        """Pay an open invoice on its own page."""
        return self.post(hosted_invoice_url, card=card)

    def update_card(self, portal_url: str, card: str = SUCCESSFUL_CARD) -> str:
        """Give a new card in the portal; ``problem=saved`` is where a success leads."""
        return self.post(portal_url, card=card)

    def authenticate(self, authentication_url: str, result: str = "complete") -> str:
        """Answer the bank's question: ``complete`` or ``fail``."""
        return self.post(authentication_url, result=result)

    def read(self, url: str) -> str:
        """The HTML of one of the hosted pages."""
        _, _, body = _exchange(url, "GET")
        return body.decode()

    def post(self, url: str, **form: str) -> str:
        """Send a form of one of the pages."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        status, location, body = _exchange(url, "POST", urlencode(form).encode(), headers)
        if not location:
            raise ControlRefused(f"{status}: {body.decode()[:500]}")
        return urljoin(url, location)

    def _objects(self, kind: str) -> list[Json]:
        return list(self._control("POST", "objects", {"kind": kind})["data"])

    def _control(self, verb: str, action: str, order: Json | None = None) -> Json:
        status, _, body = _exchange(
            f"{self.base_url}/_standin/{action}",
            verb,
            json.dumps(order).encode() if order is not None else b"",
            {"Standin-Token": self.token, "Content-Type": "application/json"},
        )
        answer: Json = json.loads(body)
        if status != OK:
            raise ControlRefused(answer["error"]["message"])
        return answer


def _exchange(
    url: str, verb: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, str, bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(
        parts.hostname or "", parts.port, timeout=ANSWER_TIMEOUT
    )
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(verb, target, body, headers or {})
        response = connection.getresponse()
        return response.status, response.getheader("Location", ""), response.read()
    finally:
        connection.close()


def _wait(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > deadline:
            raise TooLate(what)
        time.sleep(PAUSE)


def _first_line(process: subprocess.Popen[str]) -> str:
    if process.stdout is None:
        return ""
    ready, _, _ = select.select([process.stdout], [], [], START_DEADLINE)
    return process.stdout.readline() if ready else ""


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(STOP_DEADLINE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
