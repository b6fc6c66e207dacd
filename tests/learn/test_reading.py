from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pytest

from matinee.errors import InputError
from matinee.learn.reading import read_interactions, read_member_ids, read_titles

ROWS = "m2,b,5,4,\nm1,b,5,,3600\nm1,a,5,2,\nm1,a,4,,\nm2,c,1.5,5,\n"


def file(tmp_path: Path, text: str, name: str = "a.csv") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def test_positions_order_and_weights_are_known(tmp_path: Path) -> None:
    x = read_interactions(file(tmp_path, "member_id,title_id,at,rating,watch_s\n" + ROWS))
    assert list(x.member_ids) == ["m1", "m2"]
    assert list(x.title_ids) == ["a", "b", "c"]
    assert [list(x.histories.of(m)) for m in (0, 1)] == [[0, 1, 0], [2, 1]]
    np.testing.assert_allclose(x.weight, [1, 0.5, 0.4, 1, 0.8])
    assert list(x.histories.at_us[-2:]) == [1_500_000, 5_000_000]
    assert x.territory is None
    assert x.histories.title.dtype == np.int32
    assert x.weight.dtype == np.float32


def test_csv_parquet_and_ndjson_are_the_same(tmp_path: Path) -> None:
    csv = file(tmp_path, "member_id,title_id,at,rating,watch_s\n" + ROWS)
    table = duckdb.sql(f"SELECT * FROM read_csv('{csv}')")
    table.write_parquet(str(tmp_path / "a.parquet"))
    duckdb.sql(f"COPY (SELECT * FROM read_csv('{csv}')) TO '{tmp_path / 'a.ndjson'}' (FORMAT json)")
    first = read_interactions(csv)
    for name in ("a.parquet", "a.ndjson"):
        other = read_interactions(tmp_path / name)
        assert list(other.title_ids) == list(first.title_ids)
        np.testing.assert_array_equal(other.histories.title, first.histories.title)
        np.testing.assert_array_equal(other.histories.at_us, first.histories.at_us)
        np.testing.assert_array_equal(other.weight, first.weight)


def test_reading_until_a_time_keeps_the_event_at_that_time(tmp_path: Path) -> None:
    path = file(tmp_path, "member_id,title_id,at\nm,a,4\nm,b,5\nm,c,6\n")
    assert list(read_interactions(path, until_us=5_000_000).title_ids) == ["a", "b"]


def test_only_watching_is_read_and_where_the_member_was_last(tmp_path: Path) -> None:
    text = (
        "member_id,title_id,at,event,territory\nm,a,4,play,NL\nm,b,5,impression,NL\nm,c,6,,BE\nn,a,7,view,\n"
    )
    x = read_interactions(file(tmp_path, text))
    assert list(x.title_ids) == ["a", "c"]
    assert x.territory is not None
    assert list(x.territory) == ["BE", None]


def test_only_watching_must_name_a_title(tmp_path: Path) -> None:
    header = "member_id,title_id,at,event\n"
    x = read_interactions(file(tmp_path, header + "m,a,4,play\nm,,5,search\nm,,6,membership\n"))
    assert (list(x.title_ids), x.n_events) == (["a"], 1)
    with pytest.raises(InputError, match=r"line 3: title_id is empty, expected an id of 1 to 256 characters"):
        read_interactions(file(tmp_path, header + "m,a,4,play\nm,,5,\n"))


def test_an_event_after_now_plus_a_day_is_refused(tmp_path: Path) -> None:
    path = file(tmp_path, "member_id,title_id,at\nm,a,1998-04-25\n")
    assert read_interactions(path, now_us=893_462_400_000_000).n_events == 1
    with pytest.raises(InputError, match=r'a\.csv, line 2: at is "1998-04-25"'):
        read_interactions(path, now_us=893_289_600_000_000)


def test_member_ids_keep_the_order_of_the_file_and_come_once(tmp_path: Path) -> None:
    assert read_member_ids(file(tmp_path, "member_id\nz\na\n\nz\n007\n")) == ["z", "a", "007"]
    with pytest.raises(InputError, match="column member_id is missing"):
        read_member_ids(file(tmp_path, "id\n1\n"))


def test_titles_are_read_and_the_last_row_of_an_id_counts(tmp_path: Path) -> None:
    c = read_titles(file(tmp_path, "title_id,name,genres\nb,Old,x\na,A,x|y\nb,New,\n"))
    assert list(c.names) == ["A", "New"]
    assert c.genres.of(0) == ["x", "y"]


def test_a_late_line_that_is_not_text_is_counted(tmp_path: Path) -> None:
    # beyond the part of the file that is looked at first
    rows = [f"m{i},t{i % 200},{1_700_000_000 + i}" for i in range(6_000)]
    bad, good = b"m1,caf\xe9,1700000000", b"m2,t3,1700000500"
    late = tmp_path / "late.csv"
    late.write_bytes(b"\n".join([b"member_id,title_id,at", *(row.encode() for row in rows), bad, good, b""]))
    with pytest.raises(InputError, match=r"line 6002: .* bytes that are no text, expected text in UTF-8"):
        read_interactions(late)
    rejects = tmp_path / "rejects.csv"
    found = read_interactions(late, on_error="skip", rejects=rejects)
    assert (found.n_events, found.n_rejected) == (6_001, 1)
    assert "6002,expected text in UTF-8" in rejects.read_text()
