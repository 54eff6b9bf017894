"""Making, changing, opening, closing and deleting a quarter."""

# ruff: noqa: ARG002 (hooks of Wagtail and Django keep their signatures)

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.admin.utils import quote
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from wagtail.admin import messages
from wagtail.admin.panels import ObjectList
from wagtail.log_actions import log
from wagtail_modeladmin.views import CreateView, DeleteView, EditView

from accounts.models import User
from enrollments.desks.base import AskFirstView
from enrollments.desks.clocks import OnClocksOf
from enrollments.desks.quarter_forms import (
    changed_quarter_panels,
    new_quarter_panels,
)
from enrollments.desks.wording import when
from enrollments.errors import EnrollmentNotOpen, Refusal, TooFewSeats
from enrollments.models import Quarter
from enrollments.operations.quarters import (
    close_enrollment,
    discard_quarter,
    open_enrollment,
    reasons_not_to_open,
)
from enrollments.zones import USUAL_ZONE, known_zones, zone_title


class NewQuarterView(OnClocksOf, CreateView):
    """A form for a new draft."""

    def form_zone(self, request: HttpRequest) -> ZoneInfo:
        asked = request.POST.get("time_zone", "")
        return ZoneInfo(asked if asked in known_zones() else USUAL_ZONE)

    def get_edit_handler(self) -> ObjectList:
        return new_quarter_panels().bind_to_model(Quarter)

    def get_page_title(self) -> str:
        return "New quarter"

    def get_page_subtitle(self) -> str:
        return ""

    def get_success_url(self) -> str:
        return str(self.url_helper.get_action_url("inspect", quote(self.instance.pk)))

    def get_success_message(self, instance: Quarter) -> str:
        return f"{instance} is here as a draft. Check its dates, then open enrollment."

    def get_error_message(self) -> str:
        return "The quarter was not added. Please look at what is marked below."


class EditQuarterView(OnClocksOf, EditView):
    """A form for what may change; the state has buttons of its own."""

    def form_zone(self, request: HttpRequest) -> ZoneInfo:
        zone: ZoneInfo = self.instance.zone
        return zone

    def get_edit_handler(self) -> ObjectList:
        clocks = zone_title(self.instance.time_zone)
        return changed_quarter_panels(clocks).bind_to_model(Quarter)

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            response: HttpResponse = super().form_valid(form)
        except TooFewSeats as refusal:
            form.add_error("capacity", refusal.sentence)
            response = self.form_invalid(form)
        return response

    def get_success_url(self) -> str:
        return str(self.url_helper.get_action_url("inspect", self.pk_quoted))

    def get_success_message(self, instance: Quarter) -> str:
        return f"{instance} was saved."

    def get_error_message(self) -> str:
        return "The quarter was not saved. Please look at what is marked below."


class DeleteQuarterView(DeleteView):
    """Deletes a quarter in which nobody has ever enrolled."""

    def confirmation_message(self) -> str:
        return f"Delete {self.instance} with all its meetings? This cannot be undone."

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        name = str(self.instance)
        try:
            with transaction.atomic():
                log(instance=self.instance, action="wagtail.delete", deleted=True)
                discard_quarter(quarter_id=self.instance.pk)
        except Refusal as refusal:
            messages.error(request, refusal.sentence)
            return redirect(self.url_helper.get_action_url("inspect", self.pk_quoted))
        messages.success(request, f"{name} was deleted.")
        return redirect(self.index_url)


class QuarterStateView(AskFirstView):
    """Asks (GET), then changes the state of a quarter (POST) through its operation."""

    refusal_title = "This is not possible yet"
    log_action = ""

    def check_action_permitted(self, user: User) -> bool:
        return bool(self.permission_helper.user_can_edit_obj(user, self.instance))

    def carry_out(self) -> None:
        with transaction.atomic():
            self.change()
            log(instance=self.instance, action=self.log_action)


class OpenEnrollmentView(QuarterStateView):
    """Puts a quarter on sale."""

    button = "Open enrollment"
    question = "Open enrollment now?"
    consequence = "The dates, the price and the free seats appear on the public pages."
    done = "enrollment is open."
    log_action = "enrollments.open"

    def reasons(self) -> list[str]:
        return reasons_not_to_open(self.instance, timezone.now())

    def consequences(self) -> list[str]:
        opens, closes = self.instance.opens_at, self.instance.closes_at
        zone = self.instance.zone
        span = f"Visitors can enroll from {when(opens, zone)} to {when(closes, zone)}."
        return [self.consequence, span]

    def change(self) -> None:
        open_enrollment(quarter_id=self.instance.pk, now=timezone.now())


class CloseEnrollmentView(QuarterStateView):
    """Takes a quarter off sale."""

    button = "Close enrollment"
    question = "Close enrollment now?"
    consequence = (
        "Nobody can begin to enroll any more. Whoever is on the payment page at this moment can "
        "still finish. Whoever waits for a place gets a letter that the list is closed. You can "
        "open enrollment again."
    )
    done = "enrollment is closed."
    log_action = "enrollments.close"

    def reasons(self) -> list[str]:
        if self.instance.state in (Quarter.State.OPEN, Quarter.State.CLOSED):
            return []
        return [EnrollmentNotOpen.sentence]

    def change(self) -> None:
        close_enrollment(quarter_id=self.instance.pk)
