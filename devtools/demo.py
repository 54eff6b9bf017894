"""The demo: the site, its worker, what is due, and Stripe's stand-in, ended together.

``python -m devtools.demo`` keeps what was there before; ``--reset`` forgets it first.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from honcho.manager import Manager

from devtools.demo_content import STAFF

PROJECT = Path(__file__).resolve().parent.parent
VAR = Path(os.environ.get("VAR_DIR", PROJECT / "var"))
# All that the demo writes. A reset takes these away and nothing else that may lie beside them.
TRACES = ("db.sqlite3*", "letters", "media", "cache", "standin.json*", "page-generation*")
PORTS = range(1, 65536)
START_SECONDS = 60
# How processes end that were told to: by SIGINT or SIGTERM, as the shell or Python counts it.
STOPPED = frozenset({0, 130, 143, -2, -15})
TAKEN = "Port {port} is taken. Choose another one: make demo PORT=8123"
NO_PORT = "PORT must be a number between 1 and 65535, for example: make demo PORT=8123"
WELCOME = """
  The site         http://127.0.0.1:{port}/
  Staff            http://127.0.0.1:{port}/staff/
                   sign in as {staff} with the code from the newest letter
  Letters          http://127.0.0.1:{port}/dev/letters/
  Stripe stand-in  http://127.0.0.1:{standin}/_standin/?token=demo

  No money moves. 4242 4242 4242 4242 pays, with any later date and any three digits;
  4000 0000 0000 0002 is declined, 4000 0025 0000 3155 asks for one more confirmation.
  The codes FREE100 and HELP25, typed where she gives her name, lower the price.
  Ctrl-C ends everything and keeps the data; `make demo-reset` starts over.
"""


class NotPossible(Exception):
    """Why the demo cannot start, as a sentence."""


def is_taken(port: int) -> bool:
    """Whether something listens on ``port`` of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wanted_port() -> int:
    """The port that ``PORT`` names.

    Raises:
        NotPossible: it names none, or one that is taken.
    """
    named = os.environ.get("PORT", "8000")
    if not named.isdecimal() or int(named) not in PORTS:
        raise NotPossible(NO_PORT)
    if is_taken(int(named)):
        raise NotPossible(TAKEN.format(port=named))
    return int(named)


def free_port(wanted: int) -> int:
    """``wanted``, or another one when it is taken."""
    if not is_taken(wanted):
        return wanted
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        return int(any_port.getsockname()[1])


def forget() -> None:
    """Take away what an earlier demo has written."""
    for pattern in TRACES:
        for path in VAR.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def set_up(environment: dict[str, str]) -> None:
    """A database with the practice's content, sample quarters and somebody who may edit.

    Raises:
        NotPossible: a step failed, with all that was said.
    """
    print("Preparing the database and the practice's content.", flush=True)
    prepared = subprocess.run(
        [sys.executable, "-m", "devtools.demo_content"],
        check=False,
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if prepared.returncode != 0:
        raise NotPossible(f"{prepared.stdout}\nThe database could not be prepared.")


def processes(port: int, standin: int) -> dict[str, str]:
    """The commands that run side by side, by name."""
    python = f"'{sys.executable}'"
    return {
        "web": f"exec {python} -m granian --interface wsgi config.wsgi:application "
        f"--host 127.0.0.1 --port {port} --workers 1 --blocking-threads 4 --log-level warning",
        "worker": f"exec {python} manage.py db_worker --no-reload",
        "due": f"while true; do {python} manage.py tick; sleep 60; done",
        "stripe": f"exec {python} -m devtools.stripe_standin --port {standin} "
        f"--no-seed --control-token demo --merchant Stillwater --state '{VAR / 'standin.json'}' "
        f"--webhook-secret whsec_standin_development "
        f"--webhook-url http://127.0.0.1:{port}/stripe/webhook/",
    }


def welcome(port: int, standin: int) -> None:
    """Say where to go, once there is something to see."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/"):
            print(WELCOME.format(port=port, standin=standin, staff=STAFF), flush=True)
            return
        time.sleep(0.2)


def hang_up(_signal: int, _frame: FrameType | None) -> None:
    """The terminal has gone: nothing can be printed any more, and everything ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.kill(os.getpid(), signal.SIGTERM)


@contextlib.contextmanager
def ended_together(manager: Manager) -> Iterator[None]:
    """Whatever goes wrong here, no process is left behind."""
    try:
        yield
    finally:
        for process in manager._processes.values():  # noqa: SLF001 (honcho tells it to nobody)
            if process.get("pid") and "returncode" not in process:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process["pid"], signal.SIGTERM)


def run(port: int, standin: int, environment: dict[str, str]) -> int:
    """Run everything until one of the processes ends or is told to; the exit status."""
    manager = Manager()
    for name, command in processes(port, standin).items():
        manager.add_process(name, command, env=environment, cwd=str(PROJECT))
    signal.signal(signal.SIGHUP, hang_up)
    threading.Thread(target=welcome, args=(port, standin), daemon=True).start()
    with ended_together(manager):
        manager.loop()
    return 0 if manager.returncode in STOPPED else 1


def main(arguments: list[str]) -> int:
    """The exit status: 0 after Ctrl-C, 2 with a sentence when the demo cannot start."""
    try:
        port = wanted_port()
        if "--reset" in arguments:
            forget()
        VAR.mkdir(parents=True, exist_ok=True)
        standin = free_port(int(os.environ.get("STANDIN_PORT", "12111")))
        environment = {
            # As visitors see it: real error pages, and public pages from the page cache.
            "DEBUG": "0",
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings.dev",
            "PORT": str(port),
            "STANDIN_PORT": str(standin),
            "PYTHONUNBUFFERED": "1",
        }
        set_up(environment)
        return run(port, standin, environment)
    except NotPossible as reason:
        print(reason, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
