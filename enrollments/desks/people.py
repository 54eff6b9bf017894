"""The desk for people, where changing an address takes everything along that carries it."""

from __future__ import annotations

from django.db import transaction
from django.forms import ModelForm
from django.http import HttpResponse
from django.utils import timezone
from wagtail.users.views.users import EditView

from accounts.errors import AddressTaken
from accounts.forms import EditPersonForm
from accounts.models import User
from accounts.wagtail_hooks import PeopleViewSet
from enrollments.operations.addresses import change_address


class EditPersonWithAddressForm(EditPersonForm):
    """Changes an account; its address by the one operation for it."""

    def save(self, commit: bool = True) -> User:  # noqa: FBT001, FBT002 (Django's)
        person = self.instance
        with transaction.atomic():
            moved = change_address(
                member_id=person.pk, email=self.cleaned_data["email"], now=timezone.now()
            )
            person.email, person.password = moved.email, moved.password
            return super().save(commit=commit)


class EditPersonView(EditView):
    """Changes an account."""

    def form_valid(self, form: ModelForm[User]) -> HttpResponse:
        try:
            response: HttpResponse = super().form_valid(form)
        except AddressTaken:
            # Somebody else got it between the look and the change.
            form.add_error("email", "Somebody else has this address.")
            self.produced_error_message = self.get_error_message()
            response = self.form_invalid(form)
        return response


class PeopleDesk(PeopleViewSet):
    """The desk."""

    edit_view_class = EditPersonView

    def get_form_class(self, for_update: bool = False) -> type[ModelForm[User]]:  # noqa: FBT001, FBT002
        return EditPersonWithAddressForm if for_update else super().get_form_class(for_update)
