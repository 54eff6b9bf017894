"""Refunds and disputes, whether the site asks for them or the dashboard or the bank."""

from devtools.stripe_standin import refusals
from devtools.stripe_standin.calls import (
    Call,
    only_one_of,
    refuse_what_is_not_copied,
    update_object,
)
from devtools.stripe_standin.contract import Json
from devtools.stripe_standin.store import Store

REFUND_FIELDS = {"payment_intent", "charge", "amount", "reason", "metadata"}
EVIDENCE_FIELDS = {"evidence", "submit"}
# The statuses in which a bank takes evidence, and what they become with it.
ANSWERED = {
    "needs_response": "under_review",
    "warning_needs_response": "warning_under_review",
}
SECONDS_TO_ANSWER = 9 * 24 * 60 * 60
DISPUTE_STATES_THAT_CLOSE = {"won", "lost", "warning_closed", "prevented"}


def create_refund(call: Call) -> Json:
    refuse_what_is_not_copied(call.body, REFUND_FIELDS)
    return refund(call.store, call.body)


def refund(store: Store, given: Json) -> Json:
    """Send money back.

    Raises:
        Refusal: there is no such payment, or not that much left of it.
    """
    only_one_of(given, "payment_intent", "charge")
    charge = _charge_of(store, given)
    left = charge["amount_captured"] - charge["amount_refunded"]
    amount = given.get("amount", left)
    if charge["disputed"] and not _may_refund_despite_dispute(store, charge):
        raise refusals.Refusal(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.",
            code="charge_disputed",
        )
    if left <= 0:
        raise refusals.Refusal(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        )
    if amount <= 0:
        raise refusals.Refusal(
            "Invalid positive integer", code="parameter_invalid_integer", param="amount"
        )
    if amount > left:
        raise refusals.Refusal(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})",
            param="amount",
        )
    made = store.new(
        "refund",
        amount=amount,
        currency=charge["currency"],
        charge=charge["id"],
        payment_intent=charge["payment_intent"],
        reason=given.get("reason"),
        metadata=given.get("metadata") or {},
        status="succeeded",
    )
    _add_to_refunded(charge, amount)
    store.emit("refund.created", made)
    store.emit("charge.refunded", charge)
    return made


def cancel_refund(call: Call) -> Json:
    made = call.store.get("refund", call.id)
    raise refusals.Refusal(f"A refund with status {made['status']} cannot be canceled.")


def fail_refund(store: Store, refund_id: str) -> Json:
    """The bank sends a refund back: the money is ours again, and owed again."""
    made = store.get("refund", refund_id)
    if made["status"] == "failed":
        return made
    made.update(status="failed", failure_reason="expired_or_canceled_card")
    charge = store.get("charge", made["charge"])
    _add_to_refunded(charge, -made["amount"])
    for event_type in ("refund.updated", "charge.refund.updated", "refund.failed"):
        store.emit(event_type, made)
    return made


def open_dispute(store: Store, given: Json) -> Json:
    """A bank disputes a charge; an inquiry (``warning_...``) moves no money."""
    charge = _charge_of(store, given)
    status = given.get("status", "needs_response")
    is_inquiry = status.startswith("warning_")
    dispute = store.new(
        "dispute",
        amount=given.get("amount", charge["amount"]),
        charge=charge["id"],
        currency=charge["currency"],
        is_charge_refundable=is_inquiry,
        payment_intent=charge["payment_intent"],
        reason=given.get("reason", "fraudulent"),
        status=status,
    )
    if status in ANSWERED:
        dispute["evidence_details"]["due_by"] = dispute["created"] + SECONDS_TO_ANSWER
    charge["disputed"] = True
    store.emit("charge.dispute.created", dispute)
    if not is_inquiry:
        store.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def update_dispute(call: Call) -> Json:
    """Keep evidence, or send it to the bank, which takes it once.

    Raises:
        Refusal: the bank does not wait for evidence.
    """
    refuse_what_is_not_copied(call.body, EVIDENCE_FIELDS | {"metadata"})
    dispute = call.store.get("dispute", call.id, "dispute")
    if dispute["status"] not in ANSWERED:
        raise refusals.Refusal(
            f"Dispute {dispute['id']} has the status {dispute['status']}: it takes no evidence."
        )
    previous = update_object(dispute, {"metadata": call.body.get("metadata", {})}, set())
    dispute["evidence"] |= call.body.get("evidence") or {}
    details = dispute["evidence_details"]
    details["has_evidence"] = any(dispute["evidence"].values())
    if call.body.get("submit", True):
        previous["status"] = dispute["status"]
        details["submission_count"] += 1
        dispute["status"] = ANSWERED[dispute["status"]]
    call.store.emit("charge.dispute.updated", dispute, previous)
    return dispute


def change_dispute(store: Store, dispute_id: str, status: str) -> Json:
    """A dispute goes on or ends; a win brings the money back."""
    dispute = store.get("dispute", dispute_id)
    previous = {"status": dispute["status"]}
    dispute["status"] = status
    if status not in DISPUTE_STATES_THAT_CLOSE:
        store.emit("charge.dispute.updated", dispute, previous)
        return dispute
    store.emit("charge.dispute.closed", dispute)
    if status == "won":
        store.emit("charge.dispute.funds_reinstated", dispute)
    return dispute


def warn_of_fraud(store: Store, given: Json) -> Json:
    """The card's network warns that a payment may be fraud; no money moves."""
    charge = _charge_of(store, given)
    warning = store.new(
        "radar.early_fraud_warning",
        actionable=not (charge["refunded"] or charge["disputed"]),
        charge=charge["id"],
        fraud_type=given.get("fraud_type", "unauthorized_use_of_card"),
        payment_intent=charge["payment_intent"],
    )
    store.emit("radar.early_fraud_warning.created", warning)
    return warning


def _charge_of(store: Store, given: Json) -> Json:
    if given.get("charge"):
        return store.get("charge", given["charge"], "charge")
    if not given.get("payment_intent"):
        raise refusals.Refusal(
            "One of the following params should be provided for this request: "
            "payment_intent or charge.",
            code="parameter_missing",
        )
    intent = store.get("payment_intent", given["payment_intent"], "payment_intent")
    if intent["status"] != "succeeded":
        raise refusals.Refusal(
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
            code="payment_intent_unexpected_state",
            param="payment_intent",
        )
    return store.get("charge", intent["latest_charge"])


def _may_refund_despite_dispute(store: Store, charge: Json) -> bool:
    disputes = [each for each in store.rows("dispute").values() if each["charge"] == charge["id"]]
    return all(
        each["is_charge_refundable"] or each["status"] in {"won", "warning_closed"}
        for each in disputes
    )


def _add_to_refunded(charge: Json, amount: int) -> None:
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
