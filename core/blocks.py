"""Blocks that any page may use: few, closed, and without raw HTML or embeds.

A block marked Sample is made up. It is shown in demo mode only, where its template tags it.
"""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.core.validators import RegexValidator
from wagtail import blocks
from wagtail.images.blocks import ImageBlock
from wagtail.models import Page

TEXT_FEATURES: Final = ["h2", "h3", "h4", "bold", "italic", "ol", "ul", "link"]
ANSWER_FEATURES: Final = ["bold", "italic", "ol", "ul", "link"]
SAMPLE_HELP: Final = (
    "Tick this when the words are made up. They are then marked Sample, shown in demo mode only, "
    "and the page cannot be published outside it."
)


def sample_mark() -> blocks.BooleanBlock:
    """The tick box that marks a block as made up."""
    return blocks.BooleanBlock(required=False, label="Sample", help_text=SAMPLE_HELP)


def is_sample_block(child: Any) -> bool:
    """Whether this child of a stream is marked Sample."""
    value = child.value
    return isinstance(value, blocks.StructValue) and bool(value.get("is_sample"))


def shown(stream: Any) -> list[Any]:
    """The children of a stream that visitors may see: samples are left out outside demo mode."""
    return [child for child in stream if settings.DEMO_MODE or not is_sample_block(child)]


def any_page() -> Page | None:
    """A page for previews to lead to."""
    found: Page | None = Page.objects.live().filter(depth=2).first()
    return found


class SampleAwareBlock(blocks.StructBlock):
    """Renders nothing outside demo mode while it is marked Sample."""

    def render(self, value: Any, context: dict[str, Any] | None = None) -> str:
        if value.get("is_sample") and not settings.DEMO_MODE:
            return ""
        return str(super().render(value, context=context))


class LineBlock(blocks.CharBlock):
    """One line of a list."""

    class Meta:
        icon = "list-ul"
        label = "Line"
        template = "blocks/line.html"
        preview_value = "Small Group Discussion"
        description = "One line of a list"


class TextBlock(blocks.RichTextBlock):
    """Paragraphs, headings, lists and links."""

    class Meta:
        icon = "pilcrow"
        label = "Text"
        template = "blocks/text.html"
        preview_value = "<p>You may always pass.</p>"
        description = "Paragraphs with headings, lists and links"


class PictureBlock(ImageBlock):
    """A picture with its description, or marked as decoration."""

    class Meta:
        icon = "image"
        label = "Picture"
        template = "blocks/picture.html"
        description = "A picture; describe it, or mark it as decoration"


class NoticeBlock(SampleAwareBlock):
    """Something to know first, set apart from the text around it."""

    heading = blocks.CharBlock(
        required=False, max_length=80, help_text="Optional. A few words above the notice."
    )
    text = blocks.RichTextBlock(
        features=ANSWER_FEATURES, help_text="One or two short sentences in plain words."
    )
    is_sample = sample_mark()

    class Meta:
        icon = "info-circle"
        label = "Notice"
        template = "blocks/notice.html"
        preview_value = {"heading": "Good to know", "text": "<p>You may always pass.</p>"}
        description = "A short notice that stands apart from the text"


class CallToActionBlock(blocks.StructBlock):
    """A single link dressed as a button."""

    label = blocks.CharBlock(max_length=40, help_text="Start with a verb: “See the twelve dates”.")
    page = blocks.PageChooserBlock(help_text="Where the button leads.")

    class Meta:
        icon = "link"
        label = "Button"
        template = "blocks/call_to_action.html"
        description = "A button that leads to another page"

    def get_preview_value(self) -> Any:
        return self.normalize({"label": "See how it works", "page": any_page()})


class CrisisPanelBlock(blocks.StaticBlock):
    """The crisis lines from the practice's settings."""

    class Meta:
        icon = "warning"
        label = "Crisis lines"
        admin_text = "Shows the crisis lines from Settings > Practice."
        template = "blocks/crisis_panel.html"
        preview_value = None
        description = "The crisis lines from the practice's settings"


class CrisisLineBlock(blocks.StructBlock):
    """One line to call, text or open."""

    label = blocks.CharBlock(max_length=80, help_text="Who answers, and where: “… (US)”.")
    value = blocks.CharBlock(max_length=120, help_text="What a reader does: “Call or text 988”.")
    call = blocks.CharBlock(
        required=False,
        max_length=20,
        validators=[RegexValidator(r"^\+?[0-9]+$", "Digits only, with an optional + in front.")],
        help_text="The number a telephone dials, digits only. Leave empty if it cannot be called.",
    )
    text = blocks.CharBlock(
        required=False,
        max_length=20,
        validators=[RegexValidator(r"^\+?[0-9]+$", "Digits only, with an optional + in front.")],
        help_text="The number for text messages, digits only. Leave empty if there is none.",
    )
    url = blocks.URLBlock(required=False, help_text="Their website, if they have one.")
    checked_on = blocks.DateBlock(
        required=False, help_text="When somebody last tried this line. Check again every 90 days."
    )

    class Meta:
        icon = "mobile-alt"
        label = "Crisis line"
        template = "blocks/crisis_line.html"
        preview_value = {"label": "Emergency (US)", "value": "911", "call": "911"}
        description = "One line to call, text or open"


class StoryBlock(blocks.StreamBlock):
    """The free part of a page."""

    text = TextBlock(features=TEXT_FEATURES)
    notice = NoticeBlock()
    picture = PictureBlock()
    call_to_action = CallToActionBlock()
    crisis_panel = CrisisPanelBlock()


class LinesBlock(blocks.StreamBlock):
    """A list of short lines."""

    line = LineBlock(max_length=300)
