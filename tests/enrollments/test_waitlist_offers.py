"""A place that came free is offered, taken, given up, paid for, or goes to the next."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import time_machine
from django.core.mail.backends.locmem import EmailBackend
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from core import outbox
from core.discretion import leak_words_in
from core.models import OutgoingEmail
from enrollments.errors import OfferOver
from enrollments.models import BundleAccess, Enrollment, Order, Quarter, Refund, WaitlistEntry
from enrollments.operations import books, checkout, giving_up, refunds, waitlist
from enrollments.operations.fulfilment import fulfil
from tests.factories.enrollments import (
    make_buyer,
    make_code,
    make_entry,
    make_member,
    make_place,
    make_price,
    make_quarter,
)
from tests.reading import carried_by
from tests.stripe_fixtures import at_stripe, waiting

pytestmark = pytest.mark.django_db
State = WaitlistEntry.State
TWO_DAYS = timedelta(hours=48)
A_MINUTE = timedelta(minutes=1)


@pytest.fixture
def clock():
    """The real moment, standing still until a test moves it: Stripe's pages need the real time."""
    with time_machine.travel(timezone.now().replace(microsecond=0), tick=False) as traveller:
        yield traveller


@pytest.fixture
def line(standin, loaded_site, clock) -> list[WaitlistEntry]:
    """Ann, Bea and Cleo wait, in that order, for a quarter of one seat, which is Rose's."""
    now = timezone.now()
    quarter = make_quarter(
        capacity=1, opens_at=now - timedelta(days=9), first_date=(now + timedelta(days=40)).date()
    )
    make_place(quarter, make_member("rose@example.org", chosen_name="Rose"))
    return [
        make_entry(quarter, f"{name}@example.org", joined_at=now - timedelta(hours=5 - number))
        for number, name in enumerate(("ann", "bea", "cleo"))
    ]


def rose_leaves(quarter: Quarter) -> None:
    [place] = quarter.enrollments.filter(state="enrolled")
    waitlist.free_seat(place, to=Enrollment.State.LEFT, now=timezone.now())


def fresh(entry: WaitlistEntry) -> WaitlistEntry:
    return WaitlistEntry.objects.select_related("seat").get(pk=entry.pk)


def states(line: list[WaitlistEntry]) -> list[str]:
    return [fresh(entry).state for entry in line]


@pytest.fixture
def offered(line, mailoutbox) -> WaitlistEntry:
    """Rose's seat is kept for Ann."""
    rose_leaves(line[0].quarter)
    return fresh(line[0])


def offer_page(entry: WaitlistEntry) -> str:
    return f"/waitlist/offer/{entry.uuid}/"


def form_on(page) -> dict[str, str]:
    return {"chosen_name": "Ann"} | carried_by(page)


def accept(client: Client, entry: WaitlistEntry, **typed):
    address = offer_page(entry)
    return client.post(address, form_on(client.get(address)) | typed)


def seats_of(quarter: Quarter) -> list[tuple[int, str]]:
    taken = quarter.enrollments.occupying().order_by("seat_number")
    return list(taken.values_list("seat_number", "state"))


def subjects(mailoutbox) -> list[str]:
    return [letter.subject for letter in mailoutbox]


# --- the offer ------------------------------------------------------------------------------


def test_a_free_seat_is_offered_to_the_first_in_line_only(line, offered, mailoutbox):
    assert states(line) == [State.OFFERED, State.WAITING, State.WAITING]
    assert (offered.seat.seat_number, offered.seat.state) == (1, Enrollment.State.OFFERED)
    assert offered.offered_until == timezone.now() + TWO_DAYS
    [letter] = mailoutbox
    assert (letter.subject, letter.to) == ("A place is free for you", ["ann@example.org"])
    assert offer_page(offered) in letter.body
    assert "Nothing is charged by opening the page" in letter.body
    assert leak_words_in(letter.body) == []


def test_the_letter_and_the_page_say_until_when_on_the_clocks_of_the_quarter(
    client, line, mailoutbox
):
    quarter = line[0].quarter
    quarter.time_zone = "Europe/London"
    quarter.save()
    rose_leaves(quarter)
    until = fresh(line[0]).offered_until.astimezone(quarter.zone)
    written = f"{until:%A, %B} {until.day}, {until.year}"

    page = client.get(offer_page(line[0])).content.decode()

    assert f"Kept until {written}, " in mailoutbox[0].body
    assert "London time" in mailoutbox[0].body
    assert f">{written}, {until:%-I}:{until:%M}" in page
    assert "London time" in page


def test_an_offer_never_lasts_longer_than_enrollment(line):
    quarter = line[0].quarter
    Quarter.objects.update(closes_at=timezone.now() + timedelta(hours=3))

    rose_leaves(quarter)

    assert fresh(line[0]).offered_until == timezone.now() + timedelta(hours=3)


def test_the_page_shows_what_it_is_and_costs_and_changes_nothing(client, offered):
    page = client.get(offer_page(offered)).content.decode()

    assert "A place is kept for you" in page
    assert "$600" in page
    assert 'value="Ann"' in page
    assert 'name="email"' not in page
    assert "<strong>ann@example.org</strong>" in page
    assert "Opening this page has charged nothing." in page
    assert (Order.objects.count(), fresh(offered).state) == (0, State.OFFERED)


@pytest.mark.parametrize("count", [1, 3])
def test_the_page_costs_the_same_however_many_have_an_offer(
    client, line, django_assert_num_queries, count
):
    Quarter.objects.filter(pk=line[0].quarter_id).update(capacity=count)
    rose_leaves(line[0].quarter)
    client.get(offer_page(line[0]))

    with django_assert_num_queries(5):
        client.get(offer_page(line[0]))


# --- taking it ------------------------------------------------------------------------------


def test_accepting_turns_the_kept_seat_into_a_hold_and_leads_to_payment(client, standin, offered):
    answer = accept(client, offered)

    order = Order.objects.get()
    place = order.lines.get().enrollment
    assert answer.status_code == 303
    assert answer["Location"].startswith(standin.base_url)
    assert (order.email, order.chosen_name) == ("ann@example.org", "Ann")
    assert place.pk == offered.seat_id
    assert seats_of(offered.quarter) == [(1, "held")]


def test_paying_makes_the_place_hers_and_ends_her_wait(client, standin, line, offered, mailoutbox):
    landed = urlsplit(standin.pay(accept(client, offered)["Location"]))

    page = client.get(f"{landed.path}?{landed.query}")

    assert "Thank you, Ann." in page.content.decode()
    assert seats_of(offered.quarter) == [(1, "enrolled")]
    assert states(line) == [State.ACCEPTED, State.WAITING, State.WAITING]
    assert subjects(mailoutbox) == ["A place is free for you", "Your receipt"]
    assert books.discrepancies(timezone.now()) == []


def test_a_signed_in_member_takes_her_place_with_her_account(standin, offered):
    member, client = make_member("ann@example.org"), Client()
    client.force_login(member)

    page = client.get(offer_page(offered))
    client.post(offer_page(offered), form_on(page))

    assert Order.objects.get().member == member
    assert "ann@example.org" in page.content.decode()


def test_sending_the_form_twice_is_one_order_and_one_page(client, standin, offered):
    form = form_on(client.get(offer_page(offered)))

    answers = [client.post(offer_page(offered), form) for _ in range(2)]

    assert answers[0]["Location"] == answers[1]["Location"]
    assert Order.objects.count() == 1
    assert seats_of(offered.quarter) == [(1, "held")]


def test_another_browser_with_her_link_takes_the_place_over(client, standin, offered):
    accept(client, offered)
    phone = Client()

    answer = accept(phone, offered)

    assert answer["Location"].startswith(standin.base_url)
    assert sorted(Order.objects.values_list("state", flat=True)) == ["cancelled", "pending"]
    assert seats_of(offered.quarter) == [(1, "held")]


def test_after_paying_back_and_continue_leads_to_what_she_has(client, standin, offered):
    form = form_on(client.get(offer_page(offered)))
    sent = client.post(offer_page(offered), form)
    standin.pay(sent["Location"])
    order = Order.objects.latest("pk")
    client.get(f"/orders/{order.uuid}/")

    again = client.post(offer_page(offered), form)

    assert (again.status_code, again["Location"]) == (303, f"/orders/{order.uuid}/")
    assert Order.objects.latest("pk") == order


def test_a_visitor_who_types_her_address_does_not_end_her_offers_order(standin, offered):
    hers = Client()
    sent = accept(hers, offered)
    order = Order.objects.latest("pk")
    form = form_on(Client().get(offer_page(offered))) | {"email": "ann@example.org"}

    stranger = Client().post(f"/enroll/{offered.quarter.slug}/", form | {"form_id": str(uuid4())})

    assert stranger.status_code == 409
    assert hers.post(f"/orders/{order.uuid}/pay/")["Location"] == sent["Location"]


def test_when_her_bank_refuses_she_reads_that_the_place_is_still_kept(
    client, standin, offered, mailoutbox
):
    url = accept(client, offered)["Location"]
    session_id = Order.objects.get().attempts.get().session_id
    standin.pay_by_bank(url)
    fulfil(session_id, now=timezone.now())
    standin.fail(session_id)

    fulfil(session_id, now=timezone.now())

    letter = mailoutbox[-1]
    assert letter.subject == "Your payment did not go through"
    assert "your place is still kept for you:" in letter.body
    assert f"http://testserver{offer_page(offered)}" in letter.body
    assert client.get(offer_page(offered)).status_code == 200
    assert seats_of(offered.quarter) == [(1, "offered")]


def test_coming_back_to_the_offer_leads_to_her_waiting_order(client, standin, offered):
    accept(client, offered)

    answer = client.get(offer_page(offered))

    assert answer["Location"] == f"/orders/{Order.objects.get().uuid}/"


def test_her_order_can_be_changed_though_the_quarter_is_full(client, standin, offered):
    price = make_price()
    accept(client, offered)
    order = Order.objects.get()
    address = f"/enroll/{offered.quarter.slug}/?order={order.uuid}"
    page = client.get(address)

    form = form_on(page) | {"email": "ann@example.org", "bundles": price.bundle_id}
    answer = client.post(address, form)

    assert "Every place for these dates is taken." not in page.content.decode()
    assert answer["Location"].startswith(standin.base_url)
    assert {line.unit_price_cents for line in order.lines.all()} == {60_000, 29_700}
    assert seats_of(offered.quarter) == [(1, "held")]


def test_a_bundle_and_a_code_work_as_on_the_enroll_page(client, standin, offered):
    price, code = make_price(), at_stripe(make_code())
    typed = {"bundles": price.bundle_id, "code": code.code}

    shown = accept(client, offered, **typed)
    seen = re.search(r'name="seen" value="([^"]+)"', shown.content.decode())[1]
    answer = accept(client, offered, seen=seen, **typed)

    standin.pay(answer["Location"])
    fulfil(Order.objects.get().attempts.last().session_id, now=timezone.now())
    order = Order.objects.get()
    assert (order.help_code, order.payments.get().amount_cents) == (code, 67_275)
    assert BundleAccess.objects.count() == 1
    assert fresh(offered).state == State.ACCEPTED


def test_a_mistake_keeps_what_was_typed_and_the_place(client, standin, offered):
    answer = accept(client, offered, chosen_name="", code="NO SUCH")

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Enter a name. Any name you choose is fine." in page
    assert 'value="NO SUCH"' in page
    assert seats_of(offered.quarter) == [(1, "offered")]


def test_what_the_browser_adds_to_the_form_changes_nothing(client, standin, offered):
    accept(client, offered, email="eve@example.org", price_cents="1", quarter="9")

    order = Order.objects.get()
    assert (order.email, order.total_cents) == ("ann@example.org", 60_000)


@pytest.mark.parametrize(
    "changes",
    [{"email": "eve@example.org"}, {"offer": "bea"}, {"offer": "late"}],
    ids=["another address", "one who still waits", "an offer whose time is over"],
)
def test_a_kept_seat_is_only_for_whom_it_was_offered_to(line, offered, changes, clock):
    entries = {"bea": line[1], "late": offered}
    if changes.get("offer") == "late":
        clock.shift(TWO_DAYS)
    entry = entries.get(changes.get("offer"), offered)
    buyer = make_buyer(changes.get("email", entry.email), offer=entry.uuid)

    with pytest.raises(OfferOver):
        checkout.enroll(quarter_id=offered.quarter_id, buyer=buyer, now=timezone.now())

    assert Order.objects.count() == 0
    assert seats_of(offered.quarter) == [(1, "offered")]


def test_when_stripe_is_down_the_seat_is_held_and_she_can_try_again(client, standin, offered):
    standin.fault("500", path="POST /v1/checkout/sessions$", count=2)

    answer = accept(client, offered)
    again = client.post(f"/orders/{Order.objects.get().uuid}/pay/")

    assert "unreachable" in answer["Location"]
    assert again["Location"].startswith(standin.base_url)
    assert seats_of(offered.quarter) == [(1, "held")]


# --- giving it up ---------------------------------------------------------------------------


def test_a_payment_that_is_given_up_leaves_the_place_hers_until_the_same_moment(
    client, standin, line, offered, mailoutbox
):
    accept(client, offered)
    order = Order.objects.get()

    page = client.post(f"/orders/{order.uuid}/cancel/", follow=True).content.decode()

    entry = fresh(offered)
    assert states(line) == [State.OFFERED, State.WAITING, State.WAITING]
    assert entry.offered_until == offered.offered_until
    assert seats_of(offered.quarter) == [(1, "offered")]
    assert subjects(mailoutbox) == ["A place is free for you"]
    assert "A place is still kept for you until" in page
    assert f'href="{offer_page(offered)}"' in page


def test_she_finds_back_to_her_offer_from_the_enroll_page(client, standin, offered):
    accept(client, offered)
    client.post(f"/orders/{Order.objects.get().uuid}/cancel/")

    hers = client.get(f"/enroll/{offered.quarter.slug}/")
    strangers = Client().get(f"/enroll/{offered.quarter.slug}/")

    assert hers["Location"] == offer_page(offered)
    assert "is full" in strangers.content.decode()


def test_a_member_finds_her_offer_from_the_enroll_page(offered):
    client = Client()
    client.force_login(make_member("ann@example.org"))

    answer = client.get(f"/enroll/{offered.quarter.slug}/")

    assert answer["Location"] == offer_page(offered)


def test_a_place_given_up_can_be_taken_again(client, standin, line, offered):
    accept(client, offered)
    client.post(f"/orders/{Order.objects.get().uuid}/cancel/")

    standin.pay(accept(client, offered)["Location"])
    paid = Order.objects.get(state="pending")
    fulfil(paid.attempts.last().session_id, now=timezone.now())

    assert states(line) == [State.ACCEPTED, State.WAITING, State.WAITING]
    assert seats_of(offered.quarter) == [(1, "enrolled")]


def expire(standin, clock, after: timedelta) -> None:
    """Time passes on both clocks, and whatever is due is done."""
    clock.shift(after)
    standin.advance(int(after.total_seconds()))
    call_command("release_holds")
    call_command("pass_on_offers")


def test_a_payment_page_that_ran_out_leaves_the_place_hers(client, standin, line, offered, clock):
    accept(client, offered)

    expire(standin, clock, timedelta(minutes=40))

    assert states(line) == [State.OFFERED, State.WAITING, State.WAITING]
    assert fresh(offered).offered_until == offered.offered_until
    assert seats_of(offered.quarter) == [(1, "offered")]


def test_whoever_pays_when_her_time_ends_may_finish(client, standin, line, offered, clock):
    almost = TWO_DAYS - A_MINUTE
    clock.shift(almost)
    standin.advance(int(almost.total_seconds()))
    url = accept(client, offered)["Location"]

    expire(standin, clock, 2 * A_MINUTE)
    meanwhile = states(line)
    looked = Client().get(offer_page(offered)).content.decode()
    standin.pay(url)
    fulfil(Order.objects.get().attempts.last().session_id, now=timezone.now())

    assert meanwhile == [State.OFFERED, State.WAITING, State.WAITING]
    assert "Your place is being paid for" in looked
    assert states(line) == [State.ACCEPTED, State.WAITING, State.WAITING]


def test_given_up_after_her_time_the_place_goes_to_the_next(
    client, standin, line, offered, clock, mailoutbox
):
    almost = TWO_DAYS - A_MINUTE
    clock.shift(almost)
    standin.advance(int(almost.total_seconds()))
    accept(client, offered)

    expire(standin, clock, timedelta(minutes=40))

    assert states(line) == [State.PASSED, State.OFFERED, State.WAITING]
    assert seats_of(offered.quarter) == [(1, "offered")]
    assert [(letter.subject, letter.to[0]) for letter in mailoutbox[1:]] == [
        ("The place went to the next person", "ann@example.org"),
        ("A place is free for you", "bea@example.org"),
    ]


def test_given_up_once_the_quarter_is_closed_nobody_is_offered_it(client, standin, line, offered):
    accept(client, offered)
    Quarter.objects.update(state="closed")
    waitlist.follow_up(now=timezone.now())
    before = states(line)

    client.post(f"/orders/{Order.objects.get().uuid}/cancel/")

    assert before == [State.OFFERED, State.CLOSED, State.CLOSED]
    assert states(line) == [State.CLOSED] * 3
    assert seats_of(offered.quarter) == []


def test_no_thank_you_passes_the_place_on_at_once(client, line, offered, mailoutbox):
    page = client.get(offer_page(offered)).content.decode()

    answer = client.post(f"/waitlist/place/{offered.uuid}/", follow=True)

    assert "No, thank you" in page
    assert "You have left the list" in answer.content.decode()
    assert states(line) == [State.LEFT, State.OFFERED, State.WAITING]
    assert [letter.to[0] for letter in mailoutbox] == ["ann@example.org", "bea@example.org"]
    assert Client().post(offer_page(offered), {}).status_code == 409


# --- passing on -----------------------------------------------------------------------------


def test_an_offer_without_an_answer_goes_to_the_next_and_she_is_told(
    client, line, offered, clock, mailoutbox
):
    clock.shift(TWO_DAYS - A_MINUTE)
    call_command("pass_on_offers")
    before = states(line)
    clock.shift(A_MINUTE)

    for _ in range(2):
        call_command("pass_on_offers")

    page = client.get(offer_page(offered))
    assert before == [State.OFFERED, State.WAITING, State.WAITING]
    assert states(line) == [State.PASSED, State.OFFERED, State.WAITING]
    assert seats_of(offered.quarter) == [(1, "offered")]
    passed = mailoutbox[1]
    assert (passed.subject, passed.to) == (
        "The place went to the next person",
        ["ann@example.org"],
    )
    assert offer_page(offered) in passed.body
    assert "Join the list again" in page.content.decode()
    assert len(mailoutbox) == 3


def test_an_offer_goes_down_the_whole_line_and_then_the_seat_is_anybodys(line, offered, clock):
    for _ in line:
        clock.shift(TWO_DAYS)
        call_command("pass_on_offers")

    order = checkout.enroll(
        quarter_id=offered.quarter_id, buyer=make_buyer("new@example.org"), now=timezone.now()
    )

    assert states(line) == [State.PASSED] * 3
    assert order.lines.get().enrollment.seat_number == 1


@pytest.mark.parametrize("method", ["get", "post"])
def test_an_offer_whose_time_is_over_is_over_before_any_tick(client, line, offered, clock, method):
    clock.shift(TWO_DAYS)

    answer = getattr(client, method)(offer_page(offered), {"chosen_name": "Ann"})

    assert answer.status_code == (409 if method == "post" else 200)
    assert "The time for which it was kept for you is over." in answer.content.decode()
    assert Order.objects.count() == 0


def test_the_tick_passes_offers_on(line, offered, clock, queued):
    clock.shift(TWO_DAYS)

    call_command("tick")

    assert states(line) == [State.PASSED, State.OFFERED, State.WAITING]


# --- every way in which a seat becomes free -------------------------------------------------


def test_a_refund_offers_the_seat(standin, loaded_site, owner_of_site):
    quarter = make_quarter(capacity=1)
    paid = waiting(checkout.enroll(quarter_id=quarter.pk, buyer=make_buyer(), now=timezone.now()))
    standin.pay(paid.url)
    fulfil(paid.session_id, now=timezone.now())
    entry = make_entry(quarter)

    refunds.request_refund(
        line_id=paid.order.lines.get().pk,
        amount_cents=60_000,
        reason=Refund.Reason.ASKED,
        note="",
        by=owner_of_site,
        now=timezone.now(),
    )

    assert fresh(entry).state == State.OFFERED
    assert seats_of(quarter) == [(1, "offered")]


def test_a_hold_that_is_given_up_offers_the_seat(standin, loaded_site):
    quarter = make_quarter(capacity=1)
    order = checkout.enroll(quarter_id=quarter.pk, buyer=make_buyer(), now=timezone.now())
    entry = make_entry(quarter)

    giving_up.give_up(order_id=order.pk, now=timezone.now())

    assert fresh(entry).state == State.OFFERED
    assert seats_of(quarter) == [(1, "offered")]


def test_whoever_enrolls_in_another_way_leaves_the_line(standin, line, offered):
    quarter = offered.quarter
    Quarter.objects.filter(pk=quarter.pk).update(capacity=4)
    waitlist.leave(entry_id=line[1].pk, now=timezone.now())
    waitlist.leave(entry_id=line[2].pk, now=timezone.now())
    order = waiting(checkout.enroll(quarter_id=quarter.pk, buyer=make_buyer(), now=timezone.now()))
    standin.pay(order.url)

    fulfil(order.session_id, now=timezone.now())

    assert fresh(offered).state == State.ACCEPTED
    assert seats_of(quarter) == [(2, "enrolled")]


def test_the_seat_kept_for_somebody_who_enrolled_otherwise_goes_to_the_next(standin, line, offered):
    Quarter.objects.filter(pk=offered.quarter_id).update(capacity=2)
    place = make_place(offered.quarter, make_member("ann@example.org"), seat_number=2)

    waitlist.has_found_a_place(place, known_as={"ann@example.org"}, now=timezone.now())

    assert states(line) == [State.ACCEPTED, State.OFFERED, State.WAITING]


def test_a_late_payment_takes_the_seat_that_is_kept_for_her(client, standin, line, offered):
    url = accept(client, offered)["Location"]
    order = Order.objects.get()
    standin.pay(url)
    # Our books thought that the page was over; the money had come all the same.
    [place] = order.lines.get().quarter.enrollments.filter(line__order=order)
    waitlist.free_seat(place, to=Enrollment.State.RELEASED, now=timezone.now())

    fulfil(order.attempts.last().session_id, now=timezone.now())

    order.refresh_from_db()
    assert (order.state, states(line)[0]) == (Order.State.PAID, State.ACCEPTED)
    assert seats_of(offered.quarter) == [(1, "enrolled")]
    assert books.discrepancies(timezone.now()) == []


def test_a_member_who_pays_for_a_second_place_gets_her_money_and_the_next_her_seat(
    client, standin, line, offered
):
    url = accept(client, offered)["Location"]
    Quarter.objects.filter(pk=offered.quarter_id).update(capacity=2)
    make_place(offered.quarter, make_member("ann@example.org"), seat_number=2)
    standin.pay(url)

    fulfil(Order.objects.get().attempts.last().session_id, now=timezone.now())

    assert Order.objects.get().attention == Order.Attention.PAID_TWICE
    assert states(line) == [State.ACCEPTED, State.OFFERED, State.WAITING]


# --- money that came too late ---------------------------------------------------------------


def test_whoever_paid_for_a_seat_that_was_gone_gets_the_next_one_first(standin, line, mailoutbox):
    quarter = line[0].quarter
    Quarter.objects.filter(pk=quarter.pk).update(capacity=2)
    WaitlistEntry.objects.update(state=State.LEFT)
    late = waiting(
        checkout.enroll(
            quarter_id=quarter.pk, buyer=make_buyer("zoe@example.org"), now=timezone.now()
        )
    )
    WaitlistEntry.objects.update(state=State.WAITING)
    standin.pay(late.url)
    Enrollment.objects.filter(line__order=late.order).update(state="released")
    make_place(quarter, make_member("last@example.org"), seat_number=2)

    fulfil(late.session_id, now=timezone.now())
    told = mailoutbox[-1]
    roses = quarter.enrollments.get(member__email="rose@example.org")
    waitlist.free_seat(roses, to=Enrollment.State.LEFT, now=timezone.now())

    hers = quarter.waitlist.get(email="zoe@example.org")
    assert (hers.rank, hers.state) == (WaitlistEntry.FIRST, State.OFFERED)
    assert states(line) == [State.WAITING] * 3
    assert "You are now first on the list." in told.body
    assert f"/waitlist/place/{hers.uuid}/" in told.body
    assert (mailoutbox[-1].subject, mailoutbox[-1].to) == (
        "A place is free for you",
        ["zoe@example.org"],
    )
    browser = Client()
    standin.pay(accept(browser, hers)["Location"])
    paid = Order.objects.get(email="zoe@example.org", state="pending")
    fulfil(paid.attempts.last().session_id, now=timezone.now())
    assert fresh(hers).state == State.ACCEPTED
    assert books.discrepancies(timezone.now()) == []


def test_nobody_is_put_first_on_a_list_that_is_over(standin, line, mailoutbox):
    quarter = line[0].quarter
    Quarter.objects.filter(pk=quarter.pk).update(capacity=2)
    WaitlistEntry.objects.all().delete()
    late = waiting(
        checkout.enroll(
            quarter_id=quarter.pk, buyer=make_buyer("zoe@example.org"), now=timezone.now()
        )
    )
    standin.pay(late.url)
    Enrollment.objects.filter(line__order=late.order).update(state="released")
    Quarter.objects.filter(pk=quarter.pk).update(state="cancelled")

    fulfil(late.session_id, now=timezone.now())

    assert quarter.waitlist.count() == 0
    assert "first on the list" not in mailoutbox[-1].body


# --- an outage of mail ----------------------------------------------------------------------


class Away(EmailBackend):
    """A provider that cannot be reached."""

    def send_messages(self, messages):
        raise ConnectionRefusedError


@pytest.fixture
def untold(line, settings) -> WaitlistEntry:
    """Rose's seat is kept for Ann, and the letter that says so cannot go out."""
    settings.EMAIL_BACKEND = "tests.enrollments.test_waitlist_offers.Away"
    rose_leaves(line[0].quarter)
    return fresh(line[0])


def mail_is_back(settings) -> None:
    """The provider can be reached again, and everything that waits is tried."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    OutgoingEmail.objects.update(next_try_at=timezone.now())
    for email in OutgoingEmail.objects.order_by("pk"):
        outbox.send_queued_email.call(email.pk)


def test_a_long_outage_of_mail_burns_nobodys_offer(line, untold, clock):
    for _ in range(5):
        clock.shift(TWO_DAYS)
        waitlist.follow_up(now=timezone.now())

    assert states(line) == [State.OFFERED, State.WAITING, State.WAITING]
    assert fresh(untold).is_untold()
    assert seats_of(untold.quarter) == [(1, "offered")]


def test_the_two_days_begin_when_the_letter_has_gone_out(line, untold, clock, settings, mailoutbox):
    clock.shift(TWO_DAYS + TWO_DAYS)

    mail_is_back(settings)

    until = fresh(untold).offered_until
    assert until == timezone.now() + TWO_DAYS
    assert subjects(mailoutbox) == ["A place is free for you"]
    told = until.astimezone(untold.quarter.zone)
    assert f"{told:%A, %B} {told.day}, {told.year}" in mailoutbox[0].body
    clock.shift(TWO_DAYS - A_MINUTE)
    waitlist.follow_up(now=timezone.now())
    assert states(line) == [State.OFFERED, State.WAITING, State.WAITING]
    clock.shift(A_MINUTE)
    waitlist.follow_up(now=timezone.now())
    assert states(line) == [State.PASSED, State.OFFERED, State.WAITING]


def test_a_letter_sent_once_more_does_not_begin_her_time_again(offered, clock):
    clock.shift(TWO_DAYS / 2)
    waitlist.join(
        quarter_id=offered.quarter_id,
        email=offered.email,
        chosen_name="Ann",
        now=timezone.now(),
    )

    assert fresh(offered).offered_until == offered.offered_until


def test_the_time_never_goes_beyond_the_end_of_enrollment(untold, clock, settings):
    Quarter.objects.update(closes_at=timezone.now() + timedelta(hours=30))
    clock.shift(timedelta(hours=20))

    mail_is_back(settings)

    assert fresh(untold).offered_until == timezone.now() + timedelta(hours=10)


def test_an_offer_that_was_never_told_ends_with_its_quarter_and_says_only_that(
    line, untold, clock, settings, mailoutbox
):
    Quarter.objects.update(closes_at=timezone.now() + timedelta(hours=1))
    clock.shift(timedelta(hours=1))
    waitlist.follow_up(now=timezone.now())

    mail_is_back(settings)

    assert states(line) == [State.CLOSED] * 3
    assert subjects(mailoutbox) == ["The list is closed"] * 3


def test_whoever_finds_her_place_before_the_letter_can_take_it(client, untold):
    page = client.get(offer_page(untold)).content.decode()

    taken = accept(client, untold)

    assert "The two days for it begin when our letter" in page
    assert taken.status_code == 303
    assert fresh(untold).seat.state == Enrollment.State.HELD


def test_a_seat_given_back_before_the_letter_is_kept_for_her(client, untold, clock):
    accept(client, untold)
    clock.shift(TWO_DAYS)
    giving_up.give_up(order_id=Order.objects.get().pk, now=timezone.now())

    assert fresh(untold).is_untold()
    assert seats_of(untold.quarter) == [(1, "offered")]
