"""The practice's content: complete, corrected only as listed, and never loaded over an editor."""

import re
from collections import Counter
from html import unescape
from io import StringIO

import pytest
from django.conf import settings as project
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from wagtail.models import Page, Revision, Site

from core.models import PracticeSettings, SitePage
from home.content.load import load, read
from home.models import HomePage, NavigationSettings, StandardPage
from programs.models import (
    BundlePage,
    CoursePage,
    FAQItem,
    LessonPage,
    SyllabusWeekPage,
    TherapistPage,
    WorkshopPage,
)
from testimonials.models import TestimonialPage
from tests.factories.pages import home_page

FILE = project.BASE_DIR / "content/practice.yaml"
CONTENT = read(FILE)
# Facts the loader acts on, and texts for editors and other commands: no words for a page.
NOT_PAGE_TEXT = {
    "capitals_for_emphasis",
    "case_only_changes",
    "case_only",
    "corrections",
    "editorial_note",
    "key",
    "kind",
    "menus",
    "origin",
    "page",
    "program",
    "question_origin",
    "questions",
    "sample_price",
    "sample_quarters",
    "slug",
    "source",
    "source_value",
    "suggested_title",
    "therapists",
    "tone",
    "type",
}


def texts(node, path=""):
    """Every text of the content that a reader or an editor should find, with its place."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key not in NOT_PAGE_TEXT:
                yield from texts(value, f"{path}/{key}")
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from texts(value, f"{path}/{number}")
    elif isinstance(node, str):
        yield path, node


def plain(text):
    """Text without its markup, on one line."""
    without_links = re.sub(r"</?a\b[^>]*>", "", text)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", without_links)).split())


def stored_words(thing):
    """Everything that the fields of ``thing`` hold, as plain text."""
    values = [getattr(thing, field.attname) for field in thing._meta.concrete_fields]
    return plain(" ".join(stream_words(value) for value in values))


def stream_words(value):
    if hasattr(value, "stream_block"):
        return " ".join(stream_words(child["value"]) for child in value.get_prep_value())
    if isinstance(value, dict):
        return " ".join(str(part) for part in value.values())
    return str(value)


def corrected(entry):
    """The practice's exact words with the listed corrections applied."""
    text = entry["source"]
    for name in entry.get("corrections", []):
        correction = CONTENT["corrections"][name]
        assert correction["from"] in text
        text = text.replace(correction["from"], correction["to"])
    for change in [CONTENT["case_only_changes"][0]]:
        if text in change["from"]:
            text = change["to"][change["from"].index(text)]
    return text


def sourced(node):
    """Every entry that gives its source."""
    if isinstance(node, dict):
        if "source" in node:
            yield node
        for value in node.values():
            yield from sourced(value)
    elif isinstance(node, list):
        for value in node:
            yield from sourced(value)


def without_structure(text):
    """A heading without what became a field: its numbers, its week, its stage, its last sign."""
    text = re.sub(r"^(\d+ (\u2013 )?)", "", text)
    text = re.sub(r"^Stage (\d|I+)\s*[:\u2013-]?\s*", "", text)
    text = re.sub(r"^Week \d+: (Ch\. ?\d \u2013 )?", "", text)
    text = re.sub(r" \u2013 Ch\.\d$| \(Part \d\)\.?$", "", text)
    return text.lstrip("*").rstrip(".:")


def counts():
    """How many rows of each kind there are, revisions among them."""
    kinds = [Page, FAQItem, Revision, Site, Group, PracticeSettings, NavigationSettings]
    return Counter({kind.__name__: kind.objects.count() for kind in kinds})


# --- the words -----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_every_text_of_the_file_is_stored_on_a_page_a_question_or_a_setting():
    things = [*Page.objects.specific(), *FAQItem.objects.all(), PracticeSettings.load()]
    words = " ".join(stored_words(thing) for thing in things)

    missing = [(path, text) for path, text in texts(CONTENT) if plain(text) not in words]

    assert missing == []


def test_applying_the_listed_corrections_to_each_source_gives_the_text():
    entries = list(sourced(CONTENT))

    wrong = [
        (corrected(entry), entry.get("text") or entry["title"])
        for entry in entries
        if without_structure(corrected(entry))
        != without_structure(entry.get("text") or entry["title"])
    ]

    assert wrong == []
    assert len(entries) == 65


def test_each_of_the_thirteen_corrections_is_used_once():
    used = [name for entry in sourced(CONTENT) for name in entry.get("corrections", [])]

    assert sorted(used) == sorted(CONTENT["corrections"])
    assert len(used) == 13


@pytest.mark.django_db
def test_capitals_that_the_practice_chose_stay():
    words = " ".join(stored_words(page) for page in Page.objects.specific())

    missing = [text for text in CONTENT["capitals_for_emphasis"] if text not in words]

    assert missing == []


# --- what was loaded -----------------------------------------------------------------------------


@pytest.mark.django_db
def test_all_weeks_and_lessons_are_there_and_published():
    weeks = SyllabusWeekPage.objects.live()

    assert [week.number for week in weeks.order_by("number")] == list(range(1, 13))
    assert [
        (course.key, course.live, course.published_lessons().count())
        for course in CoursePage.objects.order_by("path")
    ] == [
        ("pre-module", False, 0),
        ("complete-guide", True, 18),
        ("three-stages", True, 37),
        ("fifty-barriers", True, 1),
    ]


@pytest.mark.django_db
def test_week_number_chapter_and_part_are_three_things():
    weeks = SyllabusWeekPage.objects.order_by("number")

    assert [(w.chapter, w.part, w.of_parts) for w in weeks] == [
        ("1", None, None),
        ("1", None, None),
        ("2", None, None),
        ("3", 1, 2),
        ("3", 2, 2),
        ("4", None, None),
        ("5", 1, 2),
        ("5", 2, 2),
        ("6", 1, 2),
        ("6", 2, 2),
        ("7", None, None),
        ("8", None, None),
    ]


@pytest.mark.django_db
def test_visitors_read_the_practices_own_titles_not_our_suggestions():
    pages = [*SyllabusWeekPage.objects.all(), *LessonPage.objects.all()]

    assert {page.display_title for page in pages} == {""}
    assert SyllabusWeekPage.objects.get(number=11).heading() == "RECLAIM your sexuality"
    assert "Reclaim your sexuality" in SyllabusWeekPage.objects.get(number=11).editorial_note


@pytest.mark.django_db
def test_nothing_is_added_to_what_is_known_of_the_therapist():
    therapist = TherapistPage.objects.get()

    assert therapist.title == "Charlene Lewis"
    assert therapist.role == "CSAT Sex Addiction Expert"
    assert [child["value"] for child in therapist.credentials.get_prep_value()] == [
        {"letters": "CSAT"}
    ]
    assert (therapist.bio, therapist.photo, len(therapist.licences)) == ("", None, 0)


@pytest.mark.django_db
def test_every_question_is_marked_as_inferred():
    assert FAQItem.objects.shown().count() == 7
    assert FAQItem.objects.filter(question_inferred=False).count() == 0
    assert [item.key for item in FAQItem.objects.filter(answer_inferred=True)] == ["will-it-work"]


@pytest.mark.django_db
def test_the_answer_that_names_the_other_program_links_to_it(client):
    bundle = BundlePage.objects.get()

    answer = FAQItem.objects.get(key="partner-help").answer

    assert f'<a linktype="page" id="{bundle.pk}">Am I a Sex Addict</a>' in answer


@pytest.mark.django_db
def test_only_the_subjects_that_need_it_come_with_the_crisis_lines():
    lessons = LessonPage.objects.filter(show_crisis_panel=True).order_by("path")

    assert [(lesson.title, lesson.content_note) for lesson in lessons] == [
        ("Suicidal Thoughts", "suicide"),
        ("Addiction a chronic and fatal mental illness", ""),
    ]


@pytest.mark.django_db
def test_the_sample_testimonial_and_the_open_course_are_drafts_even_in_a_demo():
    drafts = Page.objects.not_live().exclude(depth=1).specific()

    assert {page.key for page in drafts} == {"sample-words", "pre-module"}


@pytest.mark.django_db
def test_every_loaded_page_has_exactly_one_revision():
    pages = Page.objects.filter(depth__gt=1)

    without_one = [p.title for p in pages if p.revisions.count() != 1]

    assert without_one == []
    assert pages.filter(live=True, live_revision=None).count() == 0


@pytest.mark.django_db
def test_the_site_is_served_from_the_home_page_and_the_welcome_page_is_gone():
    site = Site.objects.get()

    assert site.root_page.specific == home_page()
    assert site.root_page.url_path == "/home/"
    assert site.hostname == "testserver"
    assert Page.objects.filter(depth=2).count() == 1


@pytest.mark.django_db
def test_the_menus_lead_to_published_pages():
    menus = NavigationSettings.load()

    assert [entry.label for entry in menus.main_entries()] == [
        "Programs",
        "Our team",
        "Questions",
        "Contact",
    ]
    assert [entry.page.url for entry in menus.footer_entries()] == [
        "/safety/",
        "/privacy/",
        "/terms/",
        "/refunds/",
        "/contact/",
    ]


@pytest.mark.django_db
def test_groups_for_editors_and_the_clinical_lead_exist():
    def may(name):
        group = Group.objects.get(name=name)
        pages = group.page_permissions.values_list("permission__codename", flat=True)
        return {*pages, *group.permissions.values_list("codename", flat=True)}

    assert "publish_page" not in may("Editors")
    assert "publish_faqitem" not in may("Editors")
    assert {"change_page", "change_faqitem", "access_admin"} <= may("Editors")
    assert {"publish_page", "publish_faqitem", "change_practicesettings"} <= may("Clinical lead")


# --- loading again -------------------------------------------------------------------------------


@pytest.mark.django_db
def test_loading_again_changes_nothing():
    before = counts()

    loading = load(CONTENT)

    assert counts() == before
    assert sum(loading.created.values()) == 0


@pytest.mark.django_db
def test_an_editors_words_win_over_the_file():
    week = SyllabusWeekPage.objects.get(number=3)
    week.summary = "The practice's newer words."
    week.save_revision().publish()
    question = FAQItem.objects.get(key="time")
    question.question = "How long is it?"
    question.save_revision().publish()
    practice = PracticeSettings.load()
    practice.crisis_lines = []
    practice.save()

    load(CONTENT)

    assert SyllabusWeekPage.objects.get(number=3).summary == "The practice's newer words."
    assert FAQItem.objects.get(key="time").question == "How long is it?"
    assert len(PracticeSettings.load().crisis_lines) == 0


@pytest.mark.django_db
def test_what_an_editor_deleted_comes_back_as_missing():
    SyllabusWeekPage.objects.get(number=3).delete()
    FAQItem.objects.get(key="time").delete()

    loading = load(CONTENT)

    assert dict(loading.created) == {"week": 1, "question and answer": 1}
    assert SyllabusWeekPage.objects.get(number=3).live is True


@pytest.mark.django_db
def test_a_load_that_fails_leaves_nothing_behind():
    WorkshopPage.objects.get().delete()
    before = counts()
    broken = CONTENT | {"menus": {"main": ["no-such-page"], "footer": []}}
    NavigationSettings.objects.all().delete()

    with pytest.raises(KeyError):
        load(broken)

    assert WorkshopPage.objects.count() == 0
    assert counts()["Page"] == before["Page"]


@pytest.mark.django_db
def test_the_command_tells_what_it_did_in_a_line_per_kind():
    output = StringIO()

    call_command("load_content", stdout=output)

    assert "week: 0 created, 12 kept" in output.getvalue().splitlines()
    assert "lesson: 0 created, 56 kept" in output.getvalue().splitlines()


@pytest.mark.django_db
def test_the_command_names_a_file_that_is_not_there(tmp_path):
    with pytest.raises(CommandError, match="There is no file"):
        call_command("load_content", str(tmp_path / "none.yaml"))


# --- outside demo mode ---------------------------------------------------------------------------


@pytest.fixture
def loaded_outside_demo_mode(db, settings):
    """A new site, loaded by a practice that means it."""
    HomePage.objects.get().delete()
    FAQItem.objects.all().delete()
    PracticeSettings.objects.all().delete()
    NavigationSettings.objects.all().delete()
    settings.DEMO_MODE = False
    return load(CONTENT)


def test_outside_demo_mode_everything_sample_and_all_below_it_is_a_draft(loaded_outside_demo_mode):
    pages = [page for page in Page.objects.specific() if isinstance(page, SitePage)]
    samples = [page for page in pages if page.holds_samples()]

    assert {page.key for page in samples} == {
        "facing-heartbreak",
        "am-i-a-sex-addict",
        "privacy",
        "terms",
        "refunds",
        "sample-words",
    }
    assert [page.key for page in samples if page.live] == []
    assert SyllabusWeekPage.objects.live().count() == LessonPage.objects.live().count() == 0
    assert (SyllabusWeekPage.objects.count(), LessonPage.objects.count()) == (12, 56)


def test_outside_demo_mode_the_practices_own_words_are_published_and_no_name_is_made_up(
    loaded_outside_demo_mode,
):
    practice = PracticeSettings.load()
    home = home_page()

    assert FAQItem.objects.shown().count() == 7
    assert StandardPage.objects.live().get().key == "safety"
    assert TherapistPage.objects.get().live is True
    assert practice.practice_name == practice.statement_line == practice.discreet_sender == ""
    assert len(practice.crisis_lines) == 7
    assert (home.primary_page(), home.secondary_page(), home.programs()) == (None, None, [])
    assert [entry.page.slug for entry in NavigationSettings.load().footer_entries()] == [
        "safety",
        "contact",
    ]


def test_once_the_samples_are_replaced_the_workshop_can_be_published(loaded_outside_demo_mode):
    workshop = WorkshopPage.objects.get().get_latest_revision_as_object()
    workshop.policies = []
    workshop.discreet_name_is_sample = False

    workshop.save_revision().publish()

    assert WorkshopPage.objects.live().count() == 1
    assert [pick.faq_item.key for pick in WorkshopPage.objects.get().faq_picks.all()][:1] == [
        "will-it-work"
    ]


@pytest.mark.django_db
def test_no_sample_testimonial_is_ever_shown():
    assert TestimonialPage.objects.shown().count() == 0
