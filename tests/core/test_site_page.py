"""What every page has in common: samples, marks, addresses, keys."""

import pytest
from django.core.exceptions import ValidationError
from django.test import RequestFactory
from django.urls import reverse
from wagtail.models import Page

from core.models import PracticeSettings
from home.models import StandardPage
from programs.models import BundlePage, WorkshopPage
from tests.factories.pages import home_page, make_standard_page, make_workshop

pytestmark = pytest.mark.django_db

SAMPLE_POLICY = [("policy", {"kind": "refund", "text": "Made up.", "is_sample": True})]
SAMPLE_NOTICE = [("notice", {"heading": "", "text": "<p>Made up.</p>", "is_sample": True})]


def edit_form(client, page):
    """The names and values with which a browser would send the editor's form back."""
    form = client.get(reverse("wagtailadmin_pages:edit", args=[page.pk])).context["form"]
    sent = {}
    for bound in [*form, *(field for fs in form.formsets.values() for field in fs.management_form)]:
        value = bound.value()
        if value is not None and value is not False and not hasattr(value, "stream_block"):
            sent[bound.html_name] = value
    for name in page.stream_names():
        if name in form.fields:
            sent |= sent_stream(name, getattr(page, name))
    return sent


def sent_stream(name, stream):
    """A stream of blocks as form fields."""
    sent = {f"{name}-count": len(stream)}
    for place, child in enumerate(stream):
        prefix = f"{name}-{place}"
        sent |= {f"{prefix}-type": child.block_type, f"{prefix}-order": place}
        sent |= {f"{prefix}-id": child.id or "", f"{prefix}-deleted": ""}
        value = child.block.get_prep_value(child.value)
        if isinstance(value, dict):
            fields = {f"{prefix}-value-{key}": part for key, part in value.items()}
            sent |= {key: part for key, part in fields.items() if part not in (None, False)}
        else:
            sent[f"{prefix}-value"] = value or ""
    return sent


@pytest.fixture
def outside_demo_mode(settings):
    settings.DEMO_MODE = False


# --- samples -------------------------------------------------------------------------------------


def test_a_sample_page_is_published_and_served_in_demo_mode(client):
    page = make_standard_page(is_sample=True)

    assert page.live is True
    assert page.is_shown() is True
    assert StandardPage.objects.shown().filter(pk=page.pk).exists() is True


def test_a_sample_page_cannot_be_published_outside_demo_mode(outside_demo_mode):
    with pytest.raises(ValidationError, match="marked Sample"):
        make_standard_page(is_sample=True)

    assert StandardPage.objects.filter(is_sample=True, slug__startswith="page-").count() == 0


def test_a_draft_of_a_sample_page_can_be_kept_outside_demo_mode_but_not_published(
    outside_demo_mode,
):
    page = make_standard_page(is_sample=True, live=False)
    revision = page.save_revision()

    with pytest.raises(ValidationError, match="marked Sample"):
        revision.publish()

    page.refresh_from_db()
    assert page.live is False


@pytest.mark.parametrize(
    "fields",
    [{"policies": SAMPLE_POLICY}, {"body": SAMPLE_NOTICE}, {"discreet_name_is_sample": True}],
    ids=["policy", "notice", "discreet name"],
)
def test_anything_sample_inside_a_page_keeps_it_from_being_published(outside_demo_mode, fields):
    with pytest.raises(ValidationError, match="marked Sample"):
        make_workshop(**fields)


def test_a_sample_page_published_in_a_demo_is_not_served_afterwards(client, settings):
    page = make_standard_page(is_sample=True)
    settings.DEMO_MODE = False

    response = client.get(page.url)

    assert response.status_code == 404


def test_sample_pages_are_left_out_of_lists_and_the_sitemap_outside_demo_mode(settings):
    page = make_standard_page(is_sample=True)
    request = RequestFactory().get("/")
    in_demo = (page.get_sitemap_urls(request), StandardPage.objects.shown().count())

    settings.DEMO_MODE = False

    assert len(in_demo[0]) == 1
    assert page.get_sitemap_urls(request) == []
    assert list(StandardPage.objects.shown().values_list("key", flat=True)) == ["safety"]


def test_a_sample_block_is_not_shown_outside_demo_mode(settings):
    workshop = WorkshopPage.objects.get(key="facing-heartbreak")
    assert len(workshop.shown_policies()) == 3

    settings.DEMO_MODE = False

    assert workshop.shown_policies() == []
    assert workshop.refund_policy() is None
    assert [str(block) for block in workshop.policies] == ["", "", ""]


def test_the_editors_form_refuses_to_publish_a_sample_outside_demo_mode(staff_client, settings):
    page = make_standard_page(title="Kept", live=False, is_sample=True)
    sent = edit_form(staff_client, page) | {"title": "Typed anew", "action-publish": "1"}
    settings.DEMO_MODE = False

    response = staff_client.post(reverse("wagtailadmin_pages:edit", args=[page.pk]), sent)

    page.refresh_from_db()
    assert page.live is False
    assert response.status_code == 200
    assert "marked Sample" in str(response.context["form"].errors)
    assert response.context["form"]["title"].value() == "Typed anew"


def test_the_editors_form_keeps_a_draft_of_a_sample_outside_demo_mode(staff_client, settings):
    page = make_standard_page(title="Kept", live=False, is_sample=True)
    sent = edit_form(staff_client, page) | {"title": "Typed anew"}
    settings.DEMO_MODE = False

    staff_client.post(reverse("wagtailadmin_pages:edit", args=[page.pk]), sent)

    page.refresh_from_db()
    assert (page.live, page.draft_title) == (False, "Typed anew")


def test_an_editor_publishes_once_the_mark_is_removed(staff_client, settings):
    page = make_standard_page(title="Own words", live=False, is_sample=True)
    sent = edit_form(staff_client, page) | {"action-publish": "1"}
    del sent["is_sample"]
    settings.DEMO_MODE = False

    staff_client.post(reverse("wagtailadmin_pages:edit", args=[page.pk]), sent)

    page.refresh_from_db()
    assert (page.live, page.is_sample) == (True, False)


def test_publishing_in_bulk_refuses_to_take_a_sample_along(staff_client, settings):
    page = make_standard_page(live=False, is_sample=True)
    page.save_revision()
    settings.DEMO_MODE = False
    address = reverse("wagtail_bulk_action", args=["wagtailcore", "page", "publish"])

    response = staff_client.post(f"{address}?id={page.pk}&next=/staff/", follow=False)

    page.refresh_from_db()
    assert page.live is False
    assert response.status_code == 302


# --- addresses -----------------------------------------------------------------------------------


def test_no_page_has_a_clinical_word_in_its_address():
    with pytest.raises(ValidationError) as refusal:
        make_standard_page(slug="am-i-a-sex-addict")

    (message,) = refusal.value.message_dict["slug"]
    assert message.endswith("Please leave out: addict, sex.")


def test_every_loaded_address_is_discreet():
    clinical = ["addict", "sex", "betray", "partner", "therap", "recovery", "porn"]

    leaking = [
        url
        for url in Page.objects.values_list("url_path", flat=True)
        if any(word in url for word in clinical)
    ]

    assert leaking == []


# --- keys and revisions --------------------------------------------------------------------------


def test_a_copy_of_a_page_has_no_key_and_publishing_its_draft_takes_none():
    original = StandardPage.objects.get(key="safety")

    copy = original.copy(update_attrs={"slug": "safety-2"}, keep_live=False)
    copy.get_latest_revision().publish()

    copy.refresh_from_db()
    assert (copy.live, copy.key) == (True, None)
    assert StandardPage.objects.get(key="safety").pk == original.pk


# --- marks in the admin --------------------------------------------------------------------------


def test_the_lists_of_the_admin_show_what_is_sample_or_inferred(staff_client):
    programs = BundlePage.objects.get(key="am-i-a-sex-addict").get_parent()

    listing = staff_client.get(reverse("wagtailadmin_explore", args=[programs.pk]))

    assert "Facing Heartbreak [Sample] [Inferred]" in listing.content.decode()
    assert "Am I A Sex Addict? [Sample] [Inferred]" in listing.content.decode()


def test_a_page_with_nothing_made_up_has_no_mark():
    assert home_page().get_admin_display_title() == "Home"


# --- the practice's settings ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("discreet_sender", "Partner Recovery"),
        ("statement_line", "SEX THERAPY INC"),
        ("statement_line", "ABC"),
        ("statement_line", "STILLWATER * PRACTICE"),
        ("time_zone", "Eastern"),
        ("leave_url", "not an address"),
    ],
)
def test_settings_that_would_give_members_away_or_break_are_refused(field, value):
    practice = PracticeSettings.load()
    setattr(practice, field, value)

    with pytest.raises(ValidationError) as refusal:
        practice.full_clean()

    assert list(refusal.value.message_dict) == [field]


def test_the_loaded_settings_are_valid_and_marked_as_sample():
    practice = PracticeSettings.load()

    practice.full_clean()

    assert practice.is_sample is True
    assert practice.discreet_sender == "Stillwater"
    assert practice.statement_line == "STILLWATER PRACTICE"
    assert len(practice.crisis_lines) == 7
