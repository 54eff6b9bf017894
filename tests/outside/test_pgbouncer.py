"""Behind PgBouncer in transaction mode: everything works, and the time limits hold."""

from __future__ import annotations

import json
import subprocess
import sys

import psycopg
import pytest
from django.conf import settings

from tests.outside.conftest import Pooled

pytestmark = pytest.mark.outside


@pytest.fixture(scope="module")
def limited(pooled: Pooled) -> Pooled:
    """The site, whose limits PostgreSQL keeps."""
    done = pooled.manage("set_database_limits")
    assert done.returncode == 0, done.stderr
    pooled.reconnect()
    return pooled


def test_the_setting_for_a_pooler_is_needed(pooled):
    """Debian's PgBouncer refuses what is sent when connecting without one."""
    refused = pooled.manage("check", "--database", "default", DATABASE_POOLER="off")

    assert "unsupported startup parameter: options" in refused.stderr


def test_limits_that_are_not_in_force_are_found_and_then_set(pooled, owned):
    with psycopg.connect(owned.direct, autocommit=True) as line:
        line.execute(f'ALTER ROLE "{owned.name}" IN DATABASE "{owned.name}" RESET ALL')
    pooled.reconnect()

    before = pooled.manage("check", "--database", "default")
    pooled.manage("set_database_limits")
    pooled.reconnect()
    after = pooled.manage("check", "--database", "default")

    assert before.stderr.count("core.E008") == 3
    assert (after.returncode, after.stderr.count("core.E008")) == (0, 0)


def test_a_limit_that_is_taken_away_is_gone(pooled, limited):
    changes = {"DATABASE_LOCK_SECONDS": "0"}
    pooled.manage("set_database_limits", **changes)
    pooled.reconnect()

    found = pooled.manage("check", "--database", "default", **changes)
    pooled.manage("set_database_limits")
    pooled.reconnect()

    assert found.returncode == 0, found.stderr


def test_many_at_once_share_few_connections_and_nothing_breaks(limited, owned):
    """Pages, sales, long lists, tasks and limits, from many more threads than connections."""
    content = limited.manage("load_content", "--verbosity", "0")
    assert content.returncode == 0, content.stderr
    assert limited.manage("load_quarters", "--verbosity", "0").returncode == 0

    done = limited.python("-m", "tests.outside.crowd")

    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["errors"] == []
    assert told["oversold"] == 0
    assert told["sold"] == told["seats"]
    assert told["limits"] == [["1s", "4s", "2s"]]
    # Otherwise nothing was shared.
    assert told["server_connections"] < told["threads"]


def test_nobody_waits_longer_for_a_lock(limited, owned, server):
    # Not as the site's own role, for which the limits hold without a pooler too.
    with psycopg.connect(server, dbname=owned.name) as line:
        line.execute("LOCK TABLE enrollments_quarter IN ACCESS EXCLUSIVE MODE")

        for autocommit in (True, False):
            with (
                psycopg.connect(limited.url, autocommit=autocommit) as waiting,
                pytest.raises(psycopg.errors.LockNotAvailable),
            ):
                waiting.execute("SELECT count(*) FROM enrollments_quarter")


def test_nobody_waits_longer_for_an_answer(limited):
    with (
        psycopg.connect(limited.url, autocommit=True) as waiting,
        pytest.raises(psycopg.errors.QueryCanceled),
    ):
        waiting.execute("SELECT pg_sleep(60)")


def test_whoever_dies_in_the_middle_of_a_transaction_lets_go(limited, owned, server):
    with (
        psycopg.connect(limited.url) as dead,
        psycopg.connect(server, dbname=owned.name, autocommit=True) as next_one,
    ):
        dead.execute("LOCK TABLE enrollments_quarter IN ACCESS EXCLUSIVE MODE")

        next_one.execute("SELECT count(*) FROM enrollments_quarter")

        with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
            dead.execute("SELECT 1")


@pytest.mark.parametrize("wish", ["?pool=true", "?pool=4"])
def test_a_pool_of_the_sites_own_is_refused_in_words(wish):
    run = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=settings.BASE_DIR,
        env={
            "PATH": "/usr/bin:/bin",
            "DJANGO_SETTINGS_MODULE": "config.settings.dev",
            "DATABASE_URL": f"postgres://site@127.0.0.1:5432/practice{wish}",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert "DATABASE_POOLER=on" in run.stderr
