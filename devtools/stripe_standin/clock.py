"""The stand-in's clock: real time, plus whatever a test has advanced it by.

Everything Stripe would date is dated by it. Retry pauses and the timestamp of a webhook's
signature are in real time, because the receiver compares that one with its own clock.
"""

import time


class Clock:
    def __init__(self) -> None:
        self.advanced_by = 0

    def now(self) -> int:
        return int(time.time()) + self.advanced_by

    def advance(self, seconds: int) -> int:
        self.advanced_by += seconds
        return self.now()
