"""The desk of the waitlist: who waits in which order, and what was offered until when."""

# ruff: noqa: ARG002 (hooks of Wagtail and Django keep their signatures)

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib.admin import display
from django.contrib.admin.utils import quote
from django.db import transaction
from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from wagtail.log_actions import log

from accounts.models import User
from enrollments.desks.base import (
    AskFirstView,
    Desk,
    KnownChoicesFilter,
    Link,
    LookAndDecide,
    Section,
    Table,
)
from enrollments.desks.quarters import QuarterFilter
from enrollments.desks.wording import NOTHING, order_link, stacked, tag, when
from enrollments.errors import NotInLine
from enrollments.models import Enrollment, WaitlistEntry, WaitlistLetter
from enrollments.operations import waitlist
from enrollments.querysets import IN_LINE

State = WaitlistEntry.State
LETTER_TONES = {"failed": "alarm", "queued": "plain"}
UNTOLD = "Email not sent yet"
TONES = {State.OFFERED: "good", State.ACCEPTED: "good", State.WAITING: "plain"}


def may_act(user: User) -> bool:
    """Whether ``user`` may take people off the list and offer free seats."""
    return bool(user.has_perm("enrollments.change_waitlistentry"))


class EntryView(AskFirstView):
    """Something that is done with one entry; the log of its quarter says that it was done."""

    log_action = ""

    def check_action_permitted(self, user: User) -> bool:
        return may_act(user)

    def carry_out(self) -> None:
        with transaction.atomic():
            self.change()
            log(instance=self.instance.quarter, action=self.log_action)


class TakeOffView(EntryView):
    """Takes somebody off the list."""

    button = "Take off the list"
    question = "Take this person off the list?"
    done = "is not on the list any more."
    log_action = "enrollments.take_off"

    def reasons(self) -> list[str]:
        return [] if self.instance.is_in_line else [NotInLine.sentence]

    def consequences(self) -> list[str]:
        told = "No letter is sent. She can join again, at the end of the list."
        if self.instance.is_kept_open:
            return ["The place that is kept for her goes to the next person at once.", told]
        return [told]

    def change(self) -> None:
        waitlist.leave(entry_id=self.instance.pk, now=timezone.now())


class OfferNowView(EntryView):
    """Offers a free seat to whoever is first."""

    button = "Offer a place now"
    question = "Offer a free place now?"
    consequence = (
        "She gets a letter, and the place is kept for her for two days from the moment it is sent."
    )
    done = "has been offered a place."
    log_action = "enrollments.offer"

    def reasons(self) -> list[str]:
        reason = waitlist.reason_not_to_offer(self.instance, now=timezone.now())
        return [reason.sentence] if reason else []

    def change(self) -> None:
        waitlist.offer_now(entry_id=self.instance.pk, now=timezone.now())


class EntryStateFilter(KnownChoicesFilter):
    title = "state"
    parameter_name = "state"
    lookup = "state"
    offered = (("in_line", "In line"), *State.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "in_line":
            return queryset.filter(state__in=IN_LINE)
        return super().queryset(request, queryset)


class WaitlistDesk(Desk):
    """Everybody who waits or has waited; first those in line, in the order of the list."""

    model = WaitlistEntry
    menu_label = "Waitlist"
    menu_icon = "list-ol"
    intro = "A free place is offered by itself, to one person at a time, in the order of the list."
    empty_text = "Nobody has had to wait for a place yet."
    permission_helper_class = LookAndDecide
    list_display: ClassVar[list[str]] = ["name", "quarter_label", "condition", "until", "joined"]
    list_filter = (QuarterFilter, EntryStateFilter)
    search_fields: ClassVar[list[str]] = ["chosen_name", "email"]
    search_label = "Search by name or email"
    list_select_related: ClassVar[list[str]] = ["quarter", "seat"]
    ordering: ClassVar[list[str]] = ["is_over", "-quarter__opens_at", "rank", "joined_at", "pk"]
    action_views: ClassVar[dict[str, Any]] = {"take-off": TakeOffView, "offer": OfferNowView}

    def get_queryset(self, request: HttpRequest) -> QuerySet[WaitlistEntry]:
        in_line = When(state__in=IN_LINE, then=Value(0))
        is_over = Case(in_line, default=Value(1), output_field=IntegerField())
        entries = WaitlistEntry.objects.with_number().select_related("quarter", "seat")
        return entries.annotate(is_over=is_over).order_by(*self.ordering)

    @display(description="Name", ordering="chosen_name")
    def name(self, entry: WaitlistEntry) -> SafeString:
        return format_html('{}<span class="desk-under">{}</span>', entry.chosen_name, entry.email)

    @display(description="Quarter", ordering="quarter__label")
    def quarter_label(self, entry: WaitlistEntry) -> str:
        return entry.quarter.label

    @display(description="State", ordering="state")
    def condition(self, entry: Any) -> SafeString:
        return _condition(entry, entry.place_in_line)

    @display(description="Kept until", ordering="offered_until")
    def until(self, entry: WaitlistEntry) -> SafeString:
        offered = entry.state == State.OFFERED
        if entry.is_untold():
            return tag(UNTOLD)
        return stacked(entry.offered_until if offered else None, entry.quarter.zone)

    @display(description="Joined", ordering="joined_at")
    def joined(self, entry: WaitlistEntry) -> SafeString:
        return stacked(entry.joined_at)

    def name_of(self, row: WaitlistEntry) -> str:
        return row.chosen_name

    def actions(self, row: WaitlistEntry, user: User) -> list[Link]:
        if not (row.is_in_line and may_act(user)):
            return []
        address, key = self.url_helper.get_action_url, quote(row.pk)
        links = [Link(label=TakeOffView.button, url=address("take-off", key))]
        if row.state == State.WAITING:
            links.insert(0, Link(label=OfferNowView.button, url=address("offer", key)))
        return links

    def sections(self, row: WaitlistEntry, user: User) -> Iterable[Section]:
        entry = WaitlistEntry.objects.select_related("quarter__workshop", "seat__line__order").get(
            pk=row.pk
        )
        yield Section(heading="Place in line", facts=_facts(entry))
        yield Section(heading="Letters", table=_letters(entry))


def _condition(entry: WaitlistEntry, number: int) -> SafeString:
    """The state as a tag; with the place in line of those who wait."""
    if entry.state == State.WAITING:
        return tag(f"Waiting, number {number}")
    if entry.state == State.OFFERED and not entry.is_kept_open:
        return tag("Paying", "good")
    return tag(entry.get_state_display(), TONES.get(State(entry.state), "quiet"))


def _facts(entry: WaitlistEntry) -> list[tuple[str, object]]:
    line = entry.seat.line if entry.seat else None
    return [
        ("Name", entry.chosen_name),
        ("Email", entry.email),
        ("Quarter", f"{entry.quarter.workshop.title}, {entry.quarter.label}"),
        ("State", _condition(entry, entry.number)),
        ("Joined", when(entry.joined_at)),
        ("Offered until", _offered_until(entry)),
        ("Seat", _seat(entry.seat)),
        ("Order", order_link(line.order) if line else NOTHING),
        ("Turn", _turn(entry)),
    ]


def _seat(seat: Enrollment | None) -> str:
    if seat is None or seat.state == Enrollment.State.RELEASED:
        return NOTHING
    return f"{seat}, {seat.get_state_display().lower()}"


def _offered_until(entry: WaitlistEntry) -> str:
    if entry.is_untold():
        return f"{UNTOLD}: the place stays hers, and her two days begin with the email"
    return when(entry.offered_until, entry.quarter.zone)


def _turn(entry: WaitlistEntry) -> str:
    if entry.rank == WaitlistEntry.FIRST:
        return "Before the others: she had paid when the last place had just gone"
    return "In the order of joining"


def _letters(entry: WaitlistEntry) -> Table:
    return Table(
        columns=["Letter", "Queued", "Sent"],
        rows=[
            [str(letter), stacked(letter.queued_at), _outcome(letter)]
            for letter in entry.letters.all()
        ],
        empty="No letter yet.",
    )


def _outcome(letter: WaitlistLetter) -> SafeString:
    if letter.sent_at:
        return stacked(letter.sent_at)
    return tag(letter.get_outcome_display(), LETTER_TONES.get(letter.outcome, "quiet"))
