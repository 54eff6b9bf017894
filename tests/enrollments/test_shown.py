"""Whatever changes between a page and its form is said before anything is held or charged."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from enrollments.models import BundlePrice, CheckoutAttempt, HelpCode, Meeting, Order, Quarter
from enrollments.operations import waitlist
from enrollments.shown import sealed
from tests.enrollments.test_choices import go_on, text_of, with_plan
from tests.enrollments.test_views import form_of
from tests.factories.enrollments import (
    bundle,
    make_code,
    make_entry,
    make_member,
    make_price,
    make_quarter,
)
from tests.factories.pages import make_bundle

pytestmark = pytest.mark.django_db


@pytest.fixture
def address(standin, quarter) -> str:
    """The enroll page of a quarter with a plan, beside which a bundle can be bought."""
    make_price()
    return f"/enroll/{with_plan(quarter).slug}/"


def dearer() -> None:
    Quarter.objects.update(price_cents=75_000)


def cheaper() -> None:
    Quarter.objects.update(price_cents=50_000)


def other_instalments() -> None:
    Quarter.objects.update(instalment_cents=25_000)


def no_instalments() -> None:
    Quarter.objects.update(instalment_count=None, instalment_cents=None)


def dearer_bundle() -> None:
    BundlePrice.objects.update(price_cents=35_000)


def no_bundle() -> None:
    BundlePrice.objects.update(on_sale=False)


def later() -> None:
    for meeting in Meeting.objects.order_by("-starts_at"):
        Meeting.objects.filter(pk=meeting.pk).update(starts_at=meeting.starts_at + timedelta(7))


def one_meeting_less() -> None:
    Meeting.objects.order_by("starts_at").last().delete()


def one_more_included() -> None:
    Quarter.objects.get().bundles.add(make_bundle())


CHANGES = [
    (dearer, {}, "The price is now $750. It was $600 when you opened this page."),
    (cheaper, {}, "The price is now $500. It was $600 when you opened this page."),
    (
        other_instalments,
        {"paying": "monthly"},
        "Paying monthly is now 3 monthly payments of $250 ($750 in all). It was",
    ),
    (
        no_instalments,
        {"paying": "monthly"},
        "Monthly payments are no longer offered for these dates.",
    ),
    (
        dearer_bundle,
        {"bundles": "the bundle"},
        "You can now add: Video course, for $350",
    ),
    (
        no_bundle,
        {"bundles": "the bundle"},
        "This can no longer be added: Video course, for $297",
    ),
    (
        later,
        {},
        "The first meeting is now on Saturday, January 16, 2027, 10:00 am Eastern.",
    ),
    (
        one_meeting_less,
        {},
        "There are now 11 meetings. There were 12 when you opened this page.",
    ),
    (
        one_more_included,
        {},
        "When you opened this page it was: nothing more.",
    ),
]


@pytest.mark.parametrize(
    ("change", "chosen", "sentence"), CHANGES, ids=[change.__name__ for change, _, _ in CHANGES]
)
def test_a_change_is_said_before_anything_is_held_and_the_next_press_goes_on(
    client, standin, address, change, chosen, sentence
):
    typed = {name: bundle().pk if name == "bundles" else value for name, value in chosen.items()}
    form = form_of(client, address, **typed)
    change()

    told = client.post(address, form)

    assert told.status_code in (409, 422)
    assert sentence in text_of(told)
    assert 'value="ann@example.org"' in told.content.decode()
    assert (Order.objects.count(), standin.requests("/v1/checkout/sessions")) == (0, [])
    assert go_on(client, told).status_code == 303


@pytest.mark.parametrize(
    ("change", "typed"),
    [(other_instalments, {}), (no_bundle, {}), (dearer, {"paying": "monthly"})],
    ids=["the plan", "the bundle", "the price at once"],
)
def test_what_was_not_chosen_may_change(client, standin, address, change, typed):
    form = form_of(client, address, **typed)
    change()

    assert client.post(address, form)["Location"].startswith(standin.base_url)


def test_a_mistake_in_the_form_hides_no_change(client, address):
    form = form_of(client, address, email="")
    dearer()

    told = client.post(address, form)

    assert told.status_code == 422
    assert "The price is now $750." in text_of(told)


def test_the_payment_page_asks_what_the_last_page_said(client, standin, address):
    form = form_of(client, address)
    dearer()

    sent = go_on(client, client.post(address, form))

    assert "$750" in standin.read(sent["Location"])


def test_an_order_that_keeps_its_price_says_so_where_it_is_changed(client, standin, address):
    client.post(address, form_of(client, address))
    order = Order.objects.get()
    dearer()

    page = client.get(f"{address}?order={order.uuid}")
    sent = go_on(client, page, bundles=[bundle().pk])

    assert "Pay $600 now" in text_of(page)
    assert "$897" in standin.read(sent["Location"])


def test_an_order_that_keeps_a_lower_price_than_a_new_page_says_so_first(client, standin, address):
    client.post(address, form_of(client, address))
    dearer()

    told = client.post(address, form_of(client, address))

    assert "The price is now $600. It was $750 when you opened this page." in text_of(told)
    assert "$600" in standin.read(go_on(client, told)["Location"])


def test_a_bundle_alone_is_never_dearer_than_its_page_said(client, standin, loaded_site):
    make_price()
    address = f"/buy/{bundle().slug}/"
    form = form_of(client, address)
    dearer_bundle()

    told = client.post(address, form)

    assert told.status_code == 409
    assert "The price is now $350. It was $297 when you opened this page." in text_of(told)
    assert Order.objects.count() == 0
    assert "$350" in standin.read(go_on(client, told)["Location"])


def test_a_kept_place_is_never_dearer_than_its_page_said(client, standin, loaded_site, now):
    quarter = make_quarter(capacity=1)
    entry = make_entry(quarter, "ann@example.org")
    waitlist.follow_up(now=now)
    address = f"/waitlist/offer/{entry.uuid}/"
    form = form_of_offer(client, address)
    dearer()

    told = client.post(address, form)

    entry.refresh_from_db()
    assert "The price is now $750. It was $600 when you opened this page." in text_of(told)
    assert (entry.is_kept_open, Order.objects.count()) == (True, 0)


def form_of_offer(client: Client, address: str) -> dict[str, str]:
    form = client.get(address).context["form"]
    carried = {name: str(form[name].value()) for name in ("form_id", "shown")}
    return {"chosen_name": "Ann"} | carried


def test_what_a_code_takes_off_is_shown_again_when_it_has_changed(client, standin, address):
    make_code()
    shown = client.post(address, form_of(client, address, code="QUIET25"))
    HelpCode.objects.update(percent_off=10)

    told = go_on(client, shown)

    assert told.status_code == 200
    assert "you pay $540 instead of $600" in text_of(told)
    assert Order.objects.count() == 0


@pytest.mark.parametrize(
    "shown", ["", "nonsense", sealed({"price": "$1"}) + "x", "\ud7ff\u00e9"], ids=range(4)
)
def test_a_form_that_carries_nothing_of_ours_is_shown_again(client, standin, address, shown):
    told = client.post(address, form_of(client, address, shown=shown))

    assert told.status_code == 409
    assert "Please look at this page once more" in text_of(told)
    assert Order.objects.count() == 0
    assert go_on(client, told).status_code == 303


def test_a_price_that_changes_after_the_look_is_refused_under_the_lock(
    client, standin, address, monkeypatch
):
    form = form_of(client, address)
    taken = []

    def change_meanwhile(*_arguments) -> list[str]:
        taken.append(Quarter.objects.update(price_cents=75_000))
        return []

    monkeypatch.setattr("enrollments.views.buying.differences", change_meanwhile)

    told = client.post(address, form)

    assert (told.status_code, taken) == (409, [1])
    assert "The price changed at this moment. Nothing was charged." in text_of(told)
    assert (Order.objects.count(), CheckoutAttempt.objects.count()) == (0, 0)


def test_the_choices_follow_the_code(client, standin, address):
    make_code()

    shown = client.post(address, form_of(client, address, code="QUIET25"))

    assert "Pay $450 now 3 monthly payments of $210 ($630 in all), without the code" in (
        text_of(shown)
    )
    assert "Pay $600 now" not in text_of(shown)


def test_a_member_reads_the_same(client, standin, address):
    client.force_login(make_member())
    form = form_of(client, address)
    dearer()

    assert "The price is now $750." in text_of(client.post(address, form))
