"""What stands around the site: make's targets, lock files, the demo's runner, benchmarks."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bench import client, load
from bench.__main__ import SECTIONS, chosen
from devtools import demo, environment, postgres, programs

PROJECT = Path(__file__).resolve().parent.parent
NAMES = ("uv", "runtime", "ses", "demo", "dev")
LOCKS = {name: (PROJECT / f"requirements/{name}.txt").read_text() for name in NAMES}
PIN = re.compile(r"^([a-z0-9._-]+)(?:\[([a-z, ]+)\])?==(\S+)", re.MULTILINE)
# What is installed together, each by a command of its own.
TOGETHER = [("runtime",), ("runtime", "ses"), *environment.GROUPS.values()]


def pins(lock: str) -> dict[str, str]:
    return {name: version for name, _extras, version in PIN.findall(lock)}


def extras(lock: str) -> set[tuple[str, str]]:
    """Each package of a lock, with each extra that the lock gives it."""
    return {
        (name, extra.strip())
        for name, listed, _version in PIN.findall(lock)
        for extra in listed.split(",")
        if extra
    }


def asked_for(lock: str) -> set[tuple[str, str]]:
    """Each package that the installed ones of a lock ask for with an extra."""
    given = extras(lock)
    return {
        (canonicalize_name(wanted.name), extra)
        for name in pins(lock)
        for wanted in map(Requirement, metadata.requires(name) or ())
        if wanted.marker is None
        or any(
            wanted.marker.evaluate({"extra": own})
            for own in ("", *(extra for owner, extra in given if owner == name))
        )
        for extra in wanted.extras
    }


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_make_alone_lists_every_target():
    makefile = (PROJECT / "Makefile").read_text()
    targets = set(re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)[1].split())

    listed = subprocess.run(
        ["make"],
        cwd=PROJECT,
        # As somebody would type it: when make runs this test, its own variables are there too.
        env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")},
        capture_output=True,
        text=True,
        check=True,
    )

    assert {line.split()[0] for line in listed.stdout.splitlines()} == targets


def test_what_must_be_green_is_run_in_order():
    script = PROJECT / ".ci/run"

    steps = [line for line in script.read_text().splitlines() if line.startswith("make")]

    assert steps == ["make test", "make check", "make test-postgres", "make outside"]
    assert os.access(script, os.X_OK)


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_its_hashes(name):
    entries = re.split(r"\n(?=[a-z0-9])", LOCKS[name])

    assert len(pins(LOCKS[name])) == len(entries)
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_names_no_host_and_no_path(name):
    assert re.findall(r"https?:|file:|index-url|find-links|^-.*", LOCKS[name], re.MULTILINE) == []


@pytest.mark.parametrize("names", TOGETHER)
def test_whatever_is_asked_for_with_an_extra_is_locked_with_it(names):
    # The pip of Python 3.11 takes the newest release otherwise, and refuses it for want of a hash.
    lock = "\n".join(LOCKS[name] for name in names)

    assert asked_for(lock) - extras(lock) == set()


def test_an_extra_that_a_lock_has_lost_is_noticed():
    lock = "\n".join(LOCKS[name] for name in environment.GROUPS["dev"])

    lost = asked_for(lock) - extras(lock.replace("coverage[toml]==", "coverage=="))

    assert lost == {("coverage", "toml")}


@pytest.mark.parametrize("names", TOGETHER)
def test_what_is_installed_together_is_locked_to_one_release(names):
    releases = [pin for name in names for pin in pins(LOCKS[name]).items()]

    assert len(dict(releases)) == len(set(releases))


@pytest.mark.parametrize(
    ("wanted", "record", "group"),
    [
        ("demo", "", "demo"),
        ("dev", "", "dev"),
        ("demo", "demo 1", "demo"),
        ("demo", "dev 1", "dev"),
        ("dev", "demo 1", "dev"),
        ("demo", "unknown 1", "demo"),
    ],
)
def test_an_environment_grows_and_never_shrinks(wanted, record, group):
    assert environment.group_to_install(wanted, record) == group


def test_an_environment_that_stands_is_only_looked_at(monkeypatch, tmp_path):
    monkeypatch.setattr(environment, "RECORD", tmp_path / "installed")
    environment.RECORD.write_text(environment.fingerprint("dev"))
    monkeypatch.setattr(environment, "install", lambda group: pytest.fail("installed again"))

    assert [environment.main([group]) for group in environment.GROUPS] == [0, 0]


def test_an_old_python_is_told_which_one_is_needed(monkeypatch, capsys):
    monkeypatch.setattr(environment, "OLDEST_PYTHON", (99, 0))

    assert environment.main(["demo"]) == 2
    assert capsys.readouterr().err == f"{environment.TOO_OLD}\n"


def test_a_python_without_venv_is_told_what_to_install(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(environment, "RECORD", tmp_path / "installed")
    monkeypatch.setattr(environment.importlib.util, "find_spec", lambda name: None)

    assert environment.main(["demo"]) == 2
    assert "apt-get install python3-venv" in capsys.readouterr().err


def test_an_environment_that_could_not_be_filled_is_not_recorded(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(environment, "RECORD", tmp_path / "installed")
    monkeypatch.setattr(environment, "create", lambda: None)
    monkeypatch.setattr(environment, "run", lambda *command: False)

    assert environment.main(["demo"]) == 2
    assert not environment.RECORD.exists()
    said = capsys.readouterr()
    assert environment.BY_PIP in said.out
    assert "could not be installed" in said.err


def test_a_missing_program_is_named_with_its_package(monkeypatch, capsys):
    monkeypatch.setattr(programs, "PACKAGES", {"no-such-program": "its-package"})
    monkeypatch.setattr(programs.debian, "install", lambda *packages: False)

    assert programs.main() == 2
    assert "no-such-program" in (said := capsys.readouterr().err)
    assert "apt-get install -y its-package" in said


def test_the_demo_says_that_its_port_is_taken(monkeypatch, capsys, taken_port):
    monkeypatch.setenv("PORT", str(taken_port))

    status = demo.main([])

    assert status == 2
    assert capsys.readouterr().err == (
        f"Port {taken_port} is taken. Choose another one: make demo PORT=8123\n"
    )


@pytest.mark.parametrize("port", ["", "abc", "0", "65536", "-1", "80.5"])
def test_the_demo_says_what_a_port_is(monkeypatch, capsys, port):
    monkeypatch.setenv("PORT", port)

    status = demo.main([])

    assert status == 2
    assert "between 1 and 65535" in capsys.readouterr().err


def test_the_stand_in_gets_another_port_when_its_own_is_taken(taken_port):
    other = demo.free_port(taken_port)

    assert other != taken_port
    assert demo.free_port(other) == other


def test_a_reset_takes_away_the_demo_and_nothing_else(monkeypatch, tmp_path):
    (tmp_path / "letters").mkdir()
    for name in ("db.sqlite3", "db.sqlite3-wal", "letters/one.txt", "standin.json", "notes.txt"):
        (tmp_path / name).write_text("x")
    monkeypatch.setattr(demo, "VAR", tmp_path)

    demo.forget()

    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_the_tests_on_postgresql_refuse_another_database(monkeypatch, capsys):
    monkeypatch.setenv("DATABASE_URL", "sqlite:///some.sqlite3")

    status = postgres.main(["-c", "raise SystemExit(0)"])

    assert status == 2
    assert "these tests are for PostgreSQL" in capsys.readouterr().err


def test_the_tests_on_postgresql_are_told_where_and_answer_as_the_module_does(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://somewhere/practice")
    asks = "import os; raise SystemExit(len(os.environ['DATABASE_URL']))"

    assert postgres.main(["-c", asks]) == len("postgres://somewhere/practice")


def test_without_a_browser_the_tests_do_not_begin():
    nowhere = {**os.environ, "PATH": "", "PLAYWRIGHT_BROWSERS_PATH": "/nowhere"}

    looked = subprocess.run(
        [sys.executable, "-m", "devtools.chromium"],
        cwd=PROJECT,
        env=nowhere,
        capture_output=True,
        text=True,
        check=False,
    )

    assert looked.returncode == 2
    assert "apt-get install -y chromium" in looked.stderr


def test_load_goes_to_this_machine_only():
    with pytest.raises(ValueError, match="loopback only"):
        client.ask("http://practice.example/", 1)


@pytest.mark.parametrize(
    ("text", "number"), [("900.00us", 0.9), ("1.20ms", 1.2), ("1.02s", 1020.0), ("0.00us", 0.0)]
)
def test_times_are_read_in_every_unit(text, number):
    assert client._milliseconds(text) == pytest.approx(number)


def test_a_spread_names_the_median_first():
    assert load.spread([3.0, 1.0, 20_000.0]) == "3 (1 to 20,000)"


def test_ratios_are_taken_round_by_round():
    def rounds(*speeds: float) -> list[load.Round]:
        return [load.Round(client.Asked(1, speed, 0, 0), 0) for speed in speeds]

    ratio = load.paired(rounds(4, 90), rounds(2, 30), lambda each: each.asked.per_second)

    assert ratio == "2.5 (2 to 3)"


@pytest.mark.parametrize(("named", "measured"), [([], list(SECTIONS)), (["race"], ["race"])])
def test_benchmarks_measure_what_is_named_or_everything(named, measured):
    assert chosen(named) == measured


def test_a_benchmark_that_does_not_exist_is_named_in_the_refusal(capsys):
    with pytest.raises(SystemExit):
        chosen(["seats", "chairs"])

    assert "unknown: chairs; there are queries, pages, seats" in capsys.readouterr().err
