"""Leaving her group herself: read first, pressed once, and only ever her own."""

from __future__ import annotations

from datetime import date

import pytest
from django.core import mail
from django.test import Client

from core.discretion import leak_words_in
from enrollments.models import Enrollment, Order, OrderLine, PaymentPlan, Quarter
from enrollments.operations import moves
from tests.factories.enrollments import (
    bundle,
    make_access,
    make_entry,
    make_member,
    make_place,
    make_quarter,
)
from tests.reading import told_by

pytestmark = pytest.mark.django_db


@pytest.fixture
def quarter(loaded_site) -> Quarter:
    return make_quarter(slug="winter-2027", first_date=date(2035, 1, 6))


@pytest.fixture
def ann(quarter):
    return make_member()


@pytest.fixture
def place(ann, quarter) -> Enrollment:
    """Ann's place, with an order that was paid."""
    order = Order.objects.create(
        member=ann,
        email=ann.email,
        chosen_name="Ann",
        state="paid",
        currency="usd",
        created_at=quarter.opens_at,
        paid_at=quarter.opens_at,
    )
    line = OrderLine.objects.create(
        order=order,
        quarter=quarter,
        discreet_name="Saturday course",
        unit_price_cents=60_000,
        paid_cents=60_000,
    )
    return make_place(quarter, ann, line=line)


@pytest.fixture
def ann_client(ann) -> Client:
    client = Client()
    client.force_login(ann)
    return client


PAGE = "/member/quarters/winter-2027/leave/"


def state_of(place: Enrollment) -> str:
    return Enrollment.objects.get(pk=place.pk).state


def test_her_page_leads_there_quietly(place, ann_client):
    assert f'href="{PAGE}"' in ann_client.get("/member/").content.decode()


def test_looking_changes_nothing(place, ann_client):
    page = ann_client.get(PAGE).content.decode()

    assert "You can take a break and keep your place" in page
    assert "Giving up your place gives no money back by itself." in page
    assert 'href="/refunds/"' in page
    assert state_of(place) == "enrolled"
    assert mail.outbox == []


def test_she_leaves_and_is_told(place, ann, ann_client):
    today = ann_client.post(PAGE, follow=True)

    page = today.content.decode()
    assert today.redirect_chain == [("/member/", 302)]
    assert "You have left the group." in page
    assert "Saturday course" not in page
    assert "Nothing is open for you now." in page
    assert "If you have just paid" not in page
    assert state_of(place) == "left"
    assert [letter.subject for letter in mail.outbox] == ["Your place has ended"]
    assert place.line.order.ledger.get(action="left").by == ann


def test_her_seat_goes_to_whoever_waits(place, quarter, ann_client):
    Quarter.objects.update(capacity=1)
    entry = make_entry(quarter)

    ann_client.post(PAGE)

    entry.refresh_from_db()
    assert entry.state == "offered"


def test_what_closes_and_what_stops_is_said_by_discreet_names(place, ann, ann_client):
    make_access(ann, enrollment=place)
    PaymentPlan.objects.create(
        order=place.line.order,
        subscription_id="sub_1",
        customer_id="cus_1",
        instalment_count=3,
        instalment_cents=20_000,
        created_at=place.created_at,
    )

    answer = ann_client.get(PAGE)

    page = answer.content.decode()
    assert f"{bundle().discreet_name} came with your place" in page
    assert "Your monthly payments stop." in page
    assert leak_words_in(told_by(answer)) == []


def test_of_a_group_that_has_begun_nobody_is_told_that_she_could_come_back(place, ann_client):
    Quarter.objects.update(state="running")

    page = ann_client.get(PAGE).content.decode()

    assert "The group has begun, so you cannot come back to it." in page


@pytest.mark.parametrize("way", ["get", "post"])
def test_only_she_herself_finds_it(place, quarter, way):
    fellow = make_member("rose@example.org")
    make_place(make_quarter(slug="another"), make_member("zoe@example.org"))
    browsers = {"fellow": Client(), "stranger": Client(), "visitor": Client(), "staff": Client()}
    browsers["fellow"].force_login(fellow)
    browsers["stranger"].force_login(make_member("eve@example.org"))
    browsers["staff"].force_login(make_member("staff@example.org", is_staff=True))

    statuses = {who: getattr(c, way)(PAGE).status_code for who, c in browsers.items()}

    assert statuses == {"fellow": 404, "stranger": 404, "visitor": 302, "staff": 404}
    assert state_of(place) == "enrolled"


def test_a_fellow_member_leaves_her_own_place_and_no_other(place, quarter):
    fellow = Client()
    rose = make_member("rose@example.org")
    hers = make_place(quarter, rose)
    fellow.force_login(rose)

    fellow.post(PAGE)

    assert (state_of(hers), state_of(place)) == ("left", "enrolled")


@pytest.mark.parametrize("state", ["left", "moved", "refunded", "released", "completed"])
def test_a_place_that_is_over_is_not_left(place, ann_client, state):
    Enrollment.objects.update(state=state)

    assert [ann_client.get(PAGE).status_code, ann_client.post(PAGE).status_code] == [404, 404]
    assert PAGE not in ann_client.get("/member/").content.decode()


def test_a_quarter_that_does_not_exist_is_nothing(place, ann_client):
    assert ann_client.get("/member/quarters/nothing/leave/").status_code == 404


def test_a_place_that_rests_can_be_left(place, ann_client):
    Order.objects.update(paused_for="instalment")

    ann_client.post(PAGE)

    assert state_of(place) == "left"


def test_pressed_twice_it_is_left_once(place, ann_client):
    statuses = [ann_client.post(PAGE).status_code for _ in range(2)]

    assert statuses == [302, 404]
    assert len(mail.outbox) == 1


def test_after_a_move_she_sees_her_new_dates_only(place, ann, ann_client, owner_of_site):
    spring = make_quarter(label="Spring 2035", slug="spring", first_date=date(2035, 4, 7))

    moves.move(place_id=place.pk, target_id=spring.pk, by=owner_of_site, now=place.quarter.opens_at)

    page = ann_client.get("/member/").content.decode()
    assert "Saturday course, Spring 2035" in page
    assert "Winter 2027" not in page
    assert ann_client.get(PAGE).status_code == 404


def test_the_page_is_kept_by_nobody(place, ann_client):
    answer = ann_client.get(PAGE)

    assert (answer["Cache-Control"], answer["X-Robots-Tag"]) == ("no-store, private", "noindex")


@pytest.mark.parametrize("count", [1, 3])
def test_the_page_costs_the_same_however_much_closes(
    place, ann, ann_client, count, django_assert_num_queries
):
    for _ in range(count - 1):
        make_place(make_quarter(), ann)
    make_access(ann, enrollment=place)
    ann_client.get(PAGE)

    with django_assert_num_queries(7):
        ann_client.get(PAGE)
