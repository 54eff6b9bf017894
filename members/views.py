"""What a member sees once she has signed in: her dates and her lessons, by discreet names only."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.models import User
from enrollments import access
from enrollments.errors import NoPlaceToLeave
from enrollments.models import Enrollment, Meeting, PaymentPlan, Phase, Quarter
from enrollments.operations import departures
from enrollments.zones import zone_name, zone_title
from programs.models import BundlePage
from programs.models.bundle import CourseOutline


@login_required
def today(request: HttpRequest) -> HttpResponse:
    """Her quarters with their dates, and her bundles with the number of their lessons."""
    member = _member(request)
    now = timezone.now()
    places = [_place(place, now) for place in access.places_of(member)]
    hers = {
        "meeting_now": [place for place in places if place["now"]],
        "places": [place for place in places if not place["now"]],
        "bundles": [_bundle(bundle) for bundle in access.bundles_of(member)],
        "plans": [_plan(plan) for plan in access.plans_of(member)],
    }
    is_over = not any(hers.values()) and access.has_paid(member)
    context = {"name": member.chosen_name, "is_over": is_over, **hers}
    return render(request, "members/today.html", context)


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


@require_http_methods(["GET", "POST"])
@login_required
def leave(request: HttpRequest, slug: str) -> HttpResponse:
    """What leaving her group means (GET), then leaving it (POST). Others' groups are nothing."""
    member = _member(request)
    place = access.place_to_leave(member, slug)
    if place is None:
        raise Http404
    now = timezone.now()
    if request.method == "GET":
        return render(request, "members/leave.html", _leaving(place, now))
    # Ended in another window meanwhile is ended, too.
    with suppress(NoPlaceToLeave):
        departures.leave(place_id=place.pk, by=member, now=now)
    messages.success(request, "You have left the group. We sent you a letter about it.")
    return redirect("member_today")


def _leaving(place: Enrollment, now: datetime) -> dict[str, object]:
    ahead = departures.look_ahead(place, now=now)
    return {
        "discreet_name": place.quarter.workshop.discreet_name,
        "label": place.quarter.label,
        "has_begun": not ahead.seat_goes_on,
        "bundles": [bundle.discreet_name for bundle in ahead.bundles],
        "plan_stops": ahead.plan_stops,
    }


def _member(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Http404
    return request.user


def _place(place: Enrollment, now: datetime) -> dict[str, object]:
    quarter = place.quarter
    held: dict[Phase, list[Meeting]] = {phase: [] for phase in Phase}
    for meeting in quarter.taking_place():
        held[meeting.phase(now)].append(meeting)
    return {
        "discreet_name": quarter.workshop.discreet_name,
        "label": quarter.label,
        "zone_name": zone_name(quarter.time_zone),
        "zone_title": zone_title(quarter.time_zone),
        "time_zone": quarter.time_zone,
        "dates": [_date(meeting, quarter) for meeting in quarter.meetings.all()],
        "now": _first_date(held[Phase.UNDER_WAY], quarter),
        "next": _first_date(held[Phase.AHEAD], quarter),
        "has_met": bool(held[Phase.OVER]),
        "leave_url": _leave_url(place),
    }


def _first_date(meetings: list[Meeting], quarter: Quarter) -> dict[str, object] | None:
    return _date(meetings[0], quarter) if meetings else None


def _date(meeting: Meeting, quarter: Quarter) -> dict[str, object]:
    """A meeting on the clocks of its group."""
    return {
        "number": meeting.number,
        "starts_at": meeting.local_start(quarter.zone),
        "ends_at": meeting.ends_at.astimezone(quarter.zone),
        "is_cancelled": meeting.is_cancelled,
        "note": meeting.note,
    }


def _leave_url(place: Enrollment) -> str:
    """Nobody has to leave a group that is over."""
    if place.state != Enrollment.State.ENROLLED:
        return ""
    return reverse("member_leave", args=[place.quarter.slug])


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


def _plan(plan: PaymentPlan) -> dict[str, object]:
    """What is said of a plan: most often nothing but where it is."""
    lines = plan.order.lines.all()
    return {
        "order": plan.order,
        "discreet_name": next(line.discreet_name for line in lines if line.quarter_id),
        "is_missing_one": plan.is_overdue,
        "rests": bool(plan.order.paused_for),
        "is_stopped": plan.subscription_ended_at is not None,
        "open_until": plan.grace_ends_at,
    }
