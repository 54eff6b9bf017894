"""The desks of the admin: who may come, and what lists and pages show."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from wagtail import hooks
from wagtail.models import ModelLogEntry, ReferenceIndex

from enrollments.desks.order_page import WHAT_TO_DO
from enrollments.models import MeetingRoom, Order, OrderLine, Quarter, Reconciliation
from tests.enrollments.desk_cast import (
    MODELS,
    MOMENT,
    address,
    browser_of,
    make_event,
    make_order,
    make_person,
    make_refund,
    make_staff,
    one_row_at_every_desk,
    outcome,
    text_of,
)
from tests.factories.enrollments import (
    bundle,
    make_access,
    make_member,
    make_place,
    make_quarter,
)


@pytest.fixture
def rows(loaded_site, now) -> dict[str, int | str]:
    return one_row_at_every_desk()


WHO = {
    "owner": "page",
    "viewer": "page",
    "staff": "denied",
    "member": "404",
    "visitor": "sign in",
}


@pytest.mark.parametrize("role", WHO)
def test_lists_are_for_staff_who_may_view(rows, role):
    client = browser_of(make_person(role))

    seen = {model: outcome(client.get(address(model))) for model in MODELS}

    assert seen == dict.fromkeys(MODELS, WHO[role])


@pytest.mark.parametrize("role", WHO)
def test_pages_about_one_row_are_for_staff_who_may_view(rows, role):
    client = browser_of(make_person(role))
    models = [m for m in MODELS if m not in ("meeting", "bundleprice")]

    seen = {m: outcome(client.get(address(m, "inspect", rows[m]))) for m in models}

    assert seen == dict.fromkeys(models, WHO[role])


@pytest.mark.parametrize("role", WHO)
def test_the_history_of_a_row_is_for_staff_who_may_view(rows, role):
    client = browser_of(make_person(role))
    models = ["quarter", "meeting", "bundleprice"]

    seen = {m: outcome(client.get(address(m, "history", rows[m]))) for m in models}

    assert seen == dict.fromkeys(models, WHO[role])


WRITES = [
    ("quarter", "create"),
    ("quarter", "edit"),
    ("quarter", "delete"),
    ("quarter", "open"),
    ("quarter", "close"),
    ("meeting", "edit"),
    ("bundleprice", "create"),
    ("bundleprice", "edit"),
]


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("role", ["viewer", "staff", "member", "visitor"])
def test_nobody_writes_who_may_only_look(rows, role, method):
    client = browser_of(make_person(role))

    seen = {
        (model, action): outcome(
            getattr(client, method)(
                address(model, action, "" if action == "create" else rows[model])
            )
        )
        for model, action in WRITES
    }

    expected = WHO[role] if role in ("member", "visitor") else "denied"
    assert seen == dict.fromkeys(WRITES, expected)
    assert list(Quarter.objects.values_list("state", flat=True)) == ["open"]


@pytest.mark.parametrize("action", ["create", "edit", "delete"])
@pytest.mark.parametrize(
    "model", ["enrollment", "order", "refund", "dispute", "bundleaccess", "stripeevent"]
)
def test_what_is_only_read_is_not_written_even_by_the_owner(rows, model, action):
    client = browser_of(make_person("owner"))

    response = client.post(address(model, action, "" if action == "create" else rows[model]))

    assert outcome(response) == "denied"


@pytest.mark.parametrize(
    ("model", "action"),
    [("meeting", "create"), ("meeting", "delete"), ("bundleprice", "delete")],
)
def test_meetings_and_prices_stay(rows, model, action):
    client = browser_of(make_person("owner"))

    response = client.post(address(model, action, "" if action == "create" else rows[model]))

    assert outcome(response) == "denied"


def test_groups_are_offered_only_what_they_can_be_given(rows):
    offered = Permission.objects.none()
    for register in hooks.get_hooks("register_permissions"):
        offered = offered | register()

    names = set(
        offered.filter(content_type__app_label="enrollments").values_list("codename", flat=True)
    )
    kinds = ("order", "enrollment", "access", "event", "refund", "dispute", "moneysettings")
    assert {n for n in names if n.endswith(kinds) and n != "move_enrollment"} == {
        "view_order",
        "change_order",
        "view_refund",
        "add_refund",
        "approve_refund",
        "view_dispute",
        "change_dispute",
        "change_moneysettings",
        "view_enrollment",
        "view_bundleaccess",
        "view_stripeevent",
    }
    assert {"add_quarter", "change_quarter", "delete_quarter", "view_quarter"} <= names


def test_a_view_of_one_desk_opens_no_other(rows):
    client = browser_of(make_staff("money@example.org", "view_order"))

    seen = {model: outcome(client.get(address(model))) for model in MODELS}

    assert seen == dict.fromkeys(MODELS, "denied") | {"order": "page"}


# --- what they show -----------------------------------------------------------------------------


def test_a_quarter_shows_its_dates_seats_and_price(loaded_site, now, staff_client):
    quarter = make_quarter(is_sample=True)
    make_place(quarter, make_member())
    make_place(
        quarter, None, seat_number=2, state="held", hold_expires_at=now + timedelta(minutes=30)
    )

    text = text_of(staff_client, address("quarter"))

    for words in (
        "Winter 2027",
        "Sample",
        "Sat, Jan 9, 2027 10:00 am Eastern",
        "2 of 10",
        "1 of them held",
        "$600",
        "Close enrollment",
    ):
        assert words in text


def test_released_seats_are_not_counted(loaded_site, now, staff_client):
    quarter = make_quarter()
    make_place(quarter, make_member(), state="released")

    assert "0 of 10" in text_of(staff_client, address("quarter"))


def test_the_page_about_a_quarter_lists_its_meetings_and_hides_the_join_link(
    loaded_site, now, staff_client
):
    quarter = make_quarter()
    MeetingRoom.objects.create(quarter=quarter, join_link="https://video.example/secret")

    text = text_of(staff_client, address("quarter", "inspect", quarter.pk))

    assert text.count("10:00 am Eastern") >= 10
    assert "Week 12" in text
    assert "Join link Set Dial-in Not set yet" in text
    assert "secret" not in text


def test_the_page_about_an_order_tells_everything_in_words(rows, staff_client):
    order = Order.objects.get()

    text = text_of(staff_client, address("order", "inspect", order.pk))

    for words in (
        str(order.uuid),
        "ann@example.org",
        "Facing Heartbreak, Winter 2027",
        "Saturday course",
        "$600",
        "cs_test_Ann",
        "pi_Ann",
        "Enrolled",
        "Included in Winter 2027",
    ):
        assert words in text


@pytest.mark.parametrize("attention", [v for v in Order.Attention.values if v])
def test_what_needs_a_person_comes_first_and_says_what_to_do(
    loaded_site, now, staff_client, attention
):
    quarter = make_quarter()
    troubled = make_order(quarter, "Old", state="review", attention=attention)
    make_order(quarter, "New", created_at=MOMENT + timedelta(days=1))

    listing = text_of(staff_client, address("order"))
    page = text_of(staff_client, address("order", "inspect", troubled.pk))

    assert listing.index("Old") < listing.index("New")
    assert "Needs a person" in page
    assert WHAT_TO_DO[attention] in page


def test_a_gift_says_that_staff_gave_it(loaded_site, staff_client):
    make_access(make_member())

    assert "Given by staff" in text_of(staff_client, address("bundleaccess"))


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("quarter", "No quarter has been planned yet."),
        ("meeting", "Meetings appear here when a quarter is added."),
        ("enrollment", "Nobody has enrolled yet."),
        ("order", "Nobody has ordered anything yet."),
        ("refund", "No money has been given back yet."),
        ("dispute", "No bank has disputed a payment."),
        ("bundleaccess", "No bundle is open to anybody yet."),
        ("bundleprice", "No bundle has a price yet"),
        ("stripeevent", "Stripe has not told us anything yet."),
    ],
)
def test_an_empty_desk_says_so(loaded_site, staff_client, model, words):
    assert words in text_of(staff_client, address(model))


def test_a_held_seat_is_the_buyers_until_when(loaded_site, now, staff_client):
    order = Order.objects.create(
        email="hanna@example.org", chosen_name="Hanna", currency="usd", created_at=now
    )
    quarter = make_quarter()
    line = OrderLine.objects.create(
        order=order, quarter=quarter, discreet_name="Saturday course", unit_price_cents=60_000
    )
    place = make_place(
        quarter, None, line=line, state="held", hold_expires_at=now + timedelta(minutes=35)
    )

    listing = text_of(staff_client, address("enrollment"))
    page = text_of(staff_client, address("enrollment", "inspect", place.pk))

    assert "Hanna Winter 2027 1 Held until 10:35 am Eastern" in listing
    type(place).objects.update(hold_expires_at=now + timedelta(days=1))
    tomorrow = text_of(staff_client, address("enrollment"))
    assert "Held until Tue, Nov 24, 2026, 10:00 am Eastern" in tomorrow
    assert "hanna@example.org" in page
    assert "None yet; it opens with the payment" in text_of(
        staff_client, address("order", "inspect", order.pk)
    )


def test_a_bundle_that_was_bought_leads_to_its_order(loaded_site, now, staff_client):
    member = make_member()
    order = Order.objects.create(
        email=member.email, chosen_name="Ann", currency="usd", created_at=now
    )
    line = OrderLine.objects.create(
        order=order, bundle=bundle(), discreet_name="Video course", unit_price_cents=29_700
    )
    access = make_access(member, line=line)

    url = address("bundleaccess", "inspect", access.pk)
    text, page = text_of(staff_client, url), staff_client.get(url).content.decode()

    assert f"Bought with order {str(order.uuid)[:8]}" in text
    assert address("order", "inspect", order.pk) in page
    assert "Am I A Sex Addict? Video course $297" in text_of(
        staff_client, address("order", "inspect", order.pk)
    )


def test_a_place_without_an_order_is_shown_too(loaded_site, now, staff_client):
    place = make_place(make_quarter(), None, state="applied", seat_number=None)

    assert "Nobody yet" in text_of(staff_client, address("enrollment", "inspect", place.pk))


def test_a_cancelled_meeting_is_marked_with_its_reason(loaded_site, now, staff_client):
    quarter = make_quarter()
    quarter.meetings.filter(number=2).update(is_cancelled=True, note="A holiday.")

    for url in (address("meeting"), address("quarter", "inspect", quarter.pk)):
        assert text_of(staff_client, url).count("Cancelled A holiday.") == 1


def test_a_draft_shows_the_address_of_its_page_without_leading_there(
    loaded_site, now, staff_client
):
    quarter = make_quarter(state="draft", slug="winter-2027")

    page = staff_client.get(address("quarter", "inspect", quarter.pk)).content.decode()

    assert "/enroll/winter-2027/" in page
    assert 'href="/enroll/winter-2027/"' not in page


# --- the home page of the admin -----------------------------------------------------------------


@pytest.mark.parametrize(("role", "shown"), [("owner", True), ("viewer", True), ("staff", False)])
def test_the_home_page_says_how_many_orders_wait_and_not_whose(loaded_site, now, role, shown):
    quarter = make_quarter()
    for name in ("Ann", "Bea"):
        make_order(quarter, name, state="review", attention="seat_gone")
    client = browser_of(make_person(role))

    page = client.get("/staff/").content.decode()

    assert ("2 orders need a person" in page) is shown
    assert (address("order") + "?attention=any" in page) is shown
    assert "bea@example.org" not in page


def test_the_home_page_says_what_else_waits(loaded_site, now, staff_client, owner_of_site):
    order = make_order(make_quarter())
    make_refund(order, state="proposed")
    make_refund(order, state="proposed", requested_by=owner_of_site)
    make_event(1, outcome="error", created=now - timedelta(minutes=15))
    make_event(2, outcome="error", created=now - timedelta(minutes=14))
    Reconciliation.objects.create(started_at=MOMENT, findings=["oversold 1"] * 5)
    Reconciliation.objects.create(started_at=now, findings=["oversold 1", "oversold 2"])

    page = staff_client.get("/staff/").content.decode()

    for words in (
        "1 refund waits for a second person",
        "1 event of Stripe failed",
        "2 things do not balance with Stripe",
    ):
        assert words in page
    assert "order needs a person" not in page


@pytest.mark.parametrize(
    ("held", "line"),
    [
        ("view_order", "1 order needs a person"),
        ("approve_refund", "1 refund waits for a second person"),
        ("view_stripeevent", "1 event of Stripe failed"),
        ("view_reconciliation", "1 thing does not balance with Stripe"),
    ],
)
def test_everybody_is_told_of_what_she_may_look_at(loaded_site, now, held, line):
    make_refund(make_order(make_quarter(), attention="drift"), state="proposed")
    make_event(1, outcome="error")
    Reconciliation.objects.create(started_at=now, findings=["oversold 1"])
    client = browser_of(make_staff("money@example.org", held))

    page = client.get("/staff/").content.decode()

    lines = ("needs a person</a>", "waits for", "of Stripe failed", "does not balance")
    assert line in page
    assert sum(told in page for told in lines) == 1


def test_the_home_page_is_quiet_when_nothing_waits(rows, staff_client):
    assert "Needs a person" not in staff_client.get("/staff/").content.decode()


# --- nothing about people where it could not be erased ------------------------------------------


def test_orders_leave_no_trace_in_the_index_of_references(rows):
    indexed = {model.__name__ for model in ReferenceIndex.indexed_models}

    kept_out = {"Order", "Enrollment", "BundleAccess", "StripeEvent", "Refund", "Dispute"}
    assert indexed & kept_out == set()


def test_the_log_names_the_quarter_and_no_member(rows, staff_client):
    staff_client.post(address("quarter", "close", rows["quarter"]))

    entry = ModelLogEntry.objects.get(content_type__model="quarter")
    assert (entry.label, entry.action, entry.data) == ("Winter 2027", "enrollments.close", {})
    assert entry.user.email == "staff@example.org"
