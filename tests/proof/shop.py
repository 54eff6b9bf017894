"""The whole shop in one place for long proofs: site, worker, Stripe, the post and the clock.

Time is virtual: the site's clock stands still until ``let_time_pass``, which moves Stripe's too.
Stripe keeps every event back; a proof says when each is delivered, how often and in which order.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import time_machine
from django.core import mail
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from django_tasks_db.management.commands.db_worker import Worker
from django_tasks_db.models import DBTaskResult

from devtools.stripe_standin.control import ControlRefused, StandIn
from enrollments.operations import (
    departures,
    giving_up,
    inbox,
    refund_rules,
    refunds_at_stripe,
    waitlist,
)
from enrollments.operations.reconcile import settle_open_orders
from enrollments.stripe_gateway import GatewayError
from tests.enrollments.events import deliver
from tests.stripe_standin.receiver import Receiver

WORKER = Worker(
    queue_names=["default"],
    interval=0,
    batch=True,
    backend_name="default",
    startup_delay=False,
    max_tasks=None,
    worker_id="proof",
    excluded_queue_names=[],
)
EACH_MINUTE = (
    settle_open_orders,
    giving_up.release_lapsed_holds,
    giving_up.end_orders_without_page,
    waitlist.follow_up,
    departures.finish_cancellations,
    refunds_at_stripe.send_waiting_refunds,
)


class Shop:
    """One shop, from its opening to the end of an example; nothing of it is kept."""

    def __init__(self, standin: StandIn, endpoint: Receiver) -> None:
        self.standin = standin
        self._endpoint = endpoint
        self._client = Client()

    @contextmanager
    def is_open(self) -> Iterator[Shop]:
        """Nothing has happened yet; what happens inside is forgotten afterwards."""
        self._acknowledged: set[str] = set()
        # Whether anything may differ from what was looked at last.
        self.has_changed = True
        self._endpoint.forget()
        self.standin.reset()
        self.standin.set_webhook(self._endpoint.url)
        self.standin.hold_webhooks()
        mail.outbox.clear()
        start = timezone.now().replace(microsecond=0)
        with (
            time_machine.travel(start, tick=False) as self._clock,
            transaction.atomic(),
            connection.execute_wrapper(self._notice),
        ):
            yield self
            transaction.set_rollback(True)

    def _notice(self, execute: Callable[..., Any], sql: str, *arguments: Any) -> Any:
        self.has_changed |= sql.startswith(("INSERT", "UPDATE", "DELETE"))
        return execute(sql, *arguments)

    @property
    def now(self) -> datetime:
        return timezone.now()

    def let_time_pass(self, duration: timedelta) -> None:
        """Both clocks go on, and access that staff had let go on until a date ends."""
        self._clock.shift(duration)
        self.standin.advance(int(duration.total_seconds()))
        refund_rules.end_due_access(now=self.now)
        self.has_changed = True

    # Stripe's post

    def events(self) -> list[dict[str, Any]]:
        """The events that the site acts on, oldest first."""
        return [event for event in self.standin.events() if event["type"] in inbox.HANDLED]

    def deliver(self, event: dict[str, Any]) -> int:
        """Deliver an event, signed by the official signer; Stripe learns whether it was taken."""
        status = deliver(self._client, json.dumps(event)).status_code
        if status == 200 and event["id"] not in self._acknowledged:
            self._acknowledged.add(event["id"])
            self.standin.deliver(event["id"])
        return status

    def deliver_the_rest(self) -> None:
        """Deliver whatever was never taken, as Stripe does for days, until all of it was."""
        for _ in range(3):
            rest = [e for e in self.events() if e["id"] not in self._acknowledged]
            if not rest:
                return
            for event in rest:
                self.deliver(event)
        raise AssertionError("the site goes on refusing events")

    # The site's own servants

    def work(self) -> None:
        """A worker does every task that is ready."""
        while task := DBTaskResult.objects.ready().first():
            task.claim(WORKER.worker_id)
            WORKER.run_task(task)

    def tick(self) -> None:
        """What is due each minute; what Stripe cannot be asked for now waits for the next."""
        for due in EACH_MINUTE:
            try:
                due(now=self.now)
            except GatewayError:
                continue

    # What Stripe has

    def objects(self, kind: str) -> list[dict[str, Any]]:
        """Every object of a kind at Stripe, oldest first."""
        return self.standin._objects(kind)

    def paid_intents(self) -> list[dict[str, Any]]:
        """Every payment that went through."""
        return [i for i in self.objects("payment_intent") if i["status"] == "succeeded"]

    def try_at_stripe(self, action: str, *arguments: str, **fields: Any) -> None:
        """Something that the buyer, the bank or the dashboard wants; Stripe may say no."""
        try:
            getattr(self.standin, action)(*arguments, **fields)
        except ControlRefused:
            return
