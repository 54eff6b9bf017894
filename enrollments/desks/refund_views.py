"""Giving money back: asking for it, the second person's word, and saying what it was for."""

# ruff: noqa: ARG002 (hooks of Wagtail and Django keep their signatures)

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib.admin.utils import quote
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from wagtail.admin import messages

from accounts.models import User
from enrollments.desks.base import AskFirstView, RowView
from enrollments.desks.refund_forms import ON_HER_STATEMENT, ReasonForm, RefundForm, what_follows
from enrollments.desks.wording import sold, when
from enrollments.errors import NothingLeftToRefund, OwnProposal, PaymentDisputed, RefundNotWaiting
from enrollments.models import MoneySettings, Order, OrderLine, Payment, Refund
from enrollments.money import written
from enrollments.operations import refund_rules, refunds
from enrollments.operations.disputes import open_disputes
from enrollments.operations.unplaced import return_payment, unplaced_payments

State = Refund.State


def may_see_refunds(user: User) -> bool:
    """Whether ``user`` may read why money was given back, notes included."""
    asked = ("view", "add", "approve")
    return any(user.has_perm(f"enrollments.{action}_refund") for action in asked)


def lines_with_rest(order: Order) -> list[tuple[OrderLine, int]]:
    """The lines of which something can be given back, each with how much. Two queries."""
    claimed = dict(
        order.refunds.claimed().order_by().values_list("line").annotate(Sum("amount_cents"))
    )
    lines = order.lines.select_related("order", "quarter__workshop", "bundle").order_by("pk")
    with_rest = [(line, (line.paid_cents or 0) - claimed.get(line.pk, 0)) for line in lines]
    return [(line, left_cents) for line, left_cents in with_rest if left_cents > 0]


def why_not(order: Order) -> str:
    """Why nothing of ``order`` can be given back, in a sentence; empty when something can."""
    if not order.payments.exists():
        if order.paid_at:
            return "Nothing was paid for this order, so there is nothing to give back."
        return "Nothing has been paid for this order yet."
    if open_disputes(order).exists():
        return PaymentDisputed.sentence
    if not lines_with_rest(order) and not unplaced_payments(order):
        return "Nothing is left to give back: it was given back already, or is about to be."
    return ""


class GiveBackView(RowView):
    """On an order: asks (GET), then asks for a refund (POST), once for each form."""

    def check_action_permitted(self, user: User) -> bool:
        may_see_order = self.permission_helper.user_can_inspect_obj(user, self.instance)
        return bool(may_see_order and user.has_perm("enrollments.add_refund"))

    def get_template_names(self) -> list[str]:
        return ["modeladmin/enrollments/refund_order.html"]

    @cached_property
    def reason(self) -> str:
        """Why it is not possible."""
        return why_not(self.instance)

    def form(self, *given: Any) -> ReasonForm | None:
        """The form for what was chosen, filled in with ``given``; none while nothing is."""
        raise NotImplementedError

    def ask(self, given: dict[str, Any]) -> list[Refund]:
        """The refunds that a valid form asks for."""
        raise NotImplementedError

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        if "form" not in kwargs:
            kwargs["form"] = None if self.reason else self.form()
        return super().get_context_data(
            reason=self.reason,
            warning=ON_HER_STATEMENT,
            second_person=_second_person_rule(self.instance.currency),
            **kwargs,
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if asked := _asked_before(request.POST.get("form_id", "")):
            return redirect(_address(asked))
        form = None if self.reason else self.form(request.POST)
        if form is None:
            return self.render_to_response(self.get_context_data())
        if form.is_valid():
            try:
                return self._said(self.ask(form.cleaned_data))
            except (NothingLeftToRefund, PaymentDisputed) as refusal:
                form.add_error(None, refusal.sentence)
        return self.render_to_response(self.get_context_data(form=form))

    def _said(self, made: list[Refund]) -> HttpResponse:
        if made[0].state == State.PROPOSED:
            messages.success(self.request, "Proposed. Somebody else has to approve it.")
        else:
            messages.success(self.request, "Asked for. What Stripe makes of it is shown here.")
        return redirect(_address(made[0]) if len(made) == 1 else self.back_url)


class RefundLineView(GiveBackView):
    """Gives back a line of an order, or a part of it."""

    button = "Give money back"

    @cached_property
    def lines(self) -> list[tuple[OrderLine, int]]:
        """Those of which something is left, with how much."""
        return lines_with_rest(self.instance)

    @cached_property
    def chosen(self) -> tuple[OrderLine, int] | None:
        """The chosen line and what is left of it; the only one needs no choosing."""
        if len(self.lines) == 1:
            return self.lines[0]
        asked = self.request.GET.get("line", "")
        return next((each for each in self.lines if str(each[0].pk) == asked), None)

    def form(self, *given: Any) -> RefundForm | None:
        if self.chosen is None:
            return None
        line, left_cents = self.chosen
        return RefundForm(*given, line=line, left_cents=left_cents)

    def ask(self, given: dict[str, Any]) -> list[Refund]:
        return refunds.request_refund(
            line_id=given["line"].pk,
            amount_cents=given["amount_cents"],
            reason=Refund.Reason(given["reason"]),
            note=given["note"],
            access_ends_at=given["access_ends_at"],
            form_id=given["form_id"],
            by=self.request.user,
            now=timezone.now(),
        )

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        if self.chosen is None:
            return context | {"choices": [_choice(*each) for each in self.lines]}
        line, left_cents = self.chosen
        now = timezone.now()
        return context | {
            "name": sold(line),
            "facts": _line_facts(line, left_cents),
            "all_of_it": f"All that is left: {written(left_cents, line.order.currency)}",
            "after_whole": [*_still_asked_for(line, left_cents), *what_follows(line, "whole", now)],
            "after_part": what_follows(line, "part", now),
            "currency": line.order.currency.upper(),
        }


class ReturnPaymentView(GiveBackView):
    """Gives back a payment that paid for nothing; if there are several, the oldest."""

    button = "Give the payment back"

    @cached_property
    def chosen(self) -> tuple[Payment, int] | None:
        """The payment and what is left of it."""
        return next(iter(unplaced_payments(self.instance)), None)

    @cached_property
    def reason(self) -> str:
        if self.chosen is None:
            return "Every payment of this order belongs to something in it, or was given back."
        return why_not(self.instance)

    def form(self, *given: Any) -> ReasonForm | None:
        return ReasonForm(*given)

    def ask(self, given: dict[str, Any]) -> list[Refund]:
        if self.chosen is None:
            raise NothingLeftToRefund
        refund = return_payment(
            payment_id=self.chosen[0].pk,
            reason=Refund.Reason(given["reason"]),
            note=given["note"],
            form_id=given["form_id"],
            by=self.request.user,
            now=timezone.now(),
        )
        return [refund]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        if self.chosen is None:
            return context
        payment, left_cents = self.chosen
        amount = written(payment.amount_cents, payment.currency)
        received = f"{amount}, {when(payment.received_at)}"
        return context | {
            "name": "It paid for nothing in this order, so all that is left of it goes back.",
            "facts": [
                ("Received", received),
                ("To be given back", written(left_cents, payment.currency)),
                ("Payment at Stripe", payment.payment_intent_id),
            ],
        }


def _choice(line: OrderLine, left_cents: int) -> tuple[str, str, str]:
    """What it is, what is left of it, and how it is chosen."""
    return sold(line), written(left_cents, line.order.currency), f"?line={line.pk}"


def _line_facts(line: OrderLine, left_cents: int) -> list[tuple[str, str]]:
    currency, paid_cents = line.order.currency, line.paid_cents or 0
    asked_cents = _asked_cents(line, left_cents)
    facts = [
        ("Paid for it", written(paid_cents, currency)),
        ("Given back so far", written(paid_cents - asked_cents - left_cents, currency)),
    ]
    if asked_cents:
        facts.append(("Asked for, not yet given back", written(asked_cents, currency)))
    return [*facts, ("Left", written(left_cents, currency))]


def _asked_cents(line: OrderLine, left_cents: int) -> int:
    """What of ``line`` waits to be given back."""
    return (line.paid_cents or 0) - line.refunds.given_back().total_cents() - left_cents


def _still_asked_for(line: OrderLine, left_cents: int) -> list[str]:
    """The whole is given back only with what was asked for before."""
    if _asked_cents(line, left_cents) > 0:
        return ["Once what was asked for before is given back as well:"]
    return []


def _second_person_rule(currency: str) -> str:
    limit = MoneySettings.load().second_person_above_cents
    if limit is None:
        return ""
    return f"Above {written(limit, currency)}, a second person has to approve it first."


def _asked_before(form_id: str) -> Refund | None:
    """The refund that this very form asked for already."""
    try:
        number = UUID(form_id)
    except ValueError:
        return None
    return Refund.objects.filter(uuid=number).first()


def _address(refund: Refund) -> str:
    return reverse("enrollments_refund_modeladmin_inspect", args=[quote(refund.pk)])


class ApproveRefundView(AskFirstView):
    """The second person's yes."""

    button = "Approve"
    question = "Give this money back?"
    done = "approved. What Stripe makes of it is shown here."

    def check_action_permitted(self, user: User) -> bool:
        return bool(user.has_perm("enrollments.approve_refund"))

    def reasons(self) -> list[str]:
        if self.instance.state != State.PROPOSED:
            return [RefundNotWaiting.sentence]
        is_own = self.instance.requested_by_id == self.request.user.pk
        return [OwnProposal.sentence] if is_own else []

    def consequences(self) -> list[str]:
        amount = written(self.instance.amount_cents, self.instance.currency)
        return [
            f"{amount} for {sold(self.instance.line)}.",
            *_after(self.instance),
            ON_HER_STATEMENT,
        ]

    def change(self) -> None:
        refunds.approve_refund(refund_id=self.instance.pk, by=self.request.user, now=timezone.now())


class WithdrawRefundView(AskFirstView):
    """A proposed refund is taken back, by whoever may approve it or by whoever proposed it."""

    button = "Withdraw"
    question = "Withdraw this refund?"
    consequence = "Nothing is given back, and nothing else changes. It can be asked for again."
    done = "withdrawn."

    def check_action_permitted(self, user: User) -> bool:
        return may_withdraw(user, self.instance)

    def reasons(self) -> list[str]:
        is_waiting = self.instance.state == State.PROPOSED
        return [] if is_waiting else [RefundNotWaiting.sentence]

    def change(self) -> None:
        refunds.withdraw_refund(
            refund_id=self.instance.pk, by=self.request.user, now=timezone.now()
        )


def may_withdraw(user: User, refund: Refund) -> bool:
    """Whether ``user`` may take a proposed refund back."""
    is_own = refund.requested_by_id == user.pk and user.has_perm("enrollments.add_refund")
    return bool(is_own or user.has_perm("enrollments.approve_refund"))


class AllotForm(forms.Form):
    """Asks which line of the order a refund was for."""

    line = forms.TypedChoiceField(
        coerce=int, error_messages={"required": "Choose what it was for.", "invalid_choice": "?"}
    )

    def __init__(self, *args: Any, lines: list[OrderLine], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["line"].choices = [(line.pk, sold(line)) for line in lines]  # type: ignore[attr-defined]


class AllotRefundView(RowView):
    """A refund made in the dashboard of Stripe: a person says what it was for."""

    button = "Say what it was for"

    def check_action_permitted(self, user: User) -> bool:
        return bool(user.has_perm("enrollments.add_refund"))

    def get_template_names(self) -> list[str]:
        return ["modeladmin/enrollments/allot_refund.html"]

    @cached_property
    def lines(self) -> list[OrderLine]:
        """All of the order."""
        lines = OrderLine.objects.filter(order=self.instance.order_id)
        return list(lines.select_related("order", "quarter__workshop", "bundle").order_by("pk"))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        kwargs.setdefault("form", AllotForm(lines=self.lines))
        now = timezone.now()
        return super().get_context_data(
            amount=written(self.instance.amount_cents, self.instance.currency),
            is_waiting=is_unclear(self.instance),
            choices=[
                (line.pk, sold(line), what_follows(line, _share(self.instance, line), now))
                for line in self.lines
            ],
            **kwargs,
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = AllotForm(request.POST, lines=self.lines)
        if not is_unclear(self.instance) or not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form))
        refund_rules.allot_refund(
            refund_id=self.instance.pk,
            line_id=form.cleaned_data["line"],
            by=request.user,  # type: ignore[arg-type]
            now=timezone.now(),
        )
        messages.success(request, "Written down. What follows from it has happened.")
        return redirect(self.back_url)


def is_unclear(refund: Refund) -> bool:
    """Whether nobody has said what a refund of the dashboard was for."""
    return refund.line_id is None and refund.reason == Refund.Reason.IN_DASHBOARD


def _share(refund: Refund, line: OrderLine) -> str:
    """Whether with ``refund`` the whole of ``line`` is given back."""
    given_cents = line.refunds.given_back().total_cents() + refund.amount_cents
    return "whole" if 0 < (line.paid_cents or 0) <= given_cents else "part"


def _after(refund: Refund) -> list[str]:
    """What follows once a proposed ``refund`` was given back."""
    if refund.line is None:
        return []
    sentences = what_follows(refund.line, _share(refund, refund.line), timezone.now())
    if refund.access_ends_at:
        sentences.append(f"This happens at {when(refund.access_ends_at)}.")
    return sentences
