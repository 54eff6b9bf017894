"""Disputes at the desk: what each status means, and evidence of which nothing says too much."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.utils import timezone
from wagtail.models import Page

from core.discretion import LEAK_WORDS, leak_words_in
from enrollments.desks.dispute_words import STATUSES
from enrollments.errors import EvidenceChanged, EvidenceTooLate, NothingConfirmed
from enrollments.models import Dispute, LedgerEntry, Order, OrderLine
from enrollments.operations.disputes import MEANINGS, take_in_dispute
from enrollments.operations.evidence import evidence_pack, send_evidence
from enrollments.operations.fulfilment import fulfil
from enrollments.stripe_gateway import GatewayDown, list_disputes
from tests.enrollments.desk_cast import (
    MOMENT,
    address,
    make_dispute,
    make_order,
    make_refund,
    text_of,
)
from tests.factories.enrollments import bundle, make_access, make_quarter

SIGNED_IN = datetime(2026, 11, 21, 20, 12, tzinfo=UTC)


@pytest.fixture
def disputed(standin, held_order) -> Dispute:
    """Ann's $600, paid at the stand-in, and disputed there by her bank."""
    standin.pay(held_order.url)
    order = fulfil(held_order.session_id, now=timezone.now())
    intent = order.payments.get().payment_intent_id
    standin.dispute(intent, reason="product_not_received")
    [view] = list_disputes(intent)
    take_in_dispute(view, now=timezone.now())
    order.member.last_login = SIGNED_IN
    order.member.save()
    return Dispute.objects.get()


def evidence_page(dispute: Dispute) -> str:
    return address("dispute", "evidence", dispute.pk)


def marks(dispute: Dispute, *keys: str) -> list[str]:
    """What the checkboxes of those parts send."""
    return [part.mark for part in evidence_pack(dispute) if part.key in keys]


# --- what staff read ----------------------------------------------------------------------------


def test_every_status_has_plain_words():
    assert set(STATUSES) == set(MEANINGS)


@pytest.mark.parametrize("status", STATUSES)
def test_a_disputes_page_says_what_its_status_means_and_what_to_do(
    loaded_site, now, staff_client, status
):
    dispute = make_dispute(make_order(make_quarter()), status=status)

    listing = text_of(staff_client, address("dispute"))
    text = text_of(staff_client, address("dispute", "inspect", dispute.pk))

    assert STATUSES[status].name in listing
    assert STATUSES[status].meaning in text
    assert text.count(STATUSES[status].task) == 1
    assert status not in text
    assert ("Send evidence" in text.split("Dispute at Stripe")[0].split("Needs a person")[0]) is (
        status in ("needs_response", "warning_needs_response")
    )


def test_a_status_that_is_new_is_shown_as_it_is(loaded_site, now, staff_client):
    dispute = make_dispute(make_order(make_quarter()), status="under_arbitration")

    text = text_of(staff_client, address("dispute", "inspect", dispute.pk))

    assert "Under arbitration" in text
    assert "Look at the dispute in Stripe." in text


def test_the_list_says_until_when_an_answer_is_wanted(loaded_site, now, staff_client):
    order = make_order(make_quarter())
    make_dispute(order)
    make_dispute(order, status="won")

    text = text_of(staff_client, address("dispute"))

    assert text.count("Sun, Nov 29, 2026") == 1


# --- the pack -----------------------------------------------------------------------------------


def test_the_pack_holds_names_amounts_and_dates_and_times_of_signing_in(loaded_site, now):
    dispute = make_dispute(whole_order())

    told = {part.key: part.text or part.missing for part in evidence_pack(dispute)}

    assert told == {
        "item": "Saturday course, Video course",
        "dates": "Order placed on November 20, 2026.\n"
        "Paid on November 20, 2026: $600 (USD).\n"
        "Given back since: $50.",
        "delivery": "November 20, 2026\n"
        "Online access opened on November 20, 2026.\n"
        "Place confirmed on November 20, 2026.",
        "agreement": "Not recorded. The site does not keep when somebody agreed to the terms.",
        "sign_ins": "The buyer last signed in on November 21, 2026, 3:12 pm Eastern.",
        "policy": "The refund policy can be read at http://testserver/refunds/",
    }


def whole_order() -> Order:
    """An order with a quarter and a bundle, delivered, of a member who has signed in."""
    order = make_order(make_quarter())
    line = OrderLine.objects.create(
        order=order, bundle=bundle(), discreet_name="Video course", unit_price_cents=29_700
    )
    order.member.bundle_access.update(revoked_at=MOMENT)
    make_access(order.member, line=line, granted_at=MOMENT)
    LedgerEntry.objects.create(order=order, at=MOMENT, action="enrolled", detail="seat 1")
    make_refund(order)
    order.member.last_login = SIGNED_IN
    order.member.save()
    return order


def test_nothing_in_the_pack_says_what_it_was_about(loaded_site, now, staff_client):
    order = whole_order()
    workshop, taught = order.lines.first().quarter.workshop, bundle()
    everything = "\n".join(part.text for part in evidence_pack(make_dispute(order)))

    assert leak_words_in(workshop.title + taught.title) != []
    assert leak_words_in(everything) == []
    for unsaid in (
        workshop.title,
        taught.title,
        "Winter 2027",
        "Ann",
        "ann@example.org",
        "She wrote on Monday.",
        "seat 1",
        "Week",
    ):
        assert unsaid not in everything


@pytest.mark.parametrize("word", LEAK_WORDS)
def test_a_part_that_says_too_much_cannot_be_sent(disputed, staff_client, word):
    OrderLine.objects.update(discreet_name=f"A {word} course")

    text = text_of(staff_client, evidence_page(disputed))
    staff_client.post(evidence_page(disputed), {"confirmed": marks(disputed, "item")})

    assert f"This cannot be sent, because it says too much: {word}." in text
    assert Dispute.objects.get().status == "needs_response"


def test_what_is_not_there_is_said_and_cannot_be_confirmed(loaded_site, now, staff_client):
    Page.objects.filter(slug="refunds").update(live=False)
    dispute = make_dispute(make_order(make_quarter()))

    text = text_of(staff_client, evidence_page(dispute))
    page = staff_client.get(evidence_page(dispute)).content.decode()

    for words in (
        "Nothing was delivered yet.",
        "No sign-in is recorded.",
        "The site has no page about refunds.",
        "Not recorded.",
    ):
        assert words in text
    assert page.count('type="checkbox" name="confirmed"') == 2


# --- sending ------------------------------------------------------------------------------------


def test_only_what_is_confirmed_goes_to_the_bank(disputed, standin, staff_client):
    staff_client.post(evidence_page(disputed), {"confirmed": marks(disputed, "item", "delivery")})

    [sent] = standin.requests(f"/v1/disputes/{disputed.stripe_id}")[-1:]
    today = timezone.localtime().strftime("%B %-d, %Y")
    assert sent["body"] == {
        "evidence": {
            "product_description": "Saturday course",
            "service_date": today,
            "uncategorized_text": f"Place confirmed on {today}.",
        },
        "submit": "true",
    }
    assert sent["headers"]["Idempotency-Key"].startswith(f"evidence:{disputed.stripe_id}:")
    assert Dispute.objects.get().status == "under_review"


def test_the_ledger_says_who_sent_which_parts(disputed, staff_client):
    staff_client.post(evidence_page(disputed), {"confirmed": marks(disputed, "item", "sign_ins")})

    entries = LedgerEntry.objects.filter(action="evidence")
    text = text_of(staff_client, address("dispute", "inspect", disputed.pk))
    assert [(entry.detail, entry.by.email) for entry in entries] == [
        (f"{disputed.stripe_id} confirmed: item, sign_ins", "staff@example.org"),
        (f"{disputed.stripe_id} sent: item, sign_ins", "staff@example.org"),
    ]
    assert "Sent item, sign-ins staff@example.org" in text


def test_without_a_confirmed_part_nothing_is_sent(disputed, staff_client):
    answer = staff_client.post(evidence_page(disputed), {})

    assert NothingConfirmed.sentence in answer.content.decode()
    assert Dispute.objects.get().status == "needs_response"


def test_what_changed_while_it_was_read_is_read_again(disputed, staff_client):
    confirmed = marks(disputed, "item", "sign_ins")
    disputed.order.member.last_login = timezone.now()
    disputed.order.member.save()

    answer = staff_client.post(evidence_page(disputed), {"confirmed": confirmed})

    page = answer.content.decode()
    assert EvidenceChanged.sentence in page
    # What did not change is still ticked.
    assert page.count(" checked>") == 1
    assert Dispute.objects.get().status == "needs_response"


@pytest.mark.parametrize("confirmed", [["item"], ["x"], ["agreement-0000"], ["item-0"] * 3])
def test_what_was_not_shown_cannot_be_confirmed(disputed, owner_of_site, confirmed):
    with pytest.raises(EvidenceChanged):
        send_evidence(
            dispute_id=disputed.pk, confirmed=confirmed, by=owner_of_site, now=timezone.now()
        )


def test_sent_twice_it_is_sent_once(disputed, standin, staff_client):
    confirmed = {"confirmed": marks(disputed, "item")}

    staff_client.post(evidence_page(disputed), confirmed)
    again = staff_client.post(evidence_page(disputed), confirmed)

    assert EvidenceTooLate.sentence in again.content.decode()
    sent = [
        request
        for request in standin.requests(f"/v1/disputes/{disputed.stripe_id}")
        if request["method"] == "POST"
    ]
    assert len(sent) == 1
    assert LedgerEntry.objects.filter(detail__contains="sent").count() == 1


def test_when_stripe_is_down_it_can_be_sent_again(disputed, standin, staff_client, owner_of_site):
    standin.fault("503", "POST /v1/disputes", count=2)
    confirmed = marks(disputed, "item")

    answer = staff_client.post(evidence_page(disputed), {"confirmed": confirmed})
    send_evidence(dispute_id=disputed.pk, confirmed=confirmed, by=owner_of_site, now=timezone.now())

    assert "Try again: the same evidence sent twice is there once." in answer.content.decode()
    assert Dispute.objects.get().status == "under_review"
    assert LedgerEntry.objects.filter(detail__contains="confirmed").count() == 1


def test_a_lost_answer_is_asked_for_again(disputed, standin, owner_of_site):
    standin.fault("lost", "POST /v1/disputes", count=2)
    confirmed = marks(disputed, "item")

    with pytest.raises(GatewayDown):
        send_evidence(
            dispute_id=disputed.pk, confirmed=confirmed, by=owner_of_site, now=timezone.now()
        )
    send_evidence(dispute_id=disputed.pk, confirmed=confirmed, by=owner_of_site, now=timezone.now())

    assert Dispute.objects.get().status == "under_review"


def test_what_stripe_refuses_is_said(disputed, standin, staff_client):
    standin.change_dispute(disputed.stripe_id, "lost")

    answer = staff_client.post(evidence_page(disputed), {"confirmed": marks(disputed, "item")})

    assert "Stripe refused the evidence. Nothing was sent" in answer.content.decode()


@pytest.mark.parametrize("status", ["under_review", "won", "lost", "appeal_needs_response"])
def test_a_bank_that_wants_no_evidence_gets_none(loaded_site, now, staff_client, status):
    dispute = make_dispute(make_order(make_quarter()), status=status)

    text = text_of(staff_client, evidence_page(dispute))

    assert EvidenceTooLate.sentence in text
    assert "I have read this part" not in text
