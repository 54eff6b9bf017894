"""Who may take an uploaded picture or document away, or put another one in its place.

Wagtail lets everybody who may change a file delete it too, whoever uploaded it and wherever it is
shown, at once and for good, also those who may not publish.
"""

from __future__ import annotations

from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Model, QuerySet
from wagtail.admin.forms.collections import BaseCollectionMemberForm
from wagtail.documents.forms import BaseDocumentForm
from wagtail.images.fields import WagtailImageField
from wagtail.images.forms import BaseImageForm
from wagtail.models import ReferenceIndex
from wagtail.permission_policies.collections import CollectionOwnershipPermissionPolicy

from core.pictures import DAMAGED, UNREADABLE, replace_upload

KEPT: Final = (
    "This would take away for good what somebody else uploaded, or what a page shows. "
    "Add it as a new one, and choose that on the page."
)


class UploadsPolicy(CollectionOwnershipPermissionPolicy):
    """Whoever may change a file and holds the permission to delete such files may delete it.

    Others may delete their own, while nothing uses it.
    """

    def user_has_any_permission_for_instance(self, user: Any, actions: Any, instance: Any) -> bool:
        others = set(actions) - {"delete"}
        may_other = others and super().user_has_any_permission_for_instance(user, others, instance)
        return bool(may_other) or ("delete" in actions and self._may_delete(user, instance))

    def instances_user_has_any_permission_for(self, user: Any, actions: Any) -> QuerySet[Any]:
        found: QuerySet[Any] = super().instances_user_has_any_permission_for(user, actions)
        if set(actions) == {"delete"} and not self._deletes_any(user):
            return found.filter(**{self.owner_field_name: user})
        return found

    def _may_delete(self, user: Any, instance: Model) -> bool:
        if not super().user_has_any_permission_for_instance(user, ["delete"], instance):
            return False
        is_own = getattr(instance, self.owner_field_name) == user
        return self._deletes_any(user) or (is_own and not is_used(instance))

    def _deletes_any(self, user: Any) -> bool:
        return bool(user.has_perm(self._get_permission_name("delete")))


def is_used(upload: Model) -> bool:
    """Whether a page, a question or a setting shows it or leads to it. One query."""
    return bool(ReferenceIndex.get_references_to(upload).exists())


def protect_uploads() -> None:
    """Put the policy in Wagtail's place.

    Wagtail has no setting for it, and its views keep the objects that they found when they were
    imported; so these change their class and stay the same objects.
    """
    from wagtail.documents.permissions import permission_policy as documents  # noqa: PLC0415
    from wagtail.images.permissions import permission_policy as images  # noqa: PLC0415 (needs apps)

    for policy in (images, documents):
        policy.__class__ = UploadsPolicy


class UploadForm(BaseCollectionMemberForm):
    """A form that knows who sends it, and lets nobody take away what others uploaded."""

    def __init__(self, *args: Any, user: Any = None, **options: Any) -> None:
        self.user = user
        super().__init__(*args, user=user, **options)

    def clean_file(self) -> Any:
        upload, policy = self.instance, self.permission_policy
        replaces = upload.pk is not None and "file" in self.changed_data and self.user
        if replaces and not policy.user_has_permission_for_instance(self.user, "delete", upload):
            raise ValidationError(KEPT, code="kept")
        return self.cleaned_data["file"]


class DocumentForm(UploadForm, BaseDocumentForm):
    """The form of every upload of a document."""


class PictureField(WagtailImageField):
    """Wagtail's field, which counts the pixels of a damaged file without expecting an error."""

    def check_image_pixel_size(self, f: Any) -> None:
        try:
            super().check_image_pixel_size(f)
        except DAMAGED as trouble:
            raise ValidationError(UNREADABLE, code="unreadable") from trouble


class PictureForm(UploadForm, BaseImageForm):
    """The form of every upload of a picture."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # Wagtail makes the field itself, and has no setting for its class.
        if "file" in self.fields:
            self.fields["file"].__class__ = PictureField

    def clean_file(self) -> Any:
        file = super().clean_file()
        if isinstance(file, UploadedFile):
            replace_upload(file)
        return file
