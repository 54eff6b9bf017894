"""The desks of quarters and their meetings."""

# ruff: noqa: ARG002 (hooks of Wagtail and Django keep their signatures)

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib.admin import display
from django.contrib.admin.utils import quote
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from wagtail_modeladmin.helpers import PermissionHelper

from accounts.models import User
from core.fields import UnreadableText
from enrollments.desks.base import (
    Desk,
    DeskButtons,
    EditOnly,
    KnownChoicesFilter,
    Link,
    Section,
    Table,
)
from enrollments.desks.meeting_views import EditMeetingView
from enrollments.desks.moves import CancelQuarterView, may_cancel, progress_facts
from enrollments.desks.quarter_views import (
    CloseEnrollmentView,
    DeleteQuarterView,
    EditQuarterView,
    NewQuarterView,
    OpenEnrollmentView,
)
from enrollments.desks.wording import (
    NOTHING,
    amount,
    link,
    quarter_state,
    sample_tag,
    stacked,
    tag,
    when,
)
from enrollments.models import Meeting, Quarter
from enrollments.money import written
from enrollments.offers import instalments_written
from enrollments.operations.quarters import room_of
from enrollments.querysets import OCCUPYING, QuarterQuerySet
from enrollments.zones import zone_title
from programs.models import WorkshopPage


class QuarterStateFilter(KnownChoicesFilter):
    title = "state"
    parameter_name = "state"
    lookup = "state"
    offered = Quarter.State.choices


class WorkshopFilter(KnownChoicesFilter):
    title = "workshop"
    parameter_name = "workshop"
    lookup = "workshop"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        workshops = WorkshopPage.objects.order_by("title").values_list("pk", "title")
        return [(str(pk), title) for pk, title in workshops]


class QuarterFilter(KnownChoicesFilter):
    """For every desk whose rows belong to a quarter; a desk says how they do."""

    title = "quarter"
    parameter_name = "quarter"
    lookup = "quarter"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(pk), label) for pk, label in Quarter.objects.values_list("pk", "label")]


class ComingFilter(KnownChoicesFilter):
    title = "when"
    parameter_name = "when"
    offered = (("coming", "Still to come"), ("past", "Past"))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Meeting]) -> QuerySet[Meeting]:
        if self.value() is None:
            return queryset
        coming = Meeting.objects.not_over(timezone.now()).values("pk")
        return (
            queryset.filter(pk__in=coming)
            if self.value() == "coming"
            else queryset.exclude(pk__in=coming)
        )


class QuarterPermissions(PermissionHelper):
    """A quarter in which somebody has enrolled stays."""

    def user_can_delete_obj(self, user: User, obj: Model) -> bool:
        may = super().user_can_delete_obj(user, obj)
        return bool(may and isinstance(obj, Quarter) and not obj.enrollments.exists())


class QuarterButtons(DeskButtons):
    """Open or close enrollment, beside the usual ones; deleting is offered while editing."""

    def get_buttons_for_obj(
        self,
        obj: Quarter,
        exclude: list[str] | None = None,
        classnames_add: list[str] | None = None,
        classnames_exclude: list[str] | None = None,
    ) -> list[dict[str, Any]]:
        buttons: list[dict[str, Any]] = super().get_buttons_for_obj(
            obj, [*(exclude or []), "delete"], classnames_add, classnames_exclude
        )
        if self.permission_helper.user_can_edit_obj(self.request.user, obj):
            if obj.state in (Quarter.State.DRAFT, Quarter.State.CLOSED):
                buttons.append(self._button(obj, "open", "Open enrollment", classnames_add))
            elif obj.state == Quarter.State.OPEN:
                buttons.append(self._button(obj, "close", "Close enrollment", classnames_add))
        return buttons

    def _button(
        self, quarter: Quarter, action: str, label: str, classnames: list[str] | None
    ) -> dict[str, Any]:
        return {
            "url": self.url_helper.get_action_url(action, quote(quarter.pk)),
            "label": label,
            "classname": self.finalise_classname(["button-secondary", *(classnames or [])]),
            "title": f"{label} of {quarter}",
        }


class QuarterDesk(Desk):
    """Runs of a workshop: dates, seats, price, and whether people can enroll."""

    model = Quarter
    menu_label = "Quarters"
    menu_icon = "calendar-alt"
    intro = "One run of a workshop, with its own dates, seats and price."
    empty_text = "No quarter has been planned yet."
    permission_helper_class = QuarterPermissions
    button_helper_class = QuarterButtons
    create_view_class = NewQuarterView
    edit_view_class = EditQuarterView
    delete_view_class = DeleteQuarterView
    history_view_enabled = True
    list_display: ClassVar[list[str]] = ["name", "first_meeting", "condition", "seats", "price"]
    list_filter = (QuarterStateFilter, WorkshopFilter)
    search_fields: ClassVar[list[str]] = ["label"]
    search_label = "Search by label"
    list_select_related: ClassVar[list[str]] = ["workshop"]
    ordering: ClassVar[list[str]] = ["-begins_at"]
    action_views: ClassVar[dict[str, Any]] = {
        "open": OpenEnrollmentView,
        "close": CloseEnrollmentView,
        "cancel": CancelQuarterView,
    }

    def get_queryset(self, request: HttpRequest) -> QuerySet[Quarter]:
        return with_counts(Quarter.objects.all()).order_by(*self.ordering)

    @display(description="Quarter", ordering="label")
    def name(self, quarter: Quarter) -> SafeString:
        mark = sample_tag() if quarter.is_sample else ""
        return format_html(
            '{}<span class="desk-under">{} {}</span>', quarter.label, quarter.workshop.title, mark
        )

    @display(description="First meeting", ordering="begins_at")
    def first_meeting(self, quarter: Quarter) -> SafeString:
        return stacked(quarter.begins_at, quarter.zone)  # type: ignore[attr-defined]

    @display(description="State", ordering="state")
    def condition(self, quarter: Quarter) -> SafeString:
        return quarter_state(quarter)

    @display(description="Seats")
    def seats(self, quarter: Quarter) -> SafeString:
        return format_html('<span class="desk-nowrap">{}</span>{}', *seats_written(quarter))

    @display(description="Price", ordering="price_cents")
    def price(self, quarter: Quarter) -> SafeString:
        return amount(quarter.price_cents, quarter.currency)

    def actions(self, row: Quarter, user: User) -> list[Link]:
        url = self.url_helper.get_action_url("cancel", quote(row.pk))
        return [Link(label="Cancel this quarter", url=url)] if may_cancel(row, user) else []

    def sections(self, row: Quarter, user: User) -> Iterable[Section]:
        quarter = with_counts(Quarter.objects.filter(pk=row.pk)).select_related("workshop").get()
        if quarter.state == Quarter.State.CANCELLED:
            yield Section(heading="Cancelled: how many people", facts=progress_facts(quarter, user))
        yield Section(heading="Enrollment", facts=_enrollment_facts(quarter))
        yield Section(heading="For members", facts=_member_facts(quarter))
        yield Section(heading="Meetings", table=_meetings_table(quarter, user))


def with_counts(quarters: QuarterQuerySet) -> QuarterQuerySet:
    """Annotate ``taken`` and ``held`` seats, and ``begins_at``."""
    occupying = Q(enrollments__state__in=OCCUPYING)
    return quarters.with_begin().annotate(
        taken=Count("enrollments", filter=occupying, distinct=True),
        held=Count("enrollments", filter=Q(enrollments__state="held"), distinct=True),
    )


def seats_written(quarter: Any) -> tuple[str, str | SafeString]:
    """``7 of 10``, and below it how many of the seven are only held."""
    count = f"{quarter.taken} of {quarter.capacity}"
    if not quarter.held:
        return count, ""
    return count, format_html('<span class="desk-under">{} of them held</span>', quarter.held)


def _enrollment_facts(quarter: Quarter) -> list[tuple[str, object]]:
    zone = quarter.zone
    count, held = seats_written(quarter)
    state = format_html("{} {}", quarter_state(quarter), sample_tag() if quarter.is_sample else "")
    return [
        ("Workshop", quarter.workshop.title),
        ("State", state),
        ("Enrollment opens", when(quarter.opens_at, zone)),
        ("Enrollment closes", when(quarter.closes_at, zone)),
        ("Seats taken", format_html("{}{}", count, held)),
        ("Waitlist", _waitlist(quarter)),
        ("Price", written(quarter.price_cents, quarter.currency)),
        ("Month by month", instalments_written(quarter) or "Not offered"),
        ("Includes", ", ".join(b.title for b in quarter.bundles.all()) or "No bundle"),
        ("Enroll page", _enroll_page(quarter)),
        ("Time zone", zone_title(quarter.time_zone)),
    ]


def _waitlist(quarter: Quarter) -> SafeString | str:
    """How many wait, leading to their list. One query."""
    count = quarter.waitlist.in_line().count()
    url = reverse("enrollments_waitlistentry_modeladmin_index")
    return link(f"{url}?quarter={quarter.pk}&state=in_line", str(count)) if count else "Nobody"


def _enroll_page(quarter: Quarter) -> SafeString | str:
    """Its address; a draft has no page yet."""
    url = reverse("enroll", args=[quarter.slug])
    return url if quarter.state == Quarter.State.DRAFT else link(url, url)


def _member_facts(quarter: Quarter) -> list[tuple[str, object]]:
    """Whether the link and the number are there, not what they are: that takes editing."""
    room = room_of(quarter)
    return [
        ("Join link", _is_set(room.join_link)),
        ("Dial-in", _is_set(room.dial_in)),
        (
            "Forum closes",
            when(quarter.forum_closes_at, quarter.zone)
            if quarter.forum_closes_at
            else "Stays open",
        ),
    ]


def _is_set(text: str) -> SafeString | str:
    if isinstance(text, UnreadableText):
        return format_html("{} Enter it again.", tag("Not readable", "alarm"))
    return "Set" if text else "Not set yet"


def _meetings_table(quarter: Quarter, user: User) -> Table:
    week = _linked_week if user.has_perm("enrollments.change_meeting") else _week
    return Table(
        columns=["Week", "Starts", "Minutes", "Note"],
        rows=[
            [
                week(meeting),
                when(meeting.starts_at, quarter.zone),
                meeting.minutes,
                _note(meeting),
            ]
            for meeting in quarter.meetings.select_related("week")
        ],
        empty="There are no meetings.",
    )


def _week(meeting: Meeting) -> SafeString:
    return format_html(
        'Week {}<span class="desk-under">{}</span>', meeting.number, meeting.heading()
    )


def _linked_week(meeting: Meeting) -> SafeString:
    url = reverse("enrollments_meeting_modeladmin_edit", args=[quote(meeting.pk)])
    return format_html('<a href="{}">{}</a>', url, _week(meeting))


def _note(meeting: Meeting) -> SafeString:
    mark = tag("Cancelled", "alarm") if meeting.is_cancelled else ""
    return format_html("{} {}", mark, meeting.note or ("" if mark else NOTHING))


class MeetingDesk(Desk):
    """Live gatherings, made together with their quarter."""

    model = Meeting
    menu_label = "Meetings"
    menu_icon = "time"
    intro = "Made together with their quarter. Times are in the quarter's own zone."
    empty_text = "Meetings appear here when a quarter is added."
    permission_helper_class = EditOnly
    inspect_view_enabled = False
    edit_view_class = EditMeetingView
    history_view_enabled = True
    list_display: ClassVar[list[str]] = ["name", "starts", "minutes", "remark"]
    list_filter = (QuarterFilter, ComingFilter)
    search_fields: ClassVar[list[str]] = ["note", "quarter__label"]
    search_label = "Search by quarter or note"
    list_select_related: ClassVar[list[str]] = ["quarter", "week"]
    ordering: ClassVar[list[str]] = ["-quarter__opens_at", "quarter", "number"]

    @display(description="Meeting")
    def name(self, meeting: Meeting) -> SafeString:
        return format_html(
            'Week {}<span class="desk-under">{}</span>', meeting.number, meeting.quarter.label
        )

    @display(description="Starts", ordering="starts_at")
    def starts(self, meeting: Meeting) -> SafeString:
        return stacked(meeting.starts_at, meeting.quarter.zone)

    @display(description="Note")
    def remark(self, meeting: Meeting) -> SafeString:
        return _note(meeting)
