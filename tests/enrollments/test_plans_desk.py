"""The desk of payment plans: what it shows, who may decide, and what each decision does."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.utils import timezone

from enrollments import offers
from enrollments.models import Instalment, Order, PaymentPlan, Quarter
from tests.enrollments.desk_cast import (
    MOMENT,
    address,
    browser_of,
    make_order,
    make_person,
    make_staff,
    mistakes,
    outcome,
    text_of,
)
from tests.enrollments.test_desk_forms import new_quarter
from tests.factories.enrollments import make_quarter, workshop

State = PaymentPlan.State


def make_plan(name: str = "Ann", **changes) -> PaymentPlan:
    """One of three payments of $210 is paid."""
    quarter = make_quarter(label=f"Quarter of {name}")
    order = make_order(quarter, name, instalment_count=3, instalment_cents=21_000)
    plan = PaymentPlan.objects.create(
        **{
            "order": order,
            "subscription_id": f"sub_{name}",
            "schedule_id": f"sub_sched_{name}",
            "customer_id": f"cus_{name}",
            "instalment_count": 3,
            "instalment_cents": 21_000,
            "state": "active",
            "created_at": MOMENT,
        }
        | changes
    )
    Instalment.objects.create(
        plan=plan,
        number=1,
        invoice_id=f"in_{name}",
        payment=order.payments.get(),
        amount_cents=21_000,
        paid_at=MOMENT,
    )
    return plan


def make_overdue(name: str = "Ann", **changes) -> PaymentPlan:
    """The second instalment did not come, and her access rests."""
    plan = make_plan(name, **{"state": "suspended", "past_due_since": MOMENT} | changes)
    plan.order.paused_for = "instalment"
    plan.order.attention = Order.Attention.PLAN_OVERDUE
    plan.order.save()
    return plan


ACTIONS = ("more-days", "open-access", "end")


def page_of(plan: PaymentPlan, action: str = "inspect") -> str:
    return address("paymentplan", action, plan.pk)


@pytest.fixture
def decider(loaded_site):
    """A browser of somebody who may decide about plans."""
    return browser_of(make_staff("money@example.org", "change_paymentplan"))


# --- who may ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "may_look", "may_decide"),
    [
        ("owner", "page", "page"),
        ("decider", "page", "page"),
        ("looker", "page", "denied"),
        ("staff", "denied", "denied"),
        ("member", "404", "404"),
        ("visitor", "sign in", "sign in"),
    ],
)
def test_looking_and_deciding_take_a_permission_each(loaded_site, now, role, may_look, may_decide):
    plan = make_overdue()
    people = {"decider": "change_paymentplan", "looker": "view_paymentplan"}
    if role in people:
        client = browser_of(make_staff(f"{role}@example.org", people[role]))
    else:
        client = browser_of(make_person(role))

    looked = [outcome(client.get(url)) for url in (address("paymentplan"), page_of(plan))]
    decided = [outcome(client.get(page_of(plan, action))) for action in ACTIONS]

    assert (looked, decided) == ([may_look] * 2, [may_decide] * 3)


def test_whoever_may_only_look_cannot_decide_by_sending_the_form(loaded_site, now):
    plan = make_overdue()
    client = browser_of(make_staff("looker@example.org", "view_paymentplan"))

    answers = [client.post(page_of(plan, action), {"days": 3}) for action in ACTIONS]

    assert [outcome(answer) for answer in answers] == ["denied"] * 3
    assert PaymentPlan.objects.get().state == State.SUSPENDED


def test_nothing_is_added_changed_or_deleted_at_this_desk(loaded_site, now):
    plan = make_plan()
    client = browser_of(make_person("owner"))
    addresses = [address("paymentplan", "create"), page_of(plan, "edit"), page_of(plan, "delete")]

    assert [outcome(client.get(url)) for url in addresses] == ["denied"] * 3


# --- what it shows --------------------------------------------------------------------------------


def test_the_list_begins_with_what_has_been_missing_longest(decider, now):
    make_plan("Ann")
    make_overdue("Bea", past_due_since=MOMENT)
    make_overdue("Cia", past_due_since=MOMENT - timedelta(days=3), state="past_due")

    page = text_of(decider, address("paymentplan"))

    assert page.index("Cia") < page.index("Bea") < page.index("Ann")
    assert "1 of 3" in page


@pytest.mark.parametrize(
    ("state", "names"),
    [("overdue", {"Bea", "Cia"}), ("past_due", {"Cia"}), ("active", {"Ann"}), ("x", None)],
)
def test_the_list_is_narrowed_by_state(decider, now, state, names):
    make_plan("Ann")
    make_overdue("Bea")
    make_overdue("Cia", state="past_due")

    page = text_of(decider, address("paymentplan") + f"?state={state}")

    shown = {name for name in ("Ann", "Bea", "Cia") if f"{name} " in page}
    assert shown == (names or {"Ann", "Bea", "Cia"})


@pytest.mark.parametrize("words", ["bea", "bea@example.org", "sub_Bea"])
def test_a_plan_is_found_by_its_person_and_its_number(decider, now, words):
    make_plan("Ann")
    make_plan("Bea")

    page = text_of(decider, address("paymentplan") + f"?q={words}")

    assert ("Bea" in page, "Ann " in page) == (True, False)


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_costs_the_same_however_long_it_is(
    loaded_site, now, count, django_assert_num_queries
):
    for number in range(count):
        make_overdue(f"Name{number}")
    client = browser_of(make_person("owner"))
    client.get(address("paymentplan"))

    with django_assert_num_queries(10):
        client.get(address("paymentplan"))


def test_an_empty_list_says_so(decider):
    assert "Nobody pays month by month yet." in text_of(decider, address("paymentplan"))


def test_the_page_says_what_was_agreed_what_came_and_what_can_be_done(decider, now):
    page = text_of(decider, page_of(make_overdue()))

    assert "3 instalments of $210, $630 in all" in page
    assert "1 of 3" in page
    assert "Her access rests. Write to her." in page
    for button in ("Give more days", "Open her access", "End the plan"):
        assert button in page


def test_a_plan_in_order_asks_for_nothing(decider, now):
    page = text_of(decider, page_of(make_plan()))

    assert "An instalment is missing" not in page
    assert "End the plan" not in page


def test_a_plan_that_stopped_at_stripe_says_that_nothing_more_comes(decider, now):
    plan = make_overdue(subscription_ended_at=MOMENT)

    assert "Nothing more is asked for by itself." in text_of(decider, page_of(plan))
    assert "let go, and the plan is over" in text_of(decider, page_of(plan, "open-access"))


def test_whoever_may_only_look_is_offered_nothing(loaded_site, now):
    client = browser_of(make_staff("looker@example.org", "view_paymentplan"))

    assert "End the plan" not in text_of(client, page_of(make_overdue()))


# --- deciding -------------------------------------------------------------------------------------


def test_asking_changes_nothing(decider, now):
    plan = make_overdue()

    for action in ACTIONS:
        decider.get(page_of(plan, action))

    assert PaymentPlan.objects.get().state == State.SUSPENDED


def test_more_days_are_given_and_written_down(decider, now):
    plan = make_overdue()

    response = decider.post(page_of(plan, "more-days"), {"days": "10"}, follow=True)

    plan.refresh_from_db()
    assert "open until" in response.content.decode()
    assert (plan.state, plan.grace_ends_at) == (State.PAST_DUE, timezone.now() + timedelta(days=10))
    assert plan.order.ledger.get(action="plan").by.email == "money@example.org"
    assert [letter.subject for letter in mail.outbox] == ["Your pages are open again"]


@pytest.mark.parametrize("days", ["", "0", "61", "-1", "2.5", "soon", "9" * 40])
def test_a_mistake_gets_a_sentence_and_keeps_what_was_typed(decider, now, days):
    plan = make_overdue()

    response = decider.post(page_of(plan, "more-days"), {"days": days})

    sentence = "Enter a whole number of days, from 1 to 60."
    assert mistakes(response) == {"days": [sentence]}
    assert response.context["form"]["days"].value() == days
    assert PaymentPlan.objects.get().state == State.SUSPENDED


def test_access_is_opened(decider, now):
    plan = make_overdue()

    decider.post(page_of(plan, "open-access"))

    plan.refresh_from_db()
    assert (plan.state, plan.order.paused_for, plan.order.attention) == (State.PAST_DUE, "", "")


def test_a_plan_is_ended_with_its_place(decider, now):
    plan = make_overdue()

    decider.post(page_of(plan, "end"))

    plan.refresh_from_db()
    assert plan.state == State.ENDED
    assert plan.order.lines.get().enrollment.state == "ended"


@pytest.mark.parametrize("action", ACTIONS)
def test_what_was_paid_meanwhile_needs_no_decision_any_more(decider, now, action):
    plan = make_plan()
    sentence = "This plan is not waiting for anything any more. Nothing was changed."

    asked = text_of(decider, page_of(plan, action))
    sent = decider.post(page_of(plan, action), {"days": "3"}).content.decode()

    assert (sentence in asked, sentence in sent) == (True, True)
    assert PaymentPlan.objects.get().state == State.ACTIVE


# --- what a quarter offers ------------------------------------------------------------------------


def typed(**changes) -> dict[str, object]:
    return new_quarter(price="600", **changes)


def test_staff_enter_how_many_instalments_and_how_much_each(loaded_site, staff_client):
    response = staff_client.post(
        address("quarter", "create"), typed(instalment_count="3", each_instalment="$210")
    )

    quarter = Quarter.objects.get()
    assert (quarter.instalment_count, quarter.instalment_cents) == (3, 21_000)
    page = text_of(staff_client, response.url)
    assert "3 monthly payments of $210, $630 in all" in page


def test_neither_is_no_offer(loaded_site, staff_client):
    response = staff_client.post(
        address("quarter", "create"), typed(instalment_count="", each_instalment=" ")
    )

    assert Quarter.objects.get().instalment_count is None
    assert "Not offered" in text_of(staff_client, response.url)


HOW_MANY = "Enter a whole number from 2 to 24, or leave it empty."


@pytest.mark.parametrize(
    ("given", "mistake"),
    [
        (("3", ""), {"each_instalment": ["Enter how much each instalment is."]}),
        (("", "210"), {"instalment_count": ["Enter how many instalments there are."]}),
        (("1", "210"), {"instalment_count": [HOW_MANY]}),
        (("25", "210"), {"instalment_count": [HOW_MANY]}),
        (("many", "210"), {"instalment_count": [HOW_MANY]}),
        (
            ("3", "a third"),
            {"each_instalment": ["Write the price as a number, for example 600.50."]},
        ),
        (("3", "0.20"), {"each_instalment": ["At least $0.50 has to be paid."]}),
    ],
)
def test_one_without_the_other_gets_a_sentence_and_keeps_what_was_typed(
    loaded_site, staff_client, given, mistake
):
    fields = dict(zip(("instalment_count", "each_instalment"), given, strict=True))

    response = staff_client.post(address("quarter", "create"), typed(**fields))

    assert mistakes(response) == mistake
    assert {name: response.context["form"][name].value() for name in fields} == fields
    assert Quarter.objects.count() == 0


def test_without_a_currency_only_the_currency_is_asked_for(loaded_site, staff_client):
    response = staff_client.post(
        address("quarter", "create"),
        typed(instalment_count="3", each_instalment="210", currency="dollars"),
    )

    assert list(mistakes(response)) == ["currency"]


def test_what_is_offered_can_be_changed_and_taken_back(loaded_site, staff_client):
    quarter = make_quarter(instalment_count=3, instalment_cents=21_050)
    edit = address("quarter", "edit", quarter.pk)
    form = staff_client.get(edit).context["form"]
    assert form["each_instalment"].value() == "210.50"
    kept = {name: form[name].value() or "" for name in form.fields if name != "bundles"}
    for name, value in kept.items():
        if isinstance(value, datetime):
            kept[name] = f"{value.astimezone(quarter.zone):%Y-%m-%d %H:%M}"

    staff_client.post(edit, kept | {"instalment_count": "4", "each_instalment": "160"})
    changed = Quarter.objects.get()
    kept["seen"] = staff_client.get(edit).context["form"]["seen"].value()
    staff_client.post(edit, kept | {"instalment_count": "", "each_instalment": ""})

    assert (changed.instalment_count, changed.instalment_cents) == (4, 16_000)
    assert Quarter.objects.get().instalment_cents is None


def test_visitors_read_both_ways_to_pay_and_the_total(loaded_site, client, now):
    Quarter.objects.all().delete()
    make_quarter(instalment_count=3, instalment_cents=21_000)

    [offer] = offers.quarter_offers(workshop(), now)
    page = client.get(workshop().url).content.decode()

    assert offer.instalments == "3 monthly payments of $210, $630 in all"
    assert "or 3 monthly payments of $210, $630 in all" in page
    assert "$600" in page
