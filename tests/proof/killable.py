"""A site in a process and on a database of its own, that may be killed and started again."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from uuid import uuid4

import psycopg
from django.conf import settings
from django.db import connection, connections

from devtools.stripe_standin.control import StandIn
from tests import calendar

# What Django's file mailbox writes between two letters.
BETWEEN_LETTERS = b"-" * 79


class Site:
    """The process of ``tests.proof.victim``, and what it has given to the post."""

    def __init__(self, process: subprocess.Popen[str], letters: Path) -> None:
        self._process = process
        self._letters = letters

    def do(
        self, deed: str, *, fatal: int | None = None, torn: bool = False, **given: Any
    ) -> dict[str, Any]:
        """What came of a deed. Whoever does it is killed right before the ``fatal`` step."""
        order = {"deed": deed, "with": given, "fatal": fatal, "torn": torn}
        print(json.dumps(order), file=self._process.stdin, flush=True)
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def said(self, deed: str, **given: Any) -> Any:
        """What an undisturbed deed said."""
        answer = self.do(deed, **given)
        assert answer["ended"] == "done", deed
        return answer["said"]

    def letters(self) -> Counter[str]:
        """How many letters the post has for each address."""
        return Counter(letter["To"] for letter in self._read())

    def message_ids(self) -> Counter[str]:
        """How many different letters the post has for each address; copies count once."""
        different = {(letter["To"], letter["Message-ID"]) for letter in self._read()}
        return Counter(address for address, _ in different)

    def _read(self) -> list[Message]:
        everything = b"".join(path.read_bytes() for path in self._letters.glob("*"))
        letters = [part.strip() for part in everything.split(BETWEEN_LETTERS)]
        return [message_from_bytes(letter) for letter in letters if letter]


@contextmanager
def site(database: str, standin: StandIn, folder: Path) -> Iterator[Site]:
    """A running site with files of its own in ``folder``."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings.dev",
        "DEBUG": "0",
        "DATABASE_URL": database,
        "VAR_DIR": str(folder),
        "STRIPE_MODE": "standin",
        "STANDIN_PORT": str(urlsplit(standin.base_url).port),
        "ORDER_LIMITS": "off",
        "SECONDS_AHEAD": str(calendar.seconds_ahead()),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.proof.victim"],
        cwd=settings.BASE_DIR,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield Site(process, folder / "letters")


@contextmanager
def copy_of_test_database(folder: Path) -> Iterator[str]:
    """The name of a database with the practice's content; nobody may be connected to it now."""
    connections.close_all()
    with copy_of(connection.settings_dict["NAME"], folder) as name:
        yield name


@contextmanager
def copy_of(name: str, folder: Path) -> Iterator[str]:
    """The name of a copy of a database, which is gone afterwards."""
    if connection.vendor == "sqlite":
        path = folder / "copy.sqlite3"
        with closing(sqlite3.connect(name)) as source, closing(sqlite3.connect(path)) as copy:
            source.backup(copy)
        yield str(path)
        return
    copied = f"victim_{uuid4().hex[:8]}"
    with psycopg.connect(dbname="postgres", autocommit=True, **_server()) as server:
        server.execute(f"CREATE DATABASE {copied} TEMPLATE {name}")
        try:
            yield copied
        finally:
            server.execute(f"DROP DATABASE {copied} WITH (FORCE)")


def address_of(name: str) -> str:
    """What ``DATABASE_URL`` is for a database of that name."""
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    facts = _server()
    who = quote(facts.get("user", ""), safe="")
    if "password" in facts:
        who += ":" + quote(facts["password"], safe="")
    where = {key: facts[key] for key in ("host", "port") if key in facts}
    return f"postgres://{who}@/{name}?{urlencode(where)}"


def _server() -> dict[str, str]:
    given = connection.settings_dict
    names = ("host", "port", "user", "password")
    return {name: str(given[name.upper()]) for name in names if given[name.upper()]}
