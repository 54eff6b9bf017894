"""What public pages say of quarters and prices."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.template import Context, Template
from django.utils import timezone

from enrollments import offers
from enrollments.models import BundlePrice, Meeting, Quarter
from programs.models import BundlePage, WorkshopPage
from tests.factories.enrollments import (
    bundle,
    make_member,
    make_place,
    make_price,
    make_quarter,
    workshop,
)

pytestmark = pytest.mark.django_db


def known_page() -> WorkshopPage:
    """The workshop, once the site's root has been looked up: Wagtail keeps that in the cache."""
    page = workshop()
    assert page.url
    return page


@pytest.fixture
def no_quarters(loaded_site):
    Quarter.objects.all().delete()


def test_the_soonest_coming_quarter_comes_first_and_past_ones_never(no_quarters, now):
    make_quarter(label="Spring", first_date=date(2027, 4, 10))
    make_quarter(label="Winter", first_date=date(2027, 1, 9))
    make_quarter(
        label="Past",
        first_date=date(2026, 9, 5),
        opens_at=datetime(2026, 8, 1, tzinfo=UTC),
        closes_at=datetime(2026, 9, 1, tzinfo=UTC),
    )
    make_quarter(label="Draft", first_date=date(2027, 1, 2), state=Quarter.State.DRAFT)

    coming = offers.quarter_offers(workshop(), now)

    assert [offer.label for offer in coming] == ["Winter", "Spring"]


def test_an_offer_says_what_a_visitor_needs(no_quarters, now):
    quarter = make_quarter(slug="winter-2027", first_date=date(2027, 1, 9), capacity=3)
    make_place(quarter, make_member())

    offer = offers.quarter_offers(workshop(), now)[0]

    assert (offer.price, offer.seats_left, offer.state) == ("$600", 2, "open")
    assert (offer.weeks, offer.zone_name) == (12, "Eastern")
    assert offer.start.isoformat() == "2027-01-09T10:00:00-05:00"
    assert offer.dates[-1].starts_at.isoformat() == "2027-03-27T10:00:00-04:00"
    assert offer.enroll_url == "/enroll/winter-2027/"


def test_samples_are_offered_in_demo_mode_only(no_quarters, now, settings):
    make_quarter(is_sample=True)
    make_price(is_sample=True)
    in_demo = len(offers.quarter_offers(workshop(), now)), offers.bundle_offer(bundle())["state"]
    settings.DEMO_MODE = False

    outside = len(offers.quarter_offers(workshop(), now)), offers.bundle_offer(bundle())["state"]

    assert (in_demo, outside) == ((1, "open"), (0, "none"))


@pytest.mark.parametrize("quarters", [1, 3])
def test_offers_cost_one_query_however_many_there_are(
    no_quarters, now, quarters, django_assert_num_queries
):
    for month in range(1, quarters + 1):
        make_quarter(first_date=date(2027, month, 2)).bundles.add(bundle())
    page = known_page()

    with django_assert_num_queries(1):
        offers.quarter_offers(page, now)


def test_every_tag_of_a_page_together_asks_once(no_quarters, django_assert_num_queries):
    make_quarter(first_date=date(2035, 1, 6))
    template = Template(
        "{% load enrollments_tags %}"
        "{% quarter_facts page %}{% quarter_dates page %}{% quarter_price_box page %}"
    )
    context = Context({"page": known_page()})

    with django_assert_num_queries(1):
        template.render(context)


def test_a_cancelled_meeting_is_said_to_be(no_quarters, now):
    quarter = make_quarter()
    Meeting.objects.filter(quarter=quarter, number=2).update(is_cancelled=True, note="Snow")

    offer = offers.quarter_offers(workshop(), now)[0]

    assert [(d.number, d.note) for d in offer.dates if d.is_cancelled] == [(2, "Snow")]


def test_a_bundle_without_a_price_is_not_on_sale(loaded_site):
    BundlePrice.objects.all().delete()

    assert offers.bundle_offer(bundle()) == {"state": "none", "discreet_name": "Video course"}


def test_the_next_start_of_each_workshop_is_one(no_quarters):
    make_quarter(label="Later", first_date=date(2036, 1, 5))
    make_quarter(label="Sooner", first_date=date(2035, 1, 6))

    starts = offers.next_starts(timezone.now())

    assert [offer.label for offer in starts] == ["Sooner"]


@pytest.mark.parametrize("address", ["/", "/programs/", "/programs/facing-heartbreak/"])
@pytest.mark.parametrize(("seats", "says_full"), [(1, True), (2, False)])
def test_every_page_that_names_the_next_start_says_when_it_is_full(
    client, no_quarters, address, seats, says_full
):
    quarter = make_quarter(capacity=seats)
    make_place(quarter, make_member())
    waitlist = f'<strong>Full.</strong> <a class="tap-link" href="/waitlist/{quarter.slug}/"'

    page = client.get(address).content.decode()

    assert (waitlist in page) == says_full


@pytest.mark.parametrize(
    "sentence", ["", "With it come videos that explain what she is up against."]
)
def test_a_price_box_speaks_of_included_videos_in_a_sentence_or_not_at_all(
    client, no_quarters, sentence
):
    BundlePage.objects.update(when_included=sentence)
    quarter = make_quarter()
    quarter.bundles.add(bundle())

    page = client.get("/programs/facing-heartbreak/").content.decode()

    assert bundle().title not in page.partition('class="price-box')[2].partition("</ul>")[0]
    assert (f"<li>{sentence}</li>" in page) == bool(sentence)
