"""Emails on their way: tried for three days, sent once, and never lost without a word."""

from __future__ import annotations

import smtplib
from datetime import timedelta
from itertools import pairwise

import pytest
import requests
import time_machine
from anymail.exceptions import (
    AnymailAPIError,
    AnymailConfigurationError,
    AnymailRecipientsRefused,
    AnymailRequestsAPIError,
)
from django.core import mail
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import OperationalError
from django.utils import timezone
from django_tasks_db.management.commands.db_worker import Worker
from django_tasks_db.models import DBTaskResult

from core import outbox
from core.letters import LetterNotDiscreet
from core.logs import NamelessFormatter
from core.models import OutgoingEmail, ProvenEmailSettings

pytestmark = pytest.mark.django_db

State, Reason = OutgoingEmail.State, OutgoingEmail.Reason
HOUR = timedelta(hours=1)
WORKER = Worker(
    queue_names=["default"],
    interval=0,
    batch=True,
    backend_name="default",
    startup_delay=False,
    max_tasks=None,
    worker_id="worker",
    excluded_queue_names=[],
)


class Provider:
    """Takes every email, unless a test says what it answers, and knows who has been told."""

    def __init__(self) -> None:
        self.answers: list[Exception] = []
        self.is_true = True
        self.notes: list[str] = []

    def write(self, email, now):
        if not self.is_true:
            return None
        context = {"code": "1234 5678", "minutes": 15}
        return outbox.Draft(to="ann@example.org", template="code", context=context)

    def note(self, email, now):
        self.notes.append(email.state)


@pytest.fixture
def provider(monkeypatch) -> Provider:
    """What the tests' kind of email is sent through."""
    known = Provider()
    real = mail.EmailMultiAlternatives.send

    def send(message):
        if known.answers:
            raise known.answers.pop(0)
        return real(message)

    monkeypatch.setattr(mail.EmailMultiAlternatives, "send", send)
    kind = outbox.Kind(name="test", write=known.write, note=known.note)
    monkeypatch.setitem(outbox._kinds, "test", kind)
    return known


@pytest.fixture
def clock(settings):
    """Time that stands still until a test moves it, and the queue of the running site."""
    settings.TASKS = {
        "default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": ["default"]}
    }
    with time_machine.travel(timezone.now(), tick=False) as traveller:
        yield traveller


def queue() -> OutgoingEmail:
    return outbox.queue(outbox._kinds["test"], template="code", ids=[7], now=timezone.now())


def work() -> None:
    """A worker does every task that is ready."""
    while task := DBTaskResult.objects.ready().first():
        task.claim("worker")
        WORKER.run_task(task)


def fresh(email: OutgoingEmail) -> OutgoingEmail:
    return OutgoingEmail.objects.get(pk=email.pk)


def answer(status: int, **told) -> AnymailRequestsAPIError:
    """What a provider's API says, with an address in it."""
    response = requests.Response()
    response.status_code = status
    response._content = (str(told or {"to": "ann@example.org"}).replace("'", '"')).encode()
    return AnymailRequestsAPIError("ann@example.org", response=response)


# --- trying ---------------------------------------------------------------------------------


def test_an_email_is_sent_once_and_its_kind_is_told(provider, clock, mailoutbox):
    email = queue()
    work()
    outbox.send_queued_email.call(email.pk)

    assert len(mailoutbox) == 1
    assert (fresh(email).state, fresh(email).tries) == (State.SENT, 1)
    assert fresh(email).settled_at == timezone.now()
    assert provider.notes == [State.SENT]


def test_what_was_rolled_back_is_not_sent(provider, clock, mailoutbox):
    email = queue()
    OutgoingEmail.objects.all().delete()

    outbox.send_queued_email.call(email.pk)

    assert mailoutbox == []


def test_while_the_provider_is_away_an_email_is_tried_for_three_days(
    provider, clock, mailoutbox, caplog
):
    provider.answers = [ConnectionRefusedError("ann@example.org") for _ in range(99)]
    begun = timezone.now()
    email = queue()
    tried = []
    while DBTaskResult.objects.filter(status="READY").exists():
        work()
        tried.append(timezone.now() - begun)
        clock.move_to(max(timezone.now(), fresh(email).next_try_at))

    waits = [later - earlier for earlier, later in pairwise(tried)]
    assert waits[:5] == list(outbox.DELAYS)
    assert waits == sorted(waits)
    assert tried[-1] >= timedelta(days=3)
    assert tried[-2] < timedelta(days=3)
    assert (fresh(email).state, fresh(email).reason) == (State.FAILED, Reason.UNREACHABLE)
    assert provider.notes == [State.FAILED]
    assert "ann@example.org" not in caplog.text
    assert not DBTaskResult.objects.exclude(status="SUCCESSFUL").exists()


def test_an_outage_of_two_days_loses_nothing(provider, clock, mailoutbox):
    provider.answers = [TimeoutError() for _ in range(99)]
    email = queue()
    for _ in range(48):
        work()
        clock.shift(HOUR)
    provider.answers = []
    clock.shift(outbox.LONGEST_DELAY)
    work()

    assert fresh(email).state == State.SENT
    assert len(mailoutbox) == 1


def test_once_an_email_gets_through_the_others_need_not_wait(provider, clock, mailoutbox):
    provider.answers = [TimeoutError() for _ in range(12)]
    waiting = [queue(), queue()]
    for _ in range(6):
        work()
        clock.shift(2 * HOUR)
    provider.answers = []
    assert {fresh(email).state for email in waiting} == {State.QUEUED}

    queue()
    work()

    assert {fresh(email).state for email in waiting} == {State.SENT}
    assert len(mailoutbox) == 3


def test_a_worker_that_stood_still_for_days_does_not_give_up_at_its_first_try(provider, clock):
    provider.answers = [TimeoutError()]
    email = queue()
    clock.shift(timedelta(days=9))

    work()

    assert fresh(email).state == State.QUEUED


def test_what_has_become_untrue_meanwhile_is_not_sent(provider, clock, mailoutbox):
    provider.answers = [TimeoutError()]
    email = queue()
    work()
    provider.is_true = False
    clock.shift(outbox.DELAYS[0])

    work()

    assert (mailoutbox, fresh(email).state) == ([], State.OBSOLETE)
    assert provider.notes == [State.OBSOLETE]


@pytest.mark.parametrize(
    ("error", "reason", "refusals"),
    [
        (ConnectionRefusedError(), Reason.UNREACHABLE, 0),
        (smtplib.SMTPServerDisconnected(), Reason.UNREACHABLE, 0),
        (AnymailAPIError(), Reason.UNREACHABLE, 0),
        (answer(500), Reason.UNREACHABLE, 1),
        (answer(429), Reason.UNREACHABLE, 1),
        (answer(401), Reason.NO_ACCESS, 1),
        (answer(422), Reason.REFUSED, 1),
        (AnymailAPIError(response={"ResponseMetadata": {"HTTPStatusCode": 403}}), "no_access", 1),
        (smtplib.SMTPAuthenticationError(535, b"no"), Reason.NO_ACCESS, 0),
        (smtplib.SMTPDataError(554, b"no"), Reason.REFUSED, 0),
        (smtplib.SMTPRecipientsRefused({"a@b.c": (550, b"no")}), Reason.ADDRESS_REFUSED, 0),
        (AnymailRecipientsRefused(), Reason.ADDRESS_REFUSED, 0),
        (AnymailConfigurationError("no token"), Reason.NOT_SET_UP, 0),
    ],
)
def test_trouble_with_the_provider_is_kept_as_a_code(provider, clock, error, reason, refusals):
    provider.answers = [error]
    email = queue()

    work()

    assert (fresh(email).state, fresh(email).reason) == (State.QUEUED, reason)
    assert fresh(email).refusals == refusals
    assert fresh(email).next_try_at == timezone.now() + outbox.DELAYS[0]


@pytest.mark.parametrize(
    ("mistake", "reason"),
    [
        (LetterNotDiscreet("partner"), Reason.NOT_DISCREET),
        (ValidationError("ann@example"), Reason.NO_ADDRESS),
        (KeyError("ann@example.org"), Reason.NOT_WRITTEN),
    ],
)
def test_our_own_mistake_is_for_staff_at_once_and_names_nobody(
    provider, clock, mistake, reason, caplog
):
    caplog.handler.setFormatter(NamelessFormatter())
    provider.answers = [mistake]
    email = queue()

    work()

    assert (fresh(email).state, fresh(email).reason) == (State.FAILED, reason)
    assert "code) cannot be sent" in caplog.text
    assert "ann@example" not in caplog.text
    assert not DBTaskResult.objects.exclude(status="SUCCESSFUL").exists()


def test_a_busy_database_is_no_reason_to_give_up(provider, clock, mailoutbox):
    provider.answers = [OperationalError("database is locked")]
    email = queue()
    work()
    assert fresh(email).state == State.QUEUED
    clock.shift(outbox.CLAIM)

    call_command("send_waiting_emails", verbosity=0)
    work()

    assert (fresh(email).state, len(mailoutbox)) == (State.SENT, 1)


# --- twice ----------------------------------------------------------------------------------


def test_two_workers_never_have_one_email(provider, clock, mailoutbox):
    email = queue()
    OutgoingEmail.objects.update(claimed_until=timezone.now() + outbox.CLAIM)

    work()
    assert mailoutbox == []
    clock.shift(outbox.CLAIM)
    call_command("send_waiting_emails", verbosity=0)
    work()

    assert (fresh(email).state, len(mailoutbox)) == (State.SENT, 1)


def test_a_second_try_carries_the_same_message_id(provider, clock, mailoutbox, monkeypatch):
    email = queue()
    with monkeypatch.context() as dying:
        dying.setattr(outbox, "_settle_as_sent", lambda *_args, **_kwargs: 1 / 0)
        work()
    clock.shift(outbox.CLAIM)
    outbox.send_queued_email.call(email.pk)

    first, second = (letter.extra_headers["Message-ID"] for letter in mailoutbox)
    assert first == second == f"<{email.uuid}@stillwater.example>"


def test_an_email_for_which_no_task_is_left_gets_another_and_only_one(provider, clock):
    queue()
    DBTaskResult.objects.all().delete()
    clock.shift(outbox.CLAIM)

    for _ in range(2):
        call_command("send_waiting_emails", verbosity=0)

    assert DBTaskResult.objects.ready().count() == 1


@pytest.mark.parametrize(
    "says_so",
    [
        answer(400, code="duplicate_parameter", message="x"),
        answer(409, name="invalid_idempotent_request", message="x"),
    ],
    ids=["Brevo", "Resend"],
)
def test_a_provider_that_has_the_email_already_is_believed(provider, clock, says_so):
    provider.answers = [says_so]
    email = queue()

    work()

    assert fresh(email).state == State.SENT


# --- what staff decide ----------------------------------------------------------------------


def failed() -> OutgoingEmail:
    email = queue()
    DBTaskResult.objects.all().delete()
    OutgoingEmail.objects.update(
        state=State.FAILED, reason=Reason.UNREACHABLE, tries=20, settled_at=timezone.now()
    )
    return email


def test_staff_send_again_what_was_given_up(provider, clock, mailoutbox):
    email = failed()

    outbox.send_again(email_id=email.pk, now=timezone.now())
    work()

    assert (fresh(email).state, fresh(email).reason) == (State.SENT, Reason.NONE)
    assert provider.notes == [State.QUEUED, State.SENT]
    assert len(mailoutbox) == 1


def test_what_staff_send_again_is_tried_for_three_days_more(provider, clock):
    email = failed()
    clock.shift(timedelta(days=5))
    provider.answers = [TimeoutError()]

    outbox.send_again(email_id=email.pk, now=timezone.now())
    work()

    assert (fresh(email).state, fresh(email).tries) == (State.QUEUED, 1)


def test_what_staff_let_go_stays_gone(provider, clock, mailoutbox):
    email = failed()

    outbox.dismiss(email_id=email.pk, now=timezone.now())
    outbox.send_queued_email.call(email.pk)

    assert (fresh(email).state, mailoutbox) == (State.DISMISSED, [])
    with pytest.raises(outbox.NotWaiting):
        outbox.send_again(email_id=email.pk, now=timezone.now())


@pytest.mark.parametrize("state", [State.SENT, State.OBSOLETE, State.DISMISSED])
def test_what_is_settled_is_not_sent_again(provider, clock, state):
    email = failed()
    OutgoingEmail.objects.update(state=state)

    with pytest.raises(outbox.NotWaiting):
        outbox.send_again(email_id=email.pk, now=timezone.now())


def test_what_is_being_sent_is_not_sent_again(provider, clock):
    email = queue()
    OutgoingEmail.objects.update(claimed_until=timezone.now() + outbox.CLAIM)

    with pytest.raises(outbox.NotWaiting):
        outbox.send_again(email_id=email.pk, now=timezone.now())


# --- what stays -----------------------------------------------------------------------------


def test_settled_emails_are_forgotten_and_failed_ones_stay(provider, clock):
    kept, gone = failed(), queue()
    OutgoingEmail.objects.filter(pk=gone.pk).update(state=State.SENT, settled_at=timezone.now())
    clock.shift(outbox.KEPT)

    call_command("send_waiting_emails", verbosity=0)

    assert list(OutgoingEmail.objects.all()) == [kept]


def test_each_email_that_goes_out_proves_the_settings(provider, clock):
    for _ in range(2):
        queue()
    work()

    assert ProvenEmailSettings.objects.count() == 1
