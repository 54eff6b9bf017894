"""The admin's desk for people: staff are added by email, members found, passwords unknown."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import Any, ClassVar

import django_filters  # type: ignore[import-untyped]
from django.contrib import messages
from django.db.models import ProtectedError, Q, QuerySet
from django.forms import Form, ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import cached_property
from wagtail import hooks
from wagtail.admin.ui.tables import BooleanColumn, BulkActionsCheckboxColumn, Column, DateColumn
from wagtail.users.views.users import DeleteView, IndexView, UserColumn, UserFilterSet, UserViewSet

from accounts.forms import EditPersonForm, NewPersonForm
from accounts.models import User
from core.search import terms_of

KEPT = (
    "This person has orders or places, which are kept. To close the account, remove the tick at "
    "Active."
)
ONE_BY_ONE = "People are deleted one at a time, from the person's own page."

STAFF = Q(is_superuser=True) | Q(groups__permissions__codename="access_admin")


class PeopleFilterSet(UserFilterSet):
    """Wagtail's filters, and which kind of person."""

    kind = django_filters.ChoiceFilter(
        label="Kind",
        choices=[("staff", "Staff"), ("members", "Members")],
        method="of_kind",
        empty_label="Everybody",
    )

    def of_kind(self, people: QuerySet[User], name: str, kind: str) -> QuerySet[User]:  # noqa: ARG002
        """Those who may use the admin, or those who may not."""
        staff = User.objects.filter(STAFF).values("pk")
        return people.filter(pk__in=staff) if kind == "staff" else people.exclude(pk__in=staff)


class PeopleIndexView(IndexView):
    """Everybody with an account."""

    page_title = "People"
    add_item_label = "Add a person"

    @cached_property
    def columns(self) -> list[Any]:
        name_column = self._get_title_column_class(UserColumn)
        return [
            BulkActionsCheckboxColumn("bulk_actions", obj_type="user"),
            name_column(
                "name",
                accessor=name_of,
                label="Name",
                get_url=self.get_edit_url,
                classname="name",
            ),
            Column("email", label="Email", sort_key="email"),
            Column("is_superuser", accessor=access_of, label="Access", sort_key="is_superuser"),
            BooleanColumn("is_active", label="Active", sort_key="is_active"),
            DateColumn("last_login", label="Last sign-in", sort_key="last_login"),
        ]

    @cached_property
    def search_fields(self) -> set[str]:
        return {"email", "chosen_name", "first_name", "last_name"}

    def search_queryset(self, queryset: QuerySet[User]) -> QuerySet[User]:
        for term in terms_of(self.search_query or ""):
            fields = [Q(**{f"{field}__icontains": term}) for field in self.search_fields]
            queryset = queryset.filter(reduce(or_, fields))
        return queryset

    def get_base_queryset(self) -> QuerySet[User]:
        people: QuerySet[User] = super().get_base_queryset()
        return people.prefetch_related("groups")


class PeopleDeleteView(DeleteView):
    """Deletes an account that nothing depends on."""

    def form_valid(self, form: Form) -> HttpResponse:
        try:
            response: HttpResponse = super().form_valid(form)
        except ProtectedError:
            messages.error(self.request, KEPT)
            return redirect("wagtailusers_users:edit", self.object.pk)
        return response


class PeopleViewSet(UserViewSet):
    """The desk."""

    index_view_class = PeopleIndexView
    delete_view_class = PeopleDeleteView
    filterset_class = PeopleFilterSet
    menu_label = "People"
    ordering: ClassVar[list[str]] = ["email"]

    def get_form_class(self, for_update: bool = False) -> type[ModelForm[User]]:  # noqa: FBT001, FBT002
        return EditPersonForm if for_update else NewPersonForm


@hooks.register("before_bulk_action")
def refuse_to_delete_in_bulk(
    request: HttpRequest,
    action_type: str,
    objects: Iterable[Any],  # noqa: ARG001
    action: Any,
) -> HttpResponse | None:
    """Send staff back: some of many people may have orders, and those cannot be deleted."""
    if action_type != "delete" or User not in action.models:
        return None
    messages.error(request, ONE_BY_ONE)
    return redirect(action.next_url)


def name_of(person: User) -> str:
    """What to call a person in a list."""
    return person.chosen_name or person.get_full_name() or "No name yet"


def access_of(person: User) -> str:
    """What a person may do in the admin, in a word. No query once groups are prefetched."""
    if person.is_superuser:
        return "Everything"
    return ", ".join(group.name for group in person.groups.all()) or "Member"
