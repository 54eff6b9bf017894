"""The processor time of a server and of its PostgreSQL, between two moments."""

from __future__ import annotations

from dataclasses import dataclass

from bench.databases import backends
from bench.load import server_on, spent_since, times_of
from bench.servers import Environment


@dataclass(frozen=True)
class Cost:
    """Processor milliseconds, of the server's workers and of PostgreSQL's processes for them."""

    workers_ms: float
    database_ms: float

    @property
    def ms(self) -> float:
        return self.workers_ms + self.database_ms


class Meter:
    """Running from the moment it is made."""

    def __init__(self, port: int, env: Environment) -> None:
        self._port, self._env = port, env
        self._workers = times_of(server_on(port))
        self._database = times_of(backends(env))

    def per(self, number: int) -> Cost:
        """What each of so many things has cost by now."""
        workers = spent_since(self._workers, times_of(server_on(self._port)))
        database = spent_since(self._database, times_of(backends(self._env)))
        return Cost(workers * 1000 / number, database * 1000 / number)
