"""Refused, set aside, or served: what becomes of each bad file and row."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from matinee.errors import InputError, NotFoundError
from matinee.learn.reading import load_catalogue
from matinee.observe.clock import Clock
from matinee.observe.home import Home
from matinee.observe.importers.run import run_import
from matinee.observe.importers.staging import Strictness
from matinee.types import parse_at

HEADER = "member_id,title_id,at,watch_s,rating\n"
Write = Callable[[str, str | bytes], Path]
Content = Callable[..., list[tuple[object, ...]]]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(200)
GOOD = "m1,t1,893286638,60,4\n"

REFUSED: dict[str, tuple[str, str, str | bytes, str]] = {
    "empty file": ("events", "a.csv", "", r"a\.csv: empty file, expected a table"),
    "header only": ("events", "a.csv", HEADER, r"a\.csv: no rows, expected at least one below the header"),
    "no column": ("events", "a.csv", "member_id,at\n1,2\n", r"a\.csv, line 1: column title_id is missing"),
    "bad time": (
        "events", "a.csv", HEADER + GOOD + "m,t,31/12/2024,,\n",
        r'line 3: at is "31/12/2024", expected ISO',
    ),
    "future": (
        "events", "a.csv", HEADER + "m,t,2024-06-01,,\n",
        r'line 2: at is "2024-06-01", expected a time not l',
    ),
    "millis": (
        "events", "a.csv", HEADER + "m,t,1700000000000,,\n",
        r"epoch seconds, not milliseconds",
    ),
    "short year": ("events", "a.csv", HEADER + "m,t,31/12/24,,\n", r'at is "31/12/24", expected ISO'),
    "seen in millis": (
        "events", "a.csv", "member_id,title_id,at,seen\nm,t,5,1700000000000\n",
        r'seen is "1700000000000", .* not milliseconds',
    ),
    "release in millis": (
        "titles", "a.csv", "title_id,release_date\nt,1700000000000\n",
        r'release_date is "1700000000000", expected a date',
    ),
    "quotes": (
        "events", "a.csv", HEADER + GOOD + 'm,"The "Big" One",5,1,\n',
        r"line 3: .*expected quotes that match",
    ),
    "case": ("events", "a.csv", "member_id,title_id,at,AT\n", r"columns at and AT differ only in case"),
    "case of keys": (
        "events", "a.ndjson", '{"member_id":"m","title_id":"t","at":5,"AT":6}\n',
        r"keys at and AT differ only in case",
    ),
    "byte order mark": (
        "events", "a.ndjson", b'\xef\xbb\xbf{"member_id":"m","title_id":"t","at":5}\n',
        r"begins with a byte order mark",
    ),
    "infinity": ("events", "a.csv", HEADER + "m,t,infinity,,\n", r'at is "infinity", expected ISO'),
    "nan": ("events", "a.csv", HEADER + "m,t,5,NaN,\n", r'watch_s is "NaN", expected a number of seconds'),
    "negative": (
        "events", "a.csv", HEADER + "m,t,5,-1,\n",
        r'watch_s is "-1", expected a number of seconds, 0',
    ),
    "rating": ("events", "a.csv", HEADER + "m,t,5,1,good\n", r'rating is "good", expected a number'),
    "no member": ("events", "a.csv", HEADER + ",t,5,1,\n", r"line 2: member_id is empty, expected an id"),
    "long member": (
        "events", "a.csv", HEADER + "m" * 257 + ",t,5,1,\n",
        r'member_id is "m+.*", expected an id of 1 to 256 characters',
    ),
    "lines in quotes": ("events", "a.csv", HEADER + '"a\nb",t,5,1,\n\n' + "m,t,x,1,\n", r'line 5: at is "x"'),
    "short line": (
        "events", "a.csv", HEADER + GOOD + "m,t,5\n",
        r'line 3: "m,t,5" has another number of values',
    ),
    "twice": ("events", "a.csv", "member_id,title_id,at,at\n", r'column "at" stands twice'),
    "image by its own name": (
        "events",
        "a.png",
        PNG,
        r"the file is a PNG image, expected a table\. .* known suffixes: \.csv, \.tsv, .*\.json, each",
    ),
    "image": ("events", "a.csv", PNG, r"the file is a PNG image, expected a CSV file"),
    "parquet as csv": ("events", "a.csv", b"PAR1" + bytes(99), r"the file is a Parquet file, expected a CSV"),
    "csv as parquet": (
        "events", "a.parquet", HEADER + GOOD,
        r"not a Parquet file, although its name says so",
    ),
    "half a parquet": ("events", "a.parquet", b"PAR1" + bytes(99), r"not a readable Parquet file"),
    "binary": ("events", "a.csv", b"member_id,\x00\x01", r"holds binary data, expected text in UTF-8"),
    "latin-1": ("events", "a.csv", HEADER.encode() + b"caf\xe9,t,5,1,\n", r"line 2: byte 0xe9 is not UTF-8"),
    "no json": (
        "events", "a.ndjson", "member_id,title_id\n",
        r"line 1: .* is not JSON, expected one JSON object",
    ),
    "bad json": (
        "events", "a.ndjson", '{"member_id":"m","title_id":"t","at":5}\n\n{"member_id":\n',
        r'line 3: "\{"member_id":" is not JSON',
    ),
    "a json list": (
        "events", "a.ndjson", '{"member_id":"m","title_id":"t","at":5}\n[1]\n',
        r'a\.ndjson, line 2: "\[1\]" is a JSON list, expected one JSON object per line\. Correct it, or pass',
    ),
    "a number alone": (
        "titles", "a.ndjson", '{"title_id":"t"}\n3\n', r'line 2: "3" is a number, expected one JSON object'
    ),
    "one list of all": (
        "events", "a.json", '[{"member_id":"m","title_id":"t","at":5}]',
        r'a\.json, line 1: "\[\{.*" is a JSON list, expected one JSON object per line',
    ),
    "event type": (
        "events", "a.csv", "member_id,title_id,at,event\nm,t,5,dance\n",
        r"expected one of play, impr",
    ),
    "no signal": (
        "events", "a.csv", "member_id,title_id,at,event\nm,t,5,signal\n",
        r"signal is empty, expected one of",
    ),
    "no zip": ("movielens", "a.zip", HEADER, r"not a zip archive, expected the folder or the zip"),
    "maturity": (
        "titles", "a.csv", "title_id,maturity\nt,21\n",
        r'maturity is "21", expected an age in years, 0 to 18',
    ),
    "runtime": (
        "titles", "a.csv", "title_id,runtime_s\nt,-5\n",
        r'runtime_s is "-5", expected a number of seconds',
    ),
    "kids": ("members", "a.csv", "member_id,kids\nm,perhaps\n", r'kids is "perhaps", expected true or false'),
    "pin": ("pins", "a.csv", "row,title_id\n0,t\n", r'row is "0", expected a whole number, 1 or more'),
    "window that ends first": (
        "availability", "a.csv", "title_id,territory,from,until\nt,NL,2026-01-01,2025-01-01\n",
        r'line 2: until is "2025-01-01", expected a time after from: the window is empty',
    ),
    "pin that ends as it begins": (
        "pins", "a.csv", "row,title_id,from,until\n1,t,2026-01-01,2026-01-01\n",
        r'line 2: until is "2026-01-01", expected a time after from',
    ),
    "pin of nothing": ("pins", "a.csv", "row,col\n1,1\n", r"row_kind is empty"),
    "kind": ("event", "a.csv", HEADER + GOOD, r'unknown kind "event"\. Did you mean "events"'),
}  # fmt: skip


def files_of(home: Home) -> list[str]:
    return sorted(p.relative_to(home.root).as_posix() for p in home.root.rglob("*") if p.is_file())


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_file_is_refused_and_nothing_is_written(case: str, home: Home, write: Write) -> None:
    kind, name, text, words = REFUSED[case]
    path = write(name, text)
    with pytest.raises(InputError, match=words) as caught:
        run_import(home, kind, path, clock=Clock.fixed("2024-01-01"))
    assert caught.value.exit_code == 2
    assert str(caught.value).endswith(".")
    assert set(files_of(home)) <= {"format.json", "lake/lock"}


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"nowhere\.csv: no such file"):
        run_import(Home.create(tmp_path), "events", tmp_path / "nowhere.csv")


def test_skip_sets_bad_rows_aside_with_file_line_and_reason(
    tmp_path: Path, home: Home, write: Write, content: Content
) -> None:
    lines = [
        GOOD,
        "m,t\n",
        ",t,5,1,\n",
        "m,t,,1,\n",
        '"x\ny",t,5,nan,\n',
        "m2,t2,6,1,\n",
        "m,t,2999-01-01,1,\n",
    ]
    path = write("a.csv", HEADER + "".join(lines))
    rejects = tmp_path / "rejects.csv"
    (done,) = run_import(home, "events", path, strictness=Strictness("skip", rejects))
    assert (done.added, done.rejected) == (2, 5)
    with rejects.open(newline="") as file:
        found = [(row["line"], row["reason"], row["text"]) for row in csv.DictReader(file)]
    assert [line for line, _, _ in found] == ["3", "4", "5", "6", "9"]
    assert [reason.split(":")[0] for _, reason, _ in found] == [
        "expected 5 values in the line", "member_id", "at", "watch_s", "at",
    ]  # fmt: skip
    assert found[3][2] == "x\ny,t,5,nan,"
    assert [row[0] for row in content(home, "member_id")] == ["m1", "m2"]


def test_skip_works_on_parquet_and_ndjson(tmp_path: Path, home: Home, write: Write, content: Content) -> None:
    duckdb.sql(
        "SELECT 'm' AS member_id, 1 AS title_id, TIMESTAMP '2020-01-01' AS \"at\", 'nan'::DOUBLE AS watch_s "
        "UNION ALL SELECT 'm', 2, TIMESTAMP '2020-01-02', 5"
    ).write_parquet(str(tmp_path / "a.parquet"))
    lines = '{"member_id":"m","title_id":3,"at":"2020-01-03"}\n{bad\n{"member_id":"m","title_id":4}\n'
    rejects = tmp_path / "rejects.csv"
    strict = Strictness("skip", rejects)
    (one,) = run_import(home, "events", tmp_path / "a.parquet", strictness=strict)
    (two,) = run_import(home, "events", write("b.ndjson", lines), strictness=strict)
    assert (one.added, one.rejected, two.added, two.rejected) == (1, 1, 1, 2)
    assert [row[0] for row in content(home, "title_id")] == ["2", "3"]
    assert rejects.read_text().count("\n") == 4


def test_objects_with_one_key_are_objects(home: Home, write: Write) -> None:
    run_import(home, "titles", write("t.ndjson", '{"title_id":"t1"}\n{"title_id":"t2"}\n'))
    assert load_catalogue(home, 0).title_ids.tolist() == ["t1", "t2"]


def test_lines_that_are_no_objects_are_set_aside_as_what_they_are(
    tmp_path: Path, home: Home, write: Write
) -> None:
    path, rejects = write("b.ndjson", 'null\n{"title_id":"t"}\n\n"x"\n[1]\n{}\n'), tmp_path / "rejects.csv"
    (done,) = run_import(home, "titles", path, strictness=Strictness("skip", rejects))
    assert (done.added, done.rejected) == (1, 4)
    with rejects.open(newline="") as file:
        found = [(line, reason) for _, line, reason, _ in list(csv.reader(file))[1:]]
    object_please = "expected one JSON object per line"
    assert found == [
        ("1", f"null, {object_please}"),
        ("4", f"a JSON string, {object_please}"),
        ("5", f"a JSON list, {object_please}"),
        ("6", "title_id: expected an id of 1 to 256 characters"),
    ]


def test_when_every_row_is_bad_skip_writes_only_the_rejects(
    home: Home, write: Write, content: Content
) -> None:
    (done,) = run_import(home, "events", write("a.csv", HEADER + "m,t,x,,\n"), strictness=Strictness("skip"))
    assert (done.added, done.rejected) == (0, 1)
    assert content(home) == []


def test_rejects_without_skip_and_an_unknown_mode_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--rejects is given without --on-error skip"):
        Strictness("fail", tmp_path / "r.csv")
    with pytest.raises(InputError, match='--on-error is "ignore", expected fail or skip'):
        Strictness("ignore")


def test_every_spelling_of_a_table_is_served(tmp_path: Path, write: Write, content: Content) -> None:
    plain = "member_id,title_id,at\nm,t,893286638\n"
    spellings: dict[str, bytes] = {
        "bom.csv": b"\xef\xbb\xbf" + plain.encode(),
        "crlf.csv": plain.replace("\n", "\r\n").encode(),
        "semicolon.csv": plain.replace(",", ";").encode(),
        "tabs.tsv": plain.replace(",", "\t").encode(),
        "packed.csv.gz": gzip.compress(plain.encode()),
        "no_newline.csv": plain.rstrip().encode(),
        "zone.csv": b"member_id,title_id,at\nm,t,1998-04-23T01:10:38+02:00\n",
        "naive.csv": b"member_id,title_id,at\nm,t,1998-04-22 23:10:38\n",
        "float.csv": b"member_id,title_id,at\nm,t,893286638.0\n",
        "json.ndjson": b'{"title_id":"t","member_id":"m","at":893286638}',
    }
    for name, data in spellings.items():
        home = Home.create(tmp_path / name.replace(".", "_"))
        run_import(home, "events", write(name, data))
        assert content(home, "member_id, title_id, at_us") == [("m", "t", 893_286_638_000_000)], name


@pytest.mark.parametrize("broken", ['m,"The "Big" One",5,1,', 'm,"not closed,5,1,'])
def test_rows_behind_quotes_that_do_not_match_are_kept(
    broken: str, tmp_path: Path, home: Home, write: Write, content: Content
) -> None:
    rows = [f"m{n},t,{n + 5},1," for n in range(2_000)]
    path = write("a.csv", HEADER + "\n".join([*rows[:700], broken, *rows[700:]]) + "\nm,t,bad,1,\n")
    rejects = tmp_path / "rejects.csv"
    (done,) = run_import(home, "events", path, strictness=Strictness("skip", rejects))
    assert (done.added, done.rejected) == (2_000, 2)
    with rejects.open(newline="") as file:
        assert [(row["line"], row["text"][:8]) for row in csv.DictReader(file)] == [
            ("702", broken[:8]),
            ("2003", "m,t,bad,"),
        ]
    assert len(set(content(home, "member_id"))) == 2_000


@pytest.mark.parametrize("on_error", ["fail", "skip"])
def test_ends_of_lines_may_be_mixed(on_error: str, home: Home, write: Write, content: Content) -> None:
    path = write("a.csv", b"member_id,title_id,at\r\nm1,t,2024-11-01\nm2,t,2024-11-01\r\nm3,t,2024-11-01\n")
    (done,) = run_import(home, "events", path, strictness=Strictness(on_error))
    assert (done.added, done.rejected) == (3, 0)
    assert [row[0] for row in content(home, "member_id")] == ["m1", "m2", "m3"]


def test_a_bad_value_of_a_file_with_mixed_ends_is_named(home: Home, write: Write) -> None:
    path = write("a.csv", b"member_id,title_id,at\r\nm1,t,2024-11-01\nm2,t,2024-11-01\r\nm3,t,soon\n")
    with pytest.raises(InputError, match=r'line 4: at is "soon", expected ISO'):
        run_import(home, "events", path)


def test_keys_that_come_late_in_a_file_are_read(home: Home, write: Write, content: Content) -> None:
    line = '{{"member_id":"m{0}","title_id":"t","at":{0}{1}}}\n'
    text = "".join(line.format(n + 5, "" if n < 3_000 else ',"watch_s":7') for n in range(3_005))
    (done,) = run_import(home, "events", write("a.ndjson", text))
    assert done.added == 3_005
    assert [row[0] for row in content(home, "watch_s")].count(7.0) == 5


def test_a_name_with_the_marks_of_a_pattern_is_one_file(home: Home, write: Write, content: Content) -> None:
    write("plays1.csv", HEADER + "other,t,5,1,\n")
    run_import(home, "events", write("plays[1].csv", HEADER + GOOD))
    assert [row[0] for row in content(home, "member_id")] == ["m1"]


def test_events_before_1970_are_kept(home: Home, write: Write, content: Content) -> None:
    times = [
        "1969-12-31T23:00:00Z",
        "1969-12-31",
        "1970-01-01T00:00:00+01:00",
        "2024-11-03",
        "1950-06-01T12:00",
    ]
    text = HEADER + "".join(f"m{n},t,{at},1,\n" for n, at in enumerate(times))
    (done,) = run_import(home, "events", write("a.csv", text))
    assert (done.added, done.duplicate) == (5, 0)
    assert len(content(home, "member_id")) == 5


def test_a_date_without_separators_is_a_date(home: Home, write: Write, content: Content) -> None:
    run_import(home, "events", write("a.csv", HEADER + "m,t,20241103,1,\n"))
    assert content(home, "at_us") == [(parse_at("2024-11-03"),)]


def test_blank_lines_before_the_header_are_no_rows(home: Home, write: Write) -> None:
    (done,) = run_import(home, "titles", write("t.csv", "\n\ntitle_id,name\nt1,A\nt2,B\n"))
    assert done.added == 2
    assert load_catalogue(home, 0).title_ids.tolist() == ["t1", "t2"]


def test_rejects_are_not_added_to_a_file_that_holds_something_else(home: Home, write: Write) -> None:
    path = write("a.csv", HEADER + GOOD + "m,t,bad,1,\n")
    before = path.read_bytes()
    with pytest.raises(InputError, match="holds something else"):
        run_import(home, "events", path, strictness=Strictness("skip", path))
    assert path.read_bytes() == before


def test_a_month_without_the_best_rating_is_of_the_scale_before(
    home: Home, write: Write, content: Content
) -> None:
    run_import(home, "events", write("a.csv", HEADER + "m1,t,5,1,5\n"))
    run_import(home, "events", write("b.csv", HEADER + "m2,t,6,1,1\n"))
    assert content(home, "rating_scale") == [(5.0,), (5.0,)]
