"""Who asks: wrk where it can be had, otherwise threads of our own, on loopback only."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import statistics
import subprocess
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

CONNECTIONS = 16
OK = 200
MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True)
class Asked:
    """What came back in one round: how many answers, and how long they took."""

    answers: int
    per_second: float
    median_ms: float
    slowest_percent_ms: float


def install_wrk() -> None:
    """Install Debian's wrk, where that is possible."""
    if not shutil.which("wrk") and os.geteuid() == 0 and shutil.which("apt-get"):
        for step in (["update"], ["install", "-y", "--no-install-recommends", "wrk"]):
            command = ["apt-get", "-qq", *step]
            subprocess.run(command, check=False, stdout=subprocess.DEVNULL)


def name() -> str:
    """Who asks, for the reader: a client in Python takes far more of the machine than wrk."""
    who = "wrk" if shutil.which("wrk") else "a client in Python, which understates fast answers"
    return f"{who}, {CONNECTIONS} connections"


def ask(url: str, seconds: int) -> Asked:
    """Ask for ``url`` for ``seconds``, each connection again as soon as it is answered.

    Raises:
        ValueError: the address is not on this machine, or an answer was an error.
    """
    if urlsplit(url).hostname != "127.0.0.1":
        raise ValueError("loopback only")
    return _by_wrk(url, seconds) if shutil.which("wrk") else _by_threads(url, seconds)


def _by_wrk(url: str, seconds: int) -> Asked:
    report = subprocess.run(
        ["wrk", "--latency", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", url],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    if "Non-2xx" in report:
        raise ValueError(report)
    return Asked(
        answers=int(_found(r"(\d+) requests in", report)),
        per_second=float(_found(r"Requests/sec:\s+([\d.]+)", report)),
        median_ms=_milliseconds(_found(r"\n\s+50%\s+(\S+)", report)),
        slowest_percent_ms=_milliseconds(_found(r"\n\s+99%\s+(\S+)", report)),
    )


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        raise ValueError(text)
    return match[1]


def _milliseconds(text: str) -> float:
    """``1.20ms``, ``900.00us`` or ``1.02s`` as a number of milliseconds."""
    number = text.rstrip("mus")
    return float(number) * MILLISECONDS[text.removeprefix(number)]


def _by_threads(url: str, seconds: int) -> Asked:
    times: list[float] = []
    refusals: list[int] = []
    deadline = time.perf_counter() + seconds

    def asker() -> None:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection("127.0.0.1", parts.port or 80)
        while (begun := time.perf_counter()) < deadline:
            connection.request("GET", parts.path)
            answer = connection.getresponse()
            answer.read()
            times.append((time.perf_counter() - begun) * 1000)
            if answer.status != OK:
                refusals.append(answer.status)
        connection.close()

    threads = [threading.Thread(target=asker) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if refusals:
        raise ValueError(f"{url} answered {refusals[0]}")
    return Asked(
        answers=len(times),
        per_second=len(times) / seconds,
        median_ms=statistics.median(times),
        slowest_percent_ms=sorted(times)[int(len(times) * 0.99)],
    )
