"""Evidence for a disputed payment: what may leave the practice, and sending what staff confirmed.

Only this: the discreet name, amounts, dates, times of signing in, and where the refund policy
stands. Never what she answered, wrote or attended, never another person, never a lesson's title,
never a word that says what it was about.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.dateformat import format as format_moment
from wagtail.models import Page

from accounts.models import User
from core.discretion import leak_words_in
from enrollments import stripe_gateway
from enrollments.errors import EvidenceChanged, EvidenceRefused, EvidenceTooLate, NothingConfirmed
from enrollments.models import BundleAccess, Dispute, LedgerEntry, Order
from enrollments.money import written
from enrollments.operations.disputes import take_in_dispute
from enrollments.operations.orders import Action, lock_order, record
from enrollments.stripe_gateway import GatewayRefused
from enrollments.zones import hour_written

logger = logging.getLogger(__name__)

# The statuses in which a bank waits for evidence. An appeal is answered in Stripe's dashboard.
ANSWERABLE = ("needs_response", "warning_needs_response")
# The page on which the practice says when money is given back.
POLICY_SLUG = "refunds"


@dataclass(frozen=True, kw_only=True)
class Part:
    """One thing that can be sent. ``sends`` holds Stripe's fields with exactly what goes there.

    A part that sends nothing says why in ``missing``.
    """

    key: str
    heading: str
    sends: tuple[tuple[str, str], ...] = ()
    missing: str = ""

    @property
    def text(self) -> str:
        """All that would leave, as staff read it before they confirm it."""
        return "\n".join(text for _, text in self.sends)

    @property
    def labelled(self) -> list[tuple[str, str]]:
        """The same, each text with the name that Stripe's dashboard has for its field."""
        return [(field.replace("_", " ").capitalize(), text) for field, text in self.sends]

    @property
    def leaks(self) -> list[str]:
        """Words because of which it cannot be sent."""
        return leak_words_in(self.text)

    @property
    def can_be_sent(self) -> bool:
        """There is something to send, and nothing telling in it."""
        return bool(self.sends) and not self.leaks

    @property
    def mark(self) -> str:
        """What a confirmation names: the part, and exactly the text that was read."""
        return f"{self.key}-{hashlib.sha256(self.text.encode()).hexdigest()[:16]}"


def evidence_pack(dispute: Dispute) -> list[Part]:
    """Every part there is about a disputed payment, in the order in which staff read them."""
    order = Order.objects.select_related("member").get(pk=dispute.order_id)
    return [
        _item(order),
        _dates(order, dispute),
        _delivery(order),
        # The order does not keep it.
        Part(
            key="agreement",
            heading="Agreement to the terms",
            missing="Not recorded. The site does not keep when somebody agreed to the terms.",
        ),
        _sign_ins(order),
        _policy(),
    ]


def _item(order: Order) -> Part:
    names = order.lines.order_by("pk").values_list("discreet_name", flat=True)
    return Part(
        key="item",
        heading="What was bought, as it was named on the payment page",
        sends=(("product_description", ", ".join(names)),),
    )


def _dates(order: Order, dispute: Dispute) -> Part:
    payment = dispute.payment
    amount = f"{written(payment.amount_cents, payment.currency)} ({payment.currency.upper()})"
    lines = [
        f"Order placed on {_day(order.created_at)}.",
        f"Paid on {_day(payment.received_at)}: {amount}.",
    ]
    if given_cents := payment.refunds.given_back().total_cents():
        lines.append(f"Given back since: {written(given_cents, payment.currency)}.")
    return Part(
        key="dates",
        heading="Amount and dates",
        sends=(("uncategorized_text", "\n".join(lines)),),
    )


def _delivery(order: Order) -> Part:
    heading = "What was delivered, and when"
    confirmed = order.ledger.filter(action=Action.ENROLLED).values_list("at", flat=True)
    opened = BundleAccess.objects.filter(line__order=order).order_by("granted_at")
    dated = [(at, "Place confirmed") for at in confirmed] + [
        (at, "Online access opened") for at in opened.values_list("granted_at", flat=True)
    ]
    if not dated:
        return Part(key="delivery", heading=heading, missing="Nothing was delivered yet.")
    lines = [f"{what} on {_day(at)}." for at, what in sorted(dated)]
    return Part(
        key="delivery",
        heading=heading,
        sends=(("service_date", _day(min(dated)[0])), ("uncategorized_text", "\n".join(lines))),
    )


def _sign_ins(order: Order) -> Part:
    heading = "Times of signing in"
    last = order.member.last_login if order.member else None
    if last is None:
        return Part(key="sign_ins", heading=heading, missing="No sign-in is recorded.")
    moment = f"{_day(last)}, {hour_written(_local(last))}"
    return Part(
        key="sign_ins",
        heading=heading,
        sends=(("access_activity_log", f"The buyer last signed in on {moment}."),),
    )


def _policy() -> Part:
    heading = "Refund policy"
    page = Page.objects.live().filter(slug=POLICY_SLUG).first()
    if page is None:
        return Part(key="policy", heading=heading, missing="The site has no page about refunds.")
    address = settings.BASE_URL + page.relative_url(current_site=None)
    return Part(
        key="policy",
        heading=heading,
        sends=(("refund_policy_disclosure", f"The refund policy can be read at {address}"),),
    )


def _local(moment: datetime) -> datetime:
    return timezone.localtime(moment, timezone.get_default_timezone())


def _day(moment: datetime) -> str:
    return format_moment(_local(moment), "F j, Y")


def send_evidence(
    *, dispute_id: int, confirmed: Collection[str], by: User, now: datetime
) -> Dispute:
    """The dispute, once its bank has the parts whose marks were confirmed. It takes them once.

    Raises:
        NothingConfirmed: no part was.
        EvidenceChanged: a part is not what was read any more.
        EvidenceTooLate: the bank takes no evidence, or has it already.
        EvidenceRefused: Stripe said no; nothing was sent.
        GatewayError: it is not known; sending the same again is safe.
    """
    dispute = Dispute.objects.select_related("payment").get(pk=dispute_id)
    parts = _confirmed_parts(dispute, confirmed)
    keys = ", ".join(part.key for part in parts)
    _write_down(dispute, f"{dispute.stripe_id} confirmed: {keys}", by=by, now=now)
    fields = _fields(parts)
    try:
        view = stripe_gateway.submit_evidence(
            dispute.stripe_id,
            fields,
            idempotency_key=f"evidence:{dispute.stripe_id}:{_digest(fields)}",
        )
    except GatewayRefused as error:
        logger.warning("evidence for %s was refused: %s", dispute.stripe_id, error)
        raise EvidenceRefused from error
    take_in_dispute(view, now=now)
    _write_down(dispute, f"{dispute.stripe_id} sent: {keys}", by=by, now=now)
    dispute.refresh_from_db()
    return dispute


def _confirmed_parts(dispute: Dispute, confirmed: Collection[str]) -> list[Part]:
    if dispute.status not in ANSWERABLE or was_sent(dispute):
        raise EvidenceTooLate
    if not confirmed:
        raise NothingConfirmed
    parts = [p for p in evidence_pack(dispute) if p.mark in confirmed and p.can_be_sent]
    if len(parts) != len(set(confirmed)):
        raise EvidenceChanged
    return parts


def was_sent(dispute: Dispute) -> bool:
    """Whether evidence was sent from here."""
    sent = f"{dispute.stripe_id} sent: "
    entries = LedgerEntry.objects.filter(order=dispute.order_id, action=Action.EVIDENCE)
    return entries.filter(detail__startswith=sent).exists()


def _fields(parts: list[Part]) -> dict[str, str]:
    """Stripe's fields; what several parts put into the same one stands there line by line."""
    fields: dict[str, str] = {}
    for field, text in (sent for part in parts for sent in part.sends):
        fields[field] = f"{fields[field]}\n{text}" if field in fields else text
    return fields


def _digest(fields: dict[str, str]) -> str:
    return hashlib.sha256(repr(sorted(fields.items())).encode()).hexdigest()[:32]


@transaction.atomic
def _write_down(dispute: Dispute, detail: str, *, by: User, now: datetime) -> None:
    """Who did what, once however often it is done again."""
    order = lock_order(dispute.order_id)
    if not order.ledger.filter(action=LedgerEntry.Action.EVIDENCE, detail=detail[:200]).exists():
        record(order, Action.EVIDENCE, detail=detail, by=by, now=now)
