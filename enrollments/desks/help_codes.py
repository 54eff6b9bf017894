"""The desk of help codes, for the people who deal with money: making, watching, switching off."""

# ruff: noqa: ARG002 (hooks of Wagtail and Django keep their signatures)

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib.admin import display
from django.contrib.admin.utils import quote
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from wagtail.admin import messages
from wagtail.admin.panels import ObjectList
from wagtail_modeladmin.views import CreateView

from accounts.models import User
from enrollments.desks.base import (
    AskFirstView,
    Desk,
    KnownChoicesFilter,
    Link,
    OwnPermissions,
    Section,
    Table,
)
from enrollments.desks.help_code_forms import help_code_panels
from enrollments.desks.wording import (
    NOTHING,
    order_link,
    order_state,
    sample_tag,
    stacked,
    tag,
    when,
)
from enrollments.models import HelpCode
from enrollments.money import written
from enrollments.operations import codes
from enrollments.stripe_gateway import GatewayError, GatewayRefused

WAITS = "Stripe could not be asked just now. It is told again every minute; nothing is lost."


class CodePermissions(OwnPermissions):
    """To see codes and their use, and to make them. What was made is only switched off."""

    offered = ("add", "change", "view")

    def user_can_edit_obj(self, user: User, obj: Any) -> bool:
        return False

    def user_can_delete_obj(self, user: User, obj: Any) -> bool:
        return False

    def user_can_switch_off(self, user: User) -> bool:
        """Whoever may make codes may end them."""
        return user.has_perm("enrollments.change_helpcode") or self.user_can_create(user)


class NewHelpCodeView(CreateView):
    """A form for a code, of which Stripe is told at once."""

    def get_edit_handler(self) -> ObjectList:
        return help_code_panels().bind_to_model(HelpCode)

    def get_page_title(self) -> str:
        return "New help code"

    def get_page_subtitle(self) -> str:
        return ""

    def form_valid(self, form: Any) -> HttpResponse:
        code = form.save()
        try:
            codes.publish(code)
        except GatewayRefused:
            code.delete()
            form.instance.pk = None
            form.add_error("code", "Stripe does not take this code. Choose another.")
            refused: HttpResponse = self.form_invalid(form)
            return refused
        except GatewayError:
            messages.warning(self.request, f"{code} was added, but cannot be used yet. {WAITS}")
        else:
            messages.success(self.request, f"{code} was added and can be used.")
        return self.to_page_of(code)

    def to_page_of(self, code: HelpCode) -> HttpResponse:
        """The page about the new code."""
        return redirect(self.url_helper.get_action_url("inspect", quote(code.pk)))

    def get_error_message(self) -> str:
        return "The code was not added. Please look at what is marked below."


class SwitchOffView(AskFirstView):
    """Ends a code."""

    button = "Switch off"
    question = "Switch this code off?"
    consequence = (
        "Nobody can use it any more. Whoever is at the payment page with it now can still pay."
    )
    done = "the code is switched off."

    def check_action_permitted(self, user: User) -> bool:
        return bool(self.permission_helper.user_can_switch_off(user))

    def reasons(self) -> list[str]:
        return [] if self.instance.is_active else ["It is switched off already."]

    def change(self) -> None:
        codes.switch_off(code_id=self.instance.pk)
        codes.tell_stripe(now=timezone.now())


class ActiveFilter(KnownChoicesFilter):
    title = "state"
    parameter_name = "state"
    lookup = "is_active"
    offered = [("True", "Switched on"), ("False", "Switched off")]


class HelpCodeDesk(Desk):
    """Codes that help with the cost, and who used them."""

    model = HelpCode
    menu_label = "Help codes"
    menu_icon = "tag"
    intro = "Codes that help with the cost. Only people who deal with money see this page."
    empty_text = "There are no help codes yet."
    permission_helper_class = CodePermissions
    create_view_class = NewHelpCodeView
    list_display: ClassVar[list[str]] = ["name", "worth", "good_for", "used", "ends", "condition"]
    list_filter = (ActiveFilter,)
    search_fields: ClassVar[list[str]] = ["code"]
    search_label = "Search by code"
    list_select_related: ClassVar[list[str]] = ["quarter"]
    ordering: ClassVar[list[str]] = ["-created_at"]
    action_views: ClassVar[dict[str, Any]] = {"switch-off": SwitchOffView}

    def get_queryset(self, request: HttpRequest) -> Any:
        return HelpCode.objects.with_uses(timezone.now()).order_by(*self.ordering)

    @display(description="Code", ordering="code")
    def name(self, code: HelpCode) -> SafeString:
        return format_html("{} {}", code.code, sample_tag() if code.is_sample else "")

    @display(description="Worth")
    def worth(self, code: HelpCode) -> str:
        return worth_of(code)

    @display(description="Good for")
    def good_for(self, code: HelpCode) -> str:
        return str(code.quarter or "Everything")

    @display(description="Used")
    def used(self, code: HelpCode) -> str:
        return f"{code.uses} of {code.most_uses}"  # type: ignore[attr-defined]

    @display(description="Ends", ordering="ends_at")
    def ends(self, code: HelpCode) -> SafeString:
        return stacked(code.ends_at)

    @display(description="State", ordering="is_active")
    def condition(self, code: HelpCode) -> SafeString:
        return state_of(code)

    def actions(self, row: HelpCode, user: User) -> list[Link]:
        if not row.is_active or not self.permission_helper.user_can_switch_off(user):
            return []
        url = self.url_helper.get_action_url("switch-off", quote(row.pk))
        return [Link(label="Switch off", url=url)]

    def sections(self, row: HelpCode, user: User) -> Iterable[Section]:
        code = HelpCode.objects.with_uses(timezone.now()).select_related("quarter", "created_by")
        yield _terms(code.get(pk=row.pk))
        orders = row.orders.order_by("-created_at")
        yield Section(
            heading="Orders",
            table=Table(
                columns=["Order", "State", "Placed"],
                rows=[[order_link(o), order_state(o), when(o.created_at)] for o in orders],
                empty="Nobody has used it yet.",
            ),
        )


def _terms(code: Any) -> Section:
    return Section(
        heading="Code",
        facts=[
            ("Worth", worth_of(code)),
            ("Good for", str(code.quarter or "Every quarter and bundle")),
            ("Used", f"{code.uses} of {code.most_uses}"),
            ("Ends", when(code.ends_at)),
            ("State", state_of(code)),
            ("Made by", code.created_by.shown_name() if code.created_by else NOTHING),
            ("Made", when(code.created_at)),
        ],
    )


def worth_of(code: HelpCode) -> str:
    """``25 % off`` or ``$150 off``."""
    if code.percent_off is not None:
        return f"{code.percent_off} % off"
    return f"{written(code.amount_off_cents or 0, code.currency)} off"


def state_of(code: HelpCode) -> SafeString:
    """Whether it can be used now, and if not, why."""
    if not code.is_active:
        return tag("Switched off", "quiet")
    if code.ends_at and code.ends_at <= timezone.now():
        return tag("Over", "quiet")
    if not code.is_at_stripe:
        return tag("Not yet at Stripe", "alarm")
    return tag("Can be used", "good")
