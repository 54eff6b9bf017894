"""Rows as the database has them now, whatever a test still holds of them."""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Model

from enrollments.models import Enrollment, Order

Row = TypeVar("Row", bound=Model)


def fresh(row: Row) -> Row:
    """The row as it stands in the database."""
    return type(row)._default_manager.get(pk=row.pk)


def place_of(order: Order) -> Enrollment:
    """The place that the order pays for now."""
    return Enrollment.objects.get(line__order=order)
