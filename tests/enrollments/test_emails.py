"""Letters about orders: they come once, say what is true, and name nothing."""

from __future__ import annotations

import smtplib

import pytest
from django.core import mail
from django.utils import timezone

from core import letters, outbox
from core.discretion import leak_words_in
from core.models import OutgoingEmail
from enrollments import emails
from enrollments.email_rules import RULES
from enrollments.models import LedgerEntry, Order
from enrollments.operations.fulfilment import fulfil
from tests.factories.enrollments import make_member

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


def make_true(letter: str, order: Order) -> None:
    """The order stands as ``letter`` says."""
    states = {
        "receipt": "paid",
        "payment_processing": "processing",
        "payment_failed": "failed",
        "order_in_review": "review",
        "order_let_go": "cancelled",
    }
    Order.objects.filter(pk=order.pk).update(
        state=states.get(letter, "paid"),
        paid_at=timezone.now(),
        member=make_member("ann@example.org"),
    )


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

    make_true(letter, held_order.order)

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

    entry = LedgerEntry.objects.get(order=held_order.order)
    assert queued.get().ids == [entry.pk]
    assert (entry.action, entry.detail) == ("letter_queued", "receipt")


def test_a_letter_whose_task_runs_twice_is_sent_once(standin, held_order, mailoutbox):
    make_true("receipt", held_order.order)
    emails.queue("receipt", held_order.order)
    entry = LedgerEntry.objects.get(order=held_order.order)

    outbox.send_queued_email.call(OutgoingEmail.objects.get().pk)

    assert (len(mailoutbox), entry.action) == (1, "letter_sent")


def test_a_letter_that_could_not_be_sent_stays_in_the_story_as_queued(
    standin, held_order, monkeypatch
):
    make_true("receipt", held_order.order)
    monkeypatch.setattr(mail.EmailMultiAlternatives, "send", refuse_everybody)

    emails.queue("receipt", held_order.order)

    assert LedgerEntry.objects.get(order=held_order.order).action == "letter_queued"


def test_when_mail_is_down_the_order_is_paid_all_the_same(standin, held_order, monkeypatch, caplog):
    monkeypatch.setattr(mail.EmailMultiAlternatives, "send", refuse_everybody)
    standin.pay(held_order.url)

    order = fulfil(held_order.session_id, now=timezone.now())

    assert order.state == Order.State.PAID
    assert "ann@example.org" not in caplog.text


# --- until when a letter is true ------------------------------------------------------------


def waiting_letter(letter: str, order: Order) -> OutgoingEmail:
    """A letter whose first try came to nothing, because the provider was away."""
    emails.queue(letter, order)
    return OutgoingEmail.objects.latest("pk")


def try_again(email: OutgoingEmail) -> str:
    """What becomes of it at the next try."""
    OutgoingEmail.objects.filter(pk=email.pk).update(next_try_at=timezone.now())
    outbox.send_queued_email.call(email.pk)
    return OutgoingEmail.objects.get(pk=email.pk).state


def test_every_letter_about_an_order_says_until_when_it_is_true(settings):
    folder = settings.BASE_DIR / "templates/letters"
    others = {"base", "code", "last_code", "test"}
    templates = {path.stem for path in folder.glob("*.txt")} - others

    with_own_rules = ("waitlist_", "meeting_")

    assert {name for name in templates if not name.startswith(with_own_rules)} == set(RULES)


def test_a_letter_without_a_rule_cannot_be_queued(held_order):
    with pytest.raises(LookupError):
        emails.queue("waitlist_offer", held_order.order)


def test_a_receipt_that_waited_is_not_sent_once_the_money_went_back(held_order, queued, mailoutbox):
    make_true("receipt", held_order.order)
    email = waiting_letter("receipt", held_order.order)
    Order.objects.update(state=Order.State.REFUNDED)

    assert try_again(email) == "obsolete"
    assert mailoutbox == []
    assert LedgerEntry.objects.get(pk=email.ids[0]).action == "letter_obsolete"


def test_of_two_letters_about_new_dates_only_the_later_is_sent(paid, queued, mailoutbox):
    mailoutbox.clear()
    earlier = waiting_letter("moved", paid)
    later = waiting_letter("move_undone", paid)

    assert (try_again(earlier), try_again(later)) == ("obsolete", "sent")
    assert [letter.subject for letter in mailoutbox] == ["You have your earlier dates again"]


def test_whoever_has_a_place_again_is_not_told_that_it_ended(paid, queued, mailoutbox):
    assert try_again(waiting_letter("left", paid)) == "obsolete"


def test_a_letter_that_was_given_up_is_told_by_the_ledger(held_order, queued, monkeypatch):
    make_true("receipt", held_order.order)
    email = waiting_letter("receipt", held_order.order)
    monkeypatch.setattr(letters, "refuse_leaks", lambda *_args: 1 / 0)

    assert try_again(email) == "failed"
    assert LedgerEntry.objects.get(pk=email.ids[0]).action == "letter_failed"
