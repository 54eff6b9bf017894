"""The desk on which our books are compared with Stripe's: each run, and what it found."""

# ruff: noqa: ARG002 (hooks of Wagtail and Django keep their signatures)

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib.admin import display
from django.contrib.admin.utils import quote
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.safestring import SafeString
from wagtail.admin import messages
from wagtail_modeladmin.views import WMABaseView

from accounts.models import User
from enrollments.desks.base import Desk, DeskButtons, OwnPermissions, Section, Table
from enrollments.desks.wording import NOTHING, order_link, stacked, tag, when
from enrollments.models import Order, Quarter, Reconciliation
from enrollments.operations.reconcile import reconcile

RULES = {
    "oversold": "More people than seats",
    "paid_without_place_or_refund": "Paid, but without a place and without a refund",
    "access_without_payment": "Open, though it was not paid for or the money is back",
    "payments_are_not_lines": "What came in is not what its parts say",
    "more_given_back_than_paid": "More given back than was paid",
    "more_instalments_than_agreed": "More instalments than agreed",
    "payment_had_no_order": "Paid at Stripe, and unknown here until now; it needs a person",
    "payment_without_order": "Paid at Stripe, and in none of our orders",
    "charge_without_payment": "Charged by Stripe, and in none of our payments",
    "plan_without_end": "A payment plan without an end at Stripe",
}


class MayCompare(OwnPermissions):
    """Runs are looked at and started; none is changed or deleted."""

    offered = ("view", "add")

    def user_can_edit_obj(self, user: User, obj: Reconciliation) -> bool:
        return False

    def user_can_delete_obj(self, user: User, obj: Reconciliation) -> bool:
        return False


class CompareButtons(DeskButtons):
    """The button that adds a run says what it does."""

    def add_button(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        label = {"label": "Compare now", "title": "Compare now", "icon": "rotate"}
        return {**super().add_button(*args, **kwargs), **label}


class CompareNowView(WMABaseView):
    """Asks (GET), then compares (POST)."""

    button = "Compare now"
    question = "Compare our books with Stripe's now?"

    def check_action_permitted(self, user: User) -> bool:
        return bool(self.permission_helper.user_can_create(user))

    def get_template_names(self) -> list[str]:
        return ["modeladmin/enrollments/confirm.html"]

    def get_page_title(self) -> str:
        return self.button

    def consequences(self) -> list[str]:
        """What will happen, a sentence each."""
        return [
            "Whatever Stripe could not tell us is caught up with.",
            "It happens every hour by itself, and a second time changes nothing.",
            "What does not balance is put on the list of orders that need a person.",
        ]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        told = {"back_url": self.index_url, "row_name": "our books and Stripe's"}
        context: dict[str, Any] = super().get_context_data(**told | kwargs)
        return context

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        run = reconcile(now=timezone.now(), by=request.user)  # type: ignore[arg-type]
        if run.error:
            messages.error(request, "Stripe could not be asked. Please try again in a while.")
        else:
            messages.success(request, f"Compared. {_result(run)}.")
        return redirect(self.url_helper.get_action_url("inspect", quote(run.pk)))


class ReconciliationDesk(Desk):
    """Each comparison with Stripe, newest first."""

    model = Reconciliation
    menu_label = "Comparison with Stripe"
    menu_icon = "rotate"
    intro = "Our books against Stripe's, every hour and whenever you ask."
    empty_text = "Nothing has been compared yet. It happens every hour by itself."
    permission_helper_class = MayCompare
    button_helper_class = CompareButtons
    create_view_class = CompareNowView
    list_display: ClassVar[list[str]] = ["started", "result", "events", "orders", "who"]
    list_select_related: ClassVar[list[str]] = ["by"]
    ordering: ClassVar[list[str]] = ["-started_at"]

    @display(description="When", ordering="started_at")
    def started(self, run: Reconciliation) -> SafeString:
        return stacked(run.started_at)

    @display(description="Result")
    def result(self, run: Reconciliation) -> SafeString:
        return tag(_result(run), "alarm" if run.error or run.findings else "good")

    @display(description="Started by")
    def who(self, run: Reconciliation) -> str:
        return run.by.shown_name() if run.by else "The site"

    def name_of(self, row: Reconciliation) -> str:
        return f"Comparison of {when(row.started_at)}"

    def sections(self, row: Reconciliation, user: User) -> Iterable[Section]:
        yield Section(
            heading="Result",
            facts=[
                ("Result", self.result(row)),
                ("Events caught up with", row.events),
                ("Orders put right", row.orders),
                ("Started by", self.who(row)),
                ("Took until", when(row.finished_at)),
                ("What went wrong", row.error or NOTHING),
            ],
        )
        yield Section(
            heading="What does not balance",
            table=Table(
                columns=["What", "Where"],
                rows=_rows(row.findings),
                empty="Everything balances.",
            ),
        )


def _result(run: Reconciliation) -> str:
    if run.error:
        return "Stripe could not be asked"
    count = len(run.findings)
    if not count:
        return "Everything balances"
    return f"{count} thing{'' if count == 1 else 's'} to look at"


def _rows(findings: list[str]) -> list[list[object]]:
    """Each finding with a link to what it is about. Two queries."""
    told = [finding.split(" ", 1) for finding in findings]
    orders = {
        str(order.uuid): order
        for order in Order.objects.filter(uuid__in=[about for _, about in told if "-" in about])
    }
    quarters = {
        str(quarter.pk): quarter.label
        for quarter in Quarter.objects.filter(
            pk__in=[about for _, about in told if about.isdigit()]
        )
    }
    return [
        [
            RULES.get(rule, rule),
            order_link(orders[about]) if about in orders else quarters.get(about, about),
        ]
        for rule, about in told
    ]
