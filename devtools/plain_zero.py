"""Take the slash out of a font's zero: ``python -m devtools.plain_zero FONT.woff2``.

Atkinson Hyperlegible draws its zero with a slash, and has no other one. In a price, an hour or a
telephone number that reads as a fault. The counter, which the slash cuts in two, becomes one: the
outline drawn smaller, to the edges of the two halves, at every weight.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools.ttLib import TTFont
from fontTools.ttLib.tables import _g_l_y_f as glyf
from fontTools.varLib.iup import iup_delta

GLYPH = "zero"
SLASHED_CONTOURS = 3
# Behind the points of the outline stand four that place it: widths and heights.
PHANTOM_POINTS = 4
Point = tuple[float, float]


def edges(points: list[Point]) -> list[tuple[int, int]]:
    """For each axis, which point is the lowest and which the highest."""
    numbers = range(len(points))
    return [
        (min(numbers, key=lambda n: points[n][axis]), max(numbers, key=lambda n: points[n][axis]))
        for axis in (0, 1)
    ]


def shrunk(outer: list[Point], inner: list[Point], values: list[Point]) -> list[Point]:
    """Of each outer point the value at its place between the edges of the inner points."""
    made: list[list[float]] = [[], []]
    for axis, (low, high) in enumerate(edges(inner)):
        outer_low, outer_high = (outer[n][axis] for n in edges(outer)[axis])
        for point in outer:
            share = (point[axis] - outer_low) / (outer_high - outer_low)
            made[axis].append(values[low][axis] + share * (values[high][axis] - values[low][axis]))
    first, *others = zip(*made, strict=True)
    # A counter runs the other way round.
    return [first, *reversed(others)]


def without_slash(font: TTFont) -> None:
    """Draw ``GLYPH`` of ``font`` anew; nothing else changes.

    Raises:
        ValueError: the glyph has no slash of the kind that is known here.
    """
    glyph = font["glyf"][GLYPH]
    if glyph.numberOfContours != SLASHED_CONTOURS:
        raise ValueError(f"{GLYPH} has {glyph.numberOfContours} contours, not {SLASHED_CONTOURS}.")
    points = [tuple(point) for point in glyph.coordinates]
    size = glyph.endPtsOfContours[0] + 1
    ends, outer, inner = list(glyph.endPtsOfContours), points[:size], points[size:]
    for variation in font["gvar"].variations[GLYPH]:
        told = variation.coordinates
        phantoms = told[-PHANTOM_POINTS:]
        whole = iup_delta(told, [*points, *([(0, 0)] * PHANTOM_POINTS)], ends)
        counter = shrunk(outer, inner, whole[size : len(points)])
        variation.coordinates = [
            *whole[:size],
            *map(rounded, counter),
            *(p or (0, 0) for p in phantoms),
        ]
    flags = list(glyph.flags[:size])
    glyph.coordinates = glyf.GlyphCoordinates([*outer, *map(rounded, shrunk(outer, inner, inner))])
    glyph.flags = bytearray([*flags, flags[0], *flags[:0:-1]])
    glyph.endPtsOfContours = [size - 1, 2 * size - 1]
    glyph.numberOfContours = 2
    glyph.program = type(glyph.program)()
    glyph.recalcBounds(font["glyf"])


def rounded(point: Point) -> tuple[int, int]:
    return round(point[0]), round(point[1])


def main(paths: list[str]) -> int:
    """Rewrite each font in place."""
    for path in map(Path, paths):
        font = TTFont(path)
        without_slash(font)
        font.flavor = "woff2"
        font.save(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
