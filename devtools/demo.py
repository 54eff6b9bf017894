"""The demo: the site, its worker, what is due, and Stripe's stand-in, ended together.

``python -m devtools.demo`` keeps what was there before; ``--reset`` forgets it first.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from honcho.manager import Manager

PROJECT = Path(__file__).resolve().parent.parent
VAR = Path(os.environ.get("VAR_DIR", PROJECT / "var"))
STAFF = "staff@stillwater.example"
SETUP = (
    ["migrate", "--verbosity", "0"],
    ["load_content", "--verbosity", "0"],
    ["load_quarters"],
    ["create_staff", STAFF],
)
# How processes end that were told to: by SIGINT or SIGTERM, as the shell or Python counts it.
STOPPED = frozenset({0, 130, 143, -2, -15})
WELCOME = """
  The site         http://127.0.0.1:{port}/
  Staff            http://127.0.0.1:{port}/staff/     sign in as {staff};
                   the code is in the newest letter
  Letters          http://127.0.0.1:{port}/dev/letters/
  Stripe stand-in  http://127.0.0.1:{standin}/_standin/?token=demo

  Pay with 4242 4242 4242 4242 (any other test card is declined or asks for more),
  with bank debit, or with the codes FREE100 and HELP25. No money moves.
  Ctrl-C ends everything. The data stays in {var}; `make demo-reset` starts over.
"""


def is_taken(port: int) -> bool:
    """Whether something listens on ``port`` of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port(wanted: int) -> int:
    """``wanted``, or another one when it is taken."""
    if not is_taken(wanted):
        return wanted
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        return int(any_port.getsockname()[1])


def set_up(environment: dict[str, str]) -> None:
    """A database with the practice's content, sample quarters and somebody who may edit."""
    for command in SETUP:
        subprocess.run(
            [sys.executable, "manage.py", *command], check=True, cwd=PROJECT, env=environment
        )


def processes(port: int, standin: int) -> dict[str, str]:
    """The commands that run side by side, by name."""
    python = sys.executable
    return {
        "web": f"{python} -m granian --interface wsgi config.wsgi:application --host 127.0.0.1 "
        f"--port {port} --workers 1 --blocking-threads 4 --log-level warning",
        "worker": f"{python} manage.py db_worker",
        "due": f"while true; do {python} manage.py tick; sleep 60; done",
        "stripe": f"{python} -m devtools.stripe_standin --port {standin} --control-token demo "
        f"--state {VAR / 'standin.json'} --webhook-secret whsec_standin_development "
        f"--webhook-url http://127.0.0.1:{port}/stripe/webhook/",
    }


def main(arguments: list[str]) -> int:
    """The exit status: 0 after Ctrl-C, 2 with a sentence when the port is taken."""
    port = int(os.environ.get("PORT", "8000"))
    if is_taken(port):
        print(f"Port {port} is taken. Choose another one: make demo PORT=8123", file=sys.stderr)
        return 2
    if "--reset" in arguments:
        shutil.rmtree(VAR, ignore_errors=True)
    VAR.mkdir(parents=True, exist_ok=True)
    standin = free_port(int(os.environ.get("STANDIN_PORT", "12111")))
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.dev",
        "PORT": str(port),
        "STANDIN_PORT": str(standin),
        "PYTHONUNBUFFERED": "1",
    }
    set_up(environment)
    print(WELCOME.format(port=port, standin=standin, staff=STAFF, var=VAR), flush=True)
    manager = Manager()
    for name, command in processes(port, standin).items():
        manager.add_process(name, command, env=environment, cwd=str(PROJECT))
    manager.loop()
    return 0 if manager.returncode in STOPPED else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
