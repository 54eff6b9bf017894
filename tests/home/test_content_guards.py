"""Two clicks never destroy what people hold: every deed on every kind of content.

``WHAT_HAPPENS`` is the table of docs/content-guards.md. A cell is ``done``, or words of the
sentence with which the deed is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone
from wagtail.documents.models import Document
from wagtail.images.models import Image
from wagtail.images.tests.utils import get_test_image_file
from wagtail.models import Page, PageViewRestriction

from enrollments.models import Order, OrderLine
from home.models import ContactPage, FAQPage, HomePage
from programs.models import FAQItem, ProgramIndexPage, TherapistIndexPage
from testimonials.models import TestimonialIndexPage
from tests.factories.enrollments import (
    make_access,
    make_member,
    make_place,
    make_price,
    make_quarter,
)
from tests.factories.pages import (
    make_bundle,
    make_course,
    make_faq_item,
    make_lesson,
    make_standard_page,
    make_testimonial,
    make_therapist,
    make_week,
    make_workshop,
)
from tests.sent_forms import opened_editor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loaded_site")]

DONE = "done"
NOWHERE = "not offered"
FIRST = "the first page of the site"
USED, DRAFTED = "uses it.", "A draft of “Reader” uses it."
MOMENT = datetime(2026, 11, 20, 15, tzinfo=UTC)

# --- what there is, and what hangs on it ------------------------------------------------------


def workshop_with_a_week() -> tuple[Any, Any]:
    """A published workshop of one week."""
    workshop = make_workshop()
    week = make_week(workshop, 1, title="The first words")
    workshop.save_revision().publish()
    week.save_revision().publish()
    return workshop, week


def quarter_of(workshop: Any, stage: str) -> Any:
    """What hangs on ``workshop``."""
    if stage == "draft":
        make_quarter(workshop=workshop, state="draft")
    if stage == "open":
        make_quarter(workshop=workshop, state="open")
    if stage == "members":
        make_place(make_quarter(workshop=workshop, state="closed"), make_member())
    if stage == "orders":
        quarter = make_quarter(workshop=workshop, state="ended")
        place = make_place(quarter, make_member(), state="completed")
        bought(place.member, quarter=quarter)


def bought(member: Any, **what: Any) -> None:
    """A paid order of ``what``."""
    order = Order.objects.create(
        member=member,
        email=member.email,
        chosen_name="Ann",
        state="paid",
        currency="usd",
        created_at=MOMENT,
        paid_at=MOMENT,
    )
    OrderLine.objects.create(order=order, discreet_name="Course", unit_price_cents=100, **what)


def bundle_with_a_lesson() -> tuple[Any, Any, Any]:
    """A published bundle of one course with one lesson."""
    bundle = make_bundle()
    course = make_course(bundle)
    lesson = make_lesson(course, 1)
    for page in (bundle, course, lesson):
        page.save_revision().publish()
    return bundle, course, lesson


def hang_on_bundle(bundle: Any, stage: str) -> None:
    """What hangs on ``bundle``."""
    if stage == "draft":
        make_quarter(state="draft").bundles.add(bundle)
    if stage == "open":
        make_price(bundle=bundle)
    if stage == "members":
        make_access(make_member(), bundle=bundle)
    if stage == "orders":
        member = make_member()
        make_access(member, bundle=bundle, revoked_at=MOMENT)
        bought(member, bundle=bundle)


def use(thing: Any, stage: str) -> None:
    """A page that shows or leads to ``thing``: published, or in a draft only."""
    reader = make_workshop(title="Reader")
    if isinstance(thing, FAQItem):
        reader.faq_picks.add(reader.faq_picks.model(faq_item=thing, sort_order=1))
    else:
        reader.body = [("text", link_to(thing))]
    if stage == "draft":
        reader.save_revision()
    else:
        reader.save()
        reader.save_revision().publish()


def link_to(thing: Any) -> str:
    """Rich text that holds ``thing``."""
    if isinstance(thing, Image):
        return f'<embed embedtype="image" id="{thing.pk}" format="left" alt="A room"/>'
    kind = "document" if isinstance(thing, Document) else "page"
    return f'<p><a linktype="{kind}" id="{thing.pk}">There</a></p>'


def published(page: Any) -> Any:
    """``page`` with a history."""
    page.save_revision().publish()
    return type(page).objects.get(pk=page.pk)


def of_workshop(stage: str) -> Any:
    workshop, _ = workshop_with_a_week()
    quarter_of(workshop, stage)
    return workshop


def of_week(stage: str) -> Any:
    workshop, week = workshop_with_a_week()
    quarter_of(workshop, stage)
    return week


def of_bundle(stage: str, part: int = 0) -> Any:
    parts = bundle_with_a_lesson()
    hang_on_bundle(parts[0], stage)
    return parts[part]


def of_content(make: Callable[[], Any]) -> Callable[[str], Any]:
    def made(stage: str) -> Any:
        thing = make()
        if stage != "nothing":
            use(thing, stage)
        return thing

    return made


def an_image() -> Image:
    return Image.objects.create(title="A room", file=get_test_image_file())


def a_document() -> Document:
    return Document.objects.create(title="A sheet", file=ContentFile(b"Words", "sheet.txt"))


def a_question() -> FAQItem:
    item = make_faq_item()
    item.save_revision().publish()
    return item


MAKE: dict[str, Callable[[str], Any]] = {
    "home page": lambda _: HomePage.objects.get(),
    "plain page": of_content(lambda: published(make_standard_page())),
    "questions page": lambda _: FAQPage.objects.get(),
    "contact page": lambda _: ContactPage.objects.get(),
    "programs": lambda _: ProgramIndexPage.objects.get(),
    "workshop": of_workshop,
    "week": of_week,
    "bundle": of_bundle,
    "course": lambda stage: of_bundle(stage, 1),
    "lesson": lambda stage: of_bundle(stage, 2),
    "team": lambda _: TherapistIndexPage.objects.get(),
    "therapist": of_content(lambda: published(make_therapist())),
    "testimonials": lambda _: TestimonialIndexPage.objects.get(),
    "testimonial": of_content(lambda: published(make_testimonial())),
    "question": of_content(a_question),
    "image": of_content(an_image),
    "document": of_content(a_document),
}

# --- the deeds --------------------------------------------------------------------------------


def said(client: Any) -> str:
    """The words of the messages after a deed."""
    page = client.get("/staff/").content.decode()
    found = re.findall(r'<div class="messages".*?</ul>', page, re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", " ".join(found))).split())


def gone(thing: Any) -> bool:
    return not type(thing).objects.filter(pk=thing.pk).exists()


def is_live(thing: Any) -> bool:
    return type(thing).objects.get(pk=thing.pk).live


def page_url(name: str, thing: Any, *args: Any) -> str:
    return reverse(f"wagtailadmin_pages:{name}", args=[thing.pk, *args])


def delete(client: Any, thing: Any) -> tuple[bool, Any]:
    urls = {
        Image: "wagtailimages:delete",
        Document: "wagtaildocs:delete",
        FAQItem: "wagtailsnippets_programs_faqitem:delete",
    }
    url = reverse(urls.get(type(thing), "wagtailadmin_pages:delete"), args=[thing.pk])
    response = client.post(url, {"confirm_site_name": "The practice"})
    return gone(thing), response


def in_bulk(client: Any, thing: Any, action: str, **sent: Any) -> Any:
    base = Page if isinstance(thing, Page) else type(thing)
    args = [base._meta.app_label, base._meta.model_name, action]
    url = reverse("wagtail_bulk_action", args=args) + f"?id={thing.pk}"
    return client.post(url, sent)


def bulk_delete(client: Any, thing: Any) -> tuple[bool, Any]:
    response = in_bulk(client, thing, "delete", confirm_site_name="The practice")
    return gone(thing), response


def unpublish(client: Any, thing: Any) -> tuple[bool, Any]:
    name = "wagtailsnippets_programs_faqitem:unpublish"
    url = (
        page_url("unpublish", thing) if isinstance(thing, Page) else reverse(name, args=[thing.pk])
    )
    response = client.post(url)
    return not is_live(thing), response


def bulk_unpublish(client: Any, thing: Any) -> tuple[bool, Any]:
    response = in_bulk(client, thing, "unpublish")
    return not is_live(thing), response


def expire(client: Any, thing: Any) -> tuple[bool, Any]:
    ended = timezone.now() - timedelta(hours=1)
    type(thing).objects.filter(pk=thing.pk).update(expire_at=ended)
    call_command("publish_scheduled", verbosity=0)
    return not is_live(thing), client.get("/staff/")


def move(client: Any, thing: Any) -> tuple[bool, Any]:
    elsewhere = {"week": make_workshop, "course": make_bundle, "lesson": another_course}
    kind = thing._meta.verbose_name
    parent = elsewhere.get(kind, make_standard_page)()
    response = client.post(page_url("move_confirm", thing, parent.pk))
    return type(thing).objects.get(pk=thing.pk).get_parent().pk == parent.pk, response


def another_course() -> Any:
    return make_course(make_bundle())


def copy(client: Any, thing: Any, **more: Any) -> tuple[bool, Any]:
    sent = {
        "new_title": "Another",
        "new_slug": "another",
        "new_parent_page": thing.get_parent().pk,
    }
    response = client.post(page_url("copy", thing), sent | more)
    return Page.objects.filter(slug="another").exists(), response


def alias(client: Any, thing: Any) -> tuple[bool, Any]:
    return copy(client, thing, alias="on")


def change_slug(client: Any, thing: Any) -> tuple[bool, Any]:
    url = page_url("edit", thing)
    sent = opened_editor(client, url) | {"slug": "renamed", "action-publish": "1"}
    response = client.post(url, sent)
    return type(thing).objects.get(pk=thing.pk).slug == "renamed", response


def make_private(client: Any, thing: Any) -> tuple[bool, Any]:
    response = client.post(page_url("set_privacy", thing), {"restriction_type": "login"})
    return PageViewRestriction.objects.exists(), response


def revert(client: Any, thing: Any) -> tuple[bool, Any]:
    earlier = thing.revisions.order_by("created_at").first()
    thing.title = "Retold"
    thing.save_revision().publish()
    url = page_url("revisions_revert", thing, earlier.pk)
    sent = opened_editor(client, url) | {"action-publish": "1"}
    response = client.post(url, sent)
    return type(thing).objects.get(pk=thing.pk).title != "Retold", response


DEEDS = {
    deed.__name__.replace("_", " "): deed
    for deed in (
        delete,
        bulk_delete,
        unpublish,
        bulk_unpublish,
        expire,
        move,
        copy,
        alias,
        change_slug,
        make_private,
        revert,
    )
}
LOSING = ("delete", "bulk delete")
HIDING = ("unpublish", "bulk unpublish", "expire")

# --- the table --------------------------------------------------------------------------------


def cells(kind: str, deeds: tuple[str, ...], **stages: str) -> dict[tuple[str, str, str], str]:
    return {(kind, deed, stage): what for deed in deeds for stage, what in stages.items()}


RUN = "is a run of this workshop"
MEETS = "meets for this week"
VIDEOS = "1 person has this in their videos."
WHAT_HAPPENS: dict[tuple[str, str, str], str] = {
    **cells(
        "workshop",
        LOSING,
        nothing=DONE,
        draft=f"Winter 2027 (draft) {RUN}.",
        open=f"Winter 2027 (open) {RUN}.",
        members=f"Winter 2027 (closed) {RUN}, and 1 person has a place in it.",
        orders=f"Winter 2027 (ended) {RUN}",
    ),
    **cells(
        "workshop",
        HIDING,
        nothing=DONE,
        draft=DONE,
        open=f"Winter 2027 (open) {RUN}.",
        members=f"Winter 2027 (closed) {RUN}, and 1 person has a place in it.",
        orders=DONE,
    ),
    **cells(
        "week",
        (*LOSING, "move"),
        nothing=DONE,
        draft=f"Winter 2027 (draft) {MEETS}.",
        open=f"Winter 2027 (open) {MEETS}.",
        members=f"Winter 2027 (closed) {MEETS}, and 1 person has a place in it.",
        orders=DONE,
    ),
    **cells(
        "week",
        HIDING,
        nothing=DONE,
        draft=DONE,
        open=f"Winter 2027 (open) {MEETS}.",
        members=f"Winter 2027 (closed) {MEETS}, and 1 person has a place in it.",
        orders=DONE,
    ),
    **cells(
        "bundle",
        LOSING,
        nothing=DONE,
        draft="Winter 2027 (draft) includes this bundle.",
        open="This bundle is for sale.",
        members="1 person has had this bundle opened.",
        orders="1 order holds this bundle.",
    ),
    **cells(
        "bundle",
        HIDING,
        nothing=DONE,
        draft=DONE,
        open="This bundle is for sale.",
        members="1 person has had this bundle opened.",
        orders=DONE,
    ),
    **cells(
        "course",
        (*LOSING, *HIDING, "move"),
        nothing=DONE,
        draft=DONE,
        open=DONE,
        members=VIDEOS,
        orders=DONE,
    ),
    **cells(
        "lesson",
        (*LOSING, *HIDING, "move"),
        nothing=DONE,
        draft=DONE,
        open=DONE,
        members=VIDEOS,
        orders=DONE,
    ),
    **cells("plain page", LOSING, nothing=DONE, draft=DRAFTED, published=f"“Reader” {USED}"),
    **cells("therapist", LOSING, nothing=DONE, draft=DRAFTED, published=f"“Reader” {USED}"),
    **cells("testimonial", LOSING, nothing=DONE, draft=DRAFTED, published=f"“Reader” {USED}"),
    **cells("question", LOSING, nothing=DONE, draft=DRAFTED, published=f"“Reader” {USED}"),
    **cells("image", LOSING, nothing=DONE, draft=DRAFTED, published=f"“Reader” {USED}"),
    **cells("document", LOSING, nothing=DONE, draft=DRAFTED, published=f"“Reader” {USED}"),
    **cells("question", ("unpublish", "expire"), nothing=DONE, published=DONE),
    **{
        cell: what
        for kind in ("plain page", "therapist", "testimonial")
        for cell, what in cells(kind, HIDING, nothing=DONE, published=DONE).items()
    },
    **cells("home page", (*LOSING, *HIDING), nothing=FIRST),
    **cells("questions page", LOSING, nothing=DONE),
    **cells("contact page", LOSING, nothing=DONE),
    **cells("programs", LOSING, nothing=USED),
    **cells("team", LOSING, nothing=USED),
    **cells("testimonials", LOSING, nothing=DONE),
    **{
        cell: DONE
        for kind in ("questions page", "contact page", "programs", "team", "testimonials")
        for cell in cells(kind, HIDING, nothing=DONE)
    },
    **{
        (kind, "move", "nothing"): NOWHERE
        for kind in MAKE
        if kind not in ("week", "course", "lesson", "question", "image", "document")
    },
    **{
        (kind, deed, stage): DONE
        for kind in ("workshop", "week", "bundle", "course", "lesson")
        for deed in ("copy", "alias", "change slug", "revert")
        for stage in ("nothing", "members")
    },
    **{
        (kind, deed, "nothing"): DONE
        for kind in ("plain page", "therapist", "testimonial")
        for deed in ("copy", "alias", "change slug", "revert")
    },
    # Two weeks of one workshop cannot have one number.
    **{("week", "alias", stage): "There is a week 1 already." for stage in ("nothing", "members")},
    # Their addresses lead to the page above; the editor offers no slug.
    **{
        (kind, "change slug", stage): NOWHERE
        for kind in ("course", "lesson", "testimonial")
        for stage in ("nothing", "members")
        if (kind, stage) != ("testimonial", "members")
    },
    **{
        (kind, deed, "nothing"): NOWHERE
        for kind in ("home page", "questions page", "contact page", "programs", "team")
        for deed in ("copy", "alias")
    },
    **{
        (kind, "make private", "nothing"): NOWHERE
        for kind in MAKE
        if kind not in ("question", "image", "document")
    },
}


@pytest.mark.parametrize(("kind", "deed", "stage"), WHAT_HAPPENS)
def test_what_people_hold_is_never_lost_without_a_word(staff_client, now, kind, deed, stage):
    expected = WHAT_HAPPENS[kind, deed, stage]
    thing = MAKE[kind](stage)

    done, response = DEEDS[deed](staff_client, thing)

    assert response.status_code in (200, 302)
    assert done is (expected == DONE)
    if expected not in (DONE, NOWHERE) and deed != "expire":
        # A form that came back says it itself; otherwise it is the message of the next page.
        assert expected in unescape(response.content.decode()) + said(staff_client)
