"""Team draft: known answers, what may never happen, and fairness of the places."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence

import pytest

from matinee.errors import InputError
from matinee.observe.decisions import RowNote, Slot
from matinee.prove.experiment.interleaving import Draft, Merged, interleave, team_draft


def plain(titles: str) -> Draft:
    return Draft([Slot(t, 1.0) for t in titles])


def page(*rows: tuple[str, str, str], first: int = 1, propensity: float = 1.0) -> Draft:
    """Rows of (kind, sentence, titles as letters)."""
    slots, notes = [], []
    for number, (kind, reason, titles) in enumerate(rows, start=first):
        notes.append(RowNote(number, kind, reason))
        slots += [Slot(t, propensity, number, c, kind) for c, t in enumerate(titles, start=1)]
    return Draft(slots, notes)


def read(merged: Merged) -> list[tuple[str, str, str]]:
    """(sentence, titles, teams) of each row, with the numbers checked."""
    out, rest = [], list(zip(merged.slots, merged.teams, strict=True))
    for note in merged.rows:
        mine = [(s, t) for s, t in rest if s.row == note.row]
        assert [s.col for s, _ in mine] == list(range(1, len(mine) + 1))
        out.append((note.reason, "".join(s.action for s, _ in mine), "".join(t for _, t in mine)))
    assert sum(len(titles) for _, titles, _ in out) == len(merged.slots) == len(merged.teams)
    return out


def test_each_pick_is_the_best_that_a_team_has_left() -> None:
    assert list(team_draft("abcd", "badc", lambda: 0.9)) == [(1, 0), (0, 0), (1, 2), (0, 2)]
    assert list(team_draft("ab", "xyz", lambda: 0.0)) == [(0, 0), (1, 0), (0, 1), (1, 1), (1, 2)]


def test_equal_answers_stay_as_they_are_and_belong_to_nobody() -> None:
    same = page(("popular", "Popular", "abc"), ("genre", "Crime", "def"))
    assert read(interleave(same, same, seed=0)) == [("Popular", "abc", "---"), ("Crime", "def", "---")]


def test_a_list_has_each_title_once_and_both_teams_in_turn() -> None:
    seen = set()
    for seed in range(30):
        merged = interleave(plain("abcde"), plain("bcafg"), seed=seed)
        titles = "".join(s.action for s in merged.slots)
        assert len(titles) == 5 == len(set(titles))
        assert abs(merged.teams[:4].count("A") - merged.teams[:4].count("B")) == 0
        seen.add((titles, merged.teams))
    assert {titles[:2] for titles, _ in seen} == {"ab", "ba"}


def test_same_seed_same_page_and_letters_follow_the_answers() -> None:
    a, b = page(("x", "X", "abc"), ("y", "Y", "def")), page(("u", "U", "ghi"), ("v", "V", "jkl"))
    assert interleave(a, b, seed=5) == interleave(a, b, seed=5)
    pages = {read(interleave(a, b, seed=seed))[0] for seed in range(20)}
    assert pages == {("X", "abc", "AAA"), ("U", "ghi", "BBB")}


def test_rows_in_the_same_place_stay_and_titles_are_drafted_inside() -> None:
    a = page(("continue", "Go on", "pq"), ("top", "For you", "abc"), ("new", "New", "xyz"))
    b = page(("continue", "Go on", "pq"), ("top", "For you", "dbe"), ("late", "Last days", "uvw"))
    for seed in range(10):
        rows = read(interleave(a, b, seed=seed))
        assert rows[0] == ("Go on", "pq", "--")
        assert rows[1] in [("For you", "abd", "A-B"), ("For you", "dba", "B-A")]
        assert rows[2] in [("New", "xyz", "AAA"), ("Last days", "uvw", "BBB")]


def test_a_row_that_both_have_elsewhere_serves_both() -> None:
    a = page(("top", "For you", "abc"), ("new", "New", "xyz"))
    b = page(("new", "New", "xvw"), ("top", "For you", "abc"))
    found = {tuple(read(interleave(a, b, seed=seed))) for seed in range(40)}
    assert found == {
        (("For you", "abc", "AAA"), ("New", "xyv", "BAB")),
        (("For you", "abc", "AAA"), ("New", "xvy", "BBA")),
        (("New", "xyv", "BAB"), ("For you", "abc", "AAA")),
        (("New", "xvy", "BBA"), ("For you", "abc", "AAA")),
    }


def test_a_later_copy_is_left_out_and_the_row_closes_up() -> None:
    a, b = page(("top", "For you", "abc")), page(("new", "New", "bda"), ("old", "Old", "cfg"))
    for seed in range(20):
        rows = read(interleave(a, b, seed=seed))
        assert len(rows) == 2
        titles = "".join(t for _, t, _ in rows)
        assert len(set(titles)) == len(titles)
        assert rows in (
            [("For you", "abc", "AAA"), ("New", "d", "B")],
            [("New", "bda", "BBB"), ("For you", "c", "A")],
        )


def test_rows_with_too_few_titles_left_are_passed_over() -> None:
    a, b = page(("top", "For you", "abc")), page(("new", "New", "bda"), ("old", "Old", "cfg"))
    for seed in range(20):
        rows = read(interleave(a, b, seed=seed, min_tiles=2))
        assert all(len(titles) >= 2 for _, titles, _ in rows)
        assert rows[1][0] == "Old"


def test_pinned_titles_stay_in_their_place_under_any_row() -> None:
    a, b = page(("top", "For you", "apc"), ("x", "X", "def")), page(("new", "New", "gph"), ("y", "Y", "ijk"))
    for seed in range(10):
        merged = interleave(a, b, seed=seed, pinned={"p"})
        assert read(merged)[0] in [("For you", "apc", "A-A"), ("New", "gph", "B-B")]
    free = {read(interleave(a, b, seed=seed))[0] for seed in range(10)}
    assert free == {("For you", "apc", "AAA"), ("New", "gph", "BBB")}


def test_a_kind_that_both_have_in_a_place_keeps_it_and_no_kind_becomes_more() -> None:
    a = page(("top", "For you", "ab"), ("because", "Like 1", "cd"), ("genre", "Crime", "ef"))
    b = page(("new", "New", "gh"), ("because", "Like 2", "ij"), ("late", "Last days", "kl"))
    for seed in range(20):
        kinds = [note.kind for note in interleave(a, b, seed=seed).rows]
        assert kinds[1] == "because"
        assert kinds.count("because") == 1


def test_further_rows_repeat_nothing_and_are_numbered_on() -> None:
    a, b = page(("x", "X", "abc"), ("y", "Y", "def")), page(("u", "U", "ghi"), ("v", "V", "jkl"))
    top = interleave(a, b, seed=1)
    more_a, more_b = page(("z", "Z", "amn"), first=3), page(("w", "W", "gop"), first=3)
    further = interleave(more_a, more_b, seed=1, above=top.slots)
    assert [note.row for note in further.rows] == [3]
    assert not {s.action for s in further.slots} & {s.action for s in top.slots}
    with pytest.raises(InputError, match="row 3, expected rows below row 4"):
        interleave(more_a, more_b, seed=1, above=[Slot("q", 1.0, 4, 1)])


def test_slots_keep_what_their_arm_logged() -> None:
    a, b = page(("x", "X", "abc"), propensity=0.5), page(("u", "U", "def"), propensity=0.25)
    merged = interleave(a, b, seed=3)
    assert {(t, s.propensity) for s, t in zip(merged.slots, merged.teams, strict=True)} <= {
        ("A", 0.5),
        ("B", 0.25),
    }


def test_one_empty_answer_leaves_the_other_whole() -> None:
    assert interleave(Draft([]), Draft([]), seed=0) == Merged((), (), "")
    a = page(("x", "X", "abc"))
    assert read(interleave(a, Draft([]), seed=0)) == [("X", "abc", "AAA")]
    assert read(interleave(Draft([]), a, seed=0)) == [("X", "abc", "BBB")]


def test_a_row_needs_at_least_one_title() -> None:
    with pytest.raises(InputError, match="min_tiles is 0, expected 1 or more"):
        interleave(plain("ab"), plain("ba"), seed=0, min_tiles=0)


def some_page(rng: Sequence[int]) -> Draft:
    kinds = [("top", "For you"), ("new", "New"), ("genre", "Crime"), ("genre", "Drama"), ("late", "Last")]
    titles = "abcdefghijklmnopqrst"
    start, step, n_rows = rng
    order = [kinds[(start + step * i) % len(kinds)] for i in range(n_rows)]
    at = itertools.count(start * 3)
    return page(*((k, r, "".join(titles[(next(at) * step) % 20] for _ in range(4))) for k, r in order))


@pytest.mark.parametrize("seed", range(60))
def test_whatever_the_pages_the_merged_one_is_valid(seed: int) -> None:
    a, b = some_page((seed % 5, 1, 1 + seed % 4)), some_page((seed % 7, 3, 1 + seed % 5))
    merged = interleave(a, b, seed=seed, pinned={"a", "c"}, min_tiles=2)
    rows = read(merged)
    actions = [s.action for s in merged.slots]
    assert len(actions) == len(set(actions))
    assert set(actions) <= {s.action for s in [*a.slots, *b.slots]}
    assert [note.row for note in merged.rows] == list(range(1, len(rows) + 1))
    assert 1 <= len(rows) <= max(len(a.rows), len(b.rows))
    mine, theirs = ({s.action for s in d.slots} for d in (a, b))
    for slot, team in zip(merged.slots, merged.teams, strict=True):
        assert slot.action in {"A": mine, "B": theirs, "-": mine & theirs}[team]


def test_every_place_is_each_teams_equally_often() -> None:
    a = page(("x", "X", "abcd"), ("top", "For you", "efgh"), ("y", "Y", "ijkl"))
    b = page(("u", "U", "mnop"), ("top", "For you", "qrst"), ("v", "V", "uvwx"))
    n = 2_000
    count: Counter[tuple[int, str]] = Counter()
    for seed in range(n):
        count.update(enumerate(interleave(a, b, seed=seed).teams))
    for slot in range(12):
        assert abs(count[slot, "A"] - n / 2) < 4 * (n / 4) ** 0.5
