"""The floor: a WSGI application that answers with bytes and does nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

PAGE = b"x" * int(os.environ.get("BENCH_PAGE_BYTES", "30000"))
HEADERS = [("Content-Type", "text/html"), ("Content-Length", str(len(PAGE)))]


def application(_environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    start("200 OK", HEADERS)
    return [PAGE]
