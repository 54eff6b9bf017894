"""Enrolling and buying: the pages with the form. They translate; operations decide."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateformat import format as date
from django.utils.text import get_text_list
from django.views.decorators.http import require_http_methods

from accounts.models import User
from core.client_address import client_digest
from enrollments.browser_orders import browser_key, order_to_change, own_orders, remember
from enrollments.browser_waitlist import offer_for
from enrollments.errors import (
    CodeNotUsable,
    CodeWithPlan,
    QuarterFull,
    Refusal,
    SeatsAreFree,
    TooManyTries,
)
from enrollments.forms import Choices, MemberOrderForm, OfferForm, OrderForm, waitlist_form
from enrollments.models import BundleAccess, BundlePrice, HelpCode, Order, Quarter, WaitlistEntry
from enrollments.money import written
from enrollments.operations import checkout, codes, limits
from enrollments.operations.wishes import Paying, Prices, Wishes, extras, prices_of
from enrollments.querysets import bundles_are_for_sale
from enrollments.quotes import (
    Quote,
    instalments_written,
    quote_for_bundle,
    quote_for_quarter,
)
from enrollments.shown import Facts, differences, sealed
from enrollments.stripe_gateway import GatewayError
from enrollments.views.orders import see_other, to_payment
from enrollments.zones import hour_written, zone_name

UNREACHABLE = "We could not reach the payment page. Nothing was charged. Try again."
AnyOrderForm = OrderForm | MemberOrderForm | OfferForm


@dataclass(frozen=True, kw_only=True)
class Sale:
    """What a page sells, and how it is ordered.

    ``facts`` looks up what the page says of it, ``shown`` says the same as facts that can be
    compared, and ``context`` is what else the page shows;
    ``after`` is what it shows differently after a refusal. ``quote`` says what bundles, a way to
    pay and a code come to. ``bought`` finds the order with which this browser has paid for it
    already, ``waiting`` the one that goes on. ``kept_for`` is the entry of a waitlist whose place
    is sold.
    """

    template: str
    facts: Callable[[], dict[str, object]]
    shown: Callable[[Order | None], Facts]
    context: dict[str, object]
    quarter_id: int | None
    choices: Choices
    quote: Callable[[Collection[int], Paying, HelpCode | None, Order | None], Quote]
    bought: Callable[[checkout.Buyer], Order | None]
    waiting: Callable[[checkout.Buyer], Order | None]
    place: Callable[[checkout.Buyer, Wishes], Order]
    after: Callable[[Refusal, AnyOrderForm], dict[str, object]]
    kept_for: WaitlistEntry | None = None


@require_http_methods(["GET", "POST"])
def enroll(request: HttpRequest, slug: str) -> HttpResponse:
    """The enroll page of a quarter: a name, an email, then the payment page."""
    quarter = shown_quarter(slug)
    state = state_for(request, quarter)
    if state == "full" and (entry := offer_for(request, quarter)):
        return see_other(reverse("waitlist_offer", args=[entry.uuid]))
    return sell(request, _sale_of_any_place(request, quarter, state))


def enroll_instead(request: HttpRequest, quarter: Quarter, typed: dict[str, str]) -> HttpResponse:
    """The enroll page with what was ``typed``, for somebody who need not wait for a place."""
    sale = _sale_of_any_place(request, quarter, "open")
    sale.context["action"] = reverse("enroll", args=[quarter.slug])
    sale.context["good_news"] = SeatsAreFree.sentence
    form = _form(request, sale, None, typed)
    quote = sale.quote((), Paying.AT_ONCE, None, None)
    return _page(request, sale, form, quote=quote, status=409)


def _sale_of_any_place(request: HttpRequest, quarter: Quarter, state: str) -> Sale:
    """A place in ``quarter`` for whoever comes; who finds it full can join its waitlist."""
    member = member_of(request)

    def wait_instead(error: Refusal, form: AnyOrderForm) -> dict[str, object]:
        if not isinstance(error, QuarterFull):
            return {}
        typed = {name: form.data.get(name, "") for name in ("chosen_name", "email")}
        return {"state": "full", "waitlist_form": waitlist_form(member, initial=typed)}

    return quarter_sale(
        request,
        quarter,
        template="enrollments/enroll.html",
        context={"state": state, "waitlist_form": waitlist_form(member)},
        after=wait_instead,
    )


def quarter_sale(  # noqa: PLR0913 (everything in which such sales differ)
    request: HttpRequest,
    quarter: Quarter,
    *,
    template: str,
    context: dict[str, object],
    after: Callable[[Refusal, AnyOrderForm], dict[str, object]],
    kept_for: WaitlistEntry | None = None,
) -> Sale:
    """A place in ``quarter``: a free one, or that which is ``kept_for`` somebody."""
    more = extras(quarter, member_of(request))

    facts = {
        **facts_of(quarter),
        "is_sample": quarter.is_sample,
        "included": [bundle.discreet_name for bundle in quarter.bundles.only("discreet_name")],
    }

    def quote(
        bundle_ids: Collection[int], paying: Paying, code: HelpCode | None, order: Order | None
    ) -> Quote:
        bundles = [price for price in more if price.bundle_id in bundle_ids]
        prices = prices_of(quarter, more, order)
        return quote_for_quarter(quarter, prices, bundles, paying, code)

    def shown(order: Order | None) -> Facts:
        return _shown_of_quarter(quarter, facts, prices_of(quarter, more, order), more)

    def place(buyer: checkout.Buyer, wishes: Wishes) -> Order:
        return checkout.enroll(
            quarter_id=quarter.pk, buyer=buyer, wishes=wishes, now=timezone.now()
        )

    return Sale(
        template=template,
        facts=lambda: facts,
        shown=shown,
        context=context,
        quarter_id=quarter.pk,
        choices=Choices(
            bundles=[(price.bundle_id, _to_add(price, price.price_cents)) for price in more],
            paying=quote((), Paying.AT_ONCE, None, None).ways,
        ),
        quote=quote,
        bought=lambda buyer: checkout.quarter_bought(quarter.pk, buyer),
        waiting=lambda buyer: checkout.quarter_waiting(quarter.pk, buyer),
        place=place,
        after=after,
        kept_for=kept_for,
    )


def facts_of(quarter: Quarter) -> dict[str, object]:
    """What every page before paying says of a quarter."""
    meetings = quarter.taking_place()
    return {
        "quarter": quarter,
        "meeting_count": len(meetings),
        "first_meeting": meetings[0].local_start(quarter.zone) if meetings else None,
        "zone_name": zone_name(quarter.time_zone),
        "discreet_name": quarter.discreet_name,
    }


def _shown_of_quarter(
    quarter: Quarter, facts: Mapping[str, Any], prices: Prices, more: Collection[BundlePrice]
) -> Facts:
    """What the page says of a quarter, as facts that can be compared."""
    first = facts["first_meeting"]
    said = {
        "price": written(prices.at_once_cents, quarter.currency),
        "first": f"{date(first, 'l, F j, Y')}, {hour_written(first)}"
        if first
        else "a day that is not fixed yet",
        "meetings": str(facts["meeting_count"]),
        "included": get_text_list(facts["included"], "and") or "nothing more",
    }
    if prices.monthly:
        said["monthly"] = instalments_written(*prices.monthly, quarter.currency)
    return said | {
        f"bundle:{each.bundle_id}": _to_add(each, prices.bundles[each.bundle_id]) for each in more
    }


def shown_quarter(slug: str) -> Quarter:
    """The quarter with that address, with ``seats_left`` and its meetings.

    Raises:
        Http404: there is none, or visitors may not see it.
    """
    quarters = Quarter.objects.shown().with_seats_left().named().prefetch_related("meetings")
    return get_object_or_404(quarters, slug=slug)


def member_of(request: HttpRequest) -> User | None:
    """Who is signed in."""
    return request.user if isinstance(request.user, User) else None


def state_for(request: HttpRequest, quarter: Quarter) -> str:
    """What can be done on the enroll page; ``hers``, said only to a member who is signed in."""
    places = quarter.enrollments.filter(state__in=("enrolled", "completed"))
    member = member_of(request)
    if member and places.filter(member=member).exists():
        return "hers"
    state = quarter.enrolling_state(timezone.now(), quarter.seats_left)  # type: ignore[attr-defined]
    if state == "full" and (request.method == "POST" or order_to_change(request)):
        # She may hold the last place herself: the operation says whether it is full for her.
        return "open"
    return state


def _to_add(price: BundlePrice, cents: int) -> str:
    cost = written(cents, price.currency)
    return f"{price.bundle.discreet_name}, for {cost} (a sample: titles without videos)"


@require_http_methods(["GET", "POST"])
def buy(request: HttpRequest, slug: str) -> HttpResponse:
    """The page on which a bundle is bought alone."""
    prices = BundlePrice.objects.shown().filter(bundle__live=True).select_related("bundle")
    price = get_object_or_404(prices, bundle__slug=slug)
    access = BundleAccess.objects.in_force().filter(bundle=price.bundle)
    state = "open" if bundles_are_for_sale() else "not_yet"
    is_hers = isinstance(request.user, User) and access.filter(member=request.user).exists()
    lesson_count = price.bundle.lesson_count()
    sale = Sale(
        template="enrollments/buy.html",
        facts=lambda: {
            "discreet_name": price.bundle.discreet_name,
            "lesson_count": lesson_count,
            "is_sample": price.is_sample,
        },
        shown=lambda _order: {
            "price": written(price.price_cents, price.currency),
            "lessons": str(lesson_count),
        },
        context={"state": "hers" if is_hers else state},
        quarter_id=None,
        choices=Choices(
            name_help="A first name or any name you choose. Our letters call you by it."
        ),
        quote=lambda _bundles, _paying, code, _order: quote_for_bundle(price, code),
        bought=lambda buyer: checkout.bundle_bought(price.bundle_id, buyer),
        waiting=lambda buyer: checkout.bundle_waiting(price, buyer),
        place=lambda buyer, wishes: checkout.buy_bundle(
            bundle_id=price.bundle_id, buyer=buyer, wishes=wishes, now=timezone.now()
        ),
        after=lambda _error, _form: {},
    )
    return sell(request, sale)


def sell(request: HttpRequest, sale: Sale) -> HttpResponse:
    """The page with the form, or the way to the payment page."""
    if request.method == "GET":
        return _empty_page(request, sale)
    form = _order_form(request, sale)
    browser = browser_key(request)
    buyer = _buyer(request, sale, form, browser) if form.is_valid() else None
    if buyer and (bought := sale.bought(buyer)):
        return see_other(reverse("order", args=[bought.uuid]))
    waiting = sale.waiting(buyer) if buyer else None
    changes = differences(form.data.get("shown", ""), sale.shown(waiting), form.rests_on)
    try:
        code = _code(request, sale, form, waiting)
        quote = _quote(sale, form, code, waiting)
        if buyer and not changes and _has_been_shown(form, quote):
            order = sale.place(buyer, _wishes(form, code, quote))
            remember(request, order, browser=browser)
            return to_payment(request, order)
    except (CodeNotUsable, CodeWithPlan) as error:
        form.add_error("code", error.sentence)
        quote = _quote(sale, form, None, waiting)
        return _page(request, sale, form, quote=quote, changes=changes, order=waiting, status=422)
    except (Refusal, GatewayError) as error:
        return _refused(request, sale, form, error, waiting)
    form.show(_seen(quote))
    status = 409 if changes and buyer else 200 if buyer else 422
    return _page(request, sale, form, quote=quote, changes=changes, order=waiting, status=status)


def _empty_page(request: HttpRequest, sale: Sale) -> HttpResponse:
    """The page as she first sees it; with what she chose, when she comes to change her order."""
    order = order_to_change(request)
    if order is None:
        known = {"chosen_name": sale.kept_for.chosen_name} if sale.kept_for else {}
        form = _order_form(request, sale, **known)
        return _page(request, sale, form, quote=sale.quote((), Paying.AT_ONCE, None, None))
    bundle_ids = [line.bundle_id for line in order.lines.all() if line.bundle_id]
    paying = Paying.MONTHLY if order.instalment_count else Paying.AT_ONCE
    form = _order_form(
        request,
        sale,
        chosen_name=order.chosen_name,
        email=order.email,
        paying=paying,
        bundles=bundle_ids,
        code=order.help_code.code if order.help_code else "",
    )
    quote = sale.quote(bundle_ids, paying, order.help_code, order)
    return _page(request, sale, form, quote=quote, order=order)


def _order_form(request: HttpRequest, sale: Sale, **initial: object) -> AnyOrderForm:
    given = request.POST if request.method == "POST" else None
    return _form(request, sale, given, initial)


def _form(
    request: HttpRequest, sale: Sale, given: QueryDict | None, initial: Mapping[str, object]
) -> AnyOrderForm:
    if isinstance(request.user, User):
        return MemberOrderForm(request.user, given, choices=sale.choices, initial=initial)
    if sale.kept_for:
        return OfferForm(sale.kept_for.email, given, choices=sale.choices, initial=initial)
    return OrderForm(given, choices=sale.choices, initial=initial)


def _quote(
    sale: Sale, form: AnyOrderForm, code: HelpCode | None = None, order: Order | None = None
) -> Quote:
    return sale.quote(form.chosen_bundles, form.chosen_paying, code, order)


def _code(
    request: HttpRequest, sale: Sale, form: AnyOrderForm, order: Order | None
) -> HelpCode | None:
    """The code that was typed, if it is good for what was chosen; ``order`` may use it already."""
    typed = form.cleaned_data.get("code", "")
    if not typed:
        return None
    full_price = _quote(sale, form, None, order)
    purchase = codes.Purchase(
        quarter_id=sale.quarter_id,
        currency=full_price.currency,
        total_cents=full_price.total_cents,
        order=order,
    )
    return codes.look_up(typed, purchase, digest=client_digest(request), now=timezone.now())


def _has_been_shown(form: AnyOrderForm, quote: Quote) -> bool:
    """A code is used once the page has said what it comes to; a full price stands on it anyway."""
    return quote.code is None or form.cleaned_data["seen"] == _seen(quote)


def _seen(quote: Quote) -> str:
    return f"{quote.code}:{quote.due_now_cents}" if quote.code else ""


def _wishes(form: AnyOrderForm, code: HelpCode | None, quote: Quote) -> Wishes:
    return Wishes(
        bundle_ids=form.chosen_bundles,
        code_id=code.pk if code else None,
        paying=form.chosen_paying,
        shown_cents=quote.total_cents,
    )


def _buyer(request: HttpRequest, sale: Sale, form: AnyOrderForm, browser: str) -> checkout.Buyer:
    """Who buys, from a valid form, and where she comes from."""
    return replace(
        form.buyer(),
        own_orders=own_orders(request),
        address_digest=client_digest(request),
        browser_digest=limits.browser_digest(browser),
        offer=sale.kept_for.uuid if sale.kept_for else None,
    )


def _refused(
    request: HttpRequest,
    sale: Sale,
    form: AnyOrderForm,
    error: Refusal | GatewayError,
    order: Order | None,
) -> HttpResponse:
    """The same page with what was typed, and the reason why it does not go on."""
    sentence = error.sentence if isinstance(error, Refusal) else UNREACHABLE
    if isinstance(error, Refusal):
        sale.context.update(sale.after(error, form))
    quote = _quote(sale, form, None, order)
    page = _page(request, sale, form, quote=quote, refusal=sentence, order=order, status=409)
    if isinstance(error, TooManyTries):
        page.status_code = 429
        page["Retry-After"] = "3600"
    return page


def _page(  # noqa: PLR0913 (everything that the page shows)
    request: HttpRequest,
    sale: Sale,
    form: AnyOrderForm,
    *,
    quote: Quote,
    refusal: str = "",
    changes: Sequence[str] = (),
    order: Order | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page with the form; ``order`` is the one that would be gone on with."""
    form.carry(sealed(sale.shown(order)))
    if "paying" in form.fields:
        form.fields["paying"].choices = quote.ways  # type: ignore[attr-defined]
    shown = {
        "form": form,
        "refusal": refusal,
        "changes": changes,
        **quote.flat(),
        "by_way": quote.by_way(),
    }
    context = {**sale.facts(), **sale.context, **shown}
    return render(request, sale.template, context, status=status)
