"""Enrolling and buying as a visitor and a member do it, and who may see an order."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from core.discretion import leak_words_in
from enrollments import stripe_gateway
from enrollments.models import BundlePrice, Enrollment, Order, Quarter
from tests.factories.enrollments import (
    bundle,
    make_access,
    make_code,
    make_member,
    make_place,
    make_price,
    make_quarter,
)
from tests.reading import told_by
from tests.templates.markup import read

pytestmark = pytest.mark.django_db


def form_of(client: Client, address: str, **typed: str) -> dict[str, str]:
    """What a browser sends from the form at ``address``."""
    form = client.get(address).context["form"]
    carried = {name: str(form[name].value()) for name in ("form_id", "shown")}
    return {"chosen_name": "Ann", "email": "ann@example.org"} | carried | typed


def enroll(client: Client, quarter: Quarter, **typed: str):
    address = f"/enroll/{quarter.slug}/"
    return client.post(address, form_of(client, address, **typed))


def test_the_form_leads_to_the_payment_page(client, standin, quarter):
    answer = enroll(client, quarter)

    assert answer.status_code == 303
    assert answer["Location"].startswith(standin.base_url)
    assert Enrollment.objects.get().state == Enrollment.State.HELD


def test_what_the_browser_adds_to_the_form_changes_nothing(client, standin, quarter):
    enroll(client, quarter, price_cents="1", unit_amount="1", quarter_id="999", state="paid")

    assert Order.objects.get().total_cents == 60_000


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"chosen_name": ""}, "Enter a name. Any name you choose is fine."),
        ({"chosen_name": " \u200b\u202e "}, "Enter a name. Any name you choose is fine."),
        ({"chosen_name": "n" * 61}, "Please use a shorter name, at most 60 characters."),
        ({"email": ""}, "Enter an email address."),
        ({"email": "ann@"}, "Enter an email address, for example name@example.com."),
        ({"email": "a\nBcc: x@y.z"}, "Enter an email address, for example name@example.com."),
        ({"form_id": "not-a-uuid"}, "Enter a valid UUID."),
    ],
    ids=[
        "no name",
        "an invisible name",
        "a name without end",
        "no email",
        "half an email",
        "an email with a header",
        "another form",
    ],
)
def test_bad_input_gets_a_sentence_keeps_what_was_typed_and_changes_nothing(
    client, standin, quarter, typed, sentence
):
    answer = enroll(client, quarter, **typed)

    page = answer.content.decode()
    assert answer.status_code == 422
    assert sentence in page or "form_id" in typed
    assert 'value="Ann"' in page or "chosen_name" in typed
    assert 'value="ann@example.org"' in page or "email" in typed
    assert (Order.objects.count(), Enrollment.objects.count()) == (0, 0)


def test_nul_and_broken_unicode_are_refused_like_any_bad_input(client, standin, quarter):
    answer = enroll(client, quarter, chosen_name="A\x00nn", email="ann@example.org")

    assert answer.status_code == 422


def test_a_full_quarter_says_so_and_keeps_what_was_typed(client, standin, loaded_site):
    quarter = make_quarter(capacity=1)
    form = form_of(client, f"/enroll/{quarter.slug}/")
    make_place(quarter, make_member("rose@example.org"))

    answer = client.post(f"/enroll/{quarter.slug}/", form)

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "The last place was just taken. Nothing was charged." in page
    assert Order.objects.count() == 0


@pytest.mark.parametrize(
    ("fields", "seats_taken"),
    [
        ({"opens_at": datetime(2026, 12, 31, tzinfo=UTC)}, 0),
        ({"closes_at": datetime(2026, 11, 2, tzinfo=UTC)}, 0),
        ({"capacity": 1}, 1),
    ],
    ids=["not yet", "closed", "full"],
)
def test_a_quarter_that_takes_nobody_says_so_and_sells_nothing(
    client, loaded_site, now, fields, seats_taken
):
    quarter = make_quarter(**fields)
    for _ in range(seats_taken):
        make_place(quarter, make_member("rose@example.org"))

    page = client.get(f"/enroll/{quarter.slug}/").content.decode()

    assert 'name="form_id"' not in page


def test_a_draft_quarter_has_no_page(client, loaded_site):
    quarter = make_quarter(state=Quarter.State.DRAFT)

    assert client.get(f"/enroll/{quarter.slug}/").status_code == 404


def test_a_sample_quarter_has_no_page_outside_demo_mode(client, loaded_site, settings):
    quarter = make_quarter(is_sample=True)
    settings.DEMO_MODE = False

    assert client.get(f"/enroll/{quarter.slug}/").status_code == 404


def test_a_sample_price_has_no_page_outside_demo_mode(client, loaded_site, settings):
    make_price(is_sample=True)
    settings.DEMO_MODE = False

    assert client.get(f"/buy/{bundle().slug}/").status_code == 404


def test_a_bundle_that_is_not_on_sale_has_no_page(client, loaded_site):
    BundlePrice.objects.all().delete()

    assert client.get(f"/buy/{bundle().slug}/").status_code == 404


# The SDK asks twice, but not after a 429.
FAULTS = [("500", 2), ("503", 2), ("429", 1), ("timeout", 2), ("lost", 2), ("refuse", 2)]


@pytest.fixture
def impatient(monkeypatch):
    """The site waits a tenth of a second for Stripe instead of some seconds."""
    monkeypatch.setattr(stripe_gateway.client, "TIMEOUT_SECONDS", (0.1, 0.1))
    stripe_gateway.client._client.cache_clear()
    yield
    stripe_gateway.client._client.cache_clear()


def sessions_at_stripe(stripe_sdk) -> int:
    return len(stripe_sdk.v1.checkout.sessions.list({"limit": 100}).data)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("failure", FAULTS, ids=dict(FAULTS))
def test_when_stripe_fails_to_make_a_page_nothing_is_lost_and_trying_again_works(
    client, standin, stripe_sdk, quarter, failure
):
    fault, times = failure
    standin.fault(fault, path="POST /v1/checkout/sessions$", count=times, seconds=0.3)
    sent = enroll(client, quarter)
    order = Order.objects.get()

    page = client.get(sent["Location"])
    again = client.post(f"/orders/{order.uuid}/pay/")

    assert (sent.status_code, page.status_code) == (303, 200)
    assert "could not reach" in page.content.decode()
    assert again["Location"].startswith(f"{standin.base_url}/c/pay/")
    assert sessions_at_stripe(stripe_sdk) == 1
    assert Enrollment.objects.get().state == Enrollment.State.HELD


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("failure", FAULTS, ids=dict(FAULTS))
def test_when_stripe_fails_to_tell_of_a_page_it_is_found_again(
    client, standin, stripe_sdk, quarter, failure
):
    fault, times = failure
    first = enroll(client, quarter)
    order = Order.objects.get()
    standin.fault(fault, path="GET /v1/checkout/sessions/", count=times, seconds=0.3)

    failed = client.post(f"/orders/{order.uuid}/pay/")
    again = client.post(f"/orders/{order.uuid}/pay/")

    assert failed["Location"] == f"/orders/{order.uuid}/?unreachable=1"
    assert again["Location"] == first["Location"]
    assert sessions_at_stripe(stripe_sdk) == 1
    assert Enrollment.objects.get().state == Enrollment.State.HELD


def test_coming_back_without_paying_grants_nothing(client, standin, quarter):
    sent = enroll(client, quarter)
    order = Order.objects.get()

    page = client.get(f"/orders/{order.uuid}/?session_id={sent['Location'].split('/')[-1]}")

    assert page.status_code == 200
    assert Order.objects.get().state == Order.State.PENDING
    assert "Your place is held" in page.content.decode()


def test_the_return_page_grants_without_any_webhook(client, standin, quarter, mailoutbox):
    sent = enroll(client, quarter)
    landed = urlsplit(standin.pay(sent["Location"]))

    pages = [client.get(f"{landed.path}?{landed.query}") for _ in range(2)]

    assert [page.status_code for page in pages] == [200, 200]
    assert "Thank you, Ann." in pages[0].content.decode()
    assert Order.objects.get().state == Order.State.PAID
    assert len(mailoutbox) == 1


def test_paid_while_stripe_cannot_be_asked_is_said_as_it_is(client, standin, quarter):
    sent = enroll(client, quarter)
    landed = urlsplit(standin.pay(sent["Location"]))
    standin.fault("500", path="/v1/checkout/sessions", count=3)

    first = client.get(f"{landed.path}?{landed.query}")
    second = client.get(f"{landed.path}?{landed.query}")

    assert first.status_code == 200
    assert "could not reach" in first.content.decode()
    assert "Thank you, Ann." in second.content.decode()


def test_a_page_that_ran_out_says_so_and_offers_to_start_again(client, standin, quarter):
    enroll(client, quarter)
    standin.advance(36 * 60)

    page = client.get(f"/orders/{Order.objects.get().uuid}/").content.decode()

    assert "ran out" in page
    assert f'href="/enroll/{quarter.slug}/"' in page


def test_she_can_give_her_place_back(client, standin, quarter):
    enroll(client, quarter)
    order = Order.objects.get()

    answer = client.post(f"/orders/{order.uuid}/cancel/", follow=True)

    assert answer.status_code == 200
    assert Enrollment.objects.get().state == Enrollment.State.RELEASED


def test_an_order_is_shown_to_its_browser_and_its_member_and_to_nobody_else(
    client, standin, quarter
):
    sent = enroll(client, quarter)
    standin.pay(sent["Location"])
    order = Order.objects.get()
    client.get(f"/orders/{order.uuid}/")
    order.refresh_from_db()
    owner, fellow, visitor = Client(), Client(), Client()
    owner.force_login(order.member)
    fellow_member = make_member("rose@example.org")
    make_place(quarter, fellow_member)
    fellow.force_login(fellow_member)

    statuses = [
        person.get(f"/orders/{order.uuid}/").status_code
        for person in (client, owner, fellow, visitor)
    ]

    assert statuses == [200, 200, 404, 404]


@pytest.mark.parametrize("action", ["pay", "cancel"])
def test_nobody_else_can_pay_or_cancel_an_order(client, standin, quarter, action):
    enroll(client, quarter)
    order = Order.objects.get()
    fellow = Client()
    fellow.force_login(make_member("rose@example.org"))

    answers = [
        person.post(f"/orders/{order.uuid}/{action}/").status_code for person in (fellow, Client())
    ]

    assert answers == [404, 404]
    assert Order.objects.get().state == Order.State.PENDING


def test_a_member_is_not_asked_for_her_email_again(client, standin, quarter):
    ann = make_member()
    client.force_login(ann)
    address = f"/enroll/{quarter.slug}/"

    page = client.get(address)
    client.post(address, form_of(client, address, email="other@example.org"))

    assert 'name="email"' not in page.content.decode()
    order = Order.objects.get()
    assert (order.email, order.member) == ("ann@example.org", ann)


def test_a_member_with_a_place_is_told_so(client, standin, quarter):
    ann = make_member()
    make_place(quarter, ann)
    client.force_login(ann)
    address = f"/enroll/{quarter.slug}/"

    answer = client.post(address, form_of(client, address))

    assert answer.status_code == 409
    assert "You already have a place" in answer.content.decode()


def paid_order(client: Client, standin, quarter: Quarter, **typed: str) -> Order:
    sent = enroll(client, quarter, **typed)
    landed = urlsplit(standin.pay(sent["Location"]))
    client.get(f"{landed.path}?{landed.query}")
    return Order.objects.latest("created_at")


@pytest.mark.parametrize("form", ["the same form", "another form"])
def test_after_paying_back_and_continue_leads_to_what_she_has(client, standin, quarter, form):
    order = paid_order(client, standin, quarter)
    typed = {"form_id": str(order.uuid)} if form == "the same form" else {}

    answer = enroll(client, quarter, **typed)

    assert (answer.status_code, answer["Location"]) == (303, f"/orders/{order.uuid}/")
    assert (Order.objects.count(), Enrollment.objects.count()) == (1, 1)


def test_after_paying_with_a_code_that_is_used_up_by_it_she_is_sent_to_what_she_has(
    client, standin, quarter
):
    make_code(most_uses=1)
    shown = enroll(client, quarter, code="QUIET25")
    form = form_of(client, f"/enroll/{quarter.slug}/", code="QUIET25")
    form["seen"] = shown.context["form"]["seen"].value()
    sent = client.post(f"/enroll/{quarter.slug}/", form)
    client.get(urlsplit(standin.pay(sent["Location"])).path)

    again = client.post(f"/enroll/{quarter.slug}/", form)

    assert again["Location"] == f"/orders/{Order.objects.get().uuid}/"


def test_going_on_with_a_code_of_one_use_that_her_own_order_holds_is_no_second_use(
    client, standin, quarter
):
    make_code(most_uses=1)
    shown = enroll(client, quarter, code="QUIET25")
    form = form_of(client, f"/enroll/{quarter.slug}/", code="QUIET25")
    form["seen"] = shown.context["form"]["seen"].value()

    answers = [client.post(f"/enroll/{quarter.slug}/", form) for _ in range(2)]

    assert answers[0]["Location"].startswith(standin.base_url)
    assert answers[1]["Location"] == answers[0]["Location"]


def test_after_paying_for_a_bundle_back_and_continue_leads_to_what_she_has(
    client, standin, loaded_site
):
    make_price()
    address = f"/buy/{bundle().slug}/"
    sent = client.post(address, form_of(client, address))
    client.get(urlsplit(standin.pay(sent["Location"])).path)

    again = client.post(address, form_of(client, address))

    assert again["Location"] == f"/orders/{Order.objects.get().uuid}/"


def test_a_stranger_with_her_address_ends_nothing_and_is_told_nothing(standin, quarter):
    her_browser, strangers = Client(), Client()
    hers = enroll(her_browser, quarter)
    order = Order.objects.get()

    answer = enroll(strangers, quarter)

    assert answer["Location"].startswith(standin.base_url)
    assert answer["Location"] != hers["Location"]
    assert her_browser.post(f"/orders/{order.uuid}/pay/")["Location"] == hers["Location"]
    assert strangers.get(f"/orders/{order.uuid}/").status_code == 404


def test_known_and_unknown_addresses_are_answered_alike(standin, quarter):
    make_place(quarter, make_member("known@example.org"), seat_number=9)
    make_access(make_member("also@example.org"))
    visitors = {email: Client() for email in ("known@example.org", "new@example.org")}

    answers = {email: enroll(visitor, quarter, email=email) for email, visitor in visitors.items()}

    assert {a.status_code for a in answers.values()} == {303}
    assert {urlsplit(a["Location"]).netloc for a in answers.values()} == {
        urlsplit(standin.base_url).netloc
    }
    assert {tuple(a.cookies) for a in answers.values()} == {
        tuple(answers["new@example.org"].cookies)
    }


@pytest.mark.parametrize("state", Order.State.values)
def test_no_page_of_an_order_names_what_was_bought(client, standin, quarter, state):
    enroll(client, quarter)
    order = Order.objects.get()
    member = make_member(order.email)
    Order.objects.update(state=state, attention="drift", member=member, paid_at=timezone.now())

    page = client.get(f"/orders/{order.uuid}/")

    assert page.status_code == 200
    assert leak_words_in(told_by(page)) == []
    assert page["Cache-Control"].count("no-store") == 1


def test_the_enroll_and_buy_pages_name_nothing(client, quarter):
    make_price()
    for address in (f"/enroll/{quarter.slug}/", f"/buy/{bundle().slug}/"):
        page = client.get(address)

        assert page.status_code == 200
        assert leak_words_in(told_by(page)) == []


def test_buying_a_bundle_leads_to_the_payment_page(client, standin, loaded_site):
    make_price()
    address = f"/buy/{bundle().slug}/"

    answer = client.post(address, form_of(client, address))

    assert answer.status_code == 303
    assert Order.objects.get().lines.get().discreet_name == bundle().discreet_name


def test_every_private_page_is_valid_html(client, standin, quarter):
    make_price()
    enroll(client, quarter)
    order = Order.objects.get()
    member = make_member("rose@example.org")
    make_place(quarter, member)
    make_access(member)
    hers = Client()
    hers.force_login(member)
    lessons = f"/member/courses/{bundle().slug}/"
    pages = {
        "enroll": client.get(f"/enroll/{quarter.slug}/"),
        "errors": client.post(f"/enroll/{quarter.slug}/", {}),
        "buy": client.get(f"/buy/{bundle().slug}/"),
        "today": hers.get("/member/"),
        "lessons": hers.get(lessons),
    }
    for state in Order.State.values:
        Order.objects.update(state=state, attention="drift", member=member, paid_at=timezone.now())
        pages[state] = client.get(f"/orders/{order.uuid}/")

    mistakes = {name: read(page.content.decode()).errors for name, page in pages.items()}

    assert {name: found for name, found in mistakes.items() if found} == {}


def test_only_the_page_of_a_group_says_that_the_group_sees_the_name(client, quarter):
    make_price()
    says = "The group sees only this."

    assert says in client.get(f"/enroll/{quarter.slug}/").content.decode()
    assert says not in client.get(f"/buy/{bundle().slug}/").content.decode()


def test_the_end_of_a_hold_can_be_read_on_any_clock(client, standin, quarter):
    enroll(client, quarter)
    order = Order.objects.get()

    page = client.get(f"/orders/{order.uuid}/").content.decode()

    until = order.lines.get().enrollment.hold_expires_at.astimezone(quarter.zone)
    assert f'data-times="{quarter.time_zone}"><time datetime="{until:%Y-%m-%dT%H:%M}' in page
    assert "js/local-times" in page
