"""Loading the sample quarters, and what is due every minute."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from enrollments.models import BundlePrice, Enrollment, Meeting, Quarter
from tests.factories.enrollments import bundle

pytestmark = pytest.mark.django_db


@pytest.fixture
def nothing_on_sale(loaded_site):
    Quarter.objects.all().delete()
    BundlePrice.objects.all().delete()


def test_the_sample_quarters_are_loaded_once_however_often_it_is_asked(nothing_on_sale):
    for _ in range(2):
        call_command("load_quarters", verbosity=0)

    quarters = Quarter.objects.order_by("closes_at")
    assert [(q.label, q.state, q.is_sample) for q in quarters] == [
        ("Winter 2027", "open", True),
        ("Spring 2027", "open", True),
    ]
    assert Meeting.objects.count() == 24
    assert list(quarters[0].bundles.all()) == [bundle()]


def test_the_sample_dates_are_those_of_the_content(nothing_on_sale):
    call_command("load_quarters", verbosity=0)

    winter = Quarter.objects.get(label="Winter 2027")
    dates = [m.local_start(winter.zone).date().isoformat() for m in winter.meetings.all()]
    assert (dates[0], dates[9], dates[-1]) == ("2027-01-09", "2027-03-13", "2027-03-27")


@pytest.mark.parametrize(
    ("today", "made"),
    [
        ("2027-01-08", {"2027-q1": "2027-01-09", "2027-q2": "2027-04-10"}),
        ("2027-01-09", {"2028-q1": "2028-01-08", "2027-q2": "2027-04-10"}),
        ("2029-04-06", {"2030-q1": "2030-01-05", "2029-q2": "2029-04-07"}),
    ],
)
def test_samples_that_have_begun_are_made_a_year_later(nothing_on_sale, today, made):
    with time_machine.travel(f"{today}T15:00:00+00:00"):
        call_command("load_quarters", verbosity=0)

    starts = {q.slug: q.meetings.first().local_start(q.zone) for q in Quarter.objects.all()}
    assert {slug: start.date().isoformat() for slug, start in starts.items()} == made
    assert {start.strftime("%A") for start in starts.values()} == {"Saturday"}
    assert {q.label[-4:] for q in Quarter.objects.all()} == {slug[:4] for slug in made}


def test_a_price_that_staff_changed_is_left_as_it_is(nothing_on_sale):
    call_command("load_quarters", verbosity=0)
    BundlePrice.objects.update(price_cents=11_100)

    call_command("load_quarters", verbosity=0)

    assert BundlePrice.objects.get().price_cents == 11_100


def test_samples_are_not_loaded_outside_demo_mode(nothing_on_sale, settings):
    settings.DEMO_MODE = False

    with pytest.raises(CommandError):
        call_command("load_quarters", verbosity=0)

    assert Quarter.objects.count() == 0


def test_a_tick_frees_what_has_lapsed_and_a_second_one_changes_nothing(standin, held_order, queued):
    Enrollment.objects.update(hold_expires_at=timezone.now() - timedelta(minutes=1))

    for _ in range(2):
        call_command("tick", verbosity=0)

    assert Enrollment.objects.get().state == Enrollment.State.RELEASED
