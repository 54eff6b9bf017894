"""The desk of what Stripe has told us."""

# ruff: noqa: ARG002 (hooks of Wagtail and Django keep their signatures)

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from django.contrib.admin import display
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import User
from enrollments.desks.base import Desk, KnownChoicesFilter, Section
from enrollments.desks.wording import NOTHING, event_kind, stacked, tag, when
from enrollments.models import StripeEvent

TONES = {StripeEvent.Outcome.DONE: "good", StripeEvent.Outcome.ERROR: "alarm"}


class OutcomeFilter(KnownChoicesFilter):
    title = "outcome"
    parameter_name = "outcome"
    lookup = "outcome"
    offered = StripeEvent.Outcome.choices


class StripeEventDesk(Desk):
    """Each event once, with what came of it."""

    model = StripeEvent
    menu_label = "Stripe events"
    menu_icon = "history"
    intro = "What Stripe has told us, and what came of it."
    empty_text = "Stripe has not told us anything yet."
    list_display: ClassVar[list[str]] = ["kind", "outcome_tag", "about", "created_at"]
    list_filter = (OutcomeFilter,)
    search_fields: ClassVar[list[str]] = ["id", "object_id", "type"]
    search_label = "Search by kind or Stripe number"
    ordering: ClassVar[list[str]] = ["-created"]

    @display(description="Event", ordering="type")
    def kind(self, event: StripeEvent) -> SafeString:
        kind = event_kind(event)
        return format_html('{}<span class="desk-under">{}</span>', kind, event.id)

    @display(description="Outcome", ordering="outcome")
    def outcome_tag(self, event: StripeEvent) -> SafeString:
        return _outcome(event)

    @display(description="About")
    def about(self, event: StripeEvent) -> SafeString:
        return format_html('<span class="desk-id">{}</span>', event.object_id)

    @display(description="When", ordering="created")
    def created_at(self, event: StripeEvent) -> SafeString:
        return stacked(event.created)

    def name_of(self, row: StripeEvent) -> str:
        return row.type

    def sections(self, row: StripeEvent, user: User) -> Iterable[Section]:
        yield Section(
            heading="Event",
            facts=[
                ("Kind", row.type),
                ("Outcome", _outcome(row)),
                ("What went wrong", row.error or NOTHING),
                ("When", when(row.created)),
                ("Event at Stripe", row.id),
                ("About", row.object_id),
                ("Money", "Real" if row.livemode else "Test mode, no real money"),
                ("API version", row.api_version),
            ],
        )


def _outcome(event: StripeEvent) -> SafeString:
    tone = TONES.get(StripeEvent.Outcome(event.outcome), "quiet")
    return tag(event.get_outcome_display(), tone)
