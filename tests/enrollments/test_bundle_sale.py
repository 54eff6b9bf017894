"""A bundle whose videos are not here is a sample in demo mode, and not for sale outside it."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from enrollments import offers
from enrollments.errors import NotForSale, NoVideosYet
from enrollments.models import BundleAccess, BundlePrice, Order
from enrollments.operations import checkout
from enrollments.operations.fulfilment import fulfil
from enrollments.operations.wishes import Wishes, extras
from tests.enrollments.desk_cast import address, text_of
from tests.factories.enrollments import bundle, make_buyer, make_price, workshop
from tests.reading import told_by
from tests.sent_forms import fields_of
from tests.stripe_fixtures import waiting

pytestmark = pytest.mark.django_db

NOT_YET = "This cannot be bought yet"


@pytest.fixture
def outside_demo_mode(loaded_site, settings) -> BundlePrice:
    """A price that staff had set on sale, on a site that is not a demo."""
    settings.DEMO_MODE = False
    return make_price()


def form(**typed: str) -> dict[str, str]:
    return {"chosen_name": "Ann", "email": "ann@example.org", "form_id": str(uuid4())} | typed


def test_outside_demo_mode_no_operation_sells_a_bundle(outside_demo_mode):
    with pytest.raises(NoVideosYet):
        checkout.buy_bundle(bundle_id=bundle().pk, buyer=make_buyer(), now=timezone.now())

    assert Order.objects.count() == 0


def test_outside_demo_mode_no_bundle_is_added_to_a_place(quarter, outside_demo_mode):
    with pytest.raises(NotForSale):
        checkout.enroll(
            quarter_id=quarter.pk,
            buyer=make_buyer(),
            wishes=Wishes(bundle_ids=[outside_demo_mode.bundle_id]),
            now=timezone.now(),
        )

    assert extras(quarter, None) == []
    assert Order.objects.count() == 0
    assert "Video course" not in told_by(Client().get(f"/enroll/{quarter.slug}/"))


def test_outside_demo_mode_the_page_to_buy_says_why_it_sells_nothing(client, outside_demo_mode):
    page = client.get(f"/buy/{bundle().slug}/")
    answer = client.post(f"/buy/{bundle().slug}/", form())

    assert (page.status_code, answer.status_code) == (200, 409)
    assert NOT_YET in told_by(page)
    assert NOT_YET in told_by(answer)
    assert 'name="form_id"' not in page.content.decode() + answer.content.decode()
    assert Order.objects.count() == 0


def test_outside_demo_mode_the_price_box_sells_nothing(
    outside_demo_mode, django_assert_num_queries
):
    page = bundle()

    with django_assert_num_queries(3):
        offer = offers.bundle_offer(page)

    assert offer["state"] == "not_yet"


def test_outside_demo_mode_no_quarter_promises_a_bundle_but_opens_it(
    standin, quarter, outside_demo_mode
):
    quarter.bundles.add(bundle())
    promised = offers.quarter_offers(workshop(), timezone.now())[0].includes
    order = waiting(checkout.enroll(quarter_id=quarter.pk, buyer=make_buyer(), now=timezone.now()))
    standin.pay(order.url)

    fulfil(order.session_id, now=timezone.now())

    assert promised == []
    assert BundleAccess.objects.usable().count() == 1


def test_outside_demo_mode_staff_cannot_set_a_bundle_on_sale(staff_client, outside_demo_mode):
    BundlePrice.objects.update(on_sale=False)
    edit = address("bundleprice", "edit", outside_demo_mode.pk)
    opened = fields_of(staff_client.get(edit)) | {"price": "199"}

    refused = staff_client.post(edit, opened | {"on_sale": "on"})
    unchanged = BundlePrice.objects.get()
    staff_client.post(edit, opened)

    assert "No bundle can be on sale yet" in refused.content.decode()
    assert (unchanged.on_sale, unchanged.price_cents) == (False, 29_700)
    assert BundlePrice.objects.get().price_cents == 19_900


def test_staff_see_that_a_bundle_waits_for_its_videos(staff_client, outside_demo_mode):
    assert "Waits for its videos" in text_of(staff_client, address("bundleprice"))


def test_in_demo_mode_a_bundle_is_a_sample_and_every_page_says_so(
    client, standin, quarter, bundle_order
):
    before = [
        told_by(client.get(f"/buy/{bundle().slug}/")),
        told_by(client.get(f"/enroll/{quarter.slug}/")),
        told_by(client.get(bundle().url)),
    ]
    standin.pay(bundle_order.url)
    order = fulfil(bundle_order.session_id, now=timezone.now())
    owner = Client()
    owner.force_login(order.member)
    after = [
        told_by(owner.get(f"/orders/{order.uuid}/")),
        told_by(owner.get(f"/member/courses/{bundle().slug}/")),
    ]

    assert [text for text in before if "sample" not in text.lower()] == []
    assert [text for text in before + after if "videos" not in text] == []
    assert "samples: their titles, without the videos" in after[0]


def test_the_browser_that_bought_a_sample_reads_that_it_is_one(client, standin, loaded_site):
    make_price()
    page = client.get(f"/buy/{bundle().slug}/")
    typed = form(form_id=str(page.context["form"]["form_id"].value()))
    for name in ("seen", "shown"):
        if name in page.context["form"].fields:
            typed[name] = page.context["form"][name].value() or ""
    sent = client.post(f"/buy/{bundle().slug}/", typed)
    standin.pay(sent["Location"])

    page = client.get(f"/orders/{Order.objects.get().uuid}/")

    assert "The lessons are samples" in told_by(page)
