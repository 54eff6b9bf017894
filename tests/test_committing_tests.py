"""Tests that commit find the loaded content, whatever ran before them."""

import pytest

from home.content.load import load, read
from programs.models import LessonPage, SyllabusWeekPage
from tests.factories.pages import make_week, make_workshop

COMMITTING = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@COMMITTING
@pytest.mark.parametrize("run", ["first", "second"])
def test_a_test_that_commits_starts_with_the_content_and_may_change_it(run, settings):
    before = (SyllabusWeekPage.objects.count(), LessonPage.objects.count())

    make_week(make_workshop(), 1)
    created = load(read(settings.BASE_DIR / "content/practice.yaml")).created

    assert before == (12, 56)
    assert SyllabusWeekPage.objects.count() == 13
    assert sum(created.values()) == 0


def test_a_live_server_serves_the_content(live_server, django_db_serialized_rollback, client):
    assert client.get(f"{live_server.url}/programs/facing-heartbreak/").status_code == 200
