"""Every address of the site: fixed routes first, Wagtail's pages last."""

from __future__ import annotations

from django.conf import settings
from django.urls import include, path
from django.views.generic import RedirectView
from wagtail import urls as wagtail_urls
from wagtail.admin import urls as wagtailadmin_urls
from wagtail.documents import urls as wagtaildocs_urls

from core.views import nothing_here

handler500 = "core.views.server_error"

# One way in: Wagtail's own login views would skip the second factor.
to_sign_in = RedirectView.as_view(pattern_name="account_login", query_string=True)

urlpatterns = [
    path("", include("core.urls")),
    path("account/", include("accounts.urls")),
    path("staff/login/", to_sign_in),
    path("_util/login/", to_sign_in),
    # Wagtail's tests of its own error pages.
    path("staff/failwhale/", nothing_here),
    path("staff/test404/", nothing_here),
    path("staff/", include(wagtailadmin_urls)),
    path("documents/", include(wagtaildocs_urls)),
    path("", include("enrollments.urls")),
    path("member/", include("members.urls")),
]

if settings.DEVELOPMENT:
    urlpatterns += [path("dev/", include("core.dev_urls"))]

urlpatterns += [path("", include(wagtail_urls))]
