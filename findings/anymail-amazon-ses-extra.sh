#!/usr/bin/env bash
# Expected: `django-anymail[amazon-ses]` adds what sending through Amazon SES needs, boto3, and goes
#   with whatever else a project has locked.
# Really: since 15.2 the extra also asks for amazon-s3-encryption-client-python (for encrypted inbound
#   mail), which caps cryptography below 49. With cryptography 50 the extra cannot be installed at all,
#   although the backend that sends imports and runs with boto3 alone.
# Versions: django-anymail 15.2, cryptography 50.0.2, boto3 1.44.8, uv 0.13.9. Date: 2026-11-27.
# Consequence here: requirements/ses.in names boto3 and not the extra.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9

resolve() { # PACKAGE...: the resolver's answer for them and cryptography 50
	printf '%s\n' "$@" cryptography==50.0.2 > wanted.in
	venv/bin/uv pip compile --quiet --no-header --no-annotate wanted.in 2>&1
}

echo "django-anymail[amazon-ses]==15.2 with cryptography==50.0.2:"
if resolve 'django-anymail[amazon-ses]==15.2' > answer; then
	echo "It resolves now: the extra and cryptography 50 go together."
	exit 1
fi
cat answer
grep -q 'amazon-s3-encryption-client-python' answer

echo "django-anymail==15.2 and boto3==1.44.8 with cryptography==50.0.2:"
resolve 'django-anymail==15.2' 'boto3==1.44.8' > locked
grep -E '^(boto3|cryptography|django-anymail)==' locked
venv/bin/uv pip install --quiet --python venv/bin/python -r locked
venv/bin/python - <<'PYTHON'
import django
from django.conf import settings
from django.core.mail import get_connection

settings.configure(ANYMAIL={"AMAZON_SES_CLIENT_PARAMS": {"region_name": "us-east-1"}})
django.setup()
backend = get_connection("anymail.backends.amazon_ses.EmailBackend")
print("Made without the extra:", type(backend).__module__)
PYTHON
