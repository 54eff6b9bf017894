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
STOP_SECONDS = 10
Environment = dict[str, str]


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(var: Path, database_url: str = "") -> Environment:
    """Development settings with DEBUG off, on files in ``var``; SQLite unless told otherwise.

    Everybody here comes from one address, so the limits for one address are off.
    """
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.dev",
        "DEBUG": "0",
        "VAR_DIR": str(var),
        "DATABASE_URL": database_url,
        "ORDER_LIMITS": "off",
    }


@contextlib.contextmanager
def serving(target: str, path: str, env: Environment, port: int | None = None) -> Iterator[str]:
    """The address of ``path`` while granian serves ``target``; its processes end with it.

    What it says goes to ``server.log`` beside its other files.
    """
    port = port or free_port()
    url = f"http://127.0.0.1:{port}{path}"
    with (Path(env["VAR_DIR"]) / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "granian", "--interface", "wsgi", target),
                *("--host", "127.0.0.1", "--port", str(port)),
                *("--workers", "2", "--blocking-threads", "4", "--log-level", "error"),
            ],
            cwd=PROJECT,
            env=env,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait_for(url)
        yield url
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process, and those that it leads."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
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
