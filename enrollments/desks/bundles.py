"""The desks of bundles: what they cost, and to whom they are open."""

# ruff: noqa: ARG002 (hooks of Wagtail and Django keep their signatures)

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.contrib.admin import display
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from wagtail.admin.panels import FieldPanel, FieldRowPanel, ObjectList
from wagtail_modeladmin.views import CreateView, EditView

from accounts.models import User
from core.two_editors import TwoEditorsForm
from enrollments.desks.base import Desk, KnownChoicesFilter, NeverDeleted, Section
from enrollments.desks.order_page import ACCESS_NEEDS
from enrollments.desks.prices import PricedForm
from enrollments.desks.wording import (
    NOTHING,
    amount,
    order_link,
    sample_tag,
    source_of,
    stacked,
    tag,
    when,
)
from enrollments.models import BundleAccess, BundlePrice
from enrollments.querysets import bundles_are_for_sale
from programs.models import BundlePage

NO_VIDEOS = (
    "No bundle can be on sale yet: the site cannot play its videos, so nobody would get what she "
    "paid for. Remove the tick to save the price."
)


class BundlePriceForm(PricedForm):
    """A price, and whether the bundle can be bought for it now."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "bundle" in self.fields:
            self.fields["bundle"].error_messages |= {
                "required": "Choose the bundle.",
                "unique": "This bundle has a price already. Change that one.",
            }
            self.fields["bundle"].queryset = BundlePage.objects.order_by("title")

    def clean_on_sale(self) -> bool:
        on_sale: bool = self.cleaned_data["on_sale"]
        if on_sale and not bundles_are_for_sale():
            raise ValidationError(NO_VIDEOS)
        return on_sale


class ChangedBundlePriceForm(TwoEditorsForm, BundlePriceForm):
    """A price that exists."""


class NewBundlePriceView(CreateView):
    """A form for the price of a bundle that has none."""

    def get_edit_handler(self) -> ObjectList:
        panels = [FieldPanel("bundle", widget=forms.Select), *_price_panels()]
        return ObjectList(panels, base_form_class=BundlePriceForm).bind_to_model(BundlePrice)

    def get_success_message(self, instance: BundlePrice) -> str:
        return f"The price of {instance.bundle.title} was added."

    def get_error_message(self) -> str:
        return "The price was not added. Please look at what is marked below."


class EditBundlePriceView(EditView):
    """A form for a price that exists."""

    def get_page_subtitle(self) -> str:
        return str(self.instance.bundle.title)

    def get_edit_handler(self) -> ObjectList:
        panels = ObjectList(_price_panels(), base_form_class=ChangedBundlePriceForm)
        return panels.bind_to_model(BundlePrice)

    def get_success_message(self, instance: BundlePrice) -> str:
        return f"The price of {instance.bundle.title} was saved."

    def get_error_message(self) -> str:
        return "The price was not saved. Please look at what is marked below."


def _price_panels() -> list[Any]:
    return [
        FieldRowPanel([FieldPanel("price"), FieldPanel("currency")]),
        FieldPanel(
            "on_sale",
            heading="On sale",
            help_text="Visitors can buy the bundle for this price. Without it, the bundle's page "
            "shows no price.",
        ),
        FieldPanel(
            "is_sample",
            heading="Sample",
            help_text="Invented for the demo, and for sale in demo mode only. Remove the tick "
            "once the practice has set the price.",
        ),
    ]


class BundlePriceDesk(Desk):
    """What each bundle costs on its own."""

    model = BundlePrice
    menu_label = "Bundle prices"
    menu_icon = "tag"
    intro = "What each bundle costs on its own. Orders already placed keep their price."
    empty_text = "No bundle has a price yet, so none can be bought on its own."
    permission_helper_class = NeverDeleted
    inspect_view_enabled = False
    history_view_enabled = True
    create_view_class = NewBundlePriceView
    edit_view_class = EditBundlePriceView
    list_display: ClassVar[list[str]] = ["name", "price", "sale"]
    list_select_related: ClassVar[list[str]] = ["bundle"]
    ordering: ClassVar[list[str]] = ["bundle__title"]

    @display(description="Bundle", ordering="bundle__title")
    def name(self, price: BundlePrice) -> SafeString:
        mark = sample_tag() if price.is_sample else ""
        return format_html("{} {}", price.bundle.title, mark)

    @display(description="Price", ordering="price_cents")
    def price(self, price: BundlePrice) -> SafeString:
        return amount(price.price_cents, price.currency)

    @display(description="Sale", ordering="on_sale")
    def sale(self, price: BundlePrice) -> SafeString:
        if price.on_sale and not bundles_are_for_sale():
            return tag("Waits for its videos", "quiet")
        return tag("On sale", "good") if price.on_sale else tag("Not on sale", "quiet")


class InForceFilter(KnownChoicesFilter):
    title = "access"
    parameter_name = "access"

    offered = [("open", "Open"), ("taken", "Taken back")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[BundleAccess]
    ) -> QuerySet[BundleAccess]:
        if self.value() is None:
            return queryset
        return queryset.filter(revoked_at__isnull=self.value() == "open")


class BundleAccessDesk(Desk):
    """To whom which bundle is open, and why."""

    model = BundleAccess
    menu_label = "Bundle access"
    menu_icon = "key"
    intro = "To whom which bundle is open, and where that came from."
    empty_text = "No bundle is open to anybody yet. Access appears here as people pay."
    list_display: ClassVar[list[str]] = ["name", "what", "source", "since", "condition"]
    list_filter = (InForceFilter,)
    search_fields: ClassVar[list[str]] = ["member__chosen_name", "member__email", "bundle__title"]
    search_label = "Search by name, email or bundle"
    list_select_related: ClassVar[list[str]] = ["member", *ACCESS_NEEDS]
    ordering: ClassVar[list[str]] = ["-granted_at"]

    @display(description="Name", ordering="member__chosen_name")
    def name(self, access: BundleAccess) -> str:
        return access.member.shown_name()

    @display(description="Bundle", ordering="bundle__title")
    def what(self, access: BundleAccess) -> str:
        return access.bundle.title

    @display(description="Where from")
    def source(self, access: BundleAccess) -> str:
        return source_of(access)

    @display(description="Since", ordering="granted_at")
    def since(self, access: BundleAccess) -> SafeString:
        return stacked(access.granted_at)

    @display(description="State", ordering="revoked_at")
    def condition(self, access: BundleAccess) -> SafeString:
        return tag("Taken back", "quiet") if access.revoked_at else tag("Open", "good")

    def name_of(self, row: BundleAccess) -> str:
        return row.member.shown_name()

    def sections(self, row: BundleAccess, user: User) -> Iterable[Section]:
        access = BundleAccess.objects.select_related("member", *ACCESS_NEEDS).get(pk=row.pk)
        yield Section(
            heading="Access",
            facts=[
                ("Member", access.member.shown_name()),
                ("Email", access.member.email),
                ("Bundle", access.bundle.title),
                ("Where from", source_of(access)),
                ("Order", order_link(access.line.order) if access.line else NOTHING),
                ("Since", when(access.granted_at)),
                ("Taken back", when(access.revoked_at)),
            ],
        )
