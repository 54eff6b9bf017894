"""Whether production would show a picture: run by ``devtools.deploy_check`` with its settings."""

from __future__ import annotations

import sys
from http import HTTPStatus

import django
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client

# A GIF of one pixel.
PIXEL = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c000000000100010000"
                      "02024401003b")  # fmt: skip
NOT_SHOWN = "Visitors would see no pictures: {address} answers {status}, {caching!r}."


def main() -> int:
    """0 when a picture that a page shows is answered, and kept by browsers for good."""
    django.setup()
    name = default_storage.save("images/deploy-check.gif", ContentFile(PIXEL))
    try:
        address = default_storage.url(name)
        client = Client(headers={"host": settings.ALLOWED_HOSTS[0]})
        answer = client.get(address, secure=True)
        caching = answer.headers.get("Cache-Control", "")
        is_there = answer.status_code == HTTPStatus.OK and answer.getvalue() == PIXEL
        if is_there and "immutable" in caching:
            return 0
        print(NOT_SHOWN.format(address=address, status=answer.status_code, caching=caching))
        return 1
    finally:
        default_storage.delete(name)


if __name__ == "__main__":
    sys.exit(main())
