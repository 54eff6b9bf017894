"""The fonts that the site ships."""

import pytest
from django.conf import settings
from fontTools.ttLib import TTFont

FONTS = sorted(settings.BASE_DIR.glob("static/fonts/*.woff2"))


@pytest.mark.parametrize("path", FONTS, ids=lambda path: path.stem)
def test_no_zero_is_slashed(path):
    font = TTFont(path)

    if "zero" in font.getGlyphOrder():
        # The outline and one counter; a slash would cut the counter in two.
        assert font["glyf"]["zero"].numberOfContours == 2
