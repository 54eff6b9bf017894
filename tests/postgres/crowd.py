"""A crowd at the door: the site behind a real port, and many who knock at the same moment."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier, Thread

from django.core.servers.basehttp import WSGIServer
from django.core.wsgi import get_wsgi_application
from django.db import connections
from django.test.testcases import QuietWSGIRequestHandler

# As many as serve at the same time; a database takes no more than a hundred connections.
SERVANTS = 40
PATIENCE = 300


class Door(WSGIServer):
    """Serves with many threads, and lets whoever comes on top of that wait in line."""

    request_queue_size = 512

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), QuietWSGIRequestHandler, ipv6=False)
        self._servants = ThreadPoolExecutor(SERVANTS)
        self.set_app(get_wsgi_application())

    def process_request(self, request, client_address) -> None:
        self._servants.submit(self._serve, request, client_address)

    def _serve(self, request, client_address) -> None:
        try:
            self.finish_request(request, client_address)
        except OSError:
            logging.getLogger(__name__).warning("somebody went away", exc_info=True)
        finally:
            self.shutdown_request(request)
            connections.close_all()

    def close(self) -> None:
        self.shutdown()
        self._servants.shutdown()
        self.server_close()


@contextmanager
def open_door() -> Iterator[int]:
    """The port at which the site answers."""
    door = Door()
    keeper = Thread(target=door.serve_forever, kwargs={"poll_interval": 0.05})
    keeper.start()
    try:
        yield door.server_port
    finally:
        door.close()
        keeper.join()


def at_once(calls: list[Callable[[], int]]) -> Counter[int]:
    """Make every call in a thread of its own, all at the same moment; the statuses answered."""
    start, statuses = Barrier(len(calls)), Counter()

    def caller(call: Callable[[], int]) -> None:
        start.wait(timeout=PATIENCE)
        try:
            statuses[call()] += 1
        finally:
            connections.close_all()

    threads = [Thread(target=caller, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=PATIENCE)
    return statuses
