"""A site whose process is killed in the middle of what it does: ``python -m tests.proof.victim``.

Reads one order on each line of its input, JSON, and answers with one line. Each deed is done by a
child of its own, which may be told to kill itself, with signal 9, right before its k-th step. A
step is whatever can be seen from outside: a statement or a commit, a request to Stripe and its
answer, a letter given to the post and the post's answer.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any
from unittest import mock

import django
import time_machine
from django.core.checks.urls import check_url_config
from django.core.mail.backends.filebased import EmailBackend
from django.db import connection
from django.db.models import QuerySet
from django.db.transaction import Atomic
from requests import Session

SEND = EmailBackend.send_messages


class Fate:
    """Counts steps, and ends the process right before the one that is fatal."""

    def __init__(self, fatal: int | None) -> None:
        self.steps = 0
        self._fatal = fatal

    def step(self) -> None:
        self.steps += 1
        if self.steps == self._fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """``call``, with a step before it and one after."""

        def stepped(*arguments: Any, **named: Any) -> Any:
            self.step()
            answer = call(*arguments, **named)
            self.step()
            return answer

        return stepped

    def before_statement(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        self.step()
        return execute(*arguments)

    @contextmanager
    def watches(self) -> Iterator[None]:
        """Every step inside is counted."""
        with (
            connection.execute_wrapper(self.before_statement),
            mock.patch.object(connection, "_commit", self.around(connection._commit)),
            mock.patch.object(Session, "send", self.around(Session.send)),
            mock.patch.object(EmailBackend, "send_messages", self.around(SEND)),
        ):
            yield


def torn() -> list[Any]:
    """Patches: no transaction holds anything together, and no row is locked."""
    nothing = {"__enter__": lambda self: None, "__exit__": lambda self, *error: None}
    return [
        mock.patch.multiple(Atomic, **nothing),
        mock.patch.object(QuerySet, "select_for_update", lambda self, **options: self),
    ]


def child(order: dict[str, Any], answer_to: int) -> None:
    """Do one deed and say what came of it; unless the process dies of it."""
    deeds = importlib.import_module("tests.proof.deeds")
    fate = Fate(order["fatal"])
    with ExitStack() as stack:
        stack.enter_context(fate.watches())
        for patch in torn() if order["torn"] else []:
            stack.enter_context(patch)
        said = deeds.DEEDS[order["deed"]](**order["with"])
    os.write(answer_to, json.dumps({"said": said, "steps": fate.steps}).encode())


def do(order: dict[str, Any]) -> dict[str, Any]:
    """What came of a deed: what it said and in how many steps, or that it was killed."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        try:
            child(order, writing)
        except BaseException:  # noqa: BLE001 (whatever it was, this child ends here)
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        answer = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code == 0:
        return {"ended": "done", **json.loads(answer)}
    return {"ended": "killed" if code == -signal.SIGKILL else "failed"}


def main() -> None:
    """Answer orders until there are no more."""
    # What a deed prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    django.setup()
    logging.disable(logging.CRITICAL)
    # Every child needs these; done once, they cost none of them anything.
    importlib.import_module("tests.proof.deeds")
    check_url_config(None)
    for line in sys.stdin:
        print(json.dumps(do(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    with time_machine.travel(timedelta(seconds=float(os.environ["SECONDS_AHEAD"]))):
        # The clock starts when it is first asked: here, or in each child anew.
        time.time()
        main()
