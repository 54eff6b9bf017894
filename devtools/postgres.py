"""Run a Python module on a PostgreSQL: ``python -m devtools.postgres -m pytest ...``.

``DATABASE_URL`` names the server; without it, one that answers on this machine is used, and as
root on Debian one is installed and started when there is none.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable

import psycopg

SOCKET = "postgres://postgres@/postgres?host=/var/run/postgresql"
LOOPBACK = "postgres://postgres@127.0.0.1:5432/postgres"
NAME = "practice"
START_SECONDS = 30
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
    """Install and start Debian's PostgreSQL for this machine only; False where that is not possible."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    print("Installing PostgreSQL for the tests.", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update"], ["install", "-y", "--no-install-recommends", "postgresql"]):
        subprocess.run(["apt-get", "-qq", *step], check=False, env=quiet, stdout=subprocess.DEVNULL)
    listed = subprocess.run(["pg_lsclusters", "-h"], check=False, capture_output=True, text=True)
    for line in listed.stdout.splitlines():
        version, cluster, _port, state, *_ = line.split()
        if state != "online":
            start = ["pg_ctlcluster", "--skip-systemctl-redirect", version, cluster, "start"]
            subprocess.run(start, check=False)
    role = "CREATE ROLE root SUPERUSER LOGIN"
    subprocess.run(["su", "postgres", "-c", f'psql -qc "{role}"'], check=False, capture_output=True)
    return True


def found(urls: list[str]) -> str:
    """The first of ``urls`` that answers, or the empty text."""
    return next((url for url in urls if answers(url)), "")


def wait_for(question: Callable[[], str]) -> str:
    """The first answer to ``question`` that is not empty, within half a minute."""
    deadline = time.monotonic() + START_SECONDS
    while not (answer := question()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return answer


def local_server() -> str:
    """The address of a server on this machine, installed if need be; empty when there is none."""
    urls = [LOOPBACK, SOCKET, "postgres://root@/postgres?host=/var/run/postgresql"]
    server = found(urls)
    if not server and install():
        server = wait_for(lambda: found(urls))
    return server


def main(arguments: list[str]) -> int:
    """The exit status of the module that was run, or 2 with a sentence."""
    url = os.environ.get("DATABASE_URL", "")
    if not url:
        url = local_server()
        if not url:
            print(MISSING, file=sys.stderr)
            return 2
        url = url.replace("/postgres?", f"/{NAME}?").removesuffix("/postgres")
        url = url if NAME in url else f"{url}/{NAME}"
    ran = subprocess.run(
        [sys.executable, *arguments], check=False, env={**os.environ, "DATABASE_URL": url}
    )
    return ran.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
