"""Coupons and promotion codes: making them, and whether a buyer may use one."""

import re
import secrets
from typing import Any

from devtools.stripe_standin import refusals
from devtools.stripe_standin.blanks import shaped
from devtools.stripe_standin.calls import (
    Call,
    only_one_of,
    refuse_what_is_not_copied,
    require,
    update_object,
)
from devtools.stripe_standin.contract import Json
from devtools.stripe_standin.store import Store

COUPON_FIELDS = {
    "id",
    "name",
    "percent_off",
    "amount_off",
    "currency",
    "duration",
    "duration_in_months",
    "max_redemptions",
    "redeem_by",
    "applies_to",
    "metadata",
}
CODE_FIELDS = {"code", "active", "customer", "expires_at", "max_redemptions", "metadata"}
CODE_LENGTH = 8
WHOLE = 100


class CodeRefused(Exception):
    """The code cannot be used for this checkout."""


def create_coupon(call: Call) -> Json:
    given = call.body
    refuse_what_is_not_copied(given, COUPON_FIELDS)
    only_one_of(given, "percent_off", "amount_off")
    _check_coupon(call.store, given)
    fields = {name: value for name, value in given.items() if name in COUPON_FIELDS}
    if "applies_to" in fields:
        fields["applies_to"] = {"products": fields["applies_to"].get("products", [])}
    coupon = call.store.new("coupon", **{"duration": "once", "valid": True, **fields})
    call.store.emit("coupon.created", coupon)
    return coupon


def _check_coupon(store: Store, given: Json) -> None:
    if given.get("id") in store.rows("coupon"):
        raise refusals.Refusal("Coupon already exists.", code="resource_already_exists", param="id")
    if "percent_off" not in given and "amount_off" not in given:
        require(given, "percent_off")
    if not 0 < given.get("percent_off", WHOLE) <= WHOLE:
        raise refusals.Refusal(
            "Invalid percent_off: must be over 0 and at most 100", param="percent_off"
        )
    if "amount_off" in given:
        require(given, "currency")
    if given.get("duration") == "repeating":
        require(given, "duration_in_months")
    if given.get("redeem_by", store.clock.now() + 1) <= store.clock.now():
        raise refusals.Refusal("redeem_by must be in the future.", param="redeem_by")


def create_promotion_code(call: Call) -> Json:
    store, given = call.store, call.body
    refuse_what_is_not_copied(given, CODE_FIELDS | {"promotion", "restrictions"})
    coupon_id = require(given["promotion"], "coupon", "promotion")
    store.get("coupon", coupon_id, "promotion[coupon]")
    code = given.get("code") or secrets.token_hex(CODE_LENGTH // 2).upper()
    if not re.fullmatch(r"[A-Za-z0-9-]+", code):
        raise refusals.Refusal("Promotion codes hold letters, digits and dashes.", param="code")
    if _active_code(store, code):
        raise refusals.Refusal(
            f"An active promotion code with `code: {code}` already exists.",
            code="resource_already_exists",
            param="code",
        )
    if given.get("expires_at", store.clock.now() + 1) <= store.clock.now():
        raise refusals.Refusal("expires_at must be in the future.", param="expires_at")
    fields = {name: value for name, value in given.items() if name in CODE_FIELDS}
    restrictions = {"first_time_transaction": False, **given.get("restrictions", {})}
    promotion = store.new(
        "promotion_code",
        **{
            "active": True,
            **fields,
            "code": code,
            "promotion": {"type": "coupon", "coupon": coupon_id},
            "restrictions": shaped(store.contract, "promotion_code", "restrictions", restrictions),
        },
    )
    store.emit("promotion_code.created", promotion)
    return promotion


def update_promotion_code(call: Call) -> Json:
    promotion = call.store.get("promotion_code", call.id)
    previous = update_object(promotion, call.body, {"active"})
    call.store.emit("promotion_code.updated", promotion, previous)
    return promotion


def refresh(store: Store) -> None:
    """Let coupons and codes whose time or number of uses is over become invalid."""
    for coupon in store.rows("coupon").values():
        if _is_used_up(coupon) or _is_past(store, coupon["redeem_by"]):
            coupon["valid"] = False
    for promotion in store.rows("promotion_code").values():
        coupon = store.rows("coupon")[promotion["promotion"]["coupon"]]
        over = _is_used_up(promotion) or _is_past(store, promotion["expires_at"])
        if over or not coupon["valid"]:
            promotion["active"] = False


def usable_code(store: Store, session: Json, typed: str) -> Json:
    """The promotion code that a buyer typed, in any case of letters.

    Raises:
        CodeRefused: there is none, or it is not for this checkout.
    """
    refresh(store)
    promotion = _active_code(store, typed.strip())
    if promotion is None or not _fits(store, session, promotion):
        raise CodeRefused
    return promotion


def check_discount(store: Store, session: Json, given: Json) -> tuple[str, str | None]:
    """The coupon and the code of a discount that the site itself gives.

    Raises:
        Refusal: it names nothing, or something that cannot be used.
    """
    refresh(store)
    only_one_of(given, "coupon", "promotion_code")
    if "promotion_code" in given:
        promotion = store.get(
            "promotion_code", given["promotion_code"], "discounts[0][promotion_code]"
        )
        where = "discounts[0][promotion_code]"
        if not promotion["active"]:
            raise refusals.Refusal(
                f"This promotion code is expired or inactive: {promotion['id']}",
                code="coupon_expired",
                param=where,
            )
        if not _fits(store, session, promotion):
            raise refusals.Refusal("This promotion code cannot be redeemed.", param=where)
        return promotion["promotion"]["coupon"], promotion["id"]
    coupon_id = require(given, "coupon", "discounts[0]")
    if not store.get("coupon", coupon_id, "discounts[0][coupon]")["valid"]:
        raise refusals.Refusal(
            f"Coupon expired: {coupon_id}", code="coupon_expired", param="discounts[0][coupon]"
        )
    return coupon_id, None


def discount_for(store: Store, coupon: Json, lines: list[Json]) -> tuple[list[int], int]:
    """Which lines a coupon counts for (their subtotals, else 0) and what it takes off in all."""
    products = coupon.get("applies_to", {}).get("products")
    weights = [
        line["amount_subtotal"]
        if products is None or store.rows("price")[line["price"]["id"]]["product"] in products
        else 0
        for line in lines
    ]
    if coupon["percent_off"] is not None:
        return weights, round(sum(weights) * coupon["percent_off"] / WHOLE)
    return weights, min(coupon["amount_off"], sum(weights))


def redeem(store: Store, coupon_id: str, promotion_id: str | None) -> None:
    """Count one use."""
    store.rows("coupon")[coupon_id]["times_redeemed"] += 1
    if promotion_id:
        store.rows("promotion_code")[promotion_id]["times_redeemed"] += 1
    refresh(store)


def _active_code(store: Store, code: str) -> Json | None:
    refresh(store)
    for promotion in store.rows("promotion_code").values():
        if promotion["active"] and promotion["code"].lower() == code.lower():
            return promotion
    return None


def _fits(store: Store, session: Json, promotion: Json) -> bool:
    coupon = store.rows("coupon")[promotion["promotion"]["coupon"]]
    if coupon["amount_off"] is not None and coupon["currency"] != session["currency"]:
        return False
    if promotion["customer"] and promotion["customer"] != session["customer"]:
        return False
    rules = promotion["restrictions"]
    if rules["first_time_transaction"] and not _is_first_purchase(store, session["customer"]):
        return False
    smallest = rules.get("minimum_amount")
    if smallest is None:
        return True
    same_currency = rules.get("minimum_amount_currency") == session["currency"]
    return bool(same_currency and session["amount_subtotal"] >= smallest)


def _is_first_purchase(store: Store, customer_id: Any) -> bool:
    """A guest is nobody whose first purchase it could be."""
    return customer_id is not None and not any(
        intent["customer"] == customer_id and intent["status"] == "succeeded"
        for intent in store.rows("payment_intent").values()
    )


def _is_used_up(thing: Json) -> bool:
    limit = thing["max_redemptions"]
    return limit is not None and thing["times_redeemed"] >= limit


def _is_past(store: Store, moment: int | None) -> bool:
    return moment is not None and moment <= store.clock.now()
