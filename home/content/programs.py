"""What is taught and by whom, and what members say of it."""

from __future__ import annotations

from typing import Any

from home.content.loading import Loading
from home.content.text import bullets, is_inferred, lines, paragraph, with_suggestion
from home.models import HomePage
from programs.models import (
    BundlePage,
    CoursePage,
    FAQItem,
    LessonPage,
    ProgramIndexPage,
    SyllabusWeekPage,
    TherapistIndexPage,
    TherapistPage,
    WorkshopFAQPick,
    WorkshopPage,
    WorkshopTherapistPick,
)
from testimonials.models import TestimonialIndexPage, TestimonialPage


def load_program_index(loading: Loading, home: HomePage, entry: dict[str, Any]) -> ProgramIndexPage:
    """The page that lists the programs."""
    page = ProgramIndexPage(key="programs", slug="programs", title=entry["title"])
    return loading.page(home, page)


def load_workshop(
    loading: Loading, index_page: ProgramIndexPage, entry: dict[str, Any], testimonials_heading: str
) -> WorkshopPage:
    """A workshop with its weeks. Its picks follow in ``link_workshop``."""
    how, weekly, plan = entry["how_it_works"], entry["weekly_components"], entry["plan"]
    workshop = loading.page(
        index_page,
        WorkshopPage(
            key=entry["key"],
            slug=entry["slug"],
            title=entry["name"],
            eyebrow=entry["eyebrow"]["text"],
            discreet_name=entry["sample_discreet_name"],
            discreet_name_is_sample=True,
            audience=entry["audience"]["text"],
            has_inferred_text=is_inferred(entry["audience"]),
            how_heading=how["heading"]["text"],
            format=how["format"]["text"],
            led_by=how["led_by"]["text"],
            guided_journey=how["guided_journey"]["text"],
            facts=[("fact", _fact(fact)) for fact in how["facts"]],
            weekly_lead_in=weekly["lead_in"]["text"],
            weekly_components=lines(weekly["items"]),
            plan_heading=plan["heading"]["text"],
            after_plan=lines(plan["after_plan"]),
            recordings=entry["recordings"]["text"],
            policies=[("policy", _policy(policy)) for policy in entry["policies"]],
            workbook_title=entry["workbook"]["title"],
            workbook_supplied=entry["workbook"]["supplied"],
            testimonials_heading=testimonials_heading,
            editorial_note=entry["editorial_note"],
        ),
    )
    for week in plan["weeks"]:
        loading.page(workshop, _week(entry["key"], week))
    return workshop


def link_workshop(
    workshop: WorkshopPage,
    entry: dict[str, Any],
    people: dict[str, TherapistPage],
    questions: dict[str, FAQItem],
) -> None:
    """Who leads the new workshop, and which questions its page answers."""
    workshop.therapist_picks = [
        WorkshopTherapistPick(therapist=people[key], sort_order=place)
        for place, key in enumerate(entry["therapists"])
    ]
    workshop.faq_picks = [
        WorkshopFAQPick(faq_item=questions[key], sort_order=place)
        for place, key in enumerate(entry["questions"])
    ]


def load_bundle(
    loading: Loading, index_page: ProgramIndexPage, entry: dict[str, Any]
) -> BundlePage:
    """A bundle with its courses and lessons."""
    who, included = entry["who_its_for"], entry["included"]
    bundle = loading.page(
        index_page,
        BundlePage(
            key=entry["key"],
            slug=entry["slug"],
            title=entry["name"],
            discreet_name=entry["sample_discreet_name"],
            discreet_name_is_sample=True,
            tagline=entry["tagline"]["text"],
            who_heading=who["heading"]["text"],
            who_for=who["text"],
            has_inferred_text=is_inferred(who["heading"]),
            included_heading=included["heading"]["text"],
            included=lines(included["items"]),
            claim=entry["claim"]["text"],
            claim_more_than=entry["claim"]["more_than"],
            editorial_note=entry["editorial_note"],
        ),
    )
    for course in entry["courses"]:
        _load_course(loading, bundle, course)
    return bundle


def load_questions(
    loading: Loading, entries: list[dict[str, Any]], programs: dict[str, Any]
) -> dict[str, FAQItem]:
    """Questions and answers by key."""
    return {
        entry["key"]: loading.faq_item(
            FAQItem(
                key=entry["key"],
                question=entry["question"],
                question_inferred=entry["question_origin"] == "inferred",
                answer="".join(_answer_part(part, programs) for part in entry["answer"]),
                answer_inferred=any(is_inferred(part) for part in entry["answer"]),
                sort_order=place,
                admin_note=entry["editorial_note"],
            )
        )
        for place, entry in enumerate(entries, start=1)
    }


def load_team(
    loading: Loading, home: HomePage, entry: dict[str, Any]
) -> tuple[TherapistIndexPage, dict[str, TherapistPage]]:
    """The team's page and the people by key: exactly what the file says, nothing added."""
    team = loading.page(
        home,
        TherapistIndexPage(
            key="team",
            slug="team",
            title=entry["title"],
            heading=entry["heading"]["text"],
            body=paragraph(entry["body"]["text"]),
            editorial_note=entry["editorial_note"],
        ),
    )
    people = {
        person["key"]: loading.page(
            team,
            TherapistPage(
                key=person["key"],
                slug=person["key"],
                title=person["name"],
                role=person["role"]["text"],
                credentials=[
                    ("credential", {"letters": letters}) for letters in person["credentials"]
                ],
                editorial_note=person["editorial_note"],
            ),
        )
        for person in entry["people"]
    }
    return team, people


def load_testimonials(
    loading: Loading, home: HomePage, entry: dict[str, Any]
) -> TestimonialIndexPage:
    """The page of testimonials. What shows its place is a sample, and always a draft."""
    index_page = loading.page(
        home,
        TestimonialIndexPage(
            key="testimonials",
            slug="testimonials",
            title=entry["title"],
            heading=entry["heading"]["text"],
        ),
    )
    for sample in entry["samples"]:
        loading.page(
            index_page,
            TestimonialPage(
                key=sample["key"],
                title=sample["title"],
                text=paragraph(sample["text"]),
                is_sample=True,
                live=False,
            ),
        )
    return index_page


def _fact(fact: dict[str, Any]) -> dict[str, Any]:
    return {"label": fact["label"], "value": fact["text"], "more": fact.get("more", "")}


def _policy(policy: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": policy["kind"],
        "text": policy["text"],
        "is_sample": policy["origin"] == "sample",
    }


def _week(workshop_key: str, week: dict[str, Any]) -> SyllabusWeekPage:
    return SyllabusWeekPage(
        key=f"{workshop_key}-week-{week['week']}",
        title=week["title"],
        number=week["week"],
        chapter=week["chapter"],
        part=week.get("part"),
        of_parts=week.get("of_parts"),
        summary=week["summary"]["text"],
        editorial_note=with_suggestion(week),
    )


def _load_course(loading: Loading, bundle: BundlePage, entry: dict[str, Any]) -> None:
    stated = entry.get("stated", {})
    dollars = stated.get("stated_value_usd")
    course = loading.page(
        bundle,
        CoursePage(
            key=entry["key"],
            slug=entry["slug"],
            title=entry["title"]["text"],
            eyebrow=entry.get("eyebrow", {}).get("text", ""),
            stated_line=stated.get("text", ""),
            stated_videos=stated.get("stated_videos"),
            stated_value_cents=dollars and dollars * 100,
            editorial_note=entry["editorial_note"],
            live=not entry.get("draft", False),
        ),
    )
    sections = entry.get("sections") or [{"heading": {"text": ""}, "lessons": entry["lessons"]}]
    for section in sections:
        for lesson in section["lessons"]:
            loading.page(course, _lesson(entry["key"], section["heading"]["text"], lesson))


def _lesson(course_key: str, section: str, lesson: dict[str, Any]) -> LessonPage:
    page = LessonPage(
        title=lesson["text"],
        section=section,
        number=lesson["n"],
        content_note=lesson.get("content_note", ""),
        show_crisis_panel=lesson.get("show_crisis_panel", False),
        editorial_note=with_suggestion(lesson),
    )
    page.key = f"{course_key}-{page.neutral_address()}"
    return page


def _answer_part(part: dict[str, Any], programs: dict[str, Any]) -> str:
    if "items" in part:
        return bullets(part["items"])
    text = paragraph(part["text"])
    if link := part.get("link"):
        opening = f'<a linktype="page" id="{programs[link["program"]].pk}">'
        text = text.replace(link["words"], f"{opening}{link['words']}</a>")
    return text
