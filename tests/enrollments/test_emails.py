"""Letters about orders: they come once, say what is true, and name nothing."""

from __future__ import annotations

import smtplib

import pytest
from django.core import mail
from django.utils import timezone

from core.discretion import leak_words_in
from enrollments import emails
from enrollments.models import LedgerEntry, Order
from enrollments.operations.fulfilment import fulfil

pytestmark = pytest.mark.django_db

LETTERS = [
    "receipt",
    "payment_processing",
    "payment_failed",
    "order_in_review",
    "order_let_go",
    "paid_twice",
    "refunded",
    "seat_gone",
]


def refuse_everybody(*_args):
    raise smtplib.SMTPRecipientsRefused({"ann@example.org": (550, b"no")})


def test_a_receipt_says_what_was_paid_under_the_discreet_name(standin, held_order, mailoutbox):
    standin.pay(held_order.url)

    fulfil(held_order.session_id, now=timezone.now())

    letter = mailoutbox[0]
    assert letter.subject == "Your receipt"
    assert "Saturday course" in letter.body
    assert "Paid: $600" in letter.body
    assert "http://testserver/account/login/" in letter.body
    assert str(held_order.order.uuid) not in letter.body


@pytest.mark.parametrize("letter", LETTERS)
def test_no_letter_names_anything_whatever_the_buyer_called_herself(
    standin, held_order, mailoutbox, letter
):
    Order.objects.update(chosen_name='<b>Ann</b>\r\nBcc: x@y.example "https://x.example"')

    emails.queue(letter, held_order.order)

    sent = mailoutbox[0]
    html = sent.alternatives[0].content
    assert leak_words_in("\n".join([sent.subject, sent.body, html, sent.from_email])) == []
    assert sent.recipients() == ["ann@example.org"]
    assert "<b>" not in html
    assert "x.example" not in sent.body


def test_the_letter_is_written_down_with_the_payment_and_only_then(standin, held_order, queued):
    before = queued.count()
    standin.pay(held_order.url)

    for _ in range(2):
        fulfil(held_order.session_id, now=timezone.now())

    assert (before, queued.count()) == (0, 1)


def test_what_waits_in_the_queue_names_nobody(standin, held_order, queued):
    emails.queue("receipt", held_order.order)

    arguments = queued.get().args_kwargs
    entry = LedgerEntry.objects.get(order=held_order.order)
    assert arguments["args"] == [entry.pk]
    assert (entry.action, entry.detail) == ("letter_queued", "receipt")


def test_a_letter_whose_task_runs_twice_is_sent_once(standin, held_order, mailoutbox):
    emails.queue("receipt", held_order.order)
    entry = LedgerEntry.objects.get(order=held_order.order)

    emails.send_order_letter.call(entry.pk)

    assert (len(mailoutbox), entry.action) == (1, "letter_sent")


def test_a_letter_that_could_not_be_sent_stays_in_the_story_as_queued(
    standin, held_order, monkeypatch
):
    monkeypatch.setattr(mail.EmailMultiAlternatives, "send", refuse_everybody)

    emails.queue("receipt", held_order.order)

    assert LedgerEntry.objects.get(order=held_order.order).action == "letter_queued"


def test_when_mail_is_down_the_order_is_paid_all_the_same(standin, held_order, monkeypatch, caplog):
    monkeypatch.setattr(mail.EmailMultiAlternatives, "send", refuse_everybody)
    standin.pay(held_order.url)

    order = fulfil(held_order.session_id, now=timezone.now())

    assert order.state == Order.State.PAID
    assert "ann@example.org" not in caplog.text
