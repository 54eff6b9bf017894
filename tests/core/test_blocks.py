"""Blocks: previewed while an editor chooses them, and silent about samples outside a demo."""

import re

import pytest
from django.urls import reverse

from core.blocks import CallToActionBlock, CrisisLineBlock, NoticeBlock, StoryBlock
from core.models import PracticeSettings
from home.models import HomePage
from programs.models import TherapistPage, WorkshopPage
from tests.factories.pages import home_page, make_standard_page

pytestmark = pytest.mark.django_db


def choosable_blocks():
    """The blocks an editor may choose, by name."""
    streams = [
        StoryBlock(),
        HomePage._meta.get_field("doors").stream_block,
        HomePage._meta.get_field("benefits").stream_block,
        WorkshopPage._meta.get_field("facts").stream_block,
        WorkshopPage._meta.get_field("policies").stream_block,
        TherapistPage._meta.get_field("credentials").stream_block,
        TherapistPage._meta.get_field("licences").stream_block,
        PracticeSettings._meta.get_field("crisis_lines").stream_block,
    ]
    return [child for stream in streams for child in stream.child_blocks.values()]


BLOCKS = {type(block).__name__: block for block in choosable_blocks()}


@pytest.mark.parametrize("name", sorted(set(BLOCKS) - {"PictureBlock"}))
def test_a_block_is_previewed_in_the_style_of_the_site(staff_client, name):
    block = BLOCKS[name]
    address = reverse("wagtailadmin_block_preview")

    response = staff_client.get(address, {"id": block.definition_prefix})

    main = response.content.decode().split("<main>")[1].split("</main>")[0]
    assert block.is_previewable is True
    assert re.sub(r"<[^>]+>", "", main).strip() != ""
    assert "css/components.css" in response.content.decode()


@pytest.mark.parametrize("name", sorted(BLOCKS))
def test_a_block_says_what_it_is_for_and_has_an_icon(name):
    block = BLOCKS[name]

    assert block.meta.description != ""
    assert block.meta.icon not in ("", "placeholder")


def test_a_button_to_a_page_that_is_a_draft_is_not_shown():
    block = CallToActionBlock()
    draft = make_standard_page(live=False)

    hidden = block.render(block.normalize({"label": "See it", "page": draft}))
    shown = block.render(block.normalize({"label": "See it", "page": home_page()}))

    assert "See it" not in hidden
    assert "See it" in shown


@pytest.mark.parametrize("is_sample", [True, False])
def test_a_notice_marked_sample_is_shown_in_a_demo_only(settings, is_sample):
    block = NoticeBlock()
    value = block.to_python({"text": "<p>Made up?</p>", "is_sample": is_sample})
    in_demo = block.render(value)

    settings.DEMO_MODE = False

    assert "Made up?" in in_demo
    assert ("Sample" in in_demo) is is_sample
    assert ("Made up?" in block.render(value)) is not is_sample


@pytest.mark.parametrize("number", ["988", "+18007997233"])
def test_a_number_that_a_telephone_can_dial_is_accepted(number):
    block = CrisisLineBlock()
    value = block.to_python({"label": "Line", "value": "Call", "call": number})

    assert block.clean(value)["call"] == number


@pytest.mark.parametrize("number", ["1-800-799-7233", "call us", "javascript:alert(1)"])
def test_a_number_that_a_telephone_cannot_dial_is_refused(number):
    block = CrisisLineBlock()
    value = block.to_python({"label": "Line", "value": "Call", "call": number})

    with pytest.raises(Exception, match="Validation error") as refusal:
        block.clean(value)

    assert list(refusal.value.block_errors) == ["call"]
