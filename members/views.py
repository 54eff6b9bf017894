"""What a member sees once she has signed in: her dates and her lessons, by discreet names only."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from enrollments import access
from enrollments.models import Enrollment
from enrollments.offers import zone_name
from programs.models import BundlePage
from programs.models.bundle import CourseOutline


@login_required
def today(request: HttpRequest) -> HttpResponse:
    """Her quarters with their dates, and her bundles with the number of their lessons."""
    member = _member(request)
    return render(
        request,
        "members/today.html",
        {
            "name": member.chosen_name,
            "places": [_place(place) for place in access.places_of(member)],
            "bundles": [_bundle(bundle) for bundle in access.bundles_of(member)],
        },
    )


@login_required
def lessons(request: HttpRequest, slug: str) -> HttpResponse:
    """The lessons of one of her bundles; a stranger's bundle is nothing, not a refusal."""
    bundle = next((b for b in access.bundles_of(_member(request)) if b.slug == slug), None)
    if bundle is None:
        raise Http404
    return render(
        request,
        "members/lessons.html",
        {"discreet_name": bundle.discreet_name, "courses": bundle.outline()},
    )


def _member(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Http404
    return request.user


def _place(place: Enrollment) -> dict[str, object]:
    quarter = place.quarter
    now = timezone.now()
    dates = [
        {
            "number": meeting.number,
            "starts_at": meeting.local_start(quarter.zone),
            "is_over": meeting.starts_at < now,
            "is_cancelled": meeting.is_cancelled,
            "note": meeting.note,
        }
        for meeting in quarter.meetings.all()
    ]
    coming = [date for date in dates if not date["is_over"] and not date["is_cancelled"]]
    return {
        "discreet_name": quarter.workshop.discreet_name,
        "label": quarter.label,
        "zone_name": zone_name(quarter.time_zone),
        "time_zone": quarter.time_zone,
        "dates": dates,
        "next": coming[0] if coming else None,
    }


def _bundle(bundle: BundlePage) -> dict[str, object]:
    """Its lessons by number: titles tell what it is about, so they wait on their own page."""
    parts = [_lessons_by_number(outline) for outline in bundle.outline()]
    return {
        "discreet_name": bundle.discreet_name,
        "lesson_count": sum(len(lessons) for lessons in parts),
        "parts": parts,
        "url": reverse("member_lessons", args=[bundle.slug]),
    }


def _lessons_by_number(outline: CourseOutline) -> list[str]:
    return [
        f"{section.heading} Lesson {position}".strip()
        for section in outline.sections()
        for position, _ in enumerate(section.lessons, start=1)
    ]
