"""What is taught, and by whom.

Knows nothing about who bought it: prices, seats and access belong to ``enrollments``, which
imports this package and never the reverse.
"""

from __future__ import annotations

from programs.models.bundle import BundlePage, CoursePage, LessonPage
from programs.models.faq import FAQItem
from programs.models.index import ProgramIndexPage
from programs.models.therapist import TherapistIndexPage, TherapistPage
from programs.models.workshop import (
    SyllabusWeekPage,
    WorkshopFAQPick,
    WorkshopPage,
    WorkshopTestimonialPick,
    WorkshopTherapistPick,
)

__all__ = [
    "BundlePage",
    "CoursePage",
    "FAQItem",
    "LessonPage",
    "ProgramIndexPage",
    "SyllabusWeekPage",
    "TherapistIndexPage",
    "TherapistPage",
    "WorkshopFAQPick",
    "WorkshopPage",
    "WorkshopTestimonialPick",
    "WorkshopTherapistPick",
]
