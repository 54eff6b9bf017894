"""What a row is called where it is kept for good: in Wagtail's logs, and in those of the server."""

import pytest
from django.apps import apps

from accounts.models import User
from enrollments.models import Order, Quarter, WaitlistEntry
from tests.enrollments.desk_cast import one_row_at_every_desk
from tests.factories.enrollments import make_entry

pytestmark = pytest.mark.django_db


def test_no_row_is_called_by_the_name_or_address_of_a_person(loaded_site):
    one_row_at_every_desk()
    make_entry(Quarter.objects.get())
    for model in (User, Order, WaitlistEntry):
        model.objects.update(chosen_name="Rosalind")
    models = [User, *apps.get_app_config("enrollments").get_models()]

    labels = [str(row) for model in models for row in model.objects.all()]

    assert len(labels) > 12
    assert [label for label in labels if "rosalind" in label.lower() or "@" in label] == []
