"""Uploaded pictures: nothing personal stays in them, and what of them visitors get.

A photograph says where and when it was taken, and often by whom. Its pixels are written anew, with
the color profile and nothing else, so that nothing can be overlooked: tags, comments, small copies
of the whole picture, a film behind it. It is turned as it was to be seen.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import PurePath
from typing import Any, Final
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from PIL import Image, ImageOps, ImageSequence, JpegImagePlugin

UNREADABLE: Final = "This picture cannot be read. Save it anew with another program and try again."
# What Pillow raises over a file that is damaged, was cut short, or claims to be enormous.
DAMAGED: Final = (
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    struct.error,
    Image.DecompressionBombError,
)
# A lossless picture in a file that may be lossy.
LOSSLESS_WEBP: Final = b"VP8L"
BEGINNING: Final = 64
KINDS: Final = {"MPO": "JPEG"}
ANIMATED: Final = frozenset({"GIF", "PNG", "WEBP"})
NEARLY_AS_IT_WAS: Final = 95


def replace_upload(upload: UploadedFile[bytes]) -> None:
    """Put a clean copy, under a name that says nothing, into the upload itself.

    Whatever Wagtail does with it afterwards, it has no other. As no name is ever used twice, the
    address of a picture always shows the same one.

    Raises:
        ValidationError: it is not a picture that can be read.
    """
    upload.seek(0)
    try:
        content = clean_copy(upload.read())
    except DAMAGED as trouble:
        raise ValidationError(UNREADABLE, code="unreadable") from trouble
    upload.file = BytesIO(content)
    upload.size = len(content)
    upload.name = f"{uuid4().hex}{PurePath(upload.name or '').suffix.lower()}"


def clean_copy(content: bytes) -> bytes:
    """The same picture in the same format, upright, with its color profile and nothing else."""
    with Image.open(BytesIO(content)) as picture:
        kind = KINDS.get(picture.format or "", picture.format or "")
        options = QUALITIES.get(kind, no_options)(picture, content)
        profile = picture.info.get("icc_profile")
        frames = ImageSequence.Iterator(picture) if kind in ANIMATED else [picture]
        bare = [bare_copy(frame) for frame in frames]
        if len(bare) > 1:
            options |= {"save_all": True, "append_images": bare[1:]}
            options |= {"loop": picture.info.get("loop", 1)} if "loop" in picture.info else {}
            options["duration"] = [frame.info.get("duration", 0) for frame in bare]
        written = BytesIO()
        bare[0].save(written, kind, icc_profile=profile, **options)
    return written.getvalue()


def bare_copy(frame: Image.Image) -> Image.Image:
    """``frame`` upright, without anything but what its pixels need to be shown."""
    upright = ImageOps.exif_transpose(frame)
    needed = {"transparency", "duration"}
    upright.info = {name: value for name, value in upright.info.items() if name in needed}
    return upright


def no_options(_picture: Image.Image, _content: bytes) -> dict[str, Any]:
    """Formats that lose nothing."""
    return {}


def jpeg_options(picture: Image.Image, _content: bytes) -> dict[str, Any]:
    """As coarse as it was, so that it neither loses nor grows."""
    return {
        "qtables": picture.quantization,  # type: ignore[attr-defined]
        "subsampling": JpegImagePlugin.get_sampling(picture),
    }


def webp_options(_picture: Image.Image, content: bytes) -> dict[str, Any]:
    """Without loss if it was."""
    return {"lossless": LOSSLESS_WEBP in content[:BEGINNING], "quality": NEARLY_AS_IT_WAS}


def avif_options(_picture: Image.Image, _content: bytes) -> dict[str, Any]:
    """Finer than usual, because it loses a second time."""
    return {"quality": NEARLY_AS_IT_WAS}


QUALITIES: Final[dict[str, Callable[[Image.Image, bytes], dict[str, Any]]]] = {
    "JPEG": jpeg_options,
    "WEBP": webp_options,
    "AVIF": avif_options,
}
