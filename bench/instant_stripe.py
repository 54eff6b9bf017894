"""A Stripe that takes no time: it answers what the stand-in once answered about another order.

It keeps nothing, because a session's id is made of its order's: one that is made is open, one that
is asked about is paid. Only for measuring what the site alone takes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qs
from uuid import UUID
from wsgiref.types import StartResponse, WSGIEnvironment

SESSIONS = "/v1/checkout/sessions"
SESSION_MARK = "cs_test_instant"


@dataclass(frozen=True)
class Samples:
    """What the stand-in said of one sale: its session before and after, and the event of it."""

    open_session: str
    paid_session: str
    event: str
    base_url: str
    order: str
    session_id: str
    payment_intent: str

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    def about(self, order: UUID, text: str, base_url: str) -> str:
        """One of the texts, as if it were about ``order``."""
        return (
            text.replace(self.session_id, SESSION_MARK + order.hex)
            .replace(self.payment_intent, "pi_" + order.hex)
            .replace(self.order, str(order))
            .replace(self.base_url, base_url)
        )


def load_samples(path: Path) -> Samples:
    return Samples(**json.loads(path.read_text(encoding="utf-8")))


def order_of(session_id: str) -> UUID:
    """The order for which an instant session was made."""
    return UUID(session_id.partition(SESSION_MARK)[2])


def application(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    path, base_url = environ["PATH_INFO"], f"http://{environ['HTTP_HOST']}"
    if environ["REQUEST_METHOD"] == "POST":
        form = parse_qs(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode())
        order, text = UUID(form["client_reference_id"][0]), SAMPLES.open_session
    elif path.startswith(SESSIONS):
        order, text = order_of(path.rpartition("/")[2]), SAMPLES.paid_session
    else:
        start(f"{HTTPStatus.NO_CONTENT.value} Nothing here", [])
        return [b""]
    body = SAMPLES.about(order, text, base_url).encode()
    start("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


if sample_file := os.environ.get("BENCH_STRIPE_SAMPLES"):
    SAMPLES = load_samples(Path(sample_file))
