"""Throwaway databases with the practice's content: one of each kind is made, the rest are copies.

The PostgreSQL is one on this machine, found or installed as for the tests.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier

from bench.servers import PROJECT, Environment, environment
from devtools import postgres

SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
STEPS = (["migrate", "-v0"], ["load_content", "-v0"], ["load_quarters"])


class NoPostgreSQL(Exception):
    """None answers on this machine, and none can be installed."""


class Databases:
    """Makes them on demand, for as long as ``temporary_databases`` lasts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)
        self._originals: dict[str, Environment] = {}
        self._server = ""
        self._names: list[str] = []

    def new(self, kind: str) -> Environment:
        """The environment of a site on a new database with the practice's content."""
        return self.copy(self.original(kind))

    def original(self, kind: str) -> Environment:
        """The one that the others are copies of; only pages may be asked for there.

        Raises:
            NoPostgreSQL: there is none.
        """
        if kind not in self._originals:
            var = self._new_folder()
            var.mkdir()
            env = environment(var, self._new_database() if kind == POSTGRESQL else "")
            _prepare(env)
            self._originals[kind] = env
        return self._originals[kind]

    def copy(self, env: Environment) -> Environment:
        """Another site, as the one of ``env`` is now. Nothing may be connected to that."""
        var = self._new_folder()
        shutil.copytree(env["VAR_DIR"], var)
        source = env["DATABASE_URL"]
        return environment(var, self._new_database(name_in(source)) if source else "")

    def drop(self) -> None:
        """Take the databases away; the folder is the caller's."""
        while self._names:
            self._on_the_server("DROP DATABASE IF EXISTS {} WITH (FORCE)", self._names.pop())

    def _new_folder(self) -> Path:
        return self._folder / str(next(self._numbers))

    def _new_database(self, template: str = "template1") -> str:
        self._server = self._server or _server()
        name = f"practice_bench_{os.getpid()}_{next(self._numbers)}"
        self._names.append(name)
        self._on_the_server("CREATE DATABASE {} TEMPLATE {}", name, template)
        return self._server.format(name=name)

    def _on_the_server(self, order: str, *names: str) -> None:
        with psycopg.connect(self._server.format(name="postgres"), autocommit=True) as connection:
            connection.execute(SQL(order).format(*map(Identifier, names)))


@contextlib.contextmanager
def temporary_databases(folder: Path) -> Iterator[Databases]:
    """Databases that are gone in the end; their files are in ``folder``."""
    databases = Databases(folder)
    try:
        yield databases
    finally:
        databases.drop()


def _server() -> str:
    if not postgres.local_database():
        raise NoPostgreSQL(postgres.MISSING)
    return postgres.found()


def _prepare(env: Environment) -> None:
    for step in STEPS:
        run_in(env, "manage.py", *step)


def run_in(env: Environment, *arguments: str) -> str:
    """What Python prints, run with ``arguments`` in a process with ``env``."""
    return subprocess.run(
        [sys.executable, *arguments],
        check=True,
        cwd=PROJECT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ).stdout


def name_in(url: str) -> str:
    """The database that an address names."""
    return url.partition("?")[0].rpartition("/")[2]


def answers(env: Environment, question: str) -> list[tuple[Any, ...]]:
    """The rows of a question to the database of ``env``, past the site."""
    if env["DATABASE_URL"]:
        with psycopg.connect(env["DATABASE_URL"]) as connection:
            return connection.execute(question).fetchall()
    file = Path(env["VAR_DIR"]) / "db.sqlite3"
    with contextlib.closing(sqlite3.connect(file, timeout=30)) as lite:
        return lite.execute(question).fetchall()


def backends(env: Environment) -> set[int]:
    """The processes of PostgreSQL that work for the database of ``env``."""
    if not env["DATABASE_URL"]:
        return set()
    mine = "datname = current_database() AND pid <> pg_backend_pid()"
    return {pid for (pid,) in answers(env, f"SELECT pid FROM pg_stat_activity WHERE {mine}")}
