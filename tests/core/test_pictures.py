"""Pictures: nothing personal stays in any byte, and visitors get sizes, never the original."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import ExifTags, Image, ImageCms, PngImagePlugin
from wagtail.images import get_image_model
from wagtail.images.forms import get_image_form
from wagtail.models import UploadedFile

from core.pictures import UNREADABLE, clean_copy
from devtools import deploy_check

pytestmark = [
    pytest.mark.django_db,
    # Wagtail leaves the temporary files of its renditions to the garbage collector.
    pytest.mark.filterwarnings("ignore:Unclosed file:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
TURNED = 6
XMP = b"<x:xmpmeta>SECRET xmp</x:xmpmeta>"
KINDS = ["JPEG", "PNG", "WEBP", "AVIF", "GIF"]
SUFFIXES = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "AVIF": "avif", "GIF": "gif"}


def camera_tags() -> Image.Exif:
    """What a telephone writes into a photograph that it held upright."""
    tags = Image.Exif()
    tags[ExifTags.Base.Orientation] = TURNED
    tags[ExifTags.Base.Make] = "SECRET camera"
    tags[ExifTags.IFD.GPSInfo] = {1: "N", 2: (40.0, 42.0, 46.0), 29: "SECRET day"}
    return tags


def everything(kind: str) -> dict[str, object]:
    """All that a format can carry beside its pixels."""
    if kind == "GIF":
        return {"comment": b"SECRET comment"}
    carried = {"exif": camera_tags().tobytes(), "icc_profile": PROFILE, "xmp": XMP}
    if kind == "JPEG":
        carried["comment"] = b"SECRET comment"
    if kind == "PNG":
        texts = PngImagePlugin.PngInfo()
        texts.add_text("Author", "SECRET author")
        texts.add_itxt("XML:com.adobe.xmp", "SECRET xmp")
        carried["pnginfo"] = texts
    return carried


def photograph(kind: str, **more: object) -> bytes:
    """A wide picture, white at its left, that is to be shown upright, with secrets wherever."""
    pixels = Image.new("RGB", (64, 32), "navy")
    pixels.paste("white", (0, 0, 16, 32))
    written = BytesIO()
    pixels.save(written, kind, **(everything(kind) | more))
    content = written.getvalue()
    if kind == "JPEG":
        byline = b"\x1c\x02\x50\x00\x0dSECRET byline"
        resource = b"8BIM\x04\x04\x00\x00\x00\x00" + len(byline).to_bytes(2, "big") + byline
        iptc = b"Photoshop 3.0\x00" + resource
        segment = b"\xff\xed" + (len(iptc) + 2).to_bytes(2, "big") + iptc
        content = content[:2] + segment + content[2:] + b"SECRET film behind the picture"
    return content


def uploaded(staff_client, kind: str):
    """The picture that the admin has stored of a photograph."""
    file = SimpleUploadedFile(f"Ann Miller 2026.{SUFFIXES[kind]}", photograph(kind))
    form = {"title": "A picture", "file": file, "collection": "1"}
    response = staff_client.post("/staff/images/add/", form)
    assert response.status_code == 302
    return get_image_model().objects.get()


def read(file) -> bytes:
    with file.open("rb") as opened:
        return opened.read()


@pytest.mark.parametrize("kind", KINDS)
def test_the_test_looks_for_something(kind):
    assert photograph(kind).count(b"SECRET") >= (5 if kind == "JPEG" else 1)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_personal_stays_in_the_original_or_in_any_size(staff_client, kind):
    image = uploaded(staff_client, kind)
    sizes = ["max-20x20", *(f"max-20x20|format-{name}" for name in ("jpeg", "png", "webp", "avif"))]

    files = {"original": image.file, **{size: image.get_rendition(size).file for size in sizes}}

    contents = {name: read(file) for name, file in files.items()}
    assert [name for name, content in contents.items() if b"SECRET" in content] == []
    tags = {name: dict(Image.open(BytesIO(raw)).getexif()) for name, raw in contents.items()}
    assert tags == {name: {} for name in files}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_a_picture_stays_upright_and_keeps_its_colors(staff_client, kind):
    image = uploaded(staff_client, kind)

    stored = Image.open(BytesIO(read(image.file)))
    shown = Image.open(BytesIO(read(image.get_rendition("max-20x20").file)))

    assert stored.format == kind
    assert (image.width, image.height) == stored.size == (32, 64)
    assert shown.size == (10, 20)
    for picture in (stored, shown):
        assert picture.info["icc_profile"] == PROFILE
        top, bottom = (picture.convert("RGB").getpixel((5, y)) for y in (1, picture.height - 2))
        assert min(top) > 200
        assert max(bottom[:2]) < 60


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_a_moving_picture_still_moves(kind):
    second = Image.new("RGB", (64, 32), "red")
    moving = {"save_all": True, "append_images": [second], "duration": [100, 200], "loop": 0}

    clean = clean_copy(photograph(kind, **moving))

    with Image.open(BytesIO(clean)) as picture:
        assert (picture.n_frames, picture.info["loop"]) == (2, 0)
    assert b"SECRET" not in clean


def test_the_name_of_a_file_is_not_part_of_any_address(staff_client):
    image = uploaded(staff_client, "JPEG")

    names = [image.file.name, image.get_rendition("max-20x20").file.name]

    assert [name for name in names if "Ann" in name or "2026" in name] == []


def test_what_waits_for_its_title_is_clean_too(staff_client):
    file = SimpleUploadedFile("photo.jpg", photograph("JPEG"))
    sent = {"title": "long " * 60, "files[]": file, "collection": "1"}

    staff_client.post("/staff/images/multiple/add/", sent)

    assert b"SECRET" not in read(UploadedFile.objects.get().file)


def test_a_replaced_picture_is_clean_too(staff_client):
    image = uploaded(staff_client, "PNG")
    file = SimpleUploadedFile("photo.jpg", photograph("JPEG"))

    staff_client.post(
        f"/staff/images/{image.pk}/", {"title": "Another", "file": file, "collection": "1"}
    )

    image.refresh_from_db()
    assert image.file.name.endswith(".jpg")
    assert b"SECRET" not in read(image.file)


@pytest.mark.parametrize("name", ["drawing.svg", "photo.heic", "page.html"])
def test_what_could_run_or_cannot_be_cleaned_is_refused(staff_client, name):
    file = SimpleUploadedFile(name, b"<svg xmlns='http://www.w3.org/2000/svg'></svg>")

    form = get_image_form(get_image_model())({"title": "x", "collection": "1"}, {"file": file})

    assert "file" in form.errors


def cut_short(kind: str) -> SimpleUploadedFile:
    """A photograph of which only the beginning arrived."""
    whole = photograph(kind)
    return SimpleUploadedFile(f"photo.{SUFFIXES[kind]}", whole[: len(whole) // 2])


@pytest.mark.parametrize("kept", [0, 0.1, 0.3, 0.6, 0.8])
@pytest.mark.parametrize("kind", KINDS)
def test_what_arrived_only_in_part_is_refused_or_read(kind, kept):
    whole = photograph(kind)
    file = SimpleUploadedFile(f"photo.{SUFFIXES[kind]}", whole[: int(len(whole) * kept)])

    form = get_image_form(get_image_model())({"title": "x", "collection": "1"}, {"file": file})

    form.is_valid()
    assert set(form.errors) <= {"file"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("address", "name"), [
    ("/staff/images/add/", "file"),
    ("/staff/images/multiple/add/", "files[]"),
    ("/staff/images/chooser/create/", "image-chooser-upload-file"),
])  # fmt: skip
def test_a_picture_cut_short_is_an_error_of_the_form(staff_client, address, name, kind):
    fields = {"title": "x", "collection": "1"}
    fields |= {f"image-chooser-upload-{field}": value for field, value in fields.items()}

    answer = staff_client.post(address, fields | {name: cut_short(kind)})

    assert answer.status_code == 200
    assert not get_image_model().objects.exists()


def test_a_picture_cut_short_is_told_in_words(staff_client):
    answer = staff_client.post(
        "/staff/images/add/", {"title": "x", "collection": "1", "file": cut_short("JPEG")}
    )

    assert UNREADABLE in answer.content.decode()


def test_a_picture_that_claims_to_be_enormous_is_refused():
    small = photograph("PNG")
    header = b"IHDR" + struct.pack(">II", 60_000, 60_000) + small[24:29]
    huge = small[:12] + header + struct.pack(">I", zlib.crc32(header)) + small[33:]
    file = SimpleUploadedFile("huge.png", huge)

    form = get_image_form(get_image_model())({"title": "x", "collection": "1"}, {"file": file})

    assert "file" in form.errors


# --- served -------------------------------------------------------------------------------------


def test_a_size_is_served_to_everybody_and_kept_for_good(client, staff_client):
    size = uploaded(staff_client, "JPEG").get_rendition("max-20x20")

    answer = client.get(size.url)

    assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")
    assert answer.getvalue() == read(size.file)
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "Cookie" not in answer.headers.get("Vary", "")
    assert not answer.cookies


@pytest.mark.parametrize("path", ["{original}", "images/none.jpg", "images/..%2F{original}",
                                  "images/x.html", "images/.jpg"])  # fmt: skip
def test_nothing_else_is_served(client, staff_client, path):
    image = uploaded(staff_client, "JPEG")
    default_storage.save("images/x.html", ContentFile(b"<script>"))

    answers = [who.get("/media/" + path.format(original=image.file.name)) for who in
               (client, staff_client)]  # fmt: skip

    assert [answer.status_code for answer in answers] == [404, 404]


def test_pictures_are_served_on_production_settings(monkeypatch):
    # Set for the browser's tests, which may have run before in this process.
    monkeypatch.delenv("DJANGO_ALLOW_ASYNC_UNSAFE", raising=False)

    assert deploy_check.main() == 0
