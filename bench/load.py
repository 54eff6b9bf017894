"""Load on one address, over loopback only: answers per second, waiting times, processor time."""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

CONNECTIONS = 16
TICK = os.sysconf("SC_CLK_TCK")
MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True)
class Round:
    """One measurement: answers per second, times and processor time per answer in ms."""

    per_second: float
    median_ms: float
    slowest_percent_ms: float
    cpu_ms: float


def need_wrk() -> None:
    """Return when wrk is there, installed if that is possible.

    Raises:
        SystemExit: it is missing and cannot be installed.
    """
    if not shutil.which("wrk") and os.geteuid() == 0 and shutil.which("apt-get"):
        for step in (["update"], ["install", "-y", "wrk"]):
            subprocess.run(["apt-get", "-qq", *step], check=False, stdout=subprocess.DEVNULL)
    if not shutil.which("wrk"):
        raise SystemExit("The benchmarks need wrk. On Debian, as root: apt-get install wrk")


def measure(url: str, seconds: int) -> Round:
    """Ask for ``url`` for ``seconds`` with 16 connections.

    Raises:
        ValueError: the address is not on this machine, or an answer was an error.
    """
    parts = urlsplit(url)
    if parts.hostname != "127.0.0.1":
        raise ValueError("loopback only")
    before = processor_seconds(parts.port or 80)
    report = subprocess.run(
        ["wrk", "--latency", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", url],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    if "Non-2xx" in report:
        raise ValueError(report)
    spent = processor_seconds(parts.port or 80) - before
    answers = int(found(r"(\d+) requests in", report))
    return Round(
        per_second=float(found(r"Requests/sec:\s+([\d.]+)", report)),
        median_ms=milliseconds(found(r"\n\s+50%\s+(\S+)", report)),
        slowest_percent_ms=milliseconds(found(r"\n\s+99%\s+(\S+)", report)),
        cpu_ms=spent * 1000 / answers,
    )


def found(pattern: str, text: str) -> str:
    """The first group of ``pattern`` in ``text``.

    Raises:
        ValueError: it is not there.
    """
    match = re.search(pattern, text)
    if match is None:
        raise ValueError(text)
    return match[1]


def milliseconds(text: str) -> float:
    """``1.20ms``, ``900.00us`` or ``1.02s`` as a number of milliseconds."""
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()  # type: ignore[union-attr]
    return float(number) * MILLISECONDS[unit]


def processor_seconds(port: int) -> float:
    """User and system time of every process of the server that listens on ``port``."""
    mark = f"--port\0{port}\0".encode()
    servers = {
        int(path.name)
        for path in Path("/proc").iterdir()
        if path.name.isdigit() and mark in _read(path / "cmdline")
    }
    return sum(_times(pid) for pid in servers | _children(servers)) / TICK


def _children(parents: set[int]) -> set[int]:
    statuses = {
        int(path.name): _read(path / "stat").rpartition(b")")[2].split()
        for path in Path("/proc").iterdir()
        if path.name.isdigit()
    }
    return {pid for pid, fields in statuses.items() if fields and int(fields[1]) in parents}


def _times(pid: int) -> int:
    fields = _read(Path(f"/proc/{pid}/stat")).rpartition(b")")[2].split()
    return int(fields[11]) + int(fields[12]) if fields else 0


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def spread(numbers: Sequence[float], digits: int = 3) -> str:
    """``least – median – most`` of some numbers."""
    three = (min(numbers), statistics.median(numbers), max(numbers))
    return " – ".join(f"{number:.{digits}g}" if number < 1000 else f"{number:,.0f}" for number in three)  # noqa: PLR2004
