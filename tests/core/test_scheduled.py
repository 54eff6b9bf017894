"""What the clock publishes and takes down, and where old addresses lead."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from wagtail.contrib.redirects.models import Redirect
from wagtail.models import Page, PageLogEntry
from wagtail.signals import page_published

from home.models import StandardPage
from programs.models import FAQItem, LessonPage, SyllabusWeekPage
from tests.enrollments.desk_cast import text_of
from tests.factories.enrollments import make_quarter, workshop
from tests.factories.pages import (
    make_bundle,
    make_course,
    make_faq_item,
    make_lesson,
    make_standard_page,
    make_week,
    make_workshop,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loaded_site")]


def scheduled(page, *, starts, ends=None):
    """``page`` with a revision that waits for its moment."""
    page.expire_at = ends
    revision = page.save_revision(approved_go_live_at=starts)
    type(page).objects.filter(pk=page.pk).update(go_live_at=starts)
    return revision


def test_a_page_whose_end_has_passed_never_appears(now):
    page = make_standard_page(live=False, title="Offer")
    scheduled(page, starts=now - timedelta(hours=3), ends=now - timedelta(hours=1))
    seen = []
    page_published.connect(lambda **said: seen.append(said), weak=False, dispatch_uid="seen")

    call_command("publish_scheduled", verbosity=0)
    page_published.disconnect(dispatch_uid="seen")

    fresh = StandardPage.objects.get(pk=page.pk)
    assert (fresh.live, fresh.expired, seen) == (False, True, [])
    assert not PageLogEntry.objects.filter(page=page.pk, action__startswith="wagtail.publish")


def test_a_published_page_whose_next_version_is_over_is_taken_down(now):
    page = make_standard_page(title="Offer")
    page.save_revision().publish()
    scheduled(page, starts=now - timedelta(hours=3), ends=now - timedelta(hours=1))

    call_command("publish_scheduled", verbosity=0)

    assert not StandardPage.objects.get(pk=page.pk).live


def test_what_is_due_is_published_and_what_is_not_yet_waits(now):
    due = make_standard_page(live=False)
    later = make_standard_page(live=False)
    scheduled(due, starts=now - timedelta(minutes=1), ends=now + timedelta(days=1))
    scheduled(later, starts=now + timedelta(minutes=1))

    call_command("publish_scheduled", verbosity=0)

    assert [StandardPage.objects.get(pk=page.pk).live for page in (due, later)] == [True, False]


def test_questions_end_on_schedule(now):
    item = make_faq_item(expire_at=now - timedelta(minutes=1))

    call_command("publish_scheduled", verbosity=0)

    assert not FAQItem.objects.get(pk=item.pk).live


def test_one_page_that_cannot_be_published_keeps_no_other_from_it(now, settings):
    settings.DEMO_MODE = False
    sample = make_standard_page(live=False, is_sample=True)
    page = make_standard_page(live=False)
    scheduled(sample, starts=now - timedelta(hours=2))
    scheduled(page, starts=now - timedelta(hours=1))

    with pytest.raises(CommandError, match="Revision"):
        call_command("publish_scheduled", verbosity=0)

    assert StandardPage.objects.get(pk=page.pk).live
    assert not StandardPage.objects.get(pk=sample.pk).live


def test_staff_read_that_a_page_stays_against_its_schedule(now, staff_client):
    make_quarter()
    Page.objects.filter(pk=workshop().pk).update(expire_at=now - timedelta(hours=1))

    call_command("publish_scheduled", verbosity=0)

    assert workshop().live
    assert "should have been taken down by now" in text_of(staff_client, "/staff/")


# --- old addresses ------------------------------------------------------------------------------


def test_a_hidden_week_keeps_its_old_address_when_its_workshop_is_renamed(client):
    section = make_workshop(slug="evenings")
    hidden = make_week(section, 1)
    hidden.save_revision().publish()
    SyllabusWeekPage.objects.get(pk=hidden.pk).unpublish()
    never = make_week(section, 2, live=False)

    section.slug = "mornings"
    section.save_revision().publish()
    SyllabusWeekPage.objects.get(pk=hidden.pk).save_revision().publish()

    assert client.get("/programs/evenings/week-1/").url.endswith("/programs/mornings/week-1/")
    assert not Redirect.objects.filter(redirect_page=never).exists()


def test_hidden_pages_keep_their_old_addresses_when_the_pages_above_move(staff_client, client):
    first, second = make_bundle(slug="first"), make_bundle(slug="second")
    course = make_course(first, slug="part")
    hidden = make_lesson(course, 7)
    hidden.save_revision().publish()
    LessonPage.objects.get(pk=hidden.pk).unpublish()

    staff_client.post(f"/staff/pages/{course.pk}/move/{second.pk}/confirm/")

    kept = Redirect.objects.get(redirect_page=hidden)
    assert kept.old_path == "/programs/first/part/lesson-7"
    assert kept.automatically_created
