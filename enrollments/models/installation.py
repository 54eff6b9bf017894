"""Which installation of this site the database belongs to."""

from __future__ import annotations

import uuid
from typing import Final

from django.db import models

ONLY_ROW: Final = 1


class Installation(models.Model):
    """One row. Its code goes to Stripe with every payment page and says nothing about anybody.

    It lives in the database, so that a restored dump is the same installation; a copy for trying
    things out gets another one with ``manage.py new_installation_code``.
    """

    code = models.UUIDField(default=uuid.uuid4, editable=False)

    def __str__(self) -> str:
        return "Installation"

    @classmethod
    def own_code(cls) -> str:
        """The code of this installation, made when it is first asked for. One query."""
        row, _ = cls.objects.get_or_create(pk=ONLY_ROW)
        return str(row.code)

    @classmethod
    def renew_code(cls) -> str:
        """A new code: what other installations have sold is none of this one's from now on."""
        row, _ = cls.objects.update_or_create(pk=ONLY_ROW, defaults={"code": uuid.uuid4()})
        return str(row.code)
