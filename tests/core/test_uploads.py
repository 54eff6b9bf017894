"""Who may take an uploaded picture or document away."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from wagtail.documents import get_document_model
from wagtail.images import get_image_model
from wagtail.images.tests.utils import get_test_image_file
from wagtail.models import ReferenceIndex

from accounts.models import User
from core.uploads import KEPT
from programs.models import TherapistPage

pytestmark = [
    pytest.mark.django_db,
    # Wagtail leaves the temporary files of its renditions to the garbage collector.
    pytest.mark.filterwarnings("ignore:Unclosed file:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

WHO_MAY = {
    ("owner of the site", "somebody else's"): True,
    ("clinical lead", "somebody else's"): True,
    ("editor", "somebody else's"): False,
    ("editor", "own, in use"): False,
    ("editor", "own"): True,
    ("staff", "somebody else's"): False,
    ("member", "somebody else's"): False,
    ("visitor", "somebody else's"): False,
}
WAYS = {
    "image": "/staff/images/{pk}/delete/",
    "image just added": "/staff/images/multiple/{pk}/delete/",
    "images in bulk": "/staff/bulk/wagtailimages/image/delete/?id={pk}",
    "document": "/staff/documents/delete/{pk}/",
    "document just added": "/staff/documents/multiple/{pk}/delete/",
    "documents in bulk": "/staff/bulk/wagtaildocs/document/delete/?id={pk}",
}


@pytest.fixture
def people(owner_of_site) -> dict[str, User | None]:
    groups = {"editor": "Editors", "clinical lead": "Clinical lead"}
    found = {name: User.objects.create_user(f"{name[:4]}@example.org") for name in groups}
    for name, group in groups.items():
        found[name].groups.add(Group.objects.get(name=group))
    staff = User.objects.create_user("staff-only@example.org")
    staff.user_permissions.add(Permission.objects.get(codename="access_admin"))
    member = User.objects.create_user("member@example.org")
    return {**found, "owner of the site": owner_of_site, "staff": staff, "member": member,
            "visitor": None}  # fmt: skip


def browser_of(user: User | None) -> Client:
    client = Client()
    if user:
        client.force_login(user)
    return client


def upload(way: str, by: User | None):
    if "image" in way:
        return get_image_model().objects.create(
            title="A picture", file=get_test_image_file(), uploaded_by_user=by
        )
    return get_document_model().objects.create(
        title="A paper", file=ContentFile(b"words", name="paper.txt"), uploaded_by_user=by
    )


def use(thing) -> None:
    """Let the index of references know of one."""
    page = TherapistPage.objects.first()
    if isinstance(thing, get_image_model()):
        page.photo = thing
        page.save()
        return
    page.bio = f'<p><a linktype="document" id="{thing.pk}">Read</a></p>'
    page.save()
    assert ReferenceIndex.get_references_to(thing).exists()


@pytest.mark.parametrize("way", WAYS)
def test_nobody_loses_what_others_uploaded_or_what_a_page_shows(people, way):
    outcomes = {}
    for who, whose in WHO_MAY:
        thing = upload(way, people[who] if whose.startswith("own") else people["owner of the site"])
        if "in use" in whose:
            use(thing)

        response = browser_of(people[who]).post(
            WAYS[way].format(pk=thing.pk), headers={"x-requested-with": "XMLHttpRequest"}
        )

        assert response.status_code < 500
        outcomes[who, whose] = not type(thing).objects.filter(pk=thing.pk).exists()

    assert outcomes == WHO_MAY


@pytest.mark.parametrize(
    ("way", "address"),
    [("image", "/staff/images/{pk}/"), ("document", "/staff/documents/edit/{pk}/")],
)
@pytest.mark.parametrize(("who", "is_replaced"), [("editor", False), ("clinical lead", True)])
def test_a_file_is_replaced_by_whoever_may_delete_it(people, way, address, who, is_replaced):
    thing = upload(way, people["owner of the site"])
    before = thing.file.name
    content = get_test_image_file().file.getvalue() if way == "image" else b"words"
    file = SimpleUploadedFile("other.png" if way == "image" else "other.txt", content)

    sent = {"title": "Renamed", "file": file, "collection": "1"}
    response = browser_of(people[who]).post(address.format(pk=thing.pk), sent)

    thing.refresh_from_db()
    assert (thing.file.name != before, thing.title == "Renamed") == (is_replaced, is_replaced)
    assert (KEPT in str(response.content.decode())) is not is_replaced


@pytest.mark.parametrize("way", ["image", "document"])
def test_an_editor_may_still_describe_what_others_uploaded(people, way):
    thing = upload(way, people["owner of the site"])
    address = {"image": "/staff/images/{}/", "document": "/staff/documents/edit/{}/"}[way]

    sent = {"title": "Renamed", "collection": "1"}
    browser_of(people["editor"]).post(address.format(thing.pk), sent)

    thing.refresh_from_db()
    assert thing.title == "Renamed"


# --- exports and tests of Wagtail's own ---------------------------------------------------------

EMPTY = ["/staff/enrollments/order/", "/staff/enrollments/enrollment/", "/staff/users/",
         "/staff/snippets/programs/faqitem/", "/staff/images/", "/staff/documents/"]  # fmt: skip


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("address", EMPTY)
def test_a_list_without_an_export_says_so(staff_client, address, kind):
    response = staff_client.get(f"{address}?export={kind}&q=ann", follow=True)

    assert response.redirect_chain == [(address, 302)]
    assert "This list cannot be exported." in response.content.decode()


@pytest.mark.parametrize("address", ["/staff/reports/site-history/", "/staff/redirects/"])
def test_wagtails_own_exports_still_work(staff_client, address):
    response = staff_client.get(f"{address}?export=csv")

    assert response["Content-Type"].startswith("text/csv")


@pytest.mark.parametrize("address", ["/staff/failwhale/", "/staff/test404/", "/staff/styleguide/"])
def test_wagtails_tests_of_its_own_pages_are_closed(staff_client, address):
    assert staff_client.get(address).status_code == 404
