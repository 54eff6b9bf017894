"""Help codes: typed in, counted, told to Stripe, and never lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from enrollments import stripe_gateway
from enrollments.errors import CodeNotUsable, CodeWithPlan
from enrollments.models import HelpCode, Order, Quarter
from enrollments.operations import checkout, codes, giving_up
from enrollments.operations.fulfilment import fulfil
from enrollments.operations.wishes import Paying, Wishes
from tests.factories.enrollments import (
    bundle,
    make_buyer,
    make_code,
    make_price,
    make_quarter,
)
from tests.stripe_fixtures import at_stripe, waiting

pytestmark = pytest.mark.django_db


def begin(quarter: Quarter, code: HelpCode, email: str = "ann@example.org", **buyer) -> Order:
    return checkout.enroll(
        quarter_id=quarter.pk,
        buyer=make_buyer(email, **buyer),
        wishes=Wishes(code_id=code.pk),
        now=timezone.now(),
    )


def purchase(quarter: Quarter | None = None, **changes) -> codes.Purchase:
    return codes.Purchase(
        **{
            "quarter_id": quarter.pk if quarter else None,
            "currency": "usd",
            "total_cents": 60_000,
        }
        | changes
    )


def look_up(typed: str, bought: codes.Purchase) -> HelpCode:
    return codes.look_up(typed, bought, digest="", now=timezone.now())


def sessions(standin) -> list[dict]:
    return [r["body"] for r in standin.requests("/v1/checkout/sessions") if r["method"] == "POST"]


@pytest.mark.parametrize(
    ("terms", "off", "rest"),
    [
        ({"percent_off": 25}, 15_000, 45_000),
        ({"percent_off": 33}, 19_800, 40_200),
        ({"amount_off_cents": 20_000}, 20_000, 40_000),
    ],
    ids=["a share", "an odd share", "an amount"],
)
def test_what_a_code_takes_off_is_what_stripe_takes_off(standin, quarter, terms, off, rest):
    code = at_stripe(make_code(**terms))
    order = waiting(begin(quarter, code))

    page = stripe_gateway.get_checkout(order.session_id)

    assert code.takes_off(60_000) == off
    assert (page.discount_cents, page.total_cents) == (off, rest)


@pytest.mark.parametrize("typed", ["QUIET25", "quiet25", " Quiet 25 "])
def test_case_and_spaces_do_not_matter(standin, quarter, typed):
    code = at_stripe(make_code())

    assert look_up(typed, purchase(quarter)) == code


@pytest.mark.parametrize(
    "terms",
    [
        {"code": "OTHER25"},
        {"is_active": False},
        {"ends_at": timezone.now() - timedelta(minutes=1)},
        {"most_uses": 0},
        {"amount_off_cents": 10_000, "currency": "eur"},
        {"amount_off_cents": 59_960},
    ],
    ids=["wrong", "switched off", "over", "used up", "another currency", "too little is left"],
)
def test_every_code_that_cannot_be_used_is_refused_alike(standin, quarter, terms):
    make_code(**terms)

    with pytest.raises(CodeNotUsable):
        look_up("QUIET25", purchase(quarter))


def test_a_code_for_another_quarter_is_refused_alike(standin, quarter):
    make_code(quarter=make_quarter())

    for bought in (purchase(quarter), purchase(None)):
        with pytest.raises(CodeNotUsable):
            look_up("QUIET25", bought)


def test_a_sample_is_good_in_demo_mode_only(standin, quarter, settings):
    code = make_code(is_sample=True)
    found = look_up("QUIET25", purchase(quarter))
    settings.DEMO_MODE = False

    with pytest.raises(CodeNotUsable):
        look_up("QUIET25", purchase(quarter))

    assert found == code


def test_a_code_is_sent_with_the_page_and_is_part_of_what_the_page_is_for(standin, quarter):
    code = at_stripe(make_code())
    order = begin(quarter, code)

    waiting(order)

    assert sessions(standin)[0]["discounts"] == {"0": {"promotion_code": code.promotion_code_id}}
    assert order.help_code == code


def test_orders_that_can_be_paid_or_were_paid_use_a_code_up(standin, quarter):
    code = at_stripe(make_code(most_uses=2))
    paid = waiting(begin(quarter, code, "one@example.org"))
    standin.pay(paid.url)
    fulfil(paid.session_id, now=timezone.now())
    waiting(begin(quarter, code, "two@example.org"))

    with pytest.raises(CodeNotUsable):
        begin(quarter, code, "three@example.org")

    assert codes.uses(code, now=timezone.now()) == 2
    assert Order.objects.count() == 2


def test_giving_up_gives_the_use_back(standin, quarter):
    code = at_stripe(make_code(most_uses=1))
    first = begin(quarter, code, "one@example.org")
    giving_up.give_up(order_id=first.pk, now=timezone.now())

    order = begin(quarter, code)

    assert order.help_code == code


def test_an_order_without_a_seat_uses_a_code_while_its_page_lives(standin, loaded_site):
    make_price()
    code = at_stripe(make_code(most_uses=1))
    now = timezone.now()
    checkout.buy_bundle(
        bundle_id=bundle().pk, buyer=make_buyer(), wishes=Wishes(code_id=code.pk), now=now
    )

    uses = [codes.uses(code, now=now + timedelta(minutes=minutes)) for minutes in (0, 34, 36)]

    assert uses == [1, 1, 0]


def test_asking_again_with_the_same_code_is_no_second_use(standin, quarter):
    code = at_stripe(make_code(most_uses=1))
    first = begin(quarter, code)

    again = begin(quarter, code, own_orders=[first.uuid])

    assert (again, codes.uses(code, now=timezone.now())) == (first, 1)


def test_a_free_place_is_counted(standin, quarter):
    code = at_stripe(make_code(percent_off=100, most_uses=1))

    order = begin(quarter, code)

    assert (order.state, order.payments.count()) == (Order.State.PAID, 0)
    assert codes.uses(code, now=timezone.now()) == 1


def test_a_code_and_monthly_payments_are_refused_in_words(standin, quarter):
    Quarter.objects.update(instalment_count=3, instalment_cents=21_000)
    code = at_stripe(make_code())
    wishes = Wishes(code_id=code.pk, paying=Paying.MONTHLY)

    with pytest.raises(CodeWithPlan):
        checkout.enroll(
            quarter_id=quarter.pk, buyer=make_buyer(), wishes=wishes, now=timezone.now()
        )

    assert Order.objects.count() == 0


def code_that_stripe_ended(stripe_sdk) -> HelpCode:
    code = at_stripe(make_code())
    stripe_sdk.v1.promotion_codes.update(code.promotion_code_id, {"active": False})
    return code


def test_a_code_that_stripe_refuses_is_said_alike_and_loses_nothing(standin, quarter, stripe_sdk):
    order = begin(quarter, code_that_stripe_ended(stripe_sdk))

    with pytest.raises(CodeNotUsable):
        waiting(order)
    page = waiting(order)

    order.refresh_from_db()
    assert (order.state, order.help_code) == (Order.State.PENDING, None)
    assert stripe_gateway.get_checkout(page.session_id).total_cents == 60_000
    assert [seat.state for seat in quarter.enrollments.all()] == ["held"]


def test_the_last_use_at_stripe_is_a_second_lock(standin, quarter):
    """Should our own count ever be wrong."""
    code = at_stripe(make_code(most_uses=1))
    paid = waiting(begin(quarter, code, "one@example.org"))
    standin.pay(paid.url)
    HelpCode.objects.update(most_uses=9)
    order = begin(quarter, code)

    with pytest.raises(CodeNotUsable):
        waiting(order)


def test_saving_tells_stripe_the_terms(standin, quarter, stripe_sdk):
    ends_at = timezone.now() + timedelta(days=30)

    code = at_stripe(make_code(most_uses=3, ends_at=ends_at))

    made = stripe_sdk.v1.promotion_codes.retrieve(code.promotion_code_id)
    assert (made.code, made.max_redemptions) == ("QUIET25", 3)
    # Stripe's lock closes an hour after ours, for whoever is at the payment page by then.
    assert made.expires_at == int(ends_at.timestamp()) + 3_600
    assert made.metadata.to_dict() == {"code": str(code.uuid)}


# The SDK asks twice, but not after a 429.
@pytest.mark.parametrize(
    ("fault", "times"), [("500", 2), ("503", 2), ("429", 1), ("refuse", 2), ("lost", 2)]
)
def test_while_stripe_is_down_a_code_waits_and_is_told_later(standin, db, fault, times):
    code = make_code()
    standin.fault(fault, path="/v1/coupons", count=times)
    with pytest.raises(stripe_gateway.GatewayDown):
        codes.publish(code)
    waits = HelpCode.objects.not_yet_at_stripe(timezone.now()).count()

    told = [codes.tell_stripe(now=timezone.now()) for _ in range(2)]

    assert (waits, told) == (1, [1, 0])
    assert HelpCode.objects.get().is_at_stripe


def test_an_answer_lost_between_coupon_and_code_makes_no_second_one(standin, db, stripe_sdk):
    code = make_code()
    standin.fault("lost", path="/v1/promotion_codes", count=2)
    with pytest.raises(stripe_gateway.GatewayDown):
        codes.publish(code)

    codes.publish(code)

    found = stripe_sdk.v1.promotion_codes.list({"code": "QUIET25"}).data
    assert [each.id for each in found] == [code.promotion_code_id]


def test_the_first_use_tells_stripe_of_a_code_that_still_waits(standin, quarter):
    make_code()

    found = look_up("QUIET25", purchase(quarter))

    assert found.is_at_stripe
    assert waiting(begin(quarter, found)).url


def test_a_code_that_stripe_does_not_take_is_refused_alike(standin, quarter, stripe_sdk):
    other = stripe_sdk.v1.coupons.create({"percent_off": 10, "duration": "once"})
    stripe_sdk.v1.promotion_codes.create(
        {"promotion": {"type": "coupon", "coupon": other.id}, "code": "QUIET25"}
    )
    make_code()

    with pytest.raises(CodeNotUsable):
        look_up("QUIET25", purchase(quarter))


def test_switching_off_ends_a_code_here_at_once_and_at_stripe(standin, quarter, stripe_sdk):
    code = codes.switch_off(code_id=at_stripe(make_code()).pk)
    standin.fault("500", path="/v1/promotion_codes/", count=2)

    told = [codes.tell_stripe(now=timezone.now()) for _ in range(3)]

    with pytest.raises(CodeNotUsable):
        look_up("QUIET25", purchase(quarter))
    assert told == [0, 1, 0]
    assert stripe_sdk.v1.promotion_codes.retrieve(code.promotion_code_id).active is False


def test_whoever_is_at_the_payment_page_when_a_code_is_switched_off_can_still_pay(
    standin, quarter, stripe_sdk
):
    code = at_stripe(make_code())
    order = waiting(begin(quarter, code))
    codes.switch_off(code_id=code.pk)
    before = codes.tell_stripe(now=timezone.now())
    standin.pay(order.url)

    paid = fulfil(order.session_id, now=timezone.now())

    assert [payment.amount_cents for payment in paid.payments.all()] == [45_000]
    assert (before, codes.tell_stripe(now=timezone.now())) == (0, 1)


def test_the_command_says_how_many_it_told(standin, db, capsys):
    make_code()

    for _ in range(2):
        call_command("send_help_codes")

    assert capsys.readouterr().out == "help codes told to Stripe: 1\n"


@pytest.mark.parametrize(
    "terms",
    [
        {"percent_off": None, "amount_off_cents": None},
        {"percent_off": 10, "amount_off_cents": 100},
    ],
    ids=["nothing", "both"],
)
def test_the_database_takes_one_kind_of_help_only(db, terms):
    with pytest.raises(IntegrityError), transaction.atomic():
        make_code(**terms)
