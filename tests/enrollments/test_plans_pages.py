"""The pages of a plan: hers to her, nothing to others; every way leads to her own at Stripe."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from config.settings import base
from core.discretion import leak_words_in
from devtools.stripe_standin.control import LATER_AUTHENTICATED_CARD
from enrollments.models import Order, PaymentPlan
from tests.enrollments.plan_stage import begin_plan
from tests.factories.enrollments import bundle, make_member, make_quarter
from tests.reading import told_by

SIGN_IN = "/account/login/"


@pytest.fixture
def quarter(loaded_site):
    """Three payments of $210; the bundle is included."""
    quarter = make_quarter(instalment_count=3, instalment_cents=21_000)
    quarter.bundles.add(bundle())
    return quarter


@pytest.fixture
def plan(standin, quarter):
    """Ann has paid the first of three instalments."""
    return begin_plan(standin, quarter)


@pytest.fixture
def overdue(plan, standin):
    """Her second instalment did not come."""
    standin.break_card(plan.row.customer_id)
    plan.months_pass()
    return plan


@pytest.fixture
def suspended(overdue):
    """And the days of grace are over."""
    PaymentPlan.objects.update(state="suspended")
    Order.objects.update(paused_for="instalment")
    return overdue


@pytest.fixture
def ann(plan) -> Client:
    return browser(plan.order.member)


def browser(member=None) -> Client:
    client = Client()
    if member:
        client.force_login(member)
    return client


def page_of(plan) -> str:
    return reverse("plan", args=[plan.order.uuid])


def card_of(plan) -> str:
    return reverse("plan_portal", args=[plan.order.uuid])


def way_to_pay(plan) -> str:
    return reverse("plan_pay", args=[plan.order.uuid])


# --- who may --------------------------------------------------------------------------------------


def outcome(response) -> str:
    if response.status_code == 302 and response["Location"].startswith(SIGN_IN):
        return "sign in"
    return str(response.status_code)


@pytest.mark.parametrize(
    ("who", "outcomes"),
    [
        ("owner", ["200", "303", "303"]),
        ("fellow member", ["404", "404", "404"]),
        ("stranger", ["404", "404", "404"]),
        ("staff", ["404", "404", "404"]),
        ("visitor", ["sign in", "sign in", "sign in"]),
    ],
)
def test_a_plan_is_its_members_and_nobody_elses(standin, quarter, plan, who, outcomes):
    client = {
        "owner": lambda: browser(plan.order.member),
        "fellow member": lambda: browser(
            begin_plan(standin, quarter, email="rose@example.org").order.member
        ),
        "stranger": lambda: browser(make_member("eve@example.org")),
        "staff": lambda: browser(
            make_member("staff@example.org", is_staff=True, is_superuser=True)
        ),
        "visitor": browser,
    }[who]()

    answers = [
        client.get(page_of(plan)),
        client.post(card_of(plan)),
        client.get(way_to_pay(plan)),
    ]

    assert [outcome(answer) for answer in answers] == outcomes


def test_the_browser_that_bought_has_to_sign_in_as_well(client, standin, plan):
    session = client.session
    session["orders"] = [str(plan.order.uuid)]
    session.save()

    assert outcome(client.get(page_of(plan))) == "sign in"


def test_an_order_without_a_plan_has_no_page_of_one(standin, held_order):
    member = make_member("ann@example.org")
    Order.objects.update(member=member)

    answer = browser(member).get(reverse("plan", args=[held_order.order.uuid]))

    assert answer.status_code == 404


@pytest.mark.parametrize(("way", "method"), [("plan_portal", "get"), ("plan", "post")])
def test_what_changes_nothing_is_asked_for_and_what_makes_a_page_is_sent(ann, plan, way, method):
    address = reverse(way, args=[plan.order.uuid])

    assert getattr(ann, method)(address).status_code == 405


# --- the card -------------------------------------------------------------------------------------


def test_the_button_leads_to_her_own_page_at_stripe_and_back_here(ann, plan, standin):
    answer = ann.post(card_of(plan))

    page = standin.read(answer["Location"])
    assert answer["Location"].startswith(standin.base_url)
    assert f'href="http://testserver{page_of(plan)}"' in page


def test_every_click_gets_a_page_of_its_own(ann, plan):
    pages = {ann.post(card_of(plan))["Location"] for _ in range(2)}

    assert len(pages) == 2


def test_the_browser_may_follow_the_button(ann, plan, standin):
    policy = ann.get(page_of(plan))["Content-Security-Policy"]

    assert standin.base_url in policy.partition("form-action")[2].partition(";")[0]
    assert "https://billing.stripe.com" in base.FORM_ACTION_SOURCES


@pytest.mark.parametrize(
    ("address", "method"), [(card_of, "post"), (way_to_pay, "get")], ids=["card", "pay"]
)
def test_while_stripe_is_down_a_page_says_so(ann, plan, standin, address, method):
    standin.fault("refuse", count=4)

    answer = getattr(ann, method)(address(plan), follow=True)

    assert answer.status_code == 200
    assert "We could not reach the payment company just now." in answer.content.decode()


def test_the_page_itself_opens_while_stripe_is_down(overdue, standin):
    standin.fault("refuse", count=2)

    page = browser(overdue.order.member).get(page_of(overdue)).content.decode()

    assert "We could not reach the payment company just now." in page
    assert "A payment has not gone through yet." in page


# --- paying one that is missing -------------------------------------------------------------------


def test_an_unpaid_instalment_has_a_page_where_it_can_be_paid(overdue, standin):
    ann = browser(overdue.order.member)

    answer = ann.get(way_to_pay(overdue))
    standin.pay_invoice(answer["Location"])
    page = ann.get(page_of(overdue)).content.decode()

    assert answer["Location"] == standin.invoices()[-1]["hosted_invoice_url"]
    assert "2 of 3 payments have arrived." in page
    assert overdue.row.state == "active"


def test_one_that_her_bank_wants_confirmed_is_confirmed_there(standin, quarter):
    plan = begin_plan(standin, quarter, card=LATER_AUTHENTICATED_CARD)
    plan.months_pass()

    answer = browser(plan.order.member).get(way_to_pay(plan))

    assert answer["Location"].startswith(f"{standin.base_url}/i/")


def test_when_nothing_is_unpaid_the_way_leads_to_her_payments(ann, plan):
    answer = ann.get(way_to_pay(plan))

    assert (answer.status_code, answer["Location"]) == (303, page_of(plan))


# --- what the pages say ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "sentence", "has_button"),
    [
        ("unscheduled", "1 of 3 payments has arrived.", True),
        ("active", "1 of 3 payments has arrived.", True),
        ("past_due", "A payment has not gone through yet.", True),
        ("suspended", "so your pages rest for now", True),
        ("finished", "Everything is paid.", False),
        ("ended", "Your monthly payments have ended.", False),
    ],
)
def test_each_state_in_plain_words(ann, plan, state, sentence, has_button):
    PaymentPlan.objects.update(state=state, past_due_since=plan.order.paid_at)

    response = ann.get(page_of(plan))

    page = response.content.decode()
    assert sentence in page
    assert ("Update how I pay" in page) is has_button
    assert "3 monthly payments of $210, $630 in all." in page
    assert leak_words_in(told_by(response)) == []
    for word in ("overdue", "debt", "failed", "behind"):
        assert word not in page.lower().partition("<main")[2]


def test_a_plan_that_stopped_at_stripe_offers_no_button_that_leads_nowhere(plan, stripe_sdk):
    stripe_sdk.v1.subscriptions.cancel(plan.row.subscription_id)
    plan.hear()

    page = browser(plan.order.member).get(page_of(plan)).content.decode()

    assert "Your monthly payments have stopped before they were complete" in page
    assert "Update how I pay" not in page


def test_nobody_keeps_a_copy_of_her_payments(ann, plan):
    page = ann.get(page_of(plan))

    assert page["Cache-Control"] == "no-store, private"
    assert page["X-Robots-Tag"] == "noindex"


@pytest.mark.parametrize("months", [0, 2])
def test_her_payments_cost_the_same_however_many_there_are(
    ann, plan, months, django_assert_num_queries
):
    plan.months_pass(months)
    ann.get(page_of(plan))

    with django_assert_num_queries(7):
        ann.get(page_of(plan))


# --- the member area ------------------------------------------------------------------------------


def lessons_of(client: Client) -> int:
    return client.get(reverse("member_lessons", args=[bundle().slug])).status_code


def test_every_member_page_is_closed_while_her_access_rests_and_open_after(suspended, standin):
    ann = browser(suspended.order.member)
    closed = ann.get("/member/").content.decode()
    assert ("Saturday course, Winter 2027" in closed, lessons_of(ann)) == (False, 404)

    standin.pay_invoice(standin.invoices()[-1]["hosted_invoice_url"])
    suspended.hear()

    opened = ann.get("/member/").content.decode()
    assert ("Saturday course, Winter 2027" in opened, lessons_of(ann)) == (True, 200)


def test_while_it_rests_a_quiet_line_says_so_with_the_button(suspended):
    response = browser(suspended.order.member).get("/member/")

    page = response.content.decode()
    assert "a payment has not gone through yet, so it rests for now." in page
    assert f'action="{card_of(suspended)}"' in page
    assert "There is nothing here yet." not in page
    assert leak_words_in(told_by(response)) == []


def test_in_the_days_of_grace_the_line_says_until_when(overdue):
    page = browser(overdue.order.member).get("/member/").content.decode()

    until = overdue.row.grace_ends_at
    assert f"Everything stays open for you until {until:%B} {until.day}, {until.year}." in page
    assert "Saturday course, Winter 2027" in page


def test_a_plan_in_order_is_only_a_link(ann, plan):
    page = ann.get("/member/").content.decode()

    assert f'href="{page_of(plan)}"' in page
    assert "has not gone through" not in page


def test_a_fellow_members_plan_is_not_mentioned(suspended):
    page = browser(make_member("rose@example.org")).get("/member/").content.decode()

    assert "/orders/plan/" not in page


@pytest.mark.parametrize("count", [1, 3])
def test_her_page_costs_the_same_however_many_plans_she_has(
    standin, loaded_site, count, django_assert_num_queries
):
    for number in range(count):
        quarter = make_quarter(
            label=f"Quarter {number}", instalment_count=3, instalment_cents=21_000
        )
        plan = begin_plan(standin, quarter)
    ann = browser(plan.order.member)
    ann.get("/member/")

    with django_assert_num_queries(8):
        ann.get("/member/")
