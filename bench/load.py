"""Rounds of load on several targets in turn, with the processor time that each answer cost."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bench.client import Asked, ask

TICK = os.sysconf("SC_CLK_TCK")
A_THOUSAND = 1000


@dataclass(frozen=True)
class Round:
    """One measurement of one target."""

    asked: Asked
    cpu_ms: float


def interleaved(urls: Mapping[str, str], rounds: int, seconds: int) -> dict[str, list[Round]]:
    """Rounds of every target, forwards and backwards in turn, so that drift cancels out."""
    for url in urls.values():
        ask(url, 1)
    measured: dict[str, list[Round]] = {name: [] for name in urls}
    for number in range(rounds):
        for name in list(urls) if number % 2 == 0 else list(urls)[::-1]:
            measured[name].append(measure(urls[name], seconds))
    return measured


def measure(url: str, seconds: int) -> Round:
    """One round on ``url``."""
    port = urlsplit(url).port or 80
    before = processor_seconds(port)
    asked = ask(url, seconds)
    spent = processor_seconds(port) - before
    return Round(asked=asked, cpu_ms=spent * 1000 / asked.answers)


def paired(ours: Sequence[Round], theirs: Sequence[Round], of: Callable[[Round], float]) -> str:
    """The ratio of two targets, round by round."""
    return spread([of(a) / of(b) for a, b in zip(ours, theirs, strict=True) if of(b)])


def spread(numbers: Sequence[float]) -> str:
    """``median (least to most)`` of some numbers."""
    middle, *ends = (
        f"{number:,.0f}" if number >= A_THOUSAND else f"{number:.3g}"
        for number in (statistics.median(numbers), min(numbers), max(numbers))
    )
    return f"{middle} ({' to '.join(ends)})"


def processor_seconds(port: int) -> float:
    """User and system time of every process of the server that was started on ``port``."""
    return sum(_ticks(pid) for pid in server_on(port)) / TICK


def server_on(port: int) -> set[int]:
    """Every process of the server that was started on ``port``."""
    mark = f"--port\0{port}\0".encode()
    servers = {pid for pid in _processes() if mark in _read(pid, "cmdline")}
    return servers | {pid for pid in _processes() if _parent(pid) in servers}


def times_of(pids: Iterable[int]) -> dict[int, float]:
    """User and system time of each process, in seconds."""
    return {pid: _ticks(pid) / TICK for pid in pids}


def spent_since(before: Mapping[int, float], after: Mapping[int, float]) -> float:
    """What processes have used between two looks; those that came between count whole."""
    return sum(seconds - before.get(pid, 0) for pid, seconds in after.items())


def _processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def _fields(pid: int) -> list[bytes]:
    """The fields of ``stat`` behind the process's name, which may hold spaces."""
    return _read(pid, "stat").rpartition(b")")[2].split()


def _parent(pid: int) -> int:
    fields = _fields(pid)
    return int(fields[1]) if fields else 0


def _ticks(pid: int) -> int:
    fields = _fields(pid)
    return int(fields[11]) + int(fields[12]) if fields else 0
