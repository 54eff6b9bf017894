"""The desk of emails on their way: what waits, what was given up, and sending it again."""

# ruff: noqa: ARG002 (hooks of Wagtail and Django keep their signatures)

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib.admin import display
from django.contrib.admin.utils import quote
from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import User
from core import outbox
from core.models import OutgoingEmail
from enrollments.desks.base import (
    AskFirstView,
    Desk,
    KnownChoicesFilter,
    Link,
    LookAndDecide,
    Notice,
    Section,
)
from enrollments.desks.wording import NOTHING, order_link, stacked, tag, when
from enrollments.errors import EmailNotWaiting
from enrollments.models import LedgerEntry, WaitlistLetter

State = OutgoingEmail.State
ABOUT = {
    "order": "An order",
    "waitlist": "A place in line",
    "meeting": "A meeting",
    "code": "A sign-in",
}
TONES = {State.SENT: "good", State.FAILED: "alarm", State.QUEUED: "plain"}


def may_decide(user: User) -> bool:
    """Whether ``user`` may send emails again and let them go."""
    return bool(user.has_perm("core.change_outgoingemail"))


class EmailView(AskFirstView):
    """Something that staff decide about one email."""

    def check_action_permitted(self, user: User) -> bool:
        return may_decide(user)

    def reasons(self) -> list[str]:
        may_be = outbox.may_be_decided(self.instance, timezone.now())
        return [] if may_be else [EmailNotWaiting.sentence]

    def change(self) -> None:
        try:
            self.decide()
        except outbox.NotWaiting as not_waiting:
            raise EmailNotWaiting from not_waiting

    def decide(self) -> None:
        """Run the operation of the outbox."""
        raise NotImplementedError


class SendAgainView(EmailView):
    """Tries one email at once."""

    button = "Send again"
    question = "Send this email again?"
    consequence = (
        "It is tried at once, and then for three days more. It says how things stand now. If it "
        "is not true any more, it is not sent."
    )
    done = "is on its way again."

    def decide(self) -> None:
        outbox.send_again(email_id=self.instance.pk, now=timezone.now())


class DismissView(EmailView):
    """Lets one email go."""

    button = "Dealt with"
    question = "Is this email dealt with?"
    consequence = "It is not sent any more. Do this once you have told her in another way."
    done = "is dealt with."

    def decide(self) -> None:
        outbox.dismiss(email_id=self.instance.pk, now=timezone.now())


class EmailStateFilter(KnownChoicesFilter):
    title = "state"
    parameter_name = "state"
    lookup = "state"
    offered = State.choices


class EmailDesk(Desk):
    """Every email of the last weeks; first those that were not sent, then those that wait."""

    model = OutgoingEmail
    # Wagtail would look for them under the model's own app.
    index_template_name = "modeladmin/enrollments/index.html"
    inspect_template_name = "modeladmin/enrollments/inspect.html"
    menu_label = "Emails"
    menu_icon = "mail"
    intro = (
        "An email that cannot be sent is tried for three days. Then it stands here as not sent, "
        "until you send it again or have dealt with it."
    )
    empty_text = "No email has been queued yet."
    permission_helper_class = LookAndDecide
    list_display: ClassVar[list[str]] = ["what", "condition", "queued", "next_try"]
    list_filter = (EmailStateFilter,)
    search_fields: ClassVar[list[str]] = ["template"]
    search_label = "Search by kind of email"
    ordering: ClassVar[list[str]] = ["turn", "-queued_at", "-pk"]
    action_views: ClassVar[dict[str, Any]] = {"send-again": SendAgainView, "dismiss": DismissView}

    def get_queryset(self, request: HttpRequest) -> QuerySet[OutgoingEmail]:
        turn = Case(
            When(state=State.FAILED, then=Value(0)),
            When(state=State.QUEUED, then=Value(1)),
            default=Value(2),
            output_field=IntegerField(),
        )
        return OutgoingEmail.objects.annotate(turn=turn).order_by(*self.ordering)

    @display(description="Email", ordering="template")
    def what(self, email: OutgoingEmail) -> str:
        return name_of(email)

    @display(description="State", ordering="state")
    def condition(self, email: OutgoingEmail) -> SafeString:
        state = _state(email)
        if not email.reason:
            return state
        reason = email.get_reason_display()
        return format_html('{}<span class="desk-under">{}</span>', state, reason)

    @display(description="Queued", ordering="queued_at")
    def queued(self, email: OutgoingEmail) -> SafeString:
        return stacked(email.queued_at)

    @display(description="Next try", ordering="next_try_at")
    def next_try(self, email: OutgoingEmail) -> SafeString:
        return stacked(email.next_try_at if email.state == State.QUEUED else None)

    def name_of(self, row: OutgoingEmail) -> str:
        return name_of(row)

    def notice(self, row: OutgoingEmail, user: User) -> Notice | None:
        if row.state != State.FAILED:
            return None
        text = "Send it again once the reason is gone, or tell her in another way."
        return Notice(title=f"Not sent: {row.get_reason_display()}", text=text)

    def actions(self, row: OutgoingEmail, user: User) -> list[Link]:
        if not (may_decide(user) and outbox.may_be_decided(row, timezone.now())):
            return []
        address, key = self.url_helper.get_action_url, quote(row.pk)
        return [
            Link(label=SendAgainView.button, url=address("send-again", key)),
            Link(label=DismissView.button, url=address("dismiss", key)),
        ]

    def sections(self, row: OutgoingEmail, user: User) -> Iterable[Section]:
        is_waiting = row.state == State.QUEUED
        yield Section(
            heading="Email",
            facts=[
                ("Email", name_of(row)),
                ("About", _about(row, user)),
                ("State", _state(row)),
                ("Reason", row.get_reason_display() if row.reason else NOTHING),
                ("Tries", str(row.tries)),
                ("Queued", when(row.queued_at)),
                ("Next try", when(row.next_try_at) if is_waiting else NOTHING),
                ("Settled", when(row.settled_at)),
                ("Number", str(row.uuid)),
            ],
        )


def name_of(email: OutgoingEmail) -> str:
    """What an email is, in words: the name of its template."""
    return email.template.replace("_", " ").capitalize()


def _state(email: OutgoingEmail) -> SafeString:
    return tag(email.get_state_display(), TONES.get(State(email.state), "quiet"))


def _about(email: OutgoingEmail, user: User) -> str | SafeString:
    """The order or the place in line, for those who may look at it."""
    if email.kind == "order" and user.has_perm("enrollments.view_order"):
        entry = LedgerEntry.objects.select_related("order").filter(pk=email.ids[0]).first()
        return order_link(entry.order) if entry else NOTHING
    if email.kind == "waitlist" and user.has_perm("enrollments.view_waitlistentry"):
        letters = WaitlistLetter.objects.select_related("entry__quarter")
        letter = letters.filter(pk=email.ids[0]).first()
        return f"Waitlist of {letter.entry.quarter.label}" if letter else NOTHING
    return ABOUT.get(email.kind, NOTHING)
