"""The desks of quarters and their meetings."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.admin import display
from django.contrib.admin.utils import quote
from django.db.models import BooleanField, Count, Exists, Min, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, re_path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from wagtail.admin.panels import FieldPanel, FieldRowPanel, MultiFieldPanel, ObjectList
from wagtail_modeladmin.options import ModelAdmin

from accounts.models import User
from enrollments.desks.base import (
    Desk,
    DeskButtons,
    EditOnly,
    KnownChoicesFilter,
    PermissionHelper,
    Section,
    Table,
)
from enrollments.desks.quarter_forms import MeetingForm
from enrollments.desks.quarter_views import (
    CloseEnrollmentView,
    DeleteQuarterView,
    EditMeetingView,
    EditQuarterView,
    NewQuarterView,
    OpenEnrollmentView,
)
from enrollments.desks.wording import NOTHING, link, quarter_state, sample_tag, short_when, tag, when
from enrollments.models import Enrollment, Meeting, Quarter
from enrollments.money import written
from enrollments.offers import zone_name
from enrollments.querysets import OCCUPYING
from programs.models import WorkshopPage
