"""The lists of the desks: what they cost, how they are searched and narrowed, and odd addresses."""

from __future__ import annotations

from uuid import UUID

import pytest

from enrollments.desks.orders import OrderDesk
from enrollments.models import (
    BundleAccess,
    Dispute,
    Order,
    Quarter,
    Refund,
    StripeEvent,
)
from tests.enrollments.desk_cast import (
    MODELS,
    MOMENT,
    address,
    browser_of,
    make_dispute,
    make_event,
    make_order,
    make_person,
    make_refund,
    one_row_at_every_desk,
    text_of,
)
from tests.factories.enrollments import (
    make_quarter,
)


@pytest.fixture
def rows(loaded_site, now) -> dict[str, int | str]:
    return one_row_at_every_desk()


# --- queries ------------------------------------------------------------------------------------


def one_more(model: str, number: int) -> None:
    quarter = make_quarter(label=f"Quarter {number}")
    order = make_order(quarter, name=f"Name{number}")
    make_refund(order, requested_by=order.member)
    make_dispute(order)
    make_event(number + 10)


COST = {
    "quarter": 12,
    "meeting": 12,
    "enrollment": 12,
    "order": 10,
    "refund": 10,
    "dispute": 10,
    "bundleaccess": 10,
    "stripeevent": 10,
}


@pytest.mark.parametrize("model", COST)
@pytest.mark.parametrize("count", [1, 3])
def test_a_list_costs_the_same_however_long_it_is(
    loaded_site, now, django_assert_num_queries, model, count
):
    for number in range(count):
        one_more(model, number)
    client = browser_of(make_person("owner"))
    client.get(address(model))

    with django_assert_num_queries(COST[model]):
        client.get(address(model))


# --- searching and filtering --------------------------------------------------------------------


@pytest.mark.parametrize("words", ["Bea", "bea@example.org", "cs_test_Bea", "uuid", "short number"])
def test_an_order_is_found_by_what_people_have_of_it(loaded_site, now, staff_client, words):
    quarter = make_quarter()
    make_order(quarter, "Ann")
    order = make_order(quarter, "Bea")
    asked = {"uuid": str(order.uuid), "short number": str(order.uuid)[:8]}.get(words, words)

    text = text_of(staff_client, address("order") + f"?q={asked}")

    assert "1 of 2" in text
    assert str(order).removeprefix("Order ") in text


def test_a_number_finds_its_order_and_not_every_one_that_holds_it(loaded_site, now, staff_client):
    quarter = make_quarter()
    order = make_order(quarter, "Ann", uuid=UUID("12345678-0000-4000-8000-000000000001"))
    make_order(quarter, "Bea", uuid=UUID("87654321-0000-4000-8000-000012345678"))

    whole = text_of(staff_client, address("order") + "?q=12345678")
    marked = text_of(staff_client, address("order") + "?q=%2312345678")
    part = text_of(staff_client, address("order") + "?q=1234")

    assert "1 of 2" in whole
    assert "1 of 2" in marked
    assert order.chosen_name in whole
    assert "Nothing matches" in part


@pytest.mark.parametrize("column", ["total", "paid"])
def test_orders_are_sorted_by_their_sums(loaded_site, now, staff_client, column):
    quarter = make_quarter()
    for name, cents in {"Ann": 9_000, "Bea": 100_000, "Eve": 27_919}.items():
        order = make_order(quarter, name)
        order.lines.update(unit_price_cents=cents)
        order.payments.update(amount_cents=cents)

    place = OrderDesk.list_display.index(column)
    page = staff_client.get(address("order") + f"?o={place}").content.decode()

    positions = [page.index(f">{written}<") for written in ("$90", "$279.19", "$1,000")]
    assert positions == sorted(positions)
    assert '<span class="desk-nowrap">$279.19</span>' in page


@pytest.mark.parametrize(
    ("model", "query", "shown"),
    [
        ("quarter", "state=draft", 1),
        ("quarter", "q=Quarter+1", 1),
        ("meeting", "quarter=first", 12),
        ("meeting", "when=past", 0),
        ("enrollment", "quarter=first", 1),
        ("enrollment", "state=held", 0),
        ("enrollment", "q=name2", 1),
        ("order", "attention=any", 1),
        ("order", "attention=seat_gone", 1),
        ("order", "state=paid", 2),
        ("order", "refunds=given", 2),
        ("order", "refunds=failed", 1),
        ("order", "refunds=waiting", 0),
        ("order", "refunds=none", 0),
        ("refund", "state=failed", 1),
        ("refund", "reason=asked", 3),
        ("dispute", "status=won", 1),
        ("dispute", "q=du_", 3),
        ("bundleaccess", "access=taken", 1),
        ("bundleaccess", "access=open", 2),
        ("stripeevent", "outcome=error", 1),
    ],
)
def test_lists_can_be_narrowed(loaded_site, staff_client, model, query, shown):
    for number in range(3):
        one_more(model, number)
    first = Quarter.objects.get(label="Quarter 0")
    first.state = "draft"
    first.save()
    Order.objects.filter(chosen_name="Name0").update(state="review", attention="seat_gone")
    BundleAccess.objects.filter(member__chosen_name="Name0").update(revoked_at=MOMENT)
    Refund.objects.filter(order__chosen_name="Name0").update(state="failed")
    Dispute.objects.filter(order__chosen_name="Name0").update(status="won")
    StripeEvent.objects.filter(pk="evt_10").update(outcome="error")

    response = staff_client.get(address(model) + "?" + query.replace("first", str(first.pk)))

    assert response.context["result_count"] == shown


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    "query",
    [
        "nonsense=1",
        "state=nonsense",
        "quarter=abc",
        "quarter=999999999999999999999",
        "state__startswith=o",
        "member__email__startswith=a",
        "join_link__startswith=h",
        "o=99.-99.x",
        "p=99",
        "p=-1",
        "p=x",
        "q=%27%22%3Cb%3E",
        "e=1",
    ],
)
def test_an_address_with_anything_else_shows_the_whole_list(rows, staff_client, model, query):
    response = staff_client.get(address(model) + f"?{query}")

    assert response.status_code == 200
    if not query.startswith("q="):
        assert response.context["result_count"] == response.context["all_count"]


@pytest.mark.parametrize("key", ["abc", "0", "99999999999999999999999", "-1"])
@pytest.mark.parametrize(
    ("model", "action"),
    [
        ("quarter", "edit"),
        ("quarter", "open"),
        ("order", "inspect"),
        ("order", "refund"),
        ("refund", "approve"),
        ("dispute", "evidence"),
        ("meeting", "history"),
    ],
)
def test_a_row_that_does_not_exist_is_not_found(loaded_site, staff_client, model, action, key):
    assert staff_client.get(address(model, action, key)).status_code == 404


# --- what an order came to ----------------------------------------------------------------------


def test_an_order_shows_what_was_paid_less_what_was_given_back(loaded_site, now, staff_client):
    order = make_order(make_quarter())
    make_refund(order)
    make_refund(order, state="pending")
    make_refund(order, state="failed")

    text = text_of(staff_client, address("order"))

    assert "$500 $600 less $100 given back" in text


def test_an_order_that_cost_nothing_shows_when_it_was_settled(loaded_site, now, staff_client):
    order = make_order(make_quarter())
    order.payments.all().delete()

    assert "$600 Fri, Nov 20, 2026 10:00 am Eastern" in text_of(staff_client, address("order"))
