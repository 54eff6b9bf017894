"""The admin's menu of enrollment, what its log says, and what the home page asks staff to do."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpRequest
from django.urls import reverse
from wagtail import hooks
from wagtail.admin.ui.components import Component
from wagtail_modeladmin.options import ModelAdminGroup, modeladmin_register

from enrollments.desks.bundles import BundleAccessDesk, BundlePriceDesk
from enrollments.desks.inbox import StripeEventDesk
from enrollments.desks.orders import EnrollmentDesk, OrderDesk
from enrollments.desks.quarters import MeetingDesk, QuarterDesk
from enrollments.models import Order


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
        OrderDesk,
        BundleAccessDesk,
        BundlePriceDesk,
        StripeEventDesk,
    )


@hooks.register("register_log_actions")
def name_what_staff_did(actions: Any) -> None:
    """Words for the log of a quarter."""
    actions.register_action("enrollments.open", "Open enrollment", "Enrollment was opened")
    actions.register_action("enrollments.close", "Close enrollment", "Enrollment was closed")


class OrdersThatNeedAPerson(Component):
    """How many orders wait for staff; nothing about whose they are."""

    order = 50
    template_name = "wagtailadmin/enrollments/needs_a_person.html"

    def __init__(self, count: int) -> None:
        self.count = count

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["css/desks.css"]}

    def get_context_data(self, parent_context: Any) -> dict[str, Any]:  # noqa: ARG002 (Wagtail's)
        address = reverse("enrollments_order_modeladmin_index")
        return {"count": self.count, "url": f"{address}?attention=any"}


@hooks.register("construct_homepage_panels")
def ask_for_a_person(request: HttpRequest, panels: list[Component]) -> None:
    """A panel on the admin's home page, for staff who may see orders, while an order waits."""
    if not request.user.has_perm("enrollments.view_order"):
        return
    if count := Order.objects.exclude(attention="").count():
        panels.append(OrdersThatNeedAPerson(count))
