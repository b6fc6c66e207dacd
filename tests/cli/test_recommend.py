from __future__ import annotations

import csv
import json
from collections import defaultdict
from pathlib import Path

import pytest

from matinee.cli.main import main
from matinee.observe.lake.connection import connect, literal

Rows = list[dict[str, str]]

PLAYS = [
    ("ann", "alien", "2024-03-01T20:00:00Z"),
    ("ann", "brazil", "2024-03-02T20:00:00Z"),
    ("ann", "chinatown", "2024-03-09T20:00:00Z"),
    ("bob", "alien", "2024-03-03T20:00:00Z"),
    ("bob", "brazil", "2024-03-04T20:00:00Z"),
    ("cem", "dune", "2024-03-05T20:00:00Z"),
    ("cem", "alien", "2024-03-06T20:00:00Z"),
    ("cem", "alien", "2024-03-07T20:00:00Z"),
    ("dot", "eden", "2024-03-08T20:00:00Z"),
]
TITLES = {title for _, title, _ in PLAYS}


def write_csv(path: Path, header: str, rows: list[tuple[str, ...]]) -> Path:
    path.write_text("\n".join([header, *(",".join(row) for row in rows)]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def plays(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "plays.csv", "member_id,title_id,at", PLAYS)


def run(plays: Path, out: Path, *options: str) -> int:
    return main(["recommend", "--interactions", str(plays), "--out", str(out), *options])


def read(out: Path) -> Rows:
    if out.suffix == ".csv":
        with out.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    with connect() as con:
        found = con.execute(f"SELECT * FROM read_parquet({literal(out)})")
        names = [column[0] for column in found.description]
        return [{n: str(v) for n, v in zip(names, row, strict=True)} for row in found.fetchall()]


def ok(plays: Path, out: Path, *options: str) -> dict[str, list[str]]:
    """Run, check the file's form, and give the titles of each member in order of rank."""
    assert run(plays, out, *options) == 0
    rows = read(out)
    titles: dict[str, list[str]] = defaultdict(list)
    scores: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        assert list(row) == ["member_id", "rank", "title_id", "score"]
        titles[row["member_id"]].append(row["title_id"])
        scores[row["member_id"]].append(float(row["score"]))
        assert int(row["rank"]) == len(titles[row["member_id"]])
    for falling in scores.values():
        assert falling == sorted(falling, reverse=True)
    return dict(titles)


def seen(member: str) -> set[str]:
    return {title for who, title, _ in PLAYS if who == member}


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--objective", "window"),
        ("--diversity", "0.3"),
        ("--diversity", "1"),
        ("--objective", "window", "--diversity", "0.3"),
    ],
)
@pytest.mark.parametrize("k", [2, 10])
def test_k_unseen_titles_or_all_there_are(
    plays: Path, tmp_path: Path, options: tuple[str, ...], k: int
) -> None:
    best = ok(plays, tmp_path / "best.csv", "--k", str(k), *options)
    assert set(best) == {"ann", "bob", "cem", "dot"}
    for member, titles in best.items():
        assert not set(titles) & seen(member)
        assert len(titles) == len(set(titles)) == min(k, len(TITLES - seen(member)))


def test_same_seed_same_file(plays: Path, tmp_path: Path) -> None:
    for name in ("one.csv", "two.csv"):
        ok(plays, tmp_path / name, "--seed", "7", "--diversity", "0.5")
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


def test_csv_and_parquet_in_and_out_give_the_same(plays: Path, tmp_path: Path) -> None:
    parquet = tmp_path / "plays.parquet"
    with connect() as con:
        con.execute(f"COPY (FROM read_csv({literal(plays)})) TO {literal(parquet)} (FORMAT parquet)")
    results = []
    for source in (plays, parquet):
        for name in ("best.csv", "best.parquet"):
            out = tmp_path / f"{source.suffix[1:]}-{name}"
            ok(source, out)
            rows = read(out)
            results.append([{**row, "score": f"{float(row['score']):.5f}"} for row in rows])
    assert results[0]
    assert all(result == results[0] for result in results)


def test_exactly_the_members_of_the_file(plays: Path, tmp_path: Path) -> None:
    members = write_csv(tmp_path / "members.csv", "member_id", [("stranger",), ("bob",), ("007",)])
    best = ok(plays, tmp_path / "best.csv", "--members", str(members), "--k", "2")
    assert list(best) == ["stranger", "bob", "007"]
    assert best["stranger"] == best["007"]
    assert best["stranger"][0] == "alien"  # watched most
    assert not set(best["bob"]) & seen("bob")


def test_titles_that_nobody_watched_may_be_recommended(plays: Path, tmp_path: Path) -> None:
    titles = write_csv(
        tmp_path / "titles.csv",
        "title_id,name,genres",
        [("alien", "Alien", "horror"), ("fargo", "Fargo", "crime")],
    )
    best = ok(plays, tmp_path / "best.csv", "--titles", str(titles))
    for member, found in best.items():
        assert set(found) == (TITLES | {"fargo"}) - seen(member)


def one_event(folder: Path) -> tuple[Path, Path]:
    plays = write_csv(folder / "one.csv", "member_id,title_id,at", [("ann", "alien", "2024-03-01")])
    return plays, write_csv(folder / "titles.csv", "title_id,name", [("alien", "Alien")])


def test_a_catalogue_of_one_title_and_a_log_of_one_event(tmp_path: Path) -> None:
    plays, titles = one_event(tmp_path)
    for options in ((), ("--titles", str(titles)), ("--objective", "window")):
        assert ok(plays, tmp_path / "best.csv", "--k", "2", *options) == {}
    members = write_csv(tmp_path / "members.csv", "member_id", [("ann",), ("new",)])
    assert ok(plays, tmp_path / "best.csv", "--k", "2", "--members", str(members)) == {"new": ["alien"]}
    assert (tmp_path / "best.csv").read_text().startswith("member_id,rank,title_id,score")


@pytest.mark.parametrize("objective", ["next", "window"])
def test_many_more_places_than_titles(tmp_path: Path, objective: str) -> None:
    plays, _ = one_event(tmp_path)
    members = write_csv(tmp_path / "members.csv", "member_id", [("new",)])
    options = ("--objective", objective, "--members", str(members))
    assert ok(plays, tmp_path / "best.csv", "--k", "10", *options) == {"new": ["alien"]}


def test_at_learns_only_from_what_happened_until_then(plays: Path, tmp_path: Path) -> None:
    best = ok(plays, tmp_path / "then.csv", "--k", "3", "--at", "2024-03-04T20:00:00Z")
    assert best == {}  # there were two titles then, and both members had watched both
    members = write_csv(tmp_path / "members.csv", "member_id", [("dot",), ("ann",)])
    best = ok(plays, tmp_path / "then.csv", "--k", "3", "--at", "2024-03-06", "--members", str(members))
    assert set(best["dot"]) == {"alien", "brazil", "dune"}
    assert best["ann"] == ["dune"]
    before = [play for play in PLAYS if play[2] < "2024-03-06"]
    early = write_csv(tmp_path / "early.csv", "member_id,title_id,at", before)
    assert best == ok(early, tmp_path / "early-best.csv", "--k", "3", "--members", str(members))


def test_json_says_what_was_written(plays: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "best.csv"
    assert run(plays, out, "--k", "1", "--json") == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert {name: found[name] for name in ("out", "members", "rows", "objective")} == {
        "out": str(out), "members": 4, "rows": 4, "objective": "next"
    }  # fmt: skip
    assert isinstance(found["notes"], list)
    assert printed.err == ""


def test_bad_rows_can_be_skipped(tmp_path: Path) -> None:
    rows = [*PLAYS, ("ann", "dune", "yesterday"), ("", "dune", "2024-03-08")]
    plays = write_csv(tmp_path / "plays.csv", "member_id,title_id,at", rows)
    out, rejects = tmp_path / "best.csv", tmp_path / "rejects.csv"
    assert run(plays, out) == 2
    assert not out.exists()
    best = ok(plays, out, "--on-error", "skip", "--rejects", str(rejects))
    assert "dune" in best["ann"]
    assert len(read(rejects)) == 2


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def train(*args: object, **kwargs: object) -> None:
        raise AssertionError("training began")

    monkeypatch.setattr("matinee.learn.recommenders.two_stage.TwoStage.fit", train)


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--k", "0"), "--k is 0, expected at least 1"),
        (("--k", "-3"), "--k is -3, expected at least 1"),
        (("--diversity", "1.2"), "--diversity is 1.2, expected 0 to 1"),
        (("--diversity", "nan"), "--diversity is nan, expected 0 to 1"),
        (("--at", "1999-01-01"), "0 events until 1999-01-01"),
        (("--at", "soon"), 'time is "soon"'),
        (("--objective", "tomorrow"), "tomorrow"),
        (("--members", "nowhere.csv"), "nowhere.csv"),
        (("--titles", "nowhere.csv"), "nowhere.csv"),
    ],
)
def test_wrong_values_exit_2_before_any_training(
    plays: Path, tmp_path: Path, options: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "best.csv"
    assert run(plays, out, *options) == 2
    assert said in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize("name", ["best.xlsx", "best", "missing/best.csv"])
def test_a_file_that_cannot_be_written_exits_2_before_any_training(
    plays: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(plays, tmp_path / name) == 2
    assert str(tmp_path / name) in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plays.csv"]


@pytest.mark.usefixtures("no_training")
def test_a_folder_in_place_of_the_file_exits_before_any_training(plays: Path, tmp_path: Path) -> None:
    (tmp_path / "best.csv").mkdir()
    assert run(plays, tmp_path / "best.csv") == 2


def test_bad_rows_are_counted(tmp_path: Path, plays: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plays.write_text(plays.read_text() + "ann,dune,never\nann,dune\n")
    rejects = tmp_path / "bad.csv"
    skip = ("--on-error", "skip", "--rejects", str(rejects))
    assert run(plays, tmp_path / "best.csv", *skip) == 0
    assert "2 bad rows left out" in capsys.readouterr().err
    assert run(plays, tmp_path / "best.csv", *skip, "--json") == 0
    assert json.loads(capsys.readouterr().out)["rejected"] == 2


@pytest.mark.parametrize(
    ("line", "said"),
    [("ann,dune,never,play", "1 bad"), ("ann,dune,2024-03-01,impression", "0 rows of watching")],
)
def test_a_log_without_watching_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, said: str
) -> None:
    plays = tmp_path / "plays.csv"
    plays.write_text(f"member_id,title_id,at,event\n{line}\n")
    assert run(plays, tmp_path / "best.csv", "--on-error", "skip") == 2
    error = capsys.readouterr().err
    assert said in error
    assert "None" not in error


def test_the_log_is_never_overwritten(plays: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = plays.read_bytes()
    assert run(plays, plays, "--k", "1") == 2
    assert "which is also read" in capsys.readouterr().err
    assert plays.read_bytes() == before
