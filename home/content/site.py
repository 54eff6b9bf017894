"""The site itself: its home page, plain pages, menus, settings and the editors' groups."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import Group, Permission
from wagtail.models import Page, Site

from core.models import PracticeSettings, SitePage
from home.content.loading import Loading
from home.content.text import lines, story
from home.models import (
    ContactPage,
    FAQPage,
    HomeFAQPick,
    HomePage,
    NavigationSettings,
    StandardPage,
)
from programs.models import FAQItem

CLINICAL_LEAD = "Clinical lead"
EDITORS = "Editors"


def load_practice(loading: Loading, content: dict[str, Any]) -> None:
    """The practice's settings; a made-up name and contact in demo mode only."""
    practice = content["practice"]
    changes: dict[str, object] = {
        "time_zone": practice["time_zone"]["text"],
        "crisis_lines": [("line", line) for line in content["crisis_lines"]["items"]],
    }
    if settings.DEMO_MODE:
        changes |= {
            "practice_name": practice["name"],
            "is_sample": True,
            "discreet_sender": practice["discreet_sender"],
            "statement_line": practice["statement_line"],
            "contact_email": practice["contact_email"],
        }
    loading.settled(PracticeSettings.load(), changes)


def load_home(loading: Loading, home: dict[str, Any]) -> HomePage:
    """The home page, as the root of the site. Its links follow in ``link_home``."""
    hero, benefits, promises = home["hero"], home["benefits"], home["promises"]
    welcome = _welcome_page()
    if welcome:
        # It goes in a moment; saved in the usual way, it would leave tasks about itself behind.
        Page.objects.filter(pk=welcome.pk).update(slug="welcome")
    page = loading.page(
        Page.get_first_root_node(),
        HomePage(
            key="home",
            slug="home",
            title=home["title"],
            eyebrow=hero["eyebrow"]["text"],
            headline=hero["headline"]["text"],
            support_line=hero["support_line"]["text"],
            primary_label=home["primary"]["label"],
            secondary_label=home["secondary"]["label"],
            benefits_heading=benefits["heading"]["text"],
            benefits=lines(benefits["points"]),
            promises_lead_in=promises["lead_in"]["text"],
            promises=lines(promises["items"]),
        ),
    )
    _serve_from(page, welcome)
    return page


def link_home(
    page: HomePage,
    home: dict[str, Any],
    programs: dict[str, SitePage],
    questions: dict[str, FAQItem],
    testimonials_heading: str,
) -> None:
    """What the new home page leads to."""
    page.featured_program = programs[home["primary"]["program"]]
    page.secondary_program = programs[home["secondary"]["program"]]
    page.doors = [
        (
            "door",
            {
                "title": door["title"],
                "text": door["text"],
                "page": programs[door["program"]],
                "tone": door["tone"],
            },
        )
        for door in home["doors"]
    ]
    page.testimonials_heading = testimonials_heading
    page.faq_picks = [
        HomeFAQPick(faq_item=questions[key], sort_order=place)
        for place, key in enumerate(home["questions"])
    ]


def load_pages(loading: Loading, home: HomePage, content: dict[str, Any]) -> dict[str, SitePage]:
    """Safety, policies, contact and the page of questions, by key."""
    pages: dict[str, SitePage] = {}
    for entry in content["pages"]:
        page = _contact(entry) if entry.get("type") == "contact" else _plain(entry)
        pages[entry["key"]] = loading.page(home, page)
    faq_page = FAQPage(key="faq", slug="faq", title=content["faq"]["title"])
    pages["faq"] = loading.page(home, faq_page)
    return pages


def load_menus(loading: Loading, menus: dict[str, list[str]], pages: dict[str, SitePage]) -> None:
    """The menus."""
    loading.settled(
        NavigationSettings.load(),
        {
            f"{name}_menu": [("link", {"page": pages[key], "label": ""}) for key in keys]
            for name, keys in menus.items()
        },
    )


def load_groups() -> None:
    """Editors write drafts; the clinical lead publishes, and keeps the practice's settings."""
    Group.objects.filter(name="Moderators").update(name=CLINICAL_LEAD)
    for name, permissions in {
        EDITORS: ["add_faqitem", "change_faqitem"],
        CLINICAL_LEAD: [
            "add_faqitem",
            "change_faqitem",
            "delete_faqitem",
            "publish_faqitem",
            "change_practicesettings",
            "change_navigationsettings",
            "delete_image",
            "delete_document",
        ],
    }.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.add(*Permission.objects.filter(codename__in=permissions))
    # Wagtail's own migrations give it to them: see ``core.uploads``.
    deleting = Permission.objects.filter(codename__in=["delete_image", "delete_document"])
    Group.objects.get(name=EDITORS).permissions.remove(*deleting)


def _plain(entry: dict[str, Any]) -> StandardPage:
    return StandardPage(
        key=entry["key"],
        slug=entry["slug"],
        title=entry["title"],
        lead=entry.get("lead", ""),
        body=story(entry["body"]),
        is_sample=entry.get("sample", False),
    )


def _contact(entry: dict[str, Any]) -> ContactPage:
    return ContactPage(
        key=entry["key"],
        slug=entry["slug"],
        title=entry["title"],
        intro=entry["intro"],
        body=story(entry["body"]),
    )


def _welcome_page() -> Page | None:
    """The page that a new Wagtail installation begins with."""
    page = Page.objects.filter(depth=2, slug="home", title__startswith="Welcome to your").first()
    return page if page and page.specific_class is Page else None


def _serve_from(home: HomePage, welcome: Page | None) -> None:
    """Make ``home`` the root of the default site; the welcome page goes."""
    site = Site.objects.filter(is_default_site=True).first()
    if site is None:
        site = Site(hostname="localhost", is_default_site=True)
    if site.pk is None or site.root_page_id == (welcome and welcome.pk):
        address = urlsplit(settings.BASE_URL)
        site.root_page = home
        site.hostname = address.hostname or site.hostname
        site.port = address.port or (443 if address.scheme == "https" else 80)
        site.save()
    if welcome:
        welcome.delete()
