#!/usr/bin/env bash
# Expected: a page type may name its own form for copying (`copy_form_class`, documented); what its
#   `clean()` says against a copy as a whole is shown to the editor, as mistakes of Django forms are.
# Really: the page "Copy" comes back with status 200 and shows none of the form's non-field errors:
#   its template prints the fields and their errors only. The editor reads nothing and sees no reason.
# Versions: wagtail 7.4.4, Django 5.2.19. Date: 2026-11-27.
# Consequence here: SitePageCopyForm puts such a sentence at the field of the parent page.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check wagtail==7.4.4 Django==5.2.19
venv/bin/wagtail start project . > /dev/null
cat >> home/models.py <<'PYTHON'

from django import forms
from wagtail.admin.forms.pages import CopyForm


class RefusingCopyForm(CopyForm):
    def clean(self):
        cleaned = super().clean()
        self.add_error("new_title", "A sentence at a field.")
        raise forms.ValidationError("A sentence about the whole.")


HomePage.copy_form_class = RefusingCopyForm
PYTHON
export DJANGO_SETTINGS_MODULE=project.settings.dev
venv/bin/python manage.py migrate --verbosity 0
venv/bin/python - <<'PYTHON'
import django

django.setup()
import wagtail
from django.contrib.auth.models import User
from django.test import Client
from django.test.utils import setup_test_environment

from home.models import HomePage

setup_test_environment()
User.objects.create_superuser("staff", "staff@example.org", "staff")
client = Client(headers={"host": "localhost"})
client.login(username="staff", password="staff")
page = HomePage.objects.get()
sent = {"new_title": "Copy", "new_slug": "copy", "new_parent_page": page.get_parent().pk}
answer = client.post(f"/admin/pages/{page.pk}/copy/", sent)
text = answer.content.decode()
print("wagtail", wagtail.__version__, "django", django.get_version())
print("status", answer.status_code, "errors", answer.context["form"].errors.get_json_data())
print("shown at the field:", "A sentence at a field." in text)
print("shown about the whole:", "A sentence about the whole." in text)
assert answer.status_code == 200
assert "A sentence at a field." in text
assert "A sentence about the whole." not in text
PYTHON
