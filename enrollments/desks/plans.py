"""The desk of payment plans: what is missing since when, and what staff can do about it."""

# ruff: noqa: ARG002 (hooks of Wagtail and Django keep their signatures)

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, ClassVar

from django.contrib.admin import display
from django.contrib.admin.utils import quote
from django.db.models import Case, Count, IntegerField, QuerySet, Sum, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from wagtail.admin import messages

from accounts.models import User
from enrollments.desks.base import (
    AskFirstView,
    Desk,
    KnownChoicesFilter,
    Link,
    LookAndDecide,
    Notice,
    RowView,
    Section,
    Table,
)
from enrollments.desks.instalment_forms import MoreDaysForm
from enrollments.desks.wording import NOTHING, order_link, stacked, tag, when
from enrollments.errors import PlanNotOverdue, Refusal
from enrollments.models import MoneySettings, PaymentPlan
from enrollments.money import written
from enrollments.operations import instalments
from enrollments.operations.endings import has_begun

State = PaymentPlan.State
TONES = {
    State.ACTIVE: "good",
    State.PAST_DUE: "alarm",
    State.SUSPENDED: "alarm",
    State.FINISHED: "quiet",
    State.ENDED: "quiet",
}
WHAT_TO_DO = {
    State.PAST_DUE: "She was told, and Stripe asks her bank again by "
    "itself. There is nothing to do yet; you may give her more days.",
    State.SUSPENDED: "Her access rests. Write to her. It opens again by itself with the payment; "
    "or give her more days, open it all the same, or end the plan.",
}
STOPPED = (
    "The plan ended at Stripe before all of it was paid, and her access rests. Nothing more is "
    "asked for by itself. Write to her; then open her access and let the rest go, or end the plan."
)


def may_decide(user: User) -> bool:
    """Whether ``user`` may say what becomes of a plan that waits for an instalment."""
    return bool(user.has_perm("enrollments.change_paymentplan"))


class MoreDaysView(RowView):
    """Access stays open, or opens again, for some more days."""

    button = "Give more days"

    def check_action_permitted(self, user: User) -> bool:
        return may_decide(user)

    def get_template_names(self) -> list[str]:
        return ["modeladmin/enrollments/more_days.html"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        days = MoneySettings.load().days_of_grace or 1
        kwargs.setdefault("form", MoreDaysForm(initial={"days": days}))
        kwargs.setdefault("reason", "" if self.instance.is_overdue else PlanNotOverdue.sentence)
        return super().get_context_data(**kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = MoreDaysForm(request.POST)
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form))
        days, now = form.cleaned_data["days"], timezone.now()
        try:
            instalments.give_more_days(
                plan_id=self.instance.pk,
                days=days,
                by=request.user,  # type: ignore[arg-type]
                now=now,
            )
        except Refusal as refusal:
            return self.render_to_response(self.get_context_data(reason=refusal.sentence))
        until = when(now + timedelta(days=days))
        messages.success(request, f"{self.row_name()}: open until {until}.")
        return redirect(self.back_url)


class DecisionView(AskFirstView):
    """A decision about a plan that waits for an instalment."""

    def check_action_permitted(self, user: User) -> bool:
        return may_decide(user)

    def reasons(self) -> list[str]:
        return [] if self.instance.is_overdue else [PlanNotOverdue.sentence]


class OpenAccessView(DecisionView):
    """Access opens though an instalment is missing."""

    button = "Open her access"
    question = "Open her access although an instalment is missing?"
    done = "her access is open."

    def consequences(self) -> list[str]:
        if self.instance.subscription_ended_at:
            return ["What is still missing is let go, and the plan is over. She gets a letter."]
        return [
            "It stays open until another instalment is missing. If it rests, she gets a letter.",
            "Stripe goes on asking her bank for this instalment and for those to come.",
        ]

    def change(self) -> None:
        instalments.open_access(plan_id=self.instance.pk, by=self.request.user, now=timezone.now())


class EndPlanView(DecisionView):
    """The plan ends, and with it what it paid for."""

    button = "End the plan"
    question = "End this plan and her place?"
    done = "the plan is over. Stripe is told within a minute."

    def consequences(self) -> list[str]:
        begun = has_begun(instalments.quarter_line(self.instance), timezone.now())
        seat = (
            "Her group has begun, so her seat stays empty."
            if begun
            else "Her seat is free again, for whoever waits for it first."
        )
        return [
            f"Her access ends. {seat} Nothing more is charged. She gets a letter.",
            "What she has paid is kept. To give some of it back, use the page of the order.",
        ]

    def change(self) -> None:
        instalments.end(plan_id=self.instance.pk, by=self.request.user, now=timezone.now())


class PlanStateFilter(KnownChoicesFilter):
    title = "state"
    parameter_name = "state"
    lookup = "state"
    offered = (("overdue", "An instalment is missing"), *State.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "overdue":
            return queryset.filter(state__in=(State.PAST_DUE, State.SUSPENDED))
        return super().queryset(request, queryset)


class PlanDesk(Desk):
    """Every plan; first those that wait for an instalment, longest first."""

    model = PaymentPlan
    menu_label = "Payment plans"
    menu_icon = "calendar-alt"
    intro = "Places that are paid month by month. Those with a missing instalment come first."
    empty_text = "Nobody pays month by month yet."
    permission_helper_class = LookAndDecide
    list_display: ClassVar[list[str]] = [
        "name",
        "condition",
        "paid",
        "missing",
        "rests",
        "order_number",
    ]
    list_filter = (PlanStateFilter,)
    search_fields: ClassVar[list[str]] = [
        "order__chosen_name",
        "order__email",
        "order__uuid",
        "subscription_id",
    ]
    search_label = "Search by name, email or number"
    list_select_related: ClassVar[list[str]] = ["order"]
    ordering: ClassVar[list[str]] = ["-is_missing_one", "past_due_since", "-created_at"]
    action_views: ClassVar[dict[str, Any]] = {
        "more-days": MoreDaysView,
        "open-access": OpenAccessView,
        "end": EndPlanView,
    }

    def get_queryset(self, request: HttpRequest) -> QuerySet[PaymentPlan]:
        overdue = When(state__in=(State.PAST_DUE, State.SUSPENDED), then=Value(1))
        return (
            PaymentPlan.objects.select_related("order")
            .annotate(
                is_missing_one=Case(overdue, default=Value(0), output_field=IntegerField()),
                paid_count=Count("instalments"),
                paid_cents=Sum("instalments__amount_cents"),
            )
            .order_by(*self.ordering)
        )

    def get_extra_attrs_for_row(self, obj: PaymentPlan, context: Any) -> dict[str, str]:
        return {"class": "desk-row--alarm"} if obj.state == State.SUSPENDED else {}

    @display(description="Name", ordering="order__chosen_name")
    def name(self, plan: PaymentPlan) -> str:
        return plan.order.chosen_name

    @display(description="State", ordering="state")
    def condition(self, plan: PaymentPlan) -> SafeString:
        return plan_state(plan)

    @display(description="Paid")
    def paid(self, plan: Any) -> SafeString:
        return format_html(
            '<span class="desk-nowrap">{} of {}</span><span class="desk-under">{}</span>',
            plan.paid_count,
            plan.instalment_count,
            written(plan.paid_cents or 0, plan.order.currency),
        )

    @display(description="Missing since", ordering="past_due_since")
    def missing(self, plan: PaymentPlan) -> SafeString:
        return stacked(plan.past_due_since)

    @display(description="Her access")
    def rests(self, plan: PaymentPlan) -> str | SafeString:
        return _access(plan)

    @display(description="Order")
    def order_number(self, plan: PaymentPlan) -> SafeString:
        return order_link(plan.order)

    def name_of(self, row: PaymentPlan) -> str:
        return f"Plan of {row.order.chosen_name}"

    def notice(self, row: PaymentPlan, user: User) -> Notice | None:
        if not row.is_overdue:
            return None
        text = STOPPED if row.subscription_ended_at else WHAT_TO_DO[State(row.state)]
        return Notice(title="An instalment is missing", text=text)

    def actions(self, row: PaymentPlan, user: User) -> list[Link]:
        if not (row.is_overdue and may_decide(user)):
            return []
        views = self.action_views.items()
        address, key = self.url_helper.get_action_url, quote(row.pk)
        return [Link(label=view.button, url=address(action, key)) for action, view in views]

    def sections(self, row: PaymentPlan, user: User) -> Iterable[Section]:
        plan = PaymentPlan.objects.select_related("order").get(pk=row.pk)
        yield Section(heading="Plan", facts=_facts(plan))
        yield Section(heading="Instalments", table=_instalments(plan))


def plan_state(plan: PaymentPlan) -> SafeString:
    """The state as a tag."""
    return tag(plan.get_state_display(), TONES.get(State(plan.state), "plain"))


def _access(plan: PaymentPlan) -> str | SafeString:
    if plan.order.paused_for:
        return "Rests"
    if plan.grace_ends_at:
        return format_html("Open until {}", stacked(plan.grace_ends_at))
    return NOTHING if plan.state == State.ENDED else "Open"


def _facts(plan: PaymentPlan) -> list[tuple[str, object]]:
    currency = plan.order.currency
    each = written(plan.instalment_cents, currency)
    total = written(plan.instalment_count * plan.instalment_cents, currency)
    return [
        ("Name", plan.order.chosen_name),
        ("Order", order_link(plan.order)),
        ("Agreed", f"{plan.instalment_count} instalments of {each}, {total} in all"),
        ("State", plan_state(plan)),
        ("Missing since", when(plan.past_due_since)),
        ("Her access", _access(plan)),
        ("Begun", when(plan.created_at)),
        ("Ended at Stripe", when(plan.subscription_ended_at)),
        ("Subscription at Stripe", plan.subscription_id),
        ("Ended there by", plan.schedule_id or "Nothing yet; this is put right within a minute"),
    ]


def _instalments(plan: PaymentPlan) -> Table:
    return Table(
        columns=["Instalment", "Amount", "Paid", "Invoice at Stripe"],
        rows=[
            [
                f"{instalment.number} of {plan.instalment_count}",
                written(instalment.amount_cents, plan.order.currency),
                stacked(instalment.paid_at),
                format_html('<span class="desk-id">{}</span>', instalment.invoice_id),
            ]
            for instalment in plan.instalments.all()
        ],
        empty="Nothing was paid yet.",
    )
