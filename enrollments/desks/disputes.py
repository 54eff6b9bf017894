"""The desk of disputes: what a bank says about a payment, what it means, and what may be sent."""

# ruff: noqa: ARG002 (hooks of Wagtail and Django keep their signatures)

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib.admin import display
from django.contrib.admin.utils import quote
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from wagtail.admin import messages

from accounts.models import User
from enrollments.desks.base import (
    Desk,
    KnownChoicesFilter,
    Link,
    LookAndDecide,
    Notice,
    RowView,
    Section,
    Table,
)
from enrollments.desks.dispute_words import STATUSES, status_in_words, status_of
from enrollments.desks.wording import amount, order_link, stacked, staff_name, tag, when
from enrollments.errors import EvidenceTooLate, Refusal
from enrollments.models import Dispute, LedgerEntry
from enrollments.money import written
from enrollments.operations import evidence
from enrollments.operations.disputes import meaning_of
from enrollments.stripe_gateway import GatewayError

TONES = {"won": "good", "warning_closed": "good", "prevented": "quiet", "lost": "quiet"}
UNREACHABLE = (
    "It is not known whether the evidence arrived. Try again: the same "
    "evidence sent twice is there once."
)


def dispute_tag(dispute: Dispute) -> SafeString:
    """The status in plain words, as a tag."""
    asks = meaning_of(dispute.status).needs_a_person and dispute.status not in TONES
    tone = "alarm" if asks else TONES.get(dispute.status, "plain")
    return tag(status_in_words(dispute.status), tone)


def takes_evidence(dispute: Dispute) -> bool:
    """Whether its bank waits for evidence that can be sent from here."""
    return dispute.status in evidence.ANSWERABLE and not evidence.was_sent(dispute)


class EvidenceView(RowView):
    """All that could be sent, to be read first; only what is confirmed part by part is sent."""

    button = "Send evidence"

    def check_action_permitted(self, user: User) -> bool:
        return bool(user.has_perm("enrollments.change_dispute"))

    def get_template_names(self) -> list[str]:
        return ["modeladmin/enrollments/evidence.html"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        is_open = takes_evidence(self.instance)
        parts = evidence.evidence_pack(self.instance) if is_open else []
        return super().get_context_data(
            **{
                "parts": parts,
                "too_late": "" if is_open else EvidenceTooLate.sentence,
                "due_by": when(self.instance.evidence_due_by),
                "confirmed": [],
            }
            | kwargs
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        confirmed = request.POST.getlist("confirmed")
        try:
            evidence.send_evidence(
                dispute_id=self.instance.pk,
                confirmed=confirmed,
                by=request.user,  # type: ignore[arg-type]
                now=timezone.now(),
            )
        except Refusal as refusal:
            return self._again("Nothing was sent", refusal.sentence, confirmed)
        except GatewayError:
            return self._again("Stripe did not answer", UNREACHABLE, confirmed)
        messages.success(request, "The evidence was sent. The bank decides now.")
        return redirect(self.back_url)

    def _again(self, title: str, text: str, confirmed: list[str]) -> HttpResponse:
        """The same page, with what was ticked still ticked where nothing changed."""
        context = self.get_context_data(mistake_title=title, mistake=text, confirmed=confirmed)
        return self.render_to_response(context)


class DisputeStatusFilter(KnownChoicesFilter):
    title = "status"
    parameter_name = "status"
    lookup = "status"
    offered = tuple((word, status.name) for word, status in STATUSES.items())


class DisputeDesk(Desk):
    """Every dispute, those whose answer is due soonest first."""

    model = Dispute
    menu_label = "Disputes"
    menu_icon = "warning"
    intro = "Payments that a bank questions or has taken back. They begin and end at the bank."
    empty_text = "No bank has disputed a payment."
    permission_helper_class = LookAndDecide
    list_display: ClassVar[list[str]] = ["name", "amount", "due", "order_number", "opened"]
    list_filter = (DisputeStatusFilter,)
    search_fields: ClassVar[list[str]] = ["stripe_id", "order__uuid", "payment__payment_intent_id"]
    search_label = "Search by number"
    list_select_related: ClassVar[list[str]] = ["order"]
    ordering: ClassVar[list[str]] = ["-opened_at"]
    action_views: ClassVar[dict[str, Any]] = {"evidence": EvidenceView}

    def get_extra_attrs_for_row(self, obj: Dispute, context: Any) -> dict[str, str]:
        alarms = obj.status in evidence.ANSWERABLE
        return {"class": "desk-row--alarm"} if alarms else {}

    @display(description="Status", ordering="status")
    def name(self, dispute: Dispute) -> SafeString:
        return dispute_tag(dispute)

    @display(description="Amount", ordering="amount_cents")
    def amount(self, dispute: Dispute) -> SafeString:
        return amount(dispute.amount_cents, dispute.currency)

    @display(description="Answer due by", ordering="evidence_due_by")
    def due(self, dispute: Dispute) -> SafeString:
        return stacked(dispute.evidence_due_by if _waits(dispute) else None)

    @display(description="Order")
    def order_number(self, dispute: Dispute) -> SafeString:
        return order_link(dispute.order)

    @display(description="Opened", ordering="opened_at")
    def opened(self, dispute: Dispute) -> SafeString:
        return stacked(dispute.opened_at)

    def name_of(self, row: Dispute) -> str:
        return f"Dispute of {written(row.amount_cents, row.currency)}"

    def notice(self, row: Dispute, user: User) -> Notice | None:
        if not meaning_of(row.status).needs_a_person:
            return None
        return Notice(title="Needs a person", text=status_of(row.status).task)

    def actions(self, row: Dispute, user: User) -> list[Link]:
        if not (user.has_perm("enrollments.change_dispute") and takes_evidence(row)):
            return []
        url = self.url_helper.get_action_url("evidence", quote(row.pk))
        return [Link(label=EvidenceView.button, url=url)]

    def sections(self, row: Dispute, user: User) -> Iterable[Section]:
        dispute = Dispute.objects.select_related("order", "payment").get(pk=row.pk)
        yield Section(heading="Dispute", facts=_facts(dispute))
        yield Section(heading="Evidence", table=_evidence_table(dispute))


def _waits(dispute: Dispute) -> bool:
    return dispute.status.endswith("needs_response")


def _facts(dispute: Dispute) -> list[tuple[str, object]]:
    status = status_of(dispute.status)
    paused = dispute.order.get_paused_for_display()
    return [
        ("Status", dispute_tag(dispute)),
        ("What that means", status.meaning),
        *([] if meaning_of(dispute.status).needs_a_person else [("What to do", status.task)]),
        ("Answer due by", when(dispute.evidence_due_by) if _waits(dispute) else "No answer wanted"),
        ("Amount", written(dispute.amount_cents, dispute.currency)),
        ("Reason given", dispute.reason.replace("_", " ").capitalize()),
        ("Her access", f"Rests: {paused.lower()}" if dispute.order.paused_for else "Not paused"),
        ("Order", order_link(dispute.order)),
        ("Opened", when(dispute.opened_at)),
        ("Last changed", when(dispute.changed_at)),
        ("Dispute at Stripe", dispute.stripe_id),
        ("Payment at Stripe", dispute.payment.payment_intent_id),
    ]


def _evidence_table(dispute: Dispute) -> Table:
    entries = LedgerEntry.objects.filter(
        order=dispute.order_id,
        action=LedgerEntry.Action.EVIDENCE,
        detail__startswith=dispute.stripe_id,
    ).select_related("by")
    return Table(
        columns=["What", "Who", "When"],
        rows=[[_in_words(entry.detail), staff_name(entry.by), when(entry.at)] for entry in entries],
        empty="No evidence has been sent.",
    )


def _in_words(detail: str) -> SafeString:
    """``du_1 sent: item, dates`` without the number."""
    done, _, parts = detail.partition(" ")[2].partition(": ")
    under = format_html('<span class="desk-under">{}</span>', parts.replace("_", "-"))
    return format_html("{}{}", done.capitalize(), under)
