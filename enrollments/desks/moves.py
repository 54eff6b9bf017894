"""What staff do with a place and with a whole quarter: move, undo, take out, cancel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin.utils import quote
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import pluralize
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timeuntil
from wagtail.log_actions import log

from accounts.models import User
from enrollments.desks.base import AskFirstView, Link
from enrollments.desks.refund_views import why_not
from enrollments.desks.wording import link, when
from enrollments.errors import (
    CannotMoveThere,
    NoPlaceToLeave,
    NoSeatThere,
    QuarterNotCancellable,
)
from enrollments.models import Enrollment, PaymentPlan, Quarter
from enrollments.money import written
from enrollments.operations import departures, moves

State = Enrollment.State


def place_url(place_id: int) -> str:
    """The page about a place."""
    return reverse("enrollments_enrollment_modeladmin_inspect", args=[quote(place_id)])


def place_actions(place: Enrollment, user: User) -> list[Link]:
    """What ``user`` may do with a place now."""
    if not user.has_perm("enrollments.move_enrollment"):
        return []
    now = timezone.now()
    offered = []
    if place.state == State.ENROLLED:
        offered.append(("Move to another quarter", "move"))
    if place.state in departures.IN_IT:
        offered.append(("Take out of the group", "leave"))
    if moves.reason_not_to_undo(place, now=now) is None:
        offered.append((f"Undo the move ({time_to_undo(place, now)} left)", "undo"))
    return [
        Link(
            label=label,
            url=reverse(f"enrollments_enrollment_modeladmin_{action}", args=[quote(place.pk)]),
        )
        for label, action in offered
    ]


def time_to_undo(place: Enrollment, now: datetime) -> str:
    """``23 hours``: how much of the day is left in which a move can be undone."""
    if place.moved_at is None:
        return ""
    return timeuntil(place.moved_at + moves.UNDO, now, depth=1)


def move_facts(place: Enrollment) -> list[tuple[str, object]]:
    """Where somebody went, or came from."""
    if place.moved_to:
        to = link(place_url(place.moved_to.pk), place.moved_to.quarter.label)
        return [("Moved to", to), ("Moved", when(place.moved_at))]
    came_from = Enrollment.objects.filter(moved_to=place).select_related("quarter").first()
    if came_from:
        return [("Moved from", link(place_url(came_from.pk), came_from.quarter.label))]
    return []


def difference_written(ahead: moves.Move) -> str:
    """What the other quarter costs more or less, and that nothing follows from it."""
    amount = written(abs(ahead.difference_cents), ahead.currency)
    if not ahead.difference_cents:
        return "It costs the same."
    more = "more" if ahead.difference_cents > 0 else "less"
    return f"It costs {amount} {more}. Nothing is charged or given back by itself."


class PlaceView(AskFirstView):
    """For staff who may move people."""

    def check_action_permitted(self, user: User) -> bool:
        return bool(user.has_perm("enrollments.move_enrollment"))


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A quarter to which somebody can be moved; without a ``url`` when it is full."""

    label: str
    begins: str
    seats: str
    difference: str
    url: str


class MoveView(PlaceView):
    """Shows where she can go, then asks, then moves her."""

    button = "Move to another quarter"
    is_stopped = False

    @cached_property
    def targets(self) -> list[Any]:
        """Where she can go: quarters as ``moves.targets`` gives them."""
        return list(moves.targets(self.instance, now=timezone.now()))

    @cached_property
    def target(self) -> Any:
        """Where she is to go, once that was chosen."""
        asked = self.request.GET.get("to", "")
        return next((quarter for quarter in self.targets if str(quarter.pk) == asked), None)

    def get_template_names(self) -> list[str]:
        """As long as she can be moved at all, the choice is offered again."""
        if moves.reason_not_to_move(self.instance) or (self.target and not self.is_stopped):
            return super().get_template_names()
        return ["modeladmin/enrollments/choose_quarter.html"]

    def reasons(self) -> list[str]:
        if reason := moves.reason_not_to_move(self.instance):
            return [reason.sentence]
        if self.target is None:
            return [CannotMoveThere.sentence] if self.request.GET.get("to") else []
        return [NoSeatThere.sentence] if self.target.seats_left <= 0 else []

    @property
    def question(self) -> str:  # type: ignore[override]
        return f"Move {self.row_name()} from {self.instance.quarter} to {self.target}?"

    def consequences(self) -> list[str]:
        if self.target is None:
            return []
        old = self.instance.quarter
        return [
            f"She gets the next free seat in {self.target}.",
            f"Her seat in {old} becomes free, and what she can open there closes at once.",
            difference_written(moves.look_ahead(self.instance, self.target)),
            *_what_goes_on(self.instance),
            "She gets a letter that says only that her dates have changed, and the new ones.",
            "You can undo this for a day, as long as a seat is free for her to come back to.",
        ]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(choices=self._choices(), **kwargs)
        self.is_stopped = bool(context["reasons"])
        return context

    def _choices(self) -> list[Choice]:
        return [
            Choice(
                label=str(quarter),
                begins=when(quarter.begins_at, quarter.zone),
                seats=_seats(quarter.seats_left, quarter.people_waiting),
                difference=difference_written(moves.look_ahead(self.instance, quarter)),
                url=f"?to={quarter.pk}" if quarter.seats_left > 0 else "",
            )
            for quarter in self.targets
        ]

    def change(self) -> None:
        if self.target is None:
            raise CannotMoveThere
        moves.move(
            place_id=self.instance.pk,
            target_id=self.target.pk,
            by=self.request.user,
            now=timezone.now(),
        )

    def done_message(self) -> str:
        return f"{self.row_name()} was moved to {self.target}. You can undo this for a day."


def _seats(left: int, waiting: int) -> str:
    """``2 seats free``; whoever waits for one comes first."""
    seats = f"{left} seat{pluralize(left)} free" if left > 0 else "Full"
    return f"{seats}, {waiting} wait{pluralize(waiting, 's,')}" if waiting else seats


def _what_goes_on(place: Enrollment) -> list[str]:
    """What hangs on the order, and so goes with her."""
    if place.line is None:
        return []
    order = place.line.order
    sentences = []
    if order.paused_for:
        why = order.get_paused_for_display().lower()
        sentences.append(f"Her access rests ({why}), and goes on resting.")
    if PaymentPlan.objects.under_way().filter(order=order).exists():
        sentences.append("Her monthly payments go on as they were agreed.")
    return sentences


class UndoMoveView(PlaceView):
    """Takes a move back, within a day."""

    button = "Undo the move"
    question = "Take the move back?"
    done = "the move was taken back."

    def consequences(self) -> list[str]:
        left = time_to_undo(self.instance, timezone.now())
        return [
            f"She has her place in {self.instance.quarter} again, if a seat is still free there.",
            "No money moves. She gets a letter that says that she has her earlier dates again.",
            f"This is possible for another {left}.",
        ]

    def reasons(self) -> list[str]:
        reason = moves.reason_not_to_undo(self.instance, now=timezone.now())
        return [reason.sentence] if reason else []

    def change(self) -> None:
        moves.undo_move(place_id=self.instance.pk, by=self.request.user, now=timezone.now())


class LeaveView(PlaceView):
    """Takes somebody out of her group."""

    button = "Take out of the group"
    done = "is no longer in the group."

    @property
    def question(self) -> str:  # type: ignore[override]
        return f"Take {self.row_name()} out of {self.instance.quarter}?"

    def consequences(self) -> list[str]:
        ahead = departures.look_ahead(self.instance, now=timezone.now())
        return [
            "Her place ends at once. This cannot be undone.",
            *(f"“{bundle.title}” came with it, and closes too." for bundle in ahead.bundles),
            "Her seat goes to whoever waits for one."
            if ahead.seat_goes_on
            else "The group has begun, so her seat stays empty.",
            *(["Her monthly payments stop."] if ahead.plan_stops else []),
            _where_money_is_given_back(self.instance, self.request.user),
            "She gets a letter that says that her place has ended.",
        ]

    def reasons(self) -> list[str]:
        return [] if self.instance.state in departures.IN_IT else [NoPlaceToLeave.sentence]

    def change(self) -> None:
        departures.leave(place_id=self.instance.pk, by=self.request.user, now=timezone.now())

    def done_message(self) -> str:
        return f"{self.row_name()} {self.done}"


def _where_money_is_given_back(place: Enrollment, user: User) -> SafeString | str:
    """That no money moves, and the way to the page where it does, for whoever may."""
    stays = "Money that was paid stays."
    if place.line is None:
        return stays
    order = place.line.order
    may_ask = user.has_perm("enrollments.add_refund") and user.has_perm("enrollments.view_order")
    if not may_ask or why_not(order):
        return f"{stays} Whoever deals with money gives it back on her order, if that is agreed."
    url = reverse("enrollments_order_modeladmin_refund", args=[quote(order.pk)])
    give_back = link(url, "Give money back")
    return format_html("{} If some goes back to her, that is done apart: {}.", stays, give_back)


def may_cancel(quarter: Quarter, user: User) -> bool:
    """Whether ``user`` may cancel a quarter that can still be cancelled."""
    return user.has_perm("enrollments.cancel_quarter") and departures.is_cancellable(
        quarter, now=timezone.now()
    )


class CancelQuarterView(AskFirstView):
    """Cancels a quarter once its label was typed."""

    button = "Cancel this quarter"
    mistake = ""

    def check_action_permitted(self, user: User) -> bool:
        return bool(user.has_perm("enrollments.cancel_quarter"))

    def get_template_names(self) -> list[str]:
        return ["modeladmin/enrollments/cancel_quarter.html"]

    @property
    def question(self) -> str:  # type: ignore[override]
        return f"Cancel {self.instance} for everybody?"

    def reasons(self) -> list[str]:
        is_cancellable = departures.is_cancellable(self.instance, now=timezone.now())
        return [] if is_cancellable else [QuarterNotCancellable.sentence]

    def consequences(self) -> list[str]:
        people = self.instance.enrollments.filter(state__in=departures.IN_IT).count()
        return [
            f"{people} {'person has' if people == 1 else 'people have'} a place.",
            "Every place ends, and all that was paid for it goes back, person by person.",
            "Whoever is paying at this moment is stopped. What was bought beside a place stays.",
            "Monthly payments stop, and the waitlist is closed.",
            "Everybody gets a letter. This cannot be undone.",
        ]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(mistake=self.mistake, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        typed = " ".join(request.POST.get("label", "").split())
        if typed.casefold() != self.instance.label.casefold():
            self.mistake = f"Type {self.instance.label} to confirm. Nothing was changed."
            return self.render_to_response(self.get_context_data())
        return super().post(request, *args, **kwargs)

    def change(self) -> None:
        departures.cancel_quarter(
            quarter_id=self.instance.pk, by=self.request.user, now=timezone.now()
        )
        log(instance=self.instance, action="enrollments.cancel")

    def done_message(self) -> str:
        return f"{self.instance} is cancelled. Below is how far giving the money back has come."


def progress_facts(quarter: Quarter, user: User) -> list[tuple[str, object]]:
    """How far a cancellation has come, in people. Three queries."""
    progress = departures.progress(quarter)
    return [
        ("Still to be seen to", progress.waiting),
        ("Money on its way back", progress.money_on_its_way),
        ("Done", progress.done),
        ("Needs a person", _linked_to_orders(progress.needs_a_person, user)),
    ]


def _linked_to_orders(count: int, user: User) -> SafeString | int:
    if not count or not user.has_perm("enrollments.view_order"):
        return count
    orders = reverse("enrollments_order_modeladmin_index")
    return link(f"{orders}?attention=any", str(count))
