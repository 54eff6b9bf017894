"""Changing one meeting: the form, and the page that says who would be told before anything is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import pluralize
from django.template.response import TemplateResponse
from django.utils import timezone
from wagtail.admin.panels import ObjectList
from wagtail_modeladmin.views import EditView

from accounts.models import User
from core import letters
from enrollments import emails
from enrollments.desks.clocks import OnClocksOf
from enrollments.desks.meeting_forms import meeting_panels
from enrollments.desks.meeting_questions import questions
from enrollments.desks.wording import name_of_place, when
from enrollments.errors import Refusal
from enrollments.models import Meeting
from enrollments.operations import meetings
from enrollments.zones import zone_title

# What is sent with the form by the page that asks, and is no part of what was typed.
AGREED, BACK = "agreed", "back"
DEEDS = {
    meetings.Kind.MOVED: "Move it",
    meetings.Kind.CANCELLED: "Cancel it",
    meetings.Kind.BACK: "Let it take place",
}


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What would happen. ``fingerprint`` changes with anything that is shown."""

    questions: list[str]
    facts: list[tuple[str, str]]
    told: list[str]
    people: str
    letter: letters.Letter | None
    button: str

    @property
    def asks(self) -> bool:
        """Whether somebody should look at it first."""
        return bool(self.questions or self.letter)

    @property
    def fingerprint(self) -> str:
        """Whoever agrees has read exactly this."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:32]


def preview(change: meetings.Change, user: User, now: datetime) -> Preview:
    """What saving would do, as ``user`` may read it."""
    count = len(change.told) if change.kind else 0
    people = f"{count} member{pluralize(count)}"
    deed = DEEDS[change.kind] if change.kind else "Save it"
    names_are_shown = user.has_perm("enrollments.view_enrollment")
    return Preview(
        questions=questions(change, now),
        facts=_facts(change),
        told=[name_of_place(place) for place in change.told] if names_are_shown else [],
        people=people,
        letter=_letter(change),
        button=f"{deed} and write to {people}" if count else deed,
    )


def _facts(change: meetings.Change) -> list[tuple[str, str]]:
    quarter = change.before.quarter
    found = [
        ("Until now", _written(change.before, quarter.zone)),
        ("From now on", _written(change.after, quarter.zone)),
    ]
    if change.closes_at:
        closes = f"{when(change.closes_at, quarter.zone)}, when the group begins"
        found.append(("Enrollment closes", closes))
    return found


def _written(meeting: Meeting, zone: ZoneInfo) -> str:
    length = f"{when(meeting.starts_at, zone)}, {meeting.minutes} minutes"
    return f"Cancelled ({length})" if meeting.is_cancelled else length


def _letter(change: meetings.Change) -> letters.Letter | None:
    """What the first of them reads; the others read the same with their own names."""
    if change.kind is None:
        return None
    context = emails.meeting_context(change.after, knew_starts_at=change.before.starts_at)
    return letters.compose(change.kind, context)


class EditMeetingView(OnClocksOf, EditView):
    """A form for one meeting. What members are told of, or what looks odd, is shown first."""

    def form_zone(self, request: HttpRequest) -> ZoneInfo:  # noqa: ARG002 (as its base says)
        zone: ZoneInfo = self.instance.quarter.zone
        return zone

    def get_edit_handler(self) -> ObjectList:
        clocks = zone_title(self.instance.quarter.time_zone)
        return meeting_panels(clocks).bind_to_model(Meeting)

    def get_page_subtitle(self) -> str:
        return f"{self.instance}, {self.instance.quarter}"

    def get_success_url(self) -> str:
        return f"{self.index_url}?quarter={self.instance.quarter_id}"

    def get_success_message(self, instance: Any) -> str:
        zone = instance.quarter.zone
        return f"{instance} of {instance.quarter} was saved: {when(instance.starts_at, zone)}."

    def get_error_message(self) -> str:
        return "The meeting was not saved. Please look at what is marked below."

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if BACK in request.POST:
            return self.render_to_response(self.get_context_data(form=self.get_form()))
        response: HttpResponse = super().post(request, *args, **kwargs)
        return response

    def form_valid(self, form: Any) -> HttpResponse:
        now = timezone.now()
        try:
            ahead = preview(meetings.look_ahead(form.instance, now=now), self.request.user, now)
            if ahead.asks and self.request.POST.get(AGREED) != ahead.fingerprint:
                return self._ask(ahead)
            response: HttpResponse = super().form_valid(form)
        except Refusal as refusal:
            form.add_error("starts_at", refusal.sentence)
            response = self.form_invalid(form)
        return response

    def _ask(self, ahead: Preview) -> HttpResponse:
        kept = [
            (name, value)
            for name, values in self.request.POST.lists()
            for value in values
            if name not in (AGREED, "csrfmiddlewaretoken")
        ]
        context = {
            "view": self,
            "row_name": self.get_page_subtitle(),
            "back_url": self.get_success_url(),
            "ahead": ahead,
            "kept": kept,
        }
        return TemplateResponse(self.request, "modeladmin/enrollments/change_meeting.html", context)

    @property
    def button(self) -> str:
        """What the page that asks is called."""
        return "Change a meeting"
