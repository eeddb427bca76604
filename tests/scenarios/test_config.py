"""heapsleuth.toml: every key is checked, and every mistake named with its place."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from heapsleuth.errors import UsageError
from heapsleuth.scenarios.config import BUDGET_KEYS, SECTIONS, Config, Kind, limits, load
from heapsleuth.scenarios.criteria import ClassBudget, Limits

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "ci.md"

FULL = """
[check]
command = ["node", "server.js"]
cwd = "service"
node = "node"
rounds = 5
max-time = "5min"
baseline = "known-leaks.json"

[load]
url = "http://127.0.0.1:3000/"
requests = 1000
connections = 8
pace = 2
rate = 100
timeout = "250ms"
method = "POST"
headers = { "content-type" = "application/json" }
body = "{}"

[criteria]
fail-on = 0.9
stable-within = "1min"
peak-factor = false
crash = true
non-2xx = 0

[budgets.ReportEntry]
max-count = 100

[budgets."Map<string, Row>"]
bytes-per-work = "1.5kB"

[reports]
junit = "out/heapsleuth.xml"
sarif = "-"
base-dir = "."
"""


def loaded(text: str, folder: Path) -> Config:
    path = folder / "heapsleuth.toml"
    path.write_text(text, encoding="utf-8")
    return load(str(path))


def refused(text: str, folder: Path) -> str:
    with pytest.raises(UsageError) as caught:
        loaded(text, folder)
    return str(caught.value).removeprefix(f"{folder / 'heapsleuth.toml'}: ")


def test_values_come_in_the_units_of_the_program(tmp_path: Path) -> None:
    config = loaded(FULL, tmp_path)

    assert config.get("check", "command") == ("node", "server.js")
    assert config.get("check", "max-time") == 300.0
    assert config.get("load", "url") == ("http://127.0.0.1:3000/",)
    assert config.get("load", "timeout") == 0.25
    assert config.get("load", "pace") == 2.0
    assert config.get("load", "headers") == {"content-type": "application/json"}
    assert config.budgets == (
        ClassBudget("ReportEntry", max_count=100),
        ClassBudget("Map<string, Row>", bytes_per_work=1500.0),
    )


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    config = loaded(FULL, tmp_path)

    assert config.get("check", "cwd") == str(tmp_path / "service")
    assert config.get("reports", "junit") == str(tmp_path / "out" / "heapsleuth.xml")
    assert config.get("reports", "sarif") == "-"
    assert config.get("check", "node") == "node"


def test_a_flag_wins_over_the_file_and_what_neither_says_is_none(tmp_path: Path) -> None:
    config = loaded(FULL, tmp_path)

    assert config.get("check", "rounds", 9) == 9
    assert config.get("check", "rounds") == 5
    assert config.get("load", "rate", 0) == 0
    assert config.get("check", "target") is None
    with pytest.raises(KeyError, match=r"check\.round"):
        config.get("check", "round")


def test_limits_are_the_flags_then_the_file_then_the_defaults(tmp_path: Path) -> None:
    config = loaded(FULL, tmp_path)

    assert limits(config) == Limits(0.9, 60.0, None, crash=True, non_2xx_share=0.0, budgets=config.budgets)
    assert limits(config, fail_on=0.5, peak_factor=3.0).fail_on == 0.5
    assert limits(config, fail_on=0.5, peak_factor=3.0).peak_factor == 3.0
    assert limits(config, fail_on=False).fail_on is None
    assert limits(config, stable_within_s=False).stable_within_s is None
    assert limits(config, crash=False).crash is False
    assert limits(Config()) == Limits()
    with pytest.raises(TypeError, match="no such limit: peak"):
        limits(config, peak=2.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[check]\nround = 3", "check.round: unknown key; did you mean rounds?"),
        ("[check]\nmax_time = 3", "check.max_time: unknown key; did you mean max-time?"),
        ("[check]\nzzz = 3", "check.zzz: unknown key; known are target, command, cwd"),
        ("[chekc]\n", "chekc: unknown section; did you mean check?"),
        ("[budgets.Row]\nmax = 3", "budgets.Row.max: unknown key; did you mean max-count?"),
        ("rounds = 3", "rounds: unknown section; known are check, load"),
        ("check = 3", "check: expected a section [check], found 3"),
        ('[check]\nrounds = "ten"', 'check.rounds: expected a whole number above 0, found the text "ten"'),
        ("[check]\nrounds = true", "check.rounds: expected a whole number above 0, found true"),
        ("[check]\nrounds = 0", "check.rounds: expected a whole number above 0, found 0"),
        ("[check]\nrounds = 2.5", "check.rounds: expected a whole number above 0, found 2.5"),
        (
            "[budgets.Row]\nmax-count = -1",
            "budgets.Row.max-count: expected a whole number, 0 or more, found -1",
        ),
        ('[check]\nmax-time = "soon"', "check.max-time: expected a duration such as 30s, 5min or 250ms"),
        ("[check]\nmax-time = false", "check.max-time: expected seconds, or a text"),
        ("[check]\nmax-time = 2026-01-01", "check.max-time: expected seconds, or a text"),
        ('[check]\ntarget = ""', 'check.target: expected a path, found the text ""'),
        ("[check]\ncommand = []", "check.command: expected a text or a list of texts, found a list"),
        ('[check]\ntarget = "a.js"\ncommand = "b"', "check: expected a target or a command, found both"),
        ("[load]\nrate = 0", "load.rate: expected a number above 0, found 0"),
        ("[load]\nrate = inf", "load.rate: expected a number above 0, found inf"),
        ("[load]\nheaders = { a = 1 }", "load.headers: expected a table of texts, found a table"),
        ("[criteria]\nfail-on = 2", "criteria.fail-on: expected a number from 0 to 1, or false, found 2"),
        ("[criteria]\nfail-on = nan", "criteria.fail-on: expected a number from 0 to 1, or false, found nan"),
        ("[criteria]\ncrash = 1", "criteria.crash: expected true or false, found 1"),
        ("[budgets]\nRow = 3", "budgets.Row: expected a table with max-count or bytes-per-work, found 3"),
        ("[budgets.Row]", "budgets.Row: expected a table with max-count or bytes-per-work, found a table"),
        ('[budgets.Row]\nbytes-per-work = "much"', "budgets.Row.bytes-per-work: expected a size such as"),
        ("[check\n", "expected TOML: "),
    ],
)
def test_a_mistake_is_told_with_what_was_expected_and_where(text: str, message: str, tmp_path: Path) -> None:
    assert refused(text, tmp_path).startswith(message)


def test_the_file_of_the_current_folder_is_taken_when_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert load() == Config()
    (tmp_path / "heapsleuth.toml").write_text('[check]\nrounds = 7\ncwd = "app"', encoding="utf-8")
    assert load().get("check", "rounds") == 7
    assert load().get("check", "cwd") == "app"


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected a configuration file, found no such file"):
        load(str(tmp_path / "other.toml"))


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "heapsleuth.toml").write_bytes(b"\xff")

    with pytest.raises(UsageError, match="the configuration cannot be read"):
        load(str(tmp_path / "heapsleuth.toml"))


def every_key() -> list[tuple[str, str, Any]]:
    found = [(section, name, key) for section, keys in SECTIONS.items() for name, key in keys.items()]
    return [*found, *(("budgets.Row", name, key) for name, key in BUDGET_KEYS.items())]


@pytest.mark.parametrize(("section", "name", "key"), every_key())
def test_every_key_refuses_what_it_is_not(section: str, name: str, key: Any, tmp_path: Path) -> None:
    wrong = '"text"' if key.kind is Kind.FLAG else "[[1]]"

    assert refused(f"[{section}]\n{name} = {wrong}", tmp_path).startswith(f"{section}.{name}: expected ")


@pytest.mark.parametrize(("section", "name", "key"), every_key())
def test_the_guide_names_every_key(section: str, name: str, key: Any) -> None:
    text = GUIDE.read_text(encoding="utf-8")
    part = re.search(rf"^\[{section.partition('.')[0]}.*?(?=^\[|^```)", text, re.MULTILINE | re.DOTALL)

    assert part is not None
    assert re.search(rf"^#? ?{name} = ", part[0], re.MULTILINE), key.meaning


def test_the_example_of_the_guide_is_valid(tmp_path: Path) -> None:
    example = re.search(r"```toml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)

    assert example is not None
    assert loaded(example[1], tmp_path).budgets != ()
