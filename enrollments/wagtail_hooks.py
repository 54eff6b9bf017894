"""The admin's menu of enrollment, what its log says, and what the home page asks staff to do."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpRequest
from django.utils import timezone
from wagtail import hooks
from wagtail.admin.ui.components import Component
from wagtail_modeladmin.options import ModelAdminGroup, modeladmin_register

from core.keeping import HOOK
from enrollments.desks.bundles import BundleAccessDesk, BundlePriceDesk
from enrollments.desks.disputes import DisputeDesk
from enrollments.desks.emails import EmailDesk
from enrollments.desks.help_codes import HelpCodeDesk
from enrollments.desks.inbox import StripeEventDesk
from enrollments.desks.orders import EnrollmentDesk, OrderDesk
from enrollments.desks.plans import PlanDesk
from enrollments.desks.quarters import MeetingDesk, QuarterDesk
from enrollments.desks.reconciliation import ReconciliationDesk
from enrollments.desks.refunds import RefundDesk
from enrollments.desks.waiting import Waiting, waiting_for
from enrollments.desks.waitlist import WaitlistDesk
from enrollments.holding import what_enrollment_hangs_on


@modeladmin_register
class EnrollmentDesks(ModelAdminGroup):
    """Everything about seats and money, in the order in which staff need it."""

    menu_label = "Enrollment"
    menu_icon = "group"
    menu_order = 150
    items = (
        QuarterDesk,
        MeetingDesk,
        EnrollmentDesk,
        WaitlistDesk,
        OrderDesk,
        PlanDesk,
        RefundDesk,
        DisputeDesk,
        BundleAccessDesk,
        BundlePriceDesk,
        HelpCodeDesk,
        EmailDesk,
        StripeEventDesk,
        ReconciliationDesk,
    )


hooks.register(HOOK, what_enrollment_hangs_on)


@hooks.register("register_log_actions")
def name_what_staff_did(actions: Any) -> None:
    """Words for the log of a quarter."""
    actions.register_action("enrollments.open", "Open enrollment", "Enrollment was opened")
    actions.register_action("enrollments.close", "Close enrollment", "Enrollment was closed")
    actions.register_action("enrollments.begin", "Begin", "The group began, by the clock")
    actions.register_action("enrollments.end", "End", "The group ended, by the clock")
    actions.register_action("enrollments.cancel", "Cancel a quarter", "The quarter was cancelled")
    actions.register_action(
        "enrollments.take_off", "Take off the list", "Somebody was taken off the waitlist"
    )
    actions.register_action(
        "enrollments.offer", "Offer a place", "A place was offered to the first on the waitlist"
    )


class NeedsAPerson(Component):
    """What waits for staff, a line for each kind; nothing about whose it is."""

    order = 50
    template_name = "wagtailadmin/enrollments/needs_a_person.html"

    def __init__(self, waiting: list[Waiting]) -> None:
        self.waiting = waiting

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["css/desks.css"]}

    def get_context_data(self, parent_context: Any) -> dict[str, Any]:  # noqa: ARG002 (Wagtail's)
        return {"waiting": self.waiting}


@hooks.register("construct_homepage_panels")
def ask_for_a_person(request: HttpRequest, panels: list[Component]) -> None:
    """A panel on the admin's home page, while something waits that its reader may look at."""
    if found := waiting_for(request.user, timezone.now()):
        panels.append(NeedsAPerson(found))
