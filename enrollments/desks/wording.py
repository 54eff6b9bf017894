"""How desks write moments, states, people and numbers."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.contrib.admin.utils import quote
from django.urls import reverse
from django.utils import timezone
from django.utils.dateformat import format as format_moment
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from accounts.models import User
from enrollments.models import (
    BundleAccess,
    Enrollment,
    Order,
    OrderLine,
    Quarter,
    Refund,
    StripeEvent,
)
from enrollments.money import written
from enrollments.zones import hour_written

NOTHING = "\N{EN DASH}"


def when(moment: datetime | None, zone: ZoneInfo | None = None) -> str:
    """``Sat, Jan 9, 2027, 10:00 am Eastern``: in ``zone``, or else where the reader is."""
    if moment is None:
        return NOTHING
    local = timezone.localtime(moment, zone)
    return f"{format_moment(local, 'D, M j, Y')}, {hour_written(local)}"


def soon(moment: datetime) -> str:
    """``10:00 am Eastern`` of today, where the reader is; with the date of any other day."""
    local, today = timezone.localtime(moment), timezone.localdate()
    return hour_written(local) if local.date() == today else when(moment)


def day(moment: datetime | None) -> str:
    """``Sat, Jan 9, 2027``, where the reader is; nothing for no moment."""
    return format_moment(timezone.localtime(moment), "D, M j, Y") if moment else ""


def stacked(moment: datetime | None, zone: ZoneInfo | None = None) -> SafeString:
    """The same for a column: the date, and the time below it."""
    if moment is None:
        return SafeString(NOTHING)
    local = timezone.localtime(moment, zone)
    return format_html(
        '<span class="desk-nowrap">{}</span><span class="desk-under desk-nowrap">{}</span>',
        format_moment(local, "D, M j, Y"),
        hour_written(local),
    )


def amount(cents: int, currency: str) -> SafeString:
    """A sum for a column: it never breaks over two lines."""
    return format_html('<span class="desk-nowrap">{}</span>', written(cents, currency))


def tag(text: str, tone: str = "plain") -> SafeString:
    """A word in a small frame. Tones: ``plain``, ``good``, ``quiet``, ``alarm``."""
    return format_html('<span class="desk-tag desk-tag--{}">{}</span>', tone, text)


def sample_tag() -> SafeString:
    """The mark of what was invented for the demo."""
    return tag("Sample", "quiet")


def link(url: str, text: str) -> SafeString:
    """A link inside a cell or a sentence."""
    return format_html('<a href="{}">{}</a>', url, text)


def order_number(order: Order) -> str:
    """The first eight characters of the number, which members see too."""
    return str(order.uuid)[:8]


def order_link(order: Order) -> SafeString:
    """The short number, leading to the order."""
    url = reverse("enrollments_order_modeladmin_inspect", args=[quote(order.pk)])
    return link(url, order_number(order))


def refund_number(refund: Refund) -> str:
    """The first eight characters of the number."""
    return str(refund.uuid)[:8]


def refund_link(refund: Refund) -> SafeString:
    """The short number, leading to the refund."""
    url = reverse("enrollments_refund_modeladmin_inspect", args=[quote(refund.pk)])
    return link(url, refund_number(refund))


def staff_name(person: User | None) -> str:
    """Who of the staff did something; the site itself when nobody did."""
    if person is None:
        return "The site"
    return person.chosen_name or person.get_full_name() or person.email


def event_kind(event: StripeEvent) -> SafeString:
    """What Stripe calls it; a line may break after each dot."""
    return format_html_join(mark_safe(".<wbr>"), "{}", ((p,) for p in event.type.split(".")))


def asker_of(refund: Refund) -> str:
    """Who asked for a refund; the dashboard does not say who used it."""
    if refund.reason == Refund.Reason.IN_DASHBOARD:
        return "Stripe's dashboard"
    return staff_name(refund.requested_by)


def sold(line: OrderLine | None) -> str:
    """What a line of an order is, as staff call it."""
    if line and line.quarter:
        return f"{line.quarter.workshop.title}, {line.quarter.label}"
    return line.bundle.title if line and line.bundle else NOTHING


def name_of_place(place: Enrollment) -> str:
    """The chosen name of whoever has the place; of its buyer while it is being paid."""
    if place.member:
        return place.member.shown_name()
    return place.line.order.chosen_name if place.line else "Nobody yet"


def source_of(access: BundleAccess) -> str:
    """Where access came from, in plain words."""
    if access.line:
        return f"Bought with order {order_number(access.line.order)}"
    if access.enrollment:
        return f"Included in {access.enrollment.quarter}"
    return "Given by staff"


def quarter_state(quarter: Quarter) -> SafeString:
    """The state as a tag."""
    tones = {Quarter.State.OPEN: "good", Quarter.State.RUNNING: "good"}
    return tag(quarter.get_state_display(), tones.get(Quarter.State(quarter.state), "quiet"))


def order_state(order: Order) -> SafeString:
    """The state as a tag; staff may have dealt with what needed a person."""
    if order.state == Order.State.REVIEW and not order.attention:
        return tag("Dealt with", "quiet")
    alarming = (Order.State.REVIEW, Order.State.CLOSED_ACCOUNT)
    tones = {Order.State.PAID: "good", **dict.fromkeys(alarming, "alarm")}
    return tag(order.get_state_display(), tones.get(Order.State(order.state), "quiet"))


def refund_state(refund: Refund) -> SafeString:
    """The state as a tag."""
    tones = {
        Refund.State.SUCCEEDED: "good",
        Refund.State.FAILED: "alarm",
        Refund.State.REFUSED: "alarm",
        Refund.State.CANCELED: "quiet",
    }
    return tag(refund.get_state_display(), tones.get(Refund.State(refund.state), "plain"))


def place_state(place: Enrollment) -> SafeString:
    """The state as a tag, with the end of a hold."""
    is_held = place.state == Enrollment.State.HELD
    if is_held and place.hold_expires_at and place.hold_expires_at > timezone.now():
        return tag(f"Held until {soon(place.hold_expires_at)}")
    is_in = place.state in (Enrollment.State.ENROLLED, Enrollment.State.COMPLETED)
    return tag(place.get_state_display(), "good" if is_in else "quiet")
