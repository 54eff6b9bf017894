"""The admin's desk for people: staff are added by email, members found, passwords unknown."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters  # type: ignore[import-untyped]
from django.db.models import Q, QuerySet
from django.forms import ModelForm
from django.utils.functional import cached_property
from wagtail.admin.ui.tables import BooleanColumn, BulkActionsCheckboxColumn, Column, DateColumn
from wagtail.users.views.users import IndexView, UserColumn, UserFilterSet, UserViewSet

from accounts.forms import EditPersonForm, NewPersonForm
from accounts.models import User

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

    @cached_property
    def columns(self) -> list[Any]:
        name_column = self._get_title_column_class(UserColumn)
        return [
            BulkActionsCheckboxColumn("bulk_actions", obj_type="user"),
            name_column(
                "name",
                accessor=str,
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

    def get_base_queryset(self) -> QuerySet[User]:
        people: QuerySet[User] = super().get_base_queryset()
        return people.prefetch_related("groups")


class PeopleViewSet(UserViewSet):
    """The desk."""

    index_view_class = PeopleIndexView
    filterset_class = PeopleFilterSet
    menu_label = "People"
    ordering: ClassVar[list[str]] = ["email"]

    def get_form_class(self, for_update: bool = False) -> type[ModelForm[User]]:  # noqa: FBT001, FBT002
        return EditPersonForm if for_update else NewPersonForm


def access_of(person: User) -> str:
    """What a person may do in the admin, in a word. No query once groups are prefetched."""
    if person.is_superuser:
        return "Everything"
    return ", ".join(group.name for group in person.groups.all()) or "Member"
