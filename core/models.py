"""What every page of the site has in common, the practice's own settings, emails on their way.

A page marked Sample is made up for the demo: outside demo mode it cannot be published, is not
served, and is left out of every list.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import uuid4
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinLengthValidator, RegexValidator
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from wagtail.admin.forms import WagtailAdminPageForm
from wagtail.admin.forms.pages import CopyForm
from wagtail.admin.panels import FieldPanel, HelpPanel, MultiFieldPanel, Panel
from wagtail.contrib.settings.models import BaseGenericSetting, register_setting
from wagtail.fields import StreamField
from wagtail.models import Orderable, Page, PageManager, PageViewRestriction

from core.addresses import keep_old_addresses
from core.blocks import CrisisLineBlock, is_sample_block
from core.discretion import validate_discreet, validate_discreet_address
from core.querysets import OutgoingEmailQuerySet, SitePageQuerySet
from core.two_editors import TwoEditorsForm

SAMPLE_REFUSAL = (
    "This page holds material marked Sample, which cannot be published outside demo mode. "
    "Replace it with the practice's own words and remove the mark, or save the page as a draft."
)


class SitePageForm(WagtailAdminPageForm):
    """The editor's form of every page."""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        if "action-publish" in self.data and not settings.DEMO_MODE and self._holds_samples():
            raise ValidationError(SAMPLE_REFUSAL, code="sample")
        return cleaned

    def _holds_samples(self) -> bool:
        marks = [name for name in self.instance.sample_marks() if self.cleaned_data.get(name)]
        streams = [
            self.cleaned_data.get(name) or []
            for name in self.instance.stream_names()
            if name in self.cleaned_data
        ]
        return bool(marks) or any(is_sample_block(child) for stream in streams for child in stream)


class SitePageCopyForm(CopyForm):
    """The form with which an editor copies a page; Wagtail's own asks the page nothing."""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        try:
            validate_discreet_address(cleaned.get("new_slug", ""))
        except ValidationError as refusal:
            self.add_error("new_slug", refusal)
        is_public = cleaned.get("publish_copies") or cleaned.get("alias")
        if is_public and self.page.live and not self.errors:
            try:
                self.page.specific.check_public_copy(cleaned["new_parent_page"])
            except ValidationError as refusal:
                # At a field: Wagtail's page shows no mistakes of the form as a whole.
                self.add_error("new_parent_page", refusal.messages)
        return cleaned


class Pick(Orderable):
    """Something an editor chose for a page, in her order; ``picked_field`` says what.

    The editor's form refuses the same choice twice. The database does not: Wagtail stores the
    rows one by one, and two that are exchanged would meet in between.
    """

    picked_field: ClassVar[str]

    class Meta(Orderable.Meta):
        abstract = True

    def _get_unique_checks(
        self,
        exclude: Any = None,
        include_meta_constraints: bool = False,  # noqa: FBT001, FBT002 (Django's)
    ) -> Any:
        unique, by_date = super()._get_unique_checks(exclude, include_meta_constraints)
        # The rows of a form are compared with each other by what would be constraints.
        if include_meta_constraints:
            unique.append((type(self), (self.picked_field,)))
        return unique, by_date


class SitePage(Page):
    """A page of this site."""

    slug: str
    key = models.SlugField(
        max_length=80,
        unique=True,
        null=True,
        blank=True,
        editable=False,
        help_text="Names content that was loaded, so that loading again finds it.",
    )
    is_sample = models.BooleanField(
        "sample",
        default=False,
        help_text="Tick this when the page is made up. It is then marked Sample, shown in demo "
        "mode only, and cannot be published outside it.",
    )
    has_inferred_text = models.BooleanField(
        "inferred",
        default=False,
        help_text="Some words here were worked out from the practice's text, not taken from it. "
        "Check them, then remove the tick. Visitors do not see this.",
    )
    editorial_note = models.TextField(
        "notes for editors", blank=True, help_text="Only editors see this."
    )

    objects: ClassVar[PageManager] = PageManager.from_queryset(SitePageQuerySet)()

    exclude_fields_in_copy: ClassVar[list[str]] = ["key"]
    # Who may enter the member area is decided there; a public page is public.
    private_page_options: ClassVar[list[str]] = []
    # False: the address of such a page leads to another page.
    has_own_address = True

    base_form_class = SitePageForm
    copy_form_class = SitePageCopyForm
    promote_panels: ClassVar[list[Panel]] = [
        MultiFieldPanel(
            [
                FieldPanel(
                    "slug",
                    help_text="The last part of the page's address. It stays in the history of the "
                    "browser, so it holds no clinical word.",
                ),
                FieldPanel("seo_title"),
                FieldPanel("search_description"),
            ],
            heading="For search engines",
        ),
        MultiFieldPanel(
            [
                FieldPanel("is_sample"),
                FieldPanel("has_inferred_text"),
                FieldPanel("editorial_note"),
            ],
            heading="For editors only",
        ),
    ]

    class Meta:
        abstract = True

    def _set_core_field_defaults(self) -> None:
        # Wagtail's one place for this, for drafts and for published pages alike.
        if not self.slug and self.path and (address := self.neutral_address()):
            self.slug = self._get_autogenerated_slug(address)
        super()._set_core_field_defaults()

    def clean(self) -> None:
        super().clean()
        try:
            validate_discreet_address(self.slug)
        except ValidationError as refusal:
            raise ValidationError({"slug": refusal}) from refusal

    def save(self, clean: bool = True, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002 (Wagtail's)
        """Store the page.

        Raises:
            ValidationError: it would be published with sample material outside demo mode.
        """
        if clean and self.live:
            self.check_samples()
        if self.alias_of_id:
            # Wagtail copies every field of the source, and loaded content is found by its key.
            self.key = None
        earlier = Page.objects.filter(pk=self.pk).values_list("url_path", flat=True).first()
        saved = super().save(clean=clean, **kwargs)
        if earlier and earlier != self.url_path:
            keep_old_addresses(self, earlier)
        return saved

    def check_samples(self) -> None:
        """Nothing, if visitors may see what the page holds.

        Raises:
            ValidationError: it holds sample material, and this is not a demo.
        """
        if not settings.DEMO_MODE and self.holds_samples():
            raise ValidationError(SAMPLE_REFUSAL, code="sample")

    def check_public_copy(self, parent: Page) -> None:  # noqa: ARG002 (for types that look at it)
        """Nothing, if a copy of the page may be public below ``parent``.

        Raises:
            ValidationError: it may not.
        """
        self.check_samples()

    def with_content_json(self, content: dict[str, Any]) -> Any:
        """The page as a revision describes it; the key belongs to the page, not to a revision."""
        page = super().with_content_json(content)
        page.key = self.key
        return page

    def serve(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The public page.

        Raises:
            Http404: it is a sample, and this is not a demo.
        """
        # A preview is for editors, who must see what is not shown yet.
        if not (getattr(request, "is_preview", False) or self.is_shown()):
            raise Http404
        response: HttpResponse = super().serve(request, *args, **kwargs)
        return response

    def get_view_restrictions(self) -> models.QuerySet[PageViewRestriction]:
        """None, without a query: what is for members only is never a page."""
        return PageViewRestriction.objects.none()

    def get_sitemap_urls(self, request: HttpRequest | None = None) -> list[dict[str, Any]]:
        if not (self.has_own_address and self.is_shown()):
            return []
        return list(super().get_sitemap_urls(request))

    def get_admin_display_title(self) -> str:
        """The title with its marks, wherever the admin lists the page. No query."""
        marks = "".join(f" [{mark}]" for mark in self.admin_marks())
        return f"{super().get_admin_display_title()}{marks}"

    def neutral_address(self) -> str:
        """The slug of a page whose title must not appear in its address; empty: the title's."""
        return ""

    def is_shown(self) -> bool:
        """Whether visitors may see this page once it is published."""
        return settings.DEMO_MODE or not self.is_sample

    def admin_marks(self) -> list[str]:
        """What editors should know at a glance."""
        marks = ["Sample"] if self.holds_samples() else []
        return [*marks, "Inferred"] if self.has_inferred_text else marks

    def holds_samples(self) -> bool:
        """Whether the page or anything in it is marked Sample."""
        return any(getattr(self, name) for name in self.sample_marks()) or any(
            is_sample_block(child) for name in self.stream_names() for child in getattr(self, name)
        )

    @classmethod
    def sample_marks(cls) -> list[str]:
        """The fields that mark something of the page as Sample."""
        return [
            field.name
            for field in cls._meta.concrete_fields
            if field.name == "is_sample" or field.name.endswith("_is_sample")
        ]

    @classmethod
    def stream_names(cls) -> list[str]:
        """The fields that hold blocks."""
        return [field.name for field in cls._meta.concrete_fields if isinstance(field, StreamField)]


class FailedStep(models.Model):
    """A step of what is due that failed when it last ran; the row goes with its next success."""

    name = models.CharField(max_length=60, unique=True)
    purpose = models.CharField(max_length=200)
    # The kind of the error, never its text.
    error = models.CharField(max_length=100)
    since = models.DateTimeField()
    failed_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar[list[str]] = ["since"]

    def __str__(self) -> str:
        return self.name


class SettingsForm(TwoEditorsForm):
    """The form of settings."""


@register_setting(icon="home")
class PracticeSettings(BaseGenericSetting):
    """Who the practice is, what gives nothing away, and whom to call in a crisis."""

    practice_name = models.CharField(
        max_length=80, blank=True, help_text="The name on the public pages."
    )
    is_sample = models.BooleanField(
        "sample",
        default=False,
        help_text="The name above is made up. Put in the practice's own, then remove this tick.",
    )
    discreet_sender = models.CharField(
        max_length=40,
        blank=True,
        validators=[validate_discreet],
        help_text="A neutral name for letters and the member area, such as “Stillwater”.",
    )
    statement_line = models.CharField(
        max_length=22,
        blank=True,
        validators=[
            validate_discreet,
            MinLengthValidator(5),
            RegexValidator(
                r"^[A-Za-z0-9 .&-]*[A-Za-z][A-Za-z0-9 .&-]*$", "Plain letters and digits."
            ),
        ],
        help_text="What bank statements show, exactly as set at Stripe: 5 to 22 characters.",
    )
    contact_email = models.EmailField(
        blank=True, help_text="Where visitors may write. Shown on the contact page."
    )
    contact_phone = models.CharField(
        max_length=30, blank=True, help_text="Where visitors may call. Shown on the contact page."
    )
    address = models.TextField(blank=True, help_text="The postal address, if it is public.")
    time_zone = models.CharField(
        max_length=60,
        default="America/New_York",
        help_text="The zone in which the practice names its hours, such as America/New_York.",
    )
    leave_url = models.URLField(
        "where “Leave this site” goes",
        default="https://www.weather.gov/",
        help_text="A plain page that says nothing about the reader, such as the weather.",
    )
    crisis_lines = StreamField(
        [("line", CrisisLineBlock())],
        blank=True,
        help_text="Shown in the footer and beside hard lessons. Try each line every 90 days.",
    )

    panels: ClassVar[list[Panel]] = [
        MultiFieldPanel(
            [FieldPanel("practice_name"), FieldPanel("is_sample")], heading="The practice"
        ),
        MultiFieldPanel(
            [FieldPanel("discreet_sender"), FieldPanel("statement_line")], heading="Discretion"
        ),
        MultiFieldPanel(
            [
                FieldPanel("contact_email"),
                FieldPanel("contact_phone"),
                FieldPanel("address"),
                FieldPanel("time_zone"),
            ],
            heading="Contact",
        ),
        MultiFieldPanel(
            [
                HelpPanel("These were taken from public sources. Check each one before launch."),
                FieldPanel("leave_url"),
                FieldPanel("crisis_lines"),
            ],
            heading="Safety",
        ),
    ]

    base_form_class = SettingsForm

    class Meta:
        verbose_name = "practice"

    def __str__(self) -> str:
        return self.practice_name or "The practice"

    def clean(self) -> None:
        super().clean()
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError) as unknown:
            raise ValidationError(
                {"time_zone": "Not a time zone we know. An example: America/New_York."}
            ) from unknown


class RateLimitCounter(models.Model):
    """The latest tries of one kind by one digest: moments, never who it was."""

    kind = models.CharField(max_length=20)
    digest = models.CharField(max_length=64)
    # In whole seconds, oldest first; those that no longer count are dropped with the next one.
    moments = models.JSONField(default=list)
    last_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["kind", "digest"], name="rate_limits_are_counted_once"),
        ]

    def __str__(self) -> str:
        return f"{len(self.moments)} tries of {self.kind}"


class OutgoingEmail(models.Model):
    """An email on its way: how often it was tried, when it is tried next, what came of it.

    Nothing here names anybody. ``ids`` is what its kind (``core.outbox.Kind``) needs to write it,
    at every try anew; ``uuid`` is its Message-ID at every try.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        SENT = "sent", "Sent"
        FAILED = "failed", "Not sent"
        OBSOLETE = "obsolete", "Not needed any more"
        DISMISSED = "dismissed", "Not sent, dealt with"

    class Reason(models.TextChoices):
        """Why the last try came to nothing."""

        NONE = "", "None"
        UNREACHABLE = "unreachable", "The mail provider could not be reached"
        NO_ACCESS = "no_access", "The mail provider did not accept our token or password"
        NOT_SET_UP = "not_set_up", "The settings of the mail provider are not complete"
        REFUSED = "refused", "The mail provider refused the email"
        ADDRESS_REFUSED = "address_refused", "The mail provider refused the address"
        NO_ADDRESS = "no_address", "The address is not an email address"
        NOT_DISCREET = "not_discreet", "A word in it would have told what it is about"
        NOT_WRITTEN = "not_written", "It could not be written, which is a fault of this site"

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=30)
    template = models.CharField(max_length=60)
    ids = models.JSONField(default=list)
    state = models.CharField(max_length=20, choices=State.choices, default=State.QUEUED)
    reason = models.CharField(
        max_length=20, choices=Reason.choices, default=Reason.NONE, blank=True
    )
    tries = models.PositiveSmallIntegerField(default=0)
    # Tries to which the provider answered no: the next is a request of its own, not the same again.
    refusals = models.PositiveSmallIntegerField(default=0)
    queued_at = models.DateTimeField()
    # Later than ``queued_at`` once staff have asked for it again.
    trying_since = models.DateTimeField()
    next_try_at = models.DateTimeField()
    # Until then a worker has it in hand.
    claimed_until = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[OutgoingEmailQuerySet] = OutgoingEmailQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = "email"
        ordering: ClassVar[list[str]] = ["-queued_at", "-pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(state="queued") | models.Q(settled_at__isnull=False),
                name="a_settled_email_says_since_when",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["state", "next_try_at"], name="emails_by_next_try"),
        ]

    def __str__(self) -> str:
        return f"Email {self.pk}"

    def is_due(self, now: datetime) -> bool:
        """Whether it should be tried, and nobody is at it."""
        is_free = self.claimed_until is None or self.claimed_until <= now
        return self.state == self.State.QUEUED and self.next_try_at <= now and is_free


class ProvenEmailSettings(models.Model):
    """A fingerprint of email settings with which an email has gone out."""

    fingerprint = models.CharField(max_length=64, unique=True)
    proven_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"Email settings {self.fingerprint[:8]}"
