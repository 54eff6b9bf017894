"""Two people edit the same settings, or the same price."""

import pytest
from django.urls import reverse

from core.models import PracticeSettings
from core.two_editors import THEIRS_STAYS, TOLD
from enrollments.models import BundlePrice, MoneySettings
from home.models import NavigationSettings
from tests.enrollments.desk_cast import address
from tests.factories.enrollments import make_price
from tests.sent_forms import fields_of

pytestmark = pytest.mark.django_db


def settings_page(model) -> str:
    """Where the settings of ``model`` are edited."""
    meta = model._meta
    return reverse("wagtailsettings:edit", args=[meta.app_label, meta.model_name, model.load().pk])


def test_two_who_edit_the_practice_keep_each_others_words(loaded_site, staff_client):
    url = settings_page(PracticeSettings)
    opened = fields_of(staff_client.get(url))
    staff_client.post(url, opened | {"contact_phone": "555 0100", "address": "1 Main Street"})

    refused = staff_client.post(url, opened | {"contact_phone": "555 0199"})
    between = PracticeSettings.load().contact_phone
    again = staff_client.post(url, fields_of(refused))

    differences = refused.context["form"].differences
    fresh = PracticeSettings.objects.get()
    assert [(d.label, d.saved, d.yours) for d in differences] == [
        ("Contact phone", "555 0100", "555 0199"),
        ("Address", "1 Main Street", THEIRS_STAYS),
    ]
    assert between == "555 0100"
    assert again.status_code == 302
    assert (fresh.contact_phone, fresh.address) == ("555 0199", "1 Main Street")


def test_a_menu_that_somebody_else_changed_is_not_put_back(loaded_site, staff_client):
    url = settings_page(NavigationSettings)
    opened = fields_of(staff_client.get(url))
    longer = [*NavigationSettings.load().footer_menu.get_prep_value()]
    menus = NavigationSettings.load()
    menus.footer_menu = longer[:2]
    menus.save()

    refused = staff_client.post(url, opened)
    staff_client.post(url, fields_of(refused))

    assert [d.label for d in refused.context["form"].differences] == ["Footer menu"]
    assert len(NavigationSettings.objects.get().footer_menu) == 2


def test_two_who_edit_the_rules_of_money_are_told(loaded_site, staff_client):
    url = settings_page(MoneySettings)
    opened = fields_of(staff_client.get(url))
    staff_client.post(url, opened | {"second_person_above": "500"})

    refused = staff_client.post(url, opened | {"days_of_grace": "9"})
    staff_client.post(url, fields_of(refused))

    fresh = MoneySettings.objects.get()
    assert list(refused.context["form"].non_field_errors()) == [TOLD]
    assert (fresh.second_person_above_cents, fresh.days_of_grace) == (50_000, 9)


def test_two_who_edit_a_price_are_told(loaded_site, staff_client):
    url = address("bundleprice", "edit", make_price().pk)
    opened = fields_of(staff_client.get(url))
    staff_client.post(url, opened | {"price": "310"})

    refused = staff_client.post(url, opened | {"on_sale": ""})
    staff_client.post(url, fields_of(refused))

    price = BundlePrice.objects.get()
    assert list(refused.context["form"].non_field_errors()) == [TOLD]
    assert (price.price_cents, price.on_sale) == (31_000, False)
