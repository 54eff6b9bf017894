"""The site with Stripe beside it: the stand-in, or one that takes no time."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.databases import answers
from bench.instant_stripe import Samples
from bench.meter import Meter
from bench.servers import Environment, free_port, serving
from bench.wire import Visitor
from devtools.stripe_standin.control import API_KEY, StandIn
from devtools.stripe_standin.endpoints import DEFAULT_ENDPOINT

SITE = "config.wsgi:application"
SECRET = "whsec_standin_development"
AUTHORIZED = {"Authorization": f"Bearer {API_KEY}"}
# What `stripe_setup` would ask to be told of a sale; a real endpoint hears of nothing else.
SALE_EVENTS = ("completed", "async_payment_succeeded", "async_payment_failed", "expired")
DEADLINE_SECONDS = 60


@dataclass(frozen=True)
class Shop:
    """A running site, its database, and where its Stripe listens."""

    url: str
    port: int
    env: Environment
    stripe_url: str
    standin: StandIn | None = None

    def meter(self) -> Meter:
        """What the site and its PostgreSQL cost from now on."""
        return Meter(self.port, self.env)

    def enroll_address(self, slug: str) -> str:
        return f"{self.url}/enroll/{slug}/"

    def return_address(self, order: object, session_id: str) -> str:
        return f"{self.url}/orders/{order}/?session_id={session_id}"

    def places(self, slug: str) -> dict[str, int]:
        """How many places of a quarter there are in each state, past the site."""
        return dict(
            answers(
                self.env,
                "SELECT e.state, count(*) FROM enrollments_enrollment e "
                "JOIN enrollments_quarter q ON q.id = e.quarter_id "
                f"WHERE q.slug = '{slug}' GROUP BY e.state",
            )
        )

    def events_heard(self) -> int:
        """How many events the site has acted on."""
        done = "SELECT count(*) FROM enrollments_stripeevent WHERE outcome = 'done'"
        return int(answers(self.env, done)[0][0])

    def wait_for_events(self, wanted: int) -> float:
        """The seconds until the site had acted on so many events.

        Raises:
            TimeoutError: it did not within a minute.
        """
        begun = time.monotonic()
        while self.events_heard() < wanted:
            if time.monotonic() - begun > DEADLINE_SECONDS:
                raise TimeoutError("webhooks are missing")
            time.sleep(0.1)
        return time.monotonic() - begun


@contextlib.contextmanager
def with_standin(env: Environment) -> Iterator[Shop]:
    """The site, and the stand-in as a process of its own that tells it of sales."""
    port = free_port()
    hook = f"http://127.0.0.1:{port}/stripe/webhook/"
    with StandIn.start(webhook_url=hook, webhook_secret=SECRET, extra=("--no-seed",)) as standin:
        _tell_of_sales_only(standin)
        standin_port = standin.base_url.rpartition(":")[2]
        with serving(SITE, "/healthz", {**env, "STANDIN_PORT": standin_port}, port):
            yield Shop(f"http://127.0.0.1:{port}", port, env, standin.base_url, standin)


def _tell_of_sales_only(standin: StandIn) -> None:
    events = {
        f"enabled_events[{number}]": f"checkout.session.{name}"
        for number, name in enumerate(SALE_EVENTS)
    }
    address = f"{standin.base_url}/v1/webhook_endpoints/{DEFAULT_ENDPOINT}"
    with Visitor() as owner:
        answer = owner.post(address, events, AUTHORIZED)
    if answer.status != 200:  # noqa: PLR2004
        raise ValueError(answer.body)


@contextlib.contextmanager
def with_instant_stripe(env: Environment, samples: Samples) -> Iterator[Shop]:
    """The site, and a Stripe that answers at once and tells it nothing by itself."""
    file = Path(env["VAR_DIR"]) / "samples.json"
    samples.save(file)
    port, stripe_port = free_port(), free_port()
    stripe_env = {**env, "BENCH_STRIPE_SAMPLES": str(file)}
    site_env = {**env, "STANDIN_PORT": str(stripe_port)}
    with (
        serving("bench.instant_stripe:application", "/", stripe_env, stripe_port) as stripe_url,
        serving(SITE, "/healthz", site_env, port),
    ):
        yield Shop(f"http://127.0.0.1:{port}", port, env, stripe_url.rstrip("/"))
