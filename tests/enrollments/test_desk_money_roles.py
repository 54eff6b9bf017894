"""Who may see money and who may move it: every page of the desks, and everybody who might come."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group

from accounts.models import User
from enrollments.models import MoneySettings, Order, Refund
from tests.enrollments.desk_cast import (
    address,
    answers,
    browser_of,
    make_dispute,
    make_order,
    make_person,
    make_staff,
    mistakes,
    outcome,
    proposed,
)
from tests.factories.enrollments import make_quarter

ACTIONS = [
    ("order", "refund"),
    ("order", "return"),
    ("order", "resolve"),
    ("order", "open"),
    ("order", "let_go"),
    ("refund", "approve"),
    ("refund", "withdraw"),
    ("refund", "allot"),
    ("dispute", "evidence"),
]
WHO = {
    "owner": "page",
    "viewer": "denied",
    "staff": "denied",
    "member": "404",
    "visitor": "sign in",
}


def keys_of_rows(proposer) -> dict[str, int]:
    """An order with a refund and a dispute of it, by model."""
    order = make_order(make_quarter())
    return {
        "order": order.pk,
        "refund": proposed(order, by=proposer).pk,
        "dispute": make_dispute(order, status="won").pk,
    }


@pytest.mark.parametrize("role", WHO)
def test_pages_on_which_money_is_moved_are_for_who_may(loaded_site, now, role):
    keys = keys_of_rows(make_staff("proposer@example.org"))
    client = browser_of(make_person(role))

    seen = {(m, a): outcome(client.get(address(m, a, keys[m]))) for m, a in ACTIONS}

    assert seen == dict.fromkeys(ACTIONS, WHO[role])


@pytest.mark.parametrize("role", ["viewer", "staff", "member", "visitor"])
def test_nobody_else_moves_money(loaded_site, now, role):
    keys = keys_of_rows(make_staff("proposer@example.org"))
    Order.objects.update(attention="drift")
    client = browser_of(make_person(role))

    seen = {(m, a): outcome(client.post(address(m, a, keys[m]), answers())) for m, a in ACTIONS}

    assert seen == dict.fromkeys(ACTIONS, WHO[role])
    assert list(Refund.objects.values_list("state", flat=True)) == ["proposed"]
    assert Order.objects.get().attention == "drift"


@pytest.mark.parametrize(
    ("held", "opens"),
    [
        (("view_order",), set()),
        (("view_order", "change_order"), {("order", "resolve"), ("order", "let_go")}),
        (
            ("view_order", "change_order", "change_user"),
            {("order", "resolve"), ("order", "let_go"), ("order", "open")},
        ),
        (
            ("view_order", "add_refund"),
            {("order", "refund"), ("order", "return"), ("refund", "withdraw"), ("refund", "allot")},
        ),
        (("add_refund",), {("refund", "withdraw"), ("refund", "allot")}),
        (("approve_refund",), {("refund", "approve"), ("refund", "withdraw")}),
        (("change_dispute",), {("dispute", "evidence")}),
    ],
)
def test_each_permission_opens_its_own_pages(loaded_site, now, held, opens):
    staff = make_staff("money@example.org", *held)
    keys = keys_of_rows(staff)
    client = browser_of(staff)

    seen = {
        (model, action)
        for model, action in ACTIONS
        if outcome(client.get(address(model, action, keys[model]))) == "page"
    }

    assert seen == opens


@pytest.mark.parametrize("group", ["Editors", "Clinical lead"])
def test_editors_see_no_money(loaded_site, now, group):
    keys = keys_of_rows(make_staff("proposer@example.org"))
    editor = User.objects.create_user("editor@example.org", is_staff=True)
    editor.groups.add(Group.objects.get(name=group))
    client = browser_of(editor)
    looked_at = [*ACTIONS, ("order", "inspect"), ("refund", "inspect"), ("dispute", "inspect")]

    seen = {outcome(client.get(address(model, action, keys[model]))) for model, action in looked_at}
    home = client.get("/staff/").content.decode()

    assert seen == {"denied"}
    assert "Orders" not in home
    assert outcome(client.get(settings_address())) == "denied"


# --- settings -----------------------------------------------------------------------------------


def settings_address() -> str:
    return f"/staff/settings/enrollments/moneysettings/{MoneySettings.load().pk}/"


@pytest.mark.parametrize("role", WHO)
def test_the_rules_are_for_who_may_change_them(loaded_site, role):
    client = browser_of(make_person(role))

    assert outcome(client.get(settings_address())) == WHO[role]
    answer = client.post(settings_address(), RULES | {"seen": seen_by(client)})
    assert outcome(answer) in (WHO[role], "302")
    assert (MoneySettings.load().days_of_grace == 10) is (role == "owner")


RULES = {"second_person_above": "499.50", "days_of_grace": "10"}


def seen_by(client) -> str:
    """What the form of the settings shows ``client``; nothing where it is not hers to see."""
    page = client.get(settings_address())
    return page.context["form"]["seen"].value() if outcome(page) == "page" else ""


def test_the_limit_is_typed_as_money(loaded_site):
    client = browser_of(make_staff("money@example.org", "change_moneysettings"))

    client.post(settings_address(), RULES | {"seen": seen_by(client)})

    assert MoneySettings.load().second_person_above_cents == 49_950
    assert 'value="499.50"' in client.get(settings_address()).content.decode()


def test_without_a_limit_one_person_is_enough(loaded_site, staff_client):
    MoneySettings.objects.update_or_create(defaults={"second_person_above_cents": 10_000})

    sent = RULES | {"second_person_above": "", "seen": seen_by(staff_client)}
    staff_client.post(settings_address(), sent)

    assert MoneySettings.load().second_person_above_cents is None


@pytest.mark.parametrize("typed", ["-1", "x", "1.005", "1e9", "NaN", "Infinity"])
def test_a_limit_that_is_no_amount_is_refused(loaded_site, staff_client, typed):
    sent = RULES | {"second_person_above": typed, "seen": seen_by(staff_client)}
    answer = staff_client.post(settings_address(), sent)

    assert list(mistakes(answer)) == ["second_person_above"]
    assert MoneySettings.load().second_person_above_cents is None
