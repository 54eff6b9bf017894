"""Blocks of the home page and the menus."""

from __future__ import annotations

from typing import Any

from wagtail import blocks

from core.blocks import any_page


class DoorBlock(blocks.StructBlock):
    """One of the two ways in from the home page."""

    title = blocks.CharBlock(max_length=80, help_text="In the reader's own voice.")
    text = blocks.CharBlock(
        required=False, max_length=200, help_text="Optional. One sentence about what is behind it."
    )
    page = blocks.PageChooserBlock(help_text="Where the door leads.")
    tone = blocks.ChoiceBlock(
        choices=[("pine", "Pine"), ("plum", "Plum")],
        default="pine",
        help_text="The color, so that the doors differ.",
    )

    class Meta:
        icon = "arrow-right"
        label = "Door"
        template = "blocks/door.html"
        description = "One of the ways in from the home page"

    def get_preview_value(self) -> Any:
        return self.normalize(
            {"title": "I'm worried about somebody", "tone": "pine", "page": any_page()}
        )


class MenuLinkBlock(blocks.StructBlock):
    """One entry of a menu."""

    page = blocks.PageChooserBlock(help_text="Where the entry leads. Hidden while it is a draft.")
    label = blocks.CharBlock(
        required=False, max_length=40, help_text="Optional. Otherwise the title of the page."
    )

    class Meta:
        icon = "link"
        label = "Entry"
        description = "One entry of a menu"
