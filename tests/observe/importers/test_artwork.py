"""Images come in with their files or not at all, and what was decided about them stays decided."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.observe.catalogue import images

from matinee.errors import InputError, NotFoundError
from matinee.observe.catalogue.artwork import Artworks
from matinee.observe.catalogue.artwork_acts import approve, withdraw
from matinee.observe.catalogue.artwork_files import MAX_BYTES, path_of
from matinee.observe.clock import Clock
from matinee.observe.home import Home
from matinee.observe.importers.run import Imported, run_import
from matinee.observe.importers.staging import Strictness
from matinee.observe.lake.connection import connect, literal
from matinee.observe.lake.manifest import read_manifest
from matinee.observe.lake.reader import open_facts

DAY_1, DAY_2, DAY_3 = "2026-11-01", "2026-11-02", "2026-11-03"
HEADER = "artwork_id,title_id,file"
Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def home(home: Home, write: Write) -> Home:
    run_import(
        home, "titles", write("titles.csv", "title_id,series_id,kind\nt1,,film\nt2,,film\ne1,s1,episode\n")
    )
    run_import(home, "events", write("plays.csv", "member_id,title_id,at\nm1,played,2024-01-01\n"))
    for name, data in (("wide.png", images.png(32, 18)), ("tall.webp", images.webp(20, 30))):
        write(f"art/{name}", data)
    return home


@pytest.fixture
def table(write: Write) -> Callable[..., Path]:
    """Write art/m.csv of a header and lines."""

    def table(*lines: str, more: str = "") -> Path:
        return write("art/m.csv", "\n".join([HEADER + more, *lines]) + "\n")

    return table


def put(home: Home, path: Path, at: str = DAY_1, **how: Any) -> Imported:
    (done,) = run_import(home, "artwork", path, clock=Clock.fixed(at), **how)
    return done


def known(
    home: Home, columns: str = "artwork_id, title_id, format, width_px, aspect"
) -> list[tuple[Any, ...]]:
    with connect(threads=1) as con:
        open_facts(con, home, "artwork")
        return con.execute(f"SELECT {columns} FROM artwork ORDER BY artwork_id").fetchall()


def kept(home: Home) -> list[str]:
    return sorted(path.suffix for path in (home.root / "artwork").glob("*"))


def test_a_table_brings_images_with_their_facts(home: Home, table: Callable[..., Path]) -> None:
    path = table(
        'a1,t1,wide.png,people:1;Emotion:Joy,NL|BE,true,"[0.5, 1]",ada,2026-10-01,2026-12-24,Ann Onymous,nl',
        "a2,t1,tall.webp,,,,2|3,,,,,",
        "a3,s1,wide.png,,,,,,,,,",
        "a4,played,wide.png,,,,,,,,,",
        more=",tags,territories,is_default,embedding,approved_by,approved_at,until,likeness,language",
    )
    done = put(home, path)
    assert (done.added, done.duplicate, done.rejected) == (4, 0, 0)
    assert "3 of 4 images are not cleared" in done.notes[0]
    assert known(home)[:2] == [("a1", "t1", "png", 32, "16:9"), ("a2", "t1", "webp", 20, "2:3")]
    columns = "tags, territories, is_default, embedding, approved_by, likeness, language, start_us"
    assert known(home, columns)[0] == (
        ["people:1", "emotion:joy"], ["NL", "BE"], True, [0.5, 1.0], "ada", ["Ann Onymous"], "nl", None,
    )  # fmt: skip
    assert kept(home) == [".png", ".webp"]
    art = Artworks.load(home)
    assert art.embedding is not None
    assert art.artwork_ids.tolist() == ["a4", "a3", "a1", "a2"]
    assert art.embedding.tolist() == [[0, 0], [0, 0], [0.5, 1], [2, 3]]
    assert path_of(home, art.files[0]).read_bytes() == images.png(32, 18)


def test_the_same_again_adds_nothing(home: Home, table: Callable[..., Path]) -> None:
    path = table("a1,t1,wide.png,ada,people:1", "a2,t1,tall.webp,,", more=",approved_by,tags")
    put(home, path)
    version = read_manifest(home.lake).version
    assert put(home, path, DAY_2).duplicate == 2
    assert read_manifest(home.lake).version == version


def test_parquet_and_ndjson_bring_the_same(home: Home, tmp_path: Path, write: Write) -> None:
    row = {"artwork_id": "a1", "title_id": "t1", "file": "wide.png", "tags": ["people:2"], "embedding": [1.5]}
    lines = write("art/m.ndjson", json.dumps(row) + "\n")
    put(home, lines)
    target = tmp_path / "art" / "m.parquet"
    source = f"read_json({literal(lines)})"
    duckdb.connect().execute(f"COPY (SELECT * FROM {source}) TO {literal(target)} (FORMAT parquet)")
    assert put(home, target, DAY_2).duplicate == 1
    assert known(home, "tags, embedding") == [(["people:2"], [1.5])]


def test_a_folder_without_a_table_is_named_by_titles(home: Home, write: Write, tmp_path: Path) -> None:
    for name in ("t1/hero.png", "t2.png", "t1--city.png", "t1/.hidden.png", "notes.txt"):
        write(f"shots/{name}", images.png())
    done = put(home, tmp_path / "shots")
    assert done.added == 3
    assert known(home, "artwork_id, title_id") == [("t1--city", "t1"), ("t1--hero", "t1"), ("t2", "t2")]
    write("shots/unknown.png", images.png())
    with pytest.raises(
        InputError, match=r'shots/unknown\.png: title_id is "unknown", expected a title of this'
    ):
        put(home, tmp_path / "shots")
    write("shots/t1--hero.png", images.png())
    with pytest.raises(InputError, match=r'its id would be "t1--hero", which is that of t1/hero'):
        put(home, tmp_path / "shots")


def test_a_manifest_in_a_folder_says_which_images_come(home: Home, write: Write, tmp_path: Path) -> None:
    write("shots/a/x.png", images.png())
    write("shots/not-meant.png", images.png(3, 3))
    write("shots/manifest.csv", HEADER + ",start,end\na1,t1,a/x.png,2026-01-01,2027-01-01\n")
    assert put(home, tmp_path / "shots").added == 1
    assert known(home, "start_us IS NOT NULL, end_us IS NOT NULL") == [(True, True)]


BAD = {
    "a1,nope,wide.png": r'line 2: title_id is "nope", expected a title of this home\. Import the titles',
    "a1,t1,": "file is empty, expected the path of the image: this artwork_id is new",
    "a1,t1,none.png": r"none\.png: no such image file",
    "a1,t1,../titles.csv": r'file is "\.\./titles\.csv", expected a path inside of',
    "a1,t1,m.csv": r"m\.csv: is no image, expected one of: png, jpeg",
    "a1,t1,cut.png": r"cut\.png: is truncated, expected a whole, still image",
    "a1,t1,empty.png": r"empty\.png: empty file",
    "a1,t1,big.png": "has more than 20,000,000 bytes",
    "a1,t1,bomb.png": "has 60,000 x 60,000 pixels, expected at most 50,000,000 in all",
    "a1,t1,wrong.jpg": r'is an image of the format png, although its name ends in "\.jpg"',
    "a1,t1,odd.png": r"odd\.png has 50 x 30 pixels, expected one of the aspects",
    "a1,t1,script.svg": r"script\.svg: holds <script>, which is not permitted",
    "a1,t1,wide.png,aspect=2:3": r"aspect is 2:3, expected 16:9: wide\.png has 32 x 18 pixels",
    "a1,t1,wide.png,aspect=5:4": "aspect is \"5:4\", expected one of 2:3, 16:9, 1:1, 4:3",
    "a1,t1,wide.png,width_px=33": r"width_px is 33, expected 32 as wide\.png has it",
    "a1,t1,wide.png,format=gif": 'format is "gif", expected png',
    "a1,t1,wide.png,tags=people:4": 'tags holds "people:4", expected one of people:0, people:1, pe',
    "a1,t1,wide.png,tags=emotoin:joy": 'tags holds "emotoin:joy", .* Did you mean "emotion:joy"',
    "a1,t1,wide.png,tags=people:1;people:2": "tags holds people:1 and people:2, expected one of them",
    "a1,t1,wide.png,embedding=1;x": 'embedding is "1;x", expected up to 4096 numbers',
    "a1,t1,wide.png,embedding=NaN": 'embedding is "NaN", expected up to 4096 numbers',
    "a1,t1,wide.png,until=2026-01-01": r"until is 2026-01-01T00:00:00Z, expected a time after 2026-02-01",
    "a1,t1,wide.png,approved_at=2026-01-01": "approved_by is empty",
    "a1,t1,wide.png,approved_by=ada": "approved_at is 2026-11-09T00:00:00Z, expected a time not after 2026",
    "a1,t1,wide.png,is_default=perhaps": 'is_default is "perhaps", expected true or false',
}  # fmt: skip
FIXED = {"until": ("from", "2026-02-01"), "approved_by": ("approved_at", "2026-11-09")}


def test_bad_rows_are_named_and_nothing_is_kept(home: Home, write: Write, table: Callable[..., Path]) -> None:
    write("art/cut.png", images.png()[:-20])
    write("art/empty.png", b"")
    write("art/bomb.png", images.claimed_png(60_000, 60_000))
    write("art/wrong.jpg", images.png())
    write("art/odd.png", images.png(50, 30))
    write("art/script.svg", images.svg("<script/>"))
    write("art/big.png", images.png() + bytes(MAX_BYTES))
    before = read_manifest(home.lake)
    for line, words in BAD.items():
        given = dict(one.split("=", 1) for one in line.split(",")[3:])
        given |= dict(FIXED[name] for name in given if name in FIXED)
        path = table(
            ",".join([*line.split(",")[:3], *given.values()]), more="".join(f",{name}" for name in given)
        )
        with pytest.raises(InputError, match=words) as refused:
            put(home, path)
        assert str(refused.value).endswith("Nothing was written."), line
    assert read_manifest(home.lake) == before
    assert not kept(home)


def test_a_misspelt_column_is_refused(home: Home, table: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match=r'line 1: unknown column "teritories"\. Did you mean "territories"'):
        put(home, table("a1,t1,wide.png,NL", more=",teritories"))
    with pytest.raises(InputError, match='column "until" stands twice, also as "end"'):
        put(home, table("a1,t1,wide.png,,", more=",until,end"))
    with pytest.raises(NotFoundError, match="no such file"):
        put(home, Path("nowhere.csv"))


def test_bad_rows_are_left_out_when_asked_for(home: Home, table: Callable[..., Path], tmp_path: Path) -> None:
    path = table("a1,t1,wide.png", "a2,nope,wide.png", "a1,t2,tall.webp", "a3,t2,tall.webp")
    rejects = tmp_path / "bad.csv"
    done = put(home, path, strictness=Strictness("skip", rejects))
    assert (done.added, done.rejected) == (2, 2)
    found = list(csv.reader(rejects.read_text(encoding="utf-8").splitlines()))
    assert [line[1] for line in found[1:]] == ["3", "4"]
    assert [line[3] for line in found[1:]] == ["a2,nope,wide.png", "a1,t2,tall.webp"]
    assert "line 2 has it too" in found[2][2]
    assert kept(home) == [".png", ".webp"]


def test_a_dry_run_says_the_same_and_keeps_nothing(home: Home, table: Callable[..., Path]) -> None:
    before = read_manifest(home.lake)
    done = put(home, table("a1,t1,wide.png"), dry_run=True)
    assert done.added == 1
    assert not kept(home)
    assert read_manifest(home.lake) == before
    assert not list((home.lake / "artwork").rglob("*.parquet"))


def test_an_id_stays_with_its_title(home: Home, table: Callable[..., Path]) -> None:
    put(home, table("a1,t1,wide.png"))
    with pytest.raises(
        InputError, match='title_id is "t2", expected "t1", for which the artwork_id "a1" stands'
    ):
        put(home, table("a1,t2,wide.png"))


def test_columns_that_a_file_lacks_stay_as_they_are(home: Home, table: Callable[..., Path]) -> None:
    put(home, table("a1,t1,wide.png,people:1,NL,ada", more=",tags,territories,approved_by"))
    put(home, table("a1,t1,,people:2", more=",tags"), DAY_2)
    columns = "format, tags, territories, approved_by"
    assert known(home, columns) == [("png", ["people:2"], ["NL"], "ada")]


def test_an_import_does_not_lift_the_limits_of_an_approval(home: Home, table: Callable[..., Path]) -> None:
    path = table("a1,t1,wide.png,,,", more=",territories,from,until")
    put(home, path)
    now_us = Clock.fixed(DAY_2).now_us
    approve(home, ["a1"], by="ada", now_us=now_us, territories=["NL"], end_us=now_us + 9)
    put(home, path, DAY_3)
    assert known(home, "approved_by, territories, end_us - approved_us") == [("ada", ["NL"], 9)]


def test_a_territory_that_nothing_else_names_is_pointed_out(
    home: Home, table: Callable[..., Path], write: Write
) -> None:
    path = table("a1,t1,wide.png,ada,NL|NLD", "a2,t1,tall.webp,ada,se", more=",approved_by,territories")
    assert put(home, path).notes == (), "a home without territories cannot know better"
    run_import(home, "availability", write("w.csv", "title_id,territory\nt1,NL\nt2,SE\n"))
    (note,) = put(home, path).notes
    assert note == (
        'territories holds "NLD" (image a1) and 1 more, which no title and no member of this home has: '
        'nobody sees the image there. Did you mean "NL"?'
    )
    run_import(home, "members", write("m.csv", "member_id,territory\nm1,se\nm2,NLD\n"))
    assert put(home, path).notes == ()


def test_an_approval_holds_for_the_pixels_that_were_approved(
    home: Home, table: Callable[..., Path], write: Write
) -> None:
    put(home, table("a1,t1,wide.png,ada", more=",approved_by"))
    done = put(home, table("a1,t1,wide.png"), DAY_2)
    assert done.notes == ()
    write("art/wide.png", images.png(64, 36))
    done = put(home, table("a1,t1,wide.png"), DAY_2)
    assert "1 images have other pixels than before: their approval no longer holds (a1)." in done.notes
    assert known(home, "approved_by, approved_us, width_px") == [(None, None, 64)]


def test_what_was_withdrawn_does_not_come_back_with_an_import(home: Home, table: Callable[..., Path]) -> None:
    first = table("a1,t1,wide.png,ada,2026-10-31,rights", more=",approved_by,withdrawn_at,withdrawn_why")
    put(home, first)
    put(home, table("a1,t1,wide.png,ada,,", more=",approved_by,withdrawn_at,withdrawn_why"), DAY_2)
    assert known(home, "withdrawn_us IS NOT NULL, withdrawn_why") == [(True, "rights")]
    assert not Artworks.load(home).cleared(Clock.fixed(DAY_3).now_us, None).any()


LIMITED = "approved_by, territories, start_us IS NULL, end_us IS NULL, withdrawn_us IS NULL"


def act(home: Home, day: str, **limits: Any) -> None:
    approve(home, ["a1"], by="bob", now_us=Clock.fixed(day).now_us, **limits)


def test_a_manifest_with_an_approver_does_not_widen_what_a_person_narrowed(
    home: Home, table: Callable[..., Path]
) -> None:
    path = table("a1,t1,wide.png,ada,NL|BE,", more=",approved_by,territories,until")
    put(home, path)
    act(home, DAY_2, territories=["NL"], end_us=Clock.fixed("2027-01-01").now_us)
    done = put(home, path, DAY_3)
    assert known(home, LIMITED) == [("bob", ["NL"], True, False, True)]
    assert "1 images keep narrower limits than the file says (a1). --override-clearance" in done.notes[0]
    put(home, path, DAY_3, override_clearance=True)
    assert known(home, LIMITED) == [("ada", ["NL", "BE"], True, True, True)]


def test_the_limits_of_a_file_narrow_an_approval_that_came_before(
    home: Home, table: Callable[..., Path]
) -> None:
    put(home, table("a1,t1,wide.png"))
    act(home, DAY_2)
    path = table("a1,t1,wide.png,ada,NL,2026-01-01,2027-01-01", more=",approved_by,territories,from,until")
    assert put(home, path, DAY_3).notes == ()
    assert known(home, LIMITED) == [("bob", ["NL"], False, False, True)]


def test_limits_outlast_other_pixels_without_an_approval(
    home: Home, table: Callable[..., Path], write: Write
) -> None:
    put(home, table("a1,t1,wide.png"))
    act(home, DAY_1, territories=["NL"])
    write("art/wide.png", images.png(64, 36))
    put(home, table("a1,t1,wide.png"), DAY_2)  # the approval falls
    put(home, table("a1,t1,wide.png,ada,", more=",approved_by,territories"), DAY_3)
    assert known(home, LIMITED) == [("ada", ["NL"], True, True, True)]


def test_limits_that_leave_nothing_are_refused(home: Home, table: Callable[..., Path]) -> None:
    put(home, table("a1,t1,wide.png,ada,NL|BE,2026-12-01", more=",approved_by,territories,until"))
    with pytest.raises(InputError, match=r"from and until leave no time: .* always until 2026-12-01"):
        put(home, table("a1,t1,,2027-01-01", more=",from"), DAY_2)
    path = table("a1,t1,,DE", more=",territories")
    with pytest.raises(InputError, match=r"territories is DE, expected some of NL\|BE, where the image"):
        put(home, path, DAY_2)
    put(home, path, DAY_2, override_clearance=True)
    assert known(home, "territories") == [(["DE"],)]


@pytest.mark.parametrize("first", ["withdraw", "import"])
def test_a_withdrawal_outlasts_manifests_before_and_after_it(
    home: Home, table: Callable[..., Path], first: str
) -> None:
    def manifest() -> Path:
        return table("a1,t1,wide.png,ada,", more=",approved_by,withdrawn_at")

    put(home, manifest())
    now_us = Clock.fixed(DAY_2).now_us
    steps = [
        lambda: withdraw(home, ["a1"], why="the agency objects", by="bob", now_us=now_us),
        lambda: put(home, manifest(), DAY_2),
    ]
    for step in steps if first == "withdraw" else reversed(steps):
        step()
    put(home, table("a1,t1,wide.png,ada,2026-10-31,x", more=",approved_by,withdrawn_at,withdrawn_why"), DAY_3)
    columns = "withdrawn_by, withdrawn_why, withdrawn_us - " + str(now_us)
    assert known(home, columns) == [("bob", "the agency objects", 0)]
    put(home, table("a1,t1,wide.png"), DAY_3, override_clearance=True)  # nobody approves
    assert known(home, columns) == [("bob", "the agency objects", 0)]
    put(home, manifest(), DAY_3, override_clearance=True)
    found = known(home, f"withdrawn_us, withdrawn_by, approved_by, approved_us - {Clock.fixed(DAY_3).now_us}")
    assert found == [(None, None, "ada", 0)]


def test_every_past_state_can_be_read(home: Home, table: Callable[..., Path]) -> None:
    put(home, table("a1,t1,wide.png"))
    put(home, table("a1,t1,wide.png,ada", more=",approved_by"), DAY_2)
    now = [Clock.fixed(day).now_us for day in (DAY_1, DAY_2, DAY_3)]
    assert [Artworks.load(home, at).cleared(at, None).tolist() for at in now] == [[False], [True], [True]]


def test_an_import_whose_clock_is_behind_is_still_the_newest(home: Home, table: Callable[..., Path]) -> None:
    put(home, table("a1,t1,wide.png,people:1", more=",tags"), DAY_2)
    put(home, table("a1,t1,wide.png,people:2", more=",tags"), DAY_1)
    assert known(home, "tags") == [(["people:2"],)]


def test_embeddings_of_a_home_have_one_length(home: Home, table: Callable[..., Path]) -> None:
    put(home, table("a1,t1,wide.png,1|2", "a2,t1,tall.webp,3|4", more=",embedding"))
    with pytest.raises(InputError, match="embedding has 3 numbers, expected 2 as the other images have"):
        put(home, table("a1,t1,wide.png,1|2|3", more=",embedding"))
    put(home, table("a1,t1,wide.png,1|2|3", "a2,t1,tall.webp,3|4|5", more=",embedding"), DAY_2)
    found = Artworks.load(home).embedding
    assert found is not None
    assert found.tolist() == [[1, 2, 3], [3, 4, 5]]


def test_a_file_that_cannot_be_kept_registers_nothing(
    home: Home, table: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (home.root / "artwork").write_text("in the way", encoding="utf-8")
    before = read_manifest(home.lake)
    with pytest.raises(OSError, match="could not be kept"):
        put(home, table("a1,t1,wide.png"))
    assert read_manifest(home.lake) == before


def test_a_link_in_a_loop_is_a_bad_row(home: Home, table: Callable[..., Path]) -> None:
    path = table("a1,t1,loop.png")
    (path.parent / "loop.png").symlink_to("loop.png")
    with pytest.raises(InputError, match=r"line 2: .*loop\.png"):
        put(home, path)
