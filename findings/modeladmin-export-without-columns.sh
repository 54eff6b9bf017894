#!/usr/bin/env bash
# Expected: a list of wagtail-modeladmin for which nobody declared an export (`list_export` is empty)
#   offers none, and an address with `?export=csv` shows the list or refuses.
# Really: whoever may see the list gets a file: a heading line without a heading, then one empty line
#   for each row. No error, no log: it looks like an export of a table that has lost its data.
# Versions: wagtail-modeladmin 2.5.0, wagtail 7.4.4, Django 5.2.19. Date: 2026-11-28.
# Consequence here: a list without declared columns answers such an address with a refusal.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check \
	wagtail==7.4.4 Django==5.2.19 wagtail-modeladmin==2.5.0
venv/bin/wagtail start project . > /dev/null
sed -i 's/"wagtail.admin",/"wagtail_modeladmin",\n    "wagtail.admin",/' project/settings/base.py
cat > home/wagtail_hooks.py <<'PYTHON'
from django.contrib.auth.models import Group
from wagtail_modeladmin.options import ModelAdmin, modeladmin_register


@modeladmin_register
class GroupAdmin(ModelAdmin):
    model = Group
    list_display = ["name"]
PYTHON
export DJANGO_SETTINGS_MODULE=project.settings.dev
venv/bin/python manage.py migrate --verbosity 0
venv/bin/python - <<'PYTHON'
import django

django.setup()
from importlib.metadata import version

from django.contrib.auth.models import Group, User
from django.test import Client

User.objects.create_superuser("staff", "staff@example.org", "staff")
client = Client(headers={"host": "localhost"})
client.login(username="staff", password="staff")
answer = client.get("/admin/auth/group/?export=csv")
body = b"".join(answer.streaming_content) if answer.streaming else answer.content
print("wagtail-modeladmin", version("wagtail-modeladmin"), "rows", Group.objects.count())
print("status", answer.status_code, answer["Content-Type"], repr(body))
assert answer.status_code == 200
assert answer["Content-Type"].startswith("text/csv")
assert body.split() == []
assert body.count(b"\n") == Group.objects.count() + 1
PYTHON
