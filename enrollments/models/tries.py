"""How often somebody has tried something lately: counted in the database, for every process."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Tries(models.Model):
    """The latest tries of one kind by one address: digests and moments, never who it was."""

    kind = models.CharField(max_length=20)
    digest = models.CharField(max_length=64)
    # In whole seconds, oldest first; those that no longer count are dropped with the next one.
    moments = models.JSONField(default=list)
    last_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "tries"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["kind", "digest"], name="tries_are_counted_once"),
        ]

    def __str__(self) -> str:
        return f"{len(self.moments)} tries of {self.kind}"
