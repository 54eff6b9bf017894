"""A member's own pages: hers to her, nothing to others, and not a telling word on the first."""

from __future__ import annotations

from datetime import date

import pytest
from django.test import Client
from django.urls import reverse

from core.discretion import leak_words_in
from enrollments.models import BundleAccess, Enrollment
from tests.factories.enrollments import bundle, make_access, make_member, make_place, make_quarter
from tests.reading import told_by

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(loaded_site):
    return make_member()


@pytest.fixture
def ann_client(ann):
    client = Client()
    client.force_login(ann)
    return client


def test_she_sees_her_quarter_with_its_dates_in_eastern_time(ann, ann_client):
    make_place(make_quarter(first_date=date(2035, 1, 6)), ann)

    page = ann_client.get("/member/").content.decode()

    assert "Saturday course, Winter 2027" in page
    assert "Saturday, January 6, 10:00&nbsp;am Eastern" in page
    assert page.count('class="dates__number"') == 12


def test_she_sees_as_many_lessons_as_are_published(ann, ann_client):
    make_access(ann)

    page = ann_client.get("/member/").content.decode()

    assert "Video course" in page
    assert f"{bundle().lesson_count()} lessons" in page
    assert bundle().lesson_count() == 56


def test_her_first_page_has_no_telling_word_and_her_lessons_none_in_the_title(ann, ann_client):
    make_place(make_quarter(), ann)
    make_access(ann)

    today = ann_client.get("/member/")
    lessons = ann_client.get(reverse("member_lessons", args=[bundle().slug]))

    assert leak_words_in(told_by(today)) == []
    title = told_by(lessons).partition("<title>")[2].partition("</title>")[0]
    assert leak_words_in(title) == []


def test_the_lessons_are_listed_with_their_titles_on_a_page_of_their_own(ann, ann_client):
    make_access(ann)

    page = ann_client.get(reverse("member_lessons", args=[bundle().slug])).content.decode()

    assert "Gaslighting" in page
    assert page.count("<li>") >= 56


def test_a_bundle_is_nothing_to_whoever_has_not_got_it(ann):
    make_access(ann)
    fellow, visitor = Client(), Client()
    fellow.force_login(make_member("rose@example.org"))
    address = reverse("member_lessons", args=[bundle().slug])

    answers = [fellow.get(address).status_code, visitor.get(address).status_code]

    assert answers == [404, 302]


def test_access_that_was_taken_back_opens_nothing(ann, ann_client):
    access = make_access(ann)
    BundleAccess.objects.update(revoked_at=access.granted_at)

    answer = ann_client.get(reverse("member_lessons", args=[bundle().slug]))

    assert answer.status_code == 404


@pytest.mark.parametrize("state", ["released", "left", "refunded", "declined", "moved"])
def test_a_place_that_is_over_is_no_longer_shown(ann, ann_client, state):
    make_place(make_quarter(), ann)
    Enrollment.objects.update(state=state)

    assert "Saturday course" not in ann_client.get("/member/").content.decode()


def test_somebody_elses_place_is_never_shown(ann, ann_client):
    make_place(make_quarter(), make_member("rose@example.org"))

    assert "Saturday course" not in ann_client.get("/member/").content.decode()


def test_a_visitor_is_asked_to_sign_in(client, loaded_site):
    answer = client.get("/member/")

    assert (answer.status_code, answer["Location"]) == (302, "/account/login/?next=/member/")


def test_a_member_with_nothing_yet_is_told_what_to_do(ann_client):
    page = ann_client.get("/member/").content.decode()

    assert "There is nothing here yet." in page


@pytest.mark.parametrize("places", [1, 3])
def test_her_page_costs_the_same_however_many_places_she_has(
    ann, ann_client, places, django_assert_num_queries
):
    for number in range(places):
        make_place(make_quarter(first_date=date(2030 + number, 1, 5)), ann)
    ann_client.get("/member/")

    with django_assert_num_queries(7):
        ann_client.get("/member/")


def test_member_pages_are_kept_by_nobody_and_tell_no_other_site(ann, ann_client):
    make_access(ann)

    today = ann_client.get("/member/")
    lessons = ann_client.get(reverse("member_lessons", args=[bundle().slug]))

    assert {page["Cache-Control"] for page in (today, lessons)} == {"no-store, private"}
    assert {page["X-Robots-Tag"] for page in (today, lessons)} == {"noindex"}
    # A page with a form needs its referrer on this site, or the form would be refused.
    assert [today["Referrer-Policy"], lessons["Referrer-Policy"]] == ["same-origin", "no-referrer"]
