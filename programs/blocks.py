"""Blocks of the program pages."""

from __future__ import annotations

from wagtail import blocks

from core.blocks import SampleAwareBlock, sample_mark


class FactBlock(SampleAwareBlock):
    """One fact about how a workshop works."""

    label = blocks.CharBlock(max_length=40, help_text="One or two words: “Where”, “How long”.")
    value = blocks.CharBlock(max_length=300, help_text="The fact, in the practice's own words.")
    more = blocks.CharBlock(
        required=False,
        max_length=300,
        help_text="Optional. A plain line beside it, when the words above need one.",
    )
    is_sample = sample_mark()

    class Meta:
        icon = "tick-inverse"
        label = "Fact"
        template = "blocks/fact.html"
        preview_value = {"label": "How often", "value": "Once Per Quarter"}
        description = "One fact about how the workshop works"


class PolicyBlock(SampleAwareBlock):
    """One rule a person should know before she pays."""

    kind = blocks.ChoiceBlock(
        choices=[
            ("refund", "Money back"),
            ("eligibility", "Who can take part"),
            ("not-therapy", "What this is not"),
            ("other", "Something else"),
        ],
        help_text="What the rule is about.",
    )
    text = blocks.TextBlock(rows=3, help_text="The rule in plain words. Short sentences.")
    is_sample = sample_mark()

    class Meta:
        icon = "form"
        label = "Policy"
        template = "blocks/policy.html"
        preview_value = {"kind": "refund", "text": "Full refund until the second session."}
        description = "A rule to know before paying"


class CredentialBlock(blocks.StructBlock):
    """One credential that a therapist holds."""

    letters = blocks.CharBlock(max_length=20, help_text="As written after the name: “CSAT”.")
    full_name = blocks.CharBlock(
        required=False, max_length=120, help_text="What the letters stand for."
    )
    issuer = blocks.CharBlock(required=False, max_length=120, help_text="Who issued it.")
    link = blocks.URLBlock(required=False, help_text="Where a reader can check it.")

    class Meta:
        icon = "tick"
        label = "Credential"
        template = "blocks/credential.html"
        preview_value = {"letters": "CSAT"}
        description = "One credential, with its issuer"


class LicenceBlock(blocks.StructBlock):
    """One licence to practice."""

    state = blocks.CharBlock(max_length=60, help_text="The state or country that gave it.")
    number = blocks.CharBlock(max_length=60, help_text="The number as the register shows it.")

    class Meta:
        icon = "doc-full"
        label = "Licence"
        template = "blocks/licence.html"
        preview_value = {"state": "New York", "number": "000000"}
        description = "One licence, with its state and number"
