"""Metrics as data: those of the package, those of a home, and every way in which a file can be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.prove.experiment.homes import new_home

from matinee.errors import InputError, NotFoundError
from matinee.observe.home import Home
from matinee.prove.experiment.metrics.catalogue import known_metrics, metric_named, parse

WATCHED = '[mine]\ntitle = "Mine"\nkind = "mean"\nof = { table = "plays" }\n'


def test_the_package_has_the_metrics_that_every_service_needs() -> None:
    found = known_metrics()
    wanted = {
        "quality_plays", "watch_hours", "active_days", "play_rate_per_impression", "searches",
        "thumbs_down_rate", "retained_7d", "retained_28d", "first_play_delay_p90", "fallback_rate",
        "empty_pages", "latency_p95",
    }  # fmt: skip
    assert wanted <= set(found)
    assert list(found) == sorted(found)
    assert {one.kind for one in found.values()} == {"mean", "proportion", "ratio", "quantile", "returning"}


def test_a_homes_own_metric_is_found_and_takes_the_place_of_ours(tmp_path: Path) -> None:
    home = with_file(tmp_path, WATCHED + WATCHED.replace("mine", "plays"))
    found = known_metrics(home)
    assert found["mine"].title == found["plays"].title == "Mine"
    assert known_metrics()["plays"].title != "Mine"


def with_file(folder: Path, text: str, name: str = "own.toml") -> Home:
    home = new_home(folder)
    (folder / "metrics").mkdir(exist_ok=True)
    (folder / "metrics" / name).write_text(text, encoding="utf-8")
    return home


def test_a_wrong_file_is_named(tmp_path: Path) -> None:
    home = with_file(tmp_path, WATCHED.replace("kind", "kin"))
    with pytest.raises(InputError, match=r'metrics/own\.toml: \[mine\]: unknown key "kin".*mean "kind"'):
        known_metrics(home)


def test_the_same_name_in_two_files_of_a_home_is_refused(tmp_path: Path) -> None:
    with_file(tmp_path, WATCHED)
    home = with_file(tmp_path, WATCHED, "second.toml")
    with pytest.raises(InputError, match=r"second\.toml: \[mine\] stands in .*own\.toml too"):
        known_metrics(home)


def test_an_unknown_metric_names_the_nearest() -> None:
    with pytest.raises(
        NotFoundError, match=r'experiment x: unknown metric "watch_hour"\. Did you mean "watch_'
    ):
        metric_named(known_metrics(), "watch_hour", "experiment x")


OF = 'of = { table = "plays" }'


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("[mine]", "[mine", "is no TOML"),
        ("[mine]", "[My-Metric]", "expected a name of small letters"),
        (WATCHED, "mine = 3", "mine is 3, expected a table"),
        ("title", 'name = "x"\ntitle', "name is 'x', expected none"),
        ('"mean"', '"average"', r"Invalid enum value 'average' - at `kind`"),
        ('"plays"', '"play"', r'\[mine\]\.of: unknown table "play"\. Did you mean "plays"'),
        (OF, 'of = { tabel = "plays" }', r'\[mine\]\.of: unknown key "tabel"\. Did you mean "table"'),
        (OF, 'of = { table = "plays", count = "sum" }', 'column is "", expected a column for "sum"'),
        (OF, 'of = { table = "plays", column = "watch_s" }', 'expected none for "events"'),
        (OF, 'of = { table = "plays", count = "sum", column = "title_id" }', "expected one of numbers"),
        (OF, 'of = { table = "plays", count = "sum", column = "wach_s" }', 'Did you mean "watch_s"'),
        (OF, 'of = { table = "searches", quality = true }', "quality is set for .searches."),
        (OF, 'of = { table = "plays", times = 0 }', "times is 0.0, expected a number above 0"),
        (OF, 'of = { table = "plays", quality = { share = 2 } }', "share is 2.0, expected 0 to 1"),
        (OF, f'{OF}\nper = {{ table = "plays" }}', "per is given"),
        ('"mean"', '"ratio"', "per is missing"),
        ('"mean"', '"returning"', r"days is \[\], expected days"),
        ('"mean"', '"returning"\ndays = [7, 3]', r"days is \[7, 3\], expected growing days"),
        ('"mean"', '"quantile"\nlevel = 1', "level is 1.0, expected between 0 and 1"),
        (OF, f"{OF}\nwindow_days = -1", "window_days is -1"),
        (OF, 'of = { table = "plays", count = "max", column = "watch_s" }', 'count is "max"'),
        (OF, 'of = { table = "plays", where = [{ column = "device", op = "=~", value = "a" }] }', 'op "=~"'),
        (OF, 'of = { table = "plays", where = [{ column = "devic", op = "missing" }] }', 'mean "device"'),
        (OF, 'of = { table = "plays", where = [{ column = "device", op = "==" }] }', "value is missing"),
        (OF, 'of = { table = "plays", where = [{ column = "device", op = "present", value = 1 }] }', "none"),
    ],
)
def test_what_cannot_be_computed_is_refused_and_named(before: str, after: str, message: str) -> None:
    assert before in WATCHED
    with pytest.raises(InputError, match=message):
        parse(WATCHED.replace(before, after), "own.toml")


def test_a_wait_needs_a_window() -> None:
    text = '[wait]\ntitle = "W"\nkind = "quantile"\nof = { table = "plays", count = "delay_h" }\n'
    with pytest.raises(InputError, match="window_days is 0, expected days"):
        parse(text, "own.toml")
    assert parse(text + "window_days = 7\n", "own.toml")["wait"].matures_days == 7
