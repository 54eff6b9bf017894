"""Run a Python module on a PostgreSQL: ``python -m devtools.postgres -m pytest ...``.

``DATABASE_URL`` names the server; without it, one that answers on this machine is used, and as
root on Debian one is installed and started when there is none.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

import psycopg

from devtools import debian

SERVERS = (
    "postgres://postgres@127.0.0.1:5432/{name}",
    "postgres://postgres@/{name}?host=/var/run/postgresql",
    "postgres://root@/{name}?host=/var/run/postgresql",
)
SCHEMES = ("postgres://", "postgresql://")
START_SECONDS = 30
OTHER = "DATABASE_URL names another kind of database; these tests are for PostgreSQL."
MISSING = (
    "No PostgreSQL answers here, and none can be installed. "
    "Set DATABASE_URL, for example postgres://user:password@127.0.0.1:5432/practice"
)


def answers(url: str) -> bool:
    """Whether a server takes connections at ``url``."""
    try:
        with psycopg.connect(url, connect_timeout=3):
            return True
    except psycopg.OperationalError:
        return False


def install() -> bool:
    """Install and start Debian's PostgreSQL, for this machine only; False where that cannot be."""
    if not debian.install("postgresql"):
        return False
    listed = subprocess.run(["pg_lsclusters", "-h"], check=False, capture_output=True, text=True)
    for line in listed.stdout.splitlines():
        version, cluster, _port, state, *_ = line.split()
        if state != "online":
            start = ["pg_ctlcluster", "--skip-systemctl-redirect", version, cluster, "start"]
            subprocess.run(start, check=False)
    role = "CREATE ROLE root SUPERUSER LOGIN"
    subprocess.run(["su", "postgres", "-c", f'psql -qc "{role}"'], check=False, capture_output=True)
    return True


def found() -> str:
    """The address of a server that answers on this machine, or the empty text."""
    return next((url for url in SERVERS if answers(url.format(name="postgres"))), "")


def found_in_time() -> str:
    """What ``found`` says as soon as it finds one, within half a minute."""
    deadline = time.monotonic() + START_SECONDS
    while not (server := found()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return server


def local_database() -> str:
    """A database on this machine, on a server installed if need be; empty when there is none."""
    server = found() or (found_in_time() if install() else "")
    return server.format(name="practice")


def main(arguments: list[str]) -> int:
    """The exit status of the module that was run, or 2 with a sentence."""
    url = os.environ.get("DATABASE_URL") or local_database()
    if not url.startswith(SCHEMES):
        print(OTHER if url else MISSING, file=sys.stderr)
        return 2
    ran = subprocess.run(
        [sys.executable, *arguments], check=False, env={**os.environ, "DATABASE_URL": url}
    )
    return ran.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
