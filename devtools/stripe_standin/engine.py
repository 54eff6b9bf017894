"""The stand-in's parts, put together."""

import threading
from dataclasses import dataclass
from pathlib import Path

from devtools.stripe_standin import due, endpoints, promotions
from devtools.stripe_standin.api import Api
from devtools.stripe_standin.calls import Call
from devtools.stripe_standin.clock import Clock
from devtools.stripe_standin.contract import Contract, Json
from devtools.stripe_standin.deliveries import Courier
from devtools.stripe_standin.faults import Faults
from devtools.stripe_standin.store import Store

TICK = 0.25
SEEDED_CODES = {"FREE100": 100, "HELP25": 25}


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    control_token: str
    webhook_url: str = ""
    webhook_secret: str = ""
    state_file: Path | None = None
    settle_after: int | None = None
    merchant: str = "Test merchant"
    seeds: bool = False
    clock_ahead: float = 0


class Engine:
    """Contract, clock, memory, API and courier of one stand-in."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.clock = Clock(options.clock_ahead)
        self.faults = Faults()
        self.store = Store(Contract(), self.clock, options.state_file)
        self.courier = Courier(self.store, self.faults)
        self.api = Api(self.store, self.faults)
        self.stopping = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="ticker", daemon=True)
        self._prepare()

    def start(self) -> None:
        self.courier.start()
        self._ticker.start()

    def stop(self) -> None:
        self.stopping.set()
        self.courier.stop()
        self.store.save()

    def reset(self) -> None:
        """Forget everything but the command line."""
        # Not under the lock: a delivery that is under way needs it to end.
        self.courier.forget()
        with self.store.lock:
            self.clock.advanced_by = 0
            self.faults.clear()
            self.api.forget()
            self.store.clear()
            self._prepare()
        self.courier.forget()

    def advance(self, seconds: int) -> int:
        """Move the clock and do at once what has become due; the new time."""
        with self.store.lock:
            now = self.clock.advance(seconds)
            due.do_what_is_due(self.store)
        return now

    def _prepare(self) -> None:
        options = self.options
        self.store.settle_after = options.settle_after
        if options.seeds and not self.store.rows("promotion_code"):
            # Before there is an endpoint: nobody is told of what was there from the start.
            for code, percent in SEEDED_CODES.items():
                self._seed_code(code, percent)
            self.store.rows("event").clear()
        endpoints.set_default(self.store, options.webhook_url, options.webhook_secret)

    def _seed_code(self, code: str, percent: int) -> None:
        coupon = {"id": code, "percent_off": percent, "duration": "once", "name": f"{percent}% off"}
        promotions.create_coupon(self._call(coupon))
        promotion: Json = {"promotion": {"type": "coupon", "coupon": code}, "code": code}
        promotions.create_promotion_code(self._call(promotion))

    def _call(self, body: Json) -> Call:
        return Call(self.store, "", (), body, {}, "")

    def _tick(self) -> None:
        while not self.stopping.wait(TICK):
            with self.store.lock:
                due.do_what_is_due(self.store)
            self.store.save()
