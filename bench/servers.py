"""Servers to measure: granian with two workers, each target on a free port of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
START_SECONDS = 60


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(var: Path) -> dict[str, str]:
    """Development settings with DEBUG off, on files in ``var``."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.dev",
        "DEBUG": "0",
        "VAR_DIR": str(var),
    }


def prepare(var: Path) -> None:
    """A database with the practice's content and its sample quarters."""
    for command in (["migrate", "-v0"], ["load_content", "-v0"], ["load_quarters"]):
        subprocess.run(
            [sys.executable, "manage.py", *command],
            check=True,
            cwd=PROJECT,
            env=environment(var),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


@contextlib.contextmanager
def serving(target: str, path: str, env: dict[str, str]) -> Iterator[str]:
    """The address of ``path`` while granian serves ``target``; its processes end with it."""
    port = free_port()
    url = f"http://127.0.0.1:{port}{path}"
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "granian", "--interface", "wsgi", target),
            *("--host", "127.0.0.1", "--port", str(port)),
            *("--workers", "2", "--blocking-threads", "4", "--log-level", "error"),
        ],
        cwd=PROJECT,
        env=env,
        start_new_session=True,
    )
    try:
        wait_for(url)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def wait_for(url: str) -> None:
    """Return once ``url`` answers.

    Raises:
        TimeoutError: it did not within a minute.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=30):
            return
        time.sleep(0.05)
    raise TimeoutError(url)
