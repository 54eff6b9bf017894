"""A PostgreSQL of this machine with PgBouncer in front, and a site that is migrated through it."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from psycopg import sql

from devtools import postgres, programs

START_SECONDS = 20
# Fewer than there are threads in any test, so that they take turns.
SERVER_CONNECTIONS = 3
LIMITS = {
    "DATABASE_LOCK_SECONDS": "1",
    "DATABASE_STATEMENT_SECONDS": "4",
    "DATABASE_IDLE_SECONDS": "2",
}
INI = """
[databases]
* = host={host} port={port} user={role} password={password}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
admin_users = admin
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 200
server_reset_query_always = 0
"""


def unavailable(sentence: str) -> None:
    """Skip with a sentence; fail where everything is meant to be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(sentence)
    pytest.skip(sentence)


@pytest.fixture(scope="session")
def server() -> str:
    """The address of a PostgreSQL where this process may make roles and databases."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith(postgres.SCHEMES):
        url = postgres.local_database()
    if not url:
        unavailable(postgres.MISSING)
    return url


@dataclass(frozen=True)
class Owned:
    """A database, and the ordinary role that owns it, as the practice's site would have it."""

    name: str
    password: str
    host: str
    port: int

    @property
    def direct(self) -> str:
        """Its address without a pooler."""
        return f"postgres://{self.name}:{self.password}@{self.host}:{self.port}/{self.name}"


@pytest.fixture(scope="session")
def owned(server: str) -> Iterator[Owned]:
    """A database of its own, gone afterwards."""
    name, password = f"outside_{secrets.token_hex(4)}", secrets.token_hex(16)
    who = {"name": sql.Identifier(name), "password": sql.Literal(password)}
    with psycopg.connect(server, dbname="postgres", autocommit=True) as line:
        host = line.info.host if not line.info.host.startswith("/") else "127.0.0.1"
        line.execute(sql.SQL("CREATE ROLE {name} LOGIN PASSWORD {password}").format(**who))
        line.execute(sql.SQL("CREATE DATABASE {name} OWNER {name}").format(**who))
        yield Owned(name=name, password=password, host=host, port=line.info.port)
        line.execute(sql.SQL("DROP DATABASE {name} WITH (FORCE)").format(**who))
        line.execute(sql.SQL("DROP ROLE {name}").format(**who))


@dataclass(frozen=True)
class Pooled:
    """The site behind PgBouncer."""

    url: str
    var: Path
    log: Path

    def environment(self, **changes: str) -> dict[str, str]:
        """What a process of the site is started with."""
        return {
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "config.settings.dev",
            "VAR_DIR": str(self.var),
            "DATABASE_URL": self.url,
            "DATABASE_POOLER": "on",
            **LIMITS,
            **changes,
        }

    def manage(self, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        """What a command of the site says."""
        return self.python("manage.py", *arguments, **changes)

    def python(self, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        """What a program says that runs in the site's folder."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=settings.BASE_DIR,
            env=self.environment(**changes),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def reconnect(self) -> None:
        """Have the pooler make its connections anew."""
        admin = self.url.rpartition("/")[0].replace("postgres://site", "postgres://admin")
        with psycopg.connect(f"{admin}/pgbouncer", autocommit=True) as line:
            # Its console knows simple queries only.
            psycopg.ClientCursor(line).execute("RECONNECT")


@pytest.fixture(scope="session")
def pooled(owned: Owned) -> Iterator[Pooled]:
    """The site's tables, made through a PgBouncer in transaction mode."""
    program = programs.path_of("pgbouncer")
    if program is None:
        unavailable("PgBouncer is missing. On Debian: python -m devtools.programs")
    # Not pytest's own folder: the pooler refuses to run as root, and nobody else may enter that.
    with tempfile.TemporaryDirectory(prefix="pooler-") as folder:
        place = Path(folder)
        place.chmod(0o755)
        listen = free_port()
        ini = place / "pgbouncer.ini"
        facts = {"host": owned.host, "port": owned.port, "role": owned.name}
        ini.write_text(
            INI.format(password=owned.password, listen=listen, size=SERVER_CONNECTIONS, **facts)
        )
        log = place / "log"
        who = ["-u", "nobody"] if os.geteuid() == 0 else []
        with (
            log.open("w") as written,
            subprocess.Popen([program, *who, str(ini)], stdout=written, stderr=written) as process,
        ):
            try:
                url = f"postgres://site@127.0.0.1:{listen}/{owned.name}"
                wait_for(url, log)
                site = Pooled(url=url, var=place / "var", log=log)
                migrated = site.manage("migrate", "--skip-checks", "--verbosity", "0")
                assert migrated.returncode == 0, migrated.stderr
                yield site
            finally:
                process.terminate()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(url: str, log: Path) -> None:
    """Return once something takes connections at ``url``."""
    deadline = time.monotonic() + START_SECONDS
    while not postgres.answers(url):
        assert time.monotonic() < deadline, log.read_text()
