"""Addresses of signing in and out. The names are django-allauth's, which looks them up."""

from __future__ import annotations

from allauth.mfa.base import views as second_step
from allauth.mfa.recovery_codes import views as spare_codes
from allauth.mfa.totp import views as app
from django.urls import path

from accounts import views

urlpatterns = [
    path("login/", views.SignInView.as_view(), name="account_login"),
    path("login/", views.SignInView.as_view(), name="account_request_login_code"),
    path("login/code/", views.CodeView.as_view(), name="account_confirm_login_code"),
    path("logout/", views.sign_out, name="account_logout"),
    path("signed-out/", views.signed_out, name="account_signed_out"),
    # Staff only: see accounts.middleware.StaffSecondFactor.
    path("second-step/", second_step.index, name="mfa_index"),
    path("second-step/enter/", second_step.authenticate, name="mfa_authenticate"),
    path("second-step/again/", second_step.reauthenticate, name="mfa_reauthenticate"),
    path("second-step/app/", views.SetUpSecondStepView.as_view(), name="mfa_activate_totp"),
    path("second-step/app/remove/", app.deactivate_totp, name="mfa_deactivate_totp"),
    path(
        "second-step/spare/",
        views.says_when_unreadable(spare_codes.view_recovery_codes),
        name="mfa_view_recovery_codes",
    ),
    path(
        "second-step/spare/new/",
        views.says_when_unreadable(spare_codes.generate_recovery_codes),
        name="mfa_generate_recovery_codes",
    ),
    # allauth wants to name these; nobody gets in here.
    path("signup/", views.closed, name="account_signup"),
    path("inactive/", views.closed, name="account_inactive"),
    path("reauthenticate/", views.closed, name="account_reauthenticate"),
    path("email/", views.closed, name="account_email"),
    path("email/sent/", views.closed, name="account_email_verification_sent"),
    path("email/<str:key>/", views.closed, name="account_confirm_email"),
    path("password/change/", views.closed, name="account_change_password"),
    path("password/set/", views.closed, name="account_set_password"),
    path("password/reset/", views.closed, name="account_reset_password"),
]
