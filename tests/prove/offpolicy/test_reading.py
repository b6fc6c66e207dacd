"""Files as they should be, in three formats, and every way in which they are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pytest
from tests.prove.offpolicy.worlds import dense

from matinee.errors import InputError, NotFoundError
from matinee.prove.offpolicy.context import features
from matinee.prove.offpolicy.reading import read_clusters, read_log, read_policy

HEAD = "decision_id,unit_id,action,propensity,reward"
LOG = f"""{HEAD},n_actions,p_all,at,reward_at,device,age
d1,u1,a,0.5,1,2,"{{""a"": 0.5, ""b"": 0.5}}",2025-01-02,2025-01-03,tv,30
d2,u1,b,0.25,0,2,"{{""a"": 0.75, ""b"": 0.25}}",2025-01-01,2025-01-01,phone,
d3,u2,b,0.5,0,2,"{{""a"": 0.5, ""b"": 0.5}}",2025-01-03,,tv,50
"""
POLICY = "decision_id,action,p\nd1,a,0.2\nd1,b,0.8\nd2,b,1\nd3,a,0.4\nd3,c,0.6\nd9,zz,1\n"

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def run(text: str, name: str = "log.csv") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return run


def test_a_log_and_a_policy(write: Write) -> None:
    log = read_log(write(LOG, "log.csv"))
    assert log.decision_id.tolist() == ["d2", "d1", "d3"]  # in the order of time
    assert [log.names[i] for i in log.action] == ["b", "a", "b"]
    assert log.propensity.tolist() == [0.25, 0.5, 0.5]
    assert log.unit[0] == log.unit[1] != log.unit[2]
    assert log.logging is not None
    assert log.logging.n_rows == 2  # equal texts share a row
    assert dense(log.logging, 2).tolist() == [[0.75, 0.25], [0.5, 0.5], [0.5, 0.5]]
    assert log.context.tolist() == [[1, 0, 40, 1], [0, 1, 30, 0], [0, 1, 50, 0]]
    log, target = read_policy(write(POLICY, "policy.csv"), log)
    assert log.names == ("a", "b", "c")
    assert dense(target, 3).tolist() == [[0, 1, 0], [0.2, 0.8, 0], [0.4, 0, 0.6]]


def test_three_formats_say_the_same(write: Write, tmp_path: Path) -> None:
    one = read_log(write(LOG, "log.csv"))
    parquet, lines = tmp_path / "log.parquet", tmp_path / "log.ndjson"
    text = f"read_csv('{tmp_path / 'log.csv'}', all_varchar = true)"
    typed = "* REPLACE (propensity::DOUBLE AS propensity, reward::INTEGER AS reward, p_all::JSON AS p_all)"
    duckdb.sql(f"COPY (SELECT {typed} FROM {text}) TO '{parquet}' (FORMAT parquet)")
    duckdb.sql(f"COPY (SELECT * FROM {text}) TO '{lines}' (FORMAT json)")
    for path in (parquet, lines):
        other = read_log(path)
        for name in ("action", "propensity", "reward", "unit", "n_actions", "p_sum", "context"):
            assert np.array_equal(getattr(one, name), getattr(other, name)), (path.name, name)


@pytest.mark.parametrize("text", ["[0.5, 0.3, 0.2]", "0.5;0.3;0.2", "0.5 | 0.3 | 0.2"])
def test_p_all_as_a_list_tells_the_sum_and_the_number(write: Write, text: str) -> None:
    log = read_log(write(f'{HEAD},p_all\nd1,u1,a,0.5,1,"{text}"\n', "log.csv"))
    assert log.logging is None
    assert log.p_sum is not None
    assert log.n_actions is not None
    assert (log.p_sum[0], log.n_actions[0]) == (pytest.approx(1.0), 3)


def test_p_all_of_parquet_may_be_a_map(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    duckdb.sql(
        "COPY (SELECT 'd1' AS decision_id, 'u' AS unit_id, 'a' AS action, 0.5 AS propensity, 1 AS reward, "
        f"MAP {{'a': 0.5, 'b': 0.5}} AS p_all) TO '{path}' (FORMAT parquet)"
    )
    log = read_log(path)
    assert log.names == ("a", "b")
    assert log.logging is not None


def test_repeated_rows_are_left_out_and_counted(write: Write) -> None:
    row = "d1,u1,a,0.5,1"
    log = read_log(write(f"{HEAD}\n{row}\n{row}\nd2,u1,a,0.5,0\nd2,u1,b,0.5,0\n", "log.csv"))
    assert (len(log), log.n_duplicates, log.n_conflicts) == (2, 2, 1)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("d1,u1,a,0,1", 'line 2: propensity is "0", expected a probability above 0 and at most 1'),
        ("d1,u1,a,1.5,1", 'line 2: propensity is "1.5"'),
        ("d1,u1,a,-0.1,1", 'line 2: propensity is "-0.1"'),
        ("d1,u1,a,nan,1", 'line 2: propensity is "nan"'),
        ("d1,u1,a,,1", "line 2: propensity is empty"),
        ("d1,u1,a,half,1", 'line 2: propensity is "half"'),
        ("d1,u1,a,0.5,", "line 2: reward is empty, expected a number"),
        ("d1,u1,a,0.5,inf", 'line 2: reward is "inf"'),
        ("d1,u1,,0.5,1", "line 2: action is empty"),
        (",u1,a,0.5,1", "line 2: decision_id is empty"),
    ],
)
def test_impossible_values_are_refused_by_line(write: Write, row: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        read_log(write(f"{HEAD}\n{row}\n", "log.csv"))
    assert words in str(caught.value)
    assert "log.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("p_all", '{"b": 0.5, "c": 0.5}', 'line 2: action is "a", expected one of the eligible actions'),
        ("p_all", '{"a": 1.5}', "expected a JSON object of action and probability"),
        ("p_all", "many", 'line 2: p_all is "many"'),
        ("p_all", "", 'line 2: p_all is ""'),
        ("n_actions", "0", 'line 2: n_actions is "0", expected a whole number from 1'),
        ("n_actions", "", "line 2: n_actions is empty"),
    ],
)
def test_impossible_sets_of_actions_are_refused(write: Write, column: str, value: str, words: str) -> None:
    cell = '"' + value.replace('"', '""') + '"'
    with pytest.raises(InputError) as caught:
        read_log(write(f"{HEAD},{column}\nd1,u1,a,0.5,1,{cell}\n", "log.csv"))
    assert words in str(caught.value)


def test_objects_and_lists_may_not_be_mixed(write: Write) -> None:
    rows = "d1,u1,a,0.5,1,[1.0]\nd2,u1,a,0.5,1,{}\n".format(json.dumps({"a": 1}).replace('"', "'"))
    text = f"{HEAD},p_all\n" + rows.replace("{'a': 1}", '"{""a"": 1}"')
    with pytest.raises(InputError, match="line 3: p_all mixes objects and lists"):
        read_log(write(text, "log.csv"))


def test_a_reward_before_its_decision_is_refused(write: Write) -> None:
    text = f"{HEAD},at,reward_at\nd1,u1,a,0.5,1,2025-01-02,2025-01-01\n"
    with pytest.raises(InputError, match="line 2: reward_at is before at, expected a reward after"):
        read_log(write(text, "log.csv"))


def test_files_that_are_no_log_are_refused(write: Write, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no rows, expected at least one"):
        read_log(write(f"{HEAD}\n", "log.csv"))
    with pytest.raises(InputError, match="column propensity is missing"):
        read_log(write("decision_id,unit_id,action,reward\nd1,u1,a,1\n", "log.csv"))
    with pytest.raises(InputError, match="empty file"):
        read_log(write("", "log.csv"))
    with pytest.raises(NotFoundError, match="no such file"):
        read_log(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("d1,a,1\nd2,a,1\n", 'lacks 1 of 3 decisions of the log, as "d3"'),
        ("d1,a,1\nd1,a,0\nd2,a,1\nd3,a,1\n", 'decision "d1" has action "a" twice'),
        ("d1,a,0.5\nd2,a,1\nd3,a,1\n", 'p of decision "d1" sums to 0.5, expected 1'),
        ("d1,a,1.5\nd2,a,1\nd3,a,1\n", 'line 2: p is "1.5", expected a probability from 0 to 1'),
        ("d1,a,nan\nd2,a,1\nd3,a,1\n", 'line 2: p is "nan"'),
        ("x1,a,1\n", 'lacks 3 of 3 decisions of the log, as "d2"'),
    ],
)
def test_a_policy_that_does_not_fit_is_refused(write: Write, text: str, words: str) -> None:
    log = read_log(write(LOG, "log.csv"))
    with pytest.raises(InputError) as caught:
        read_policy(write("decision_id,action,p\n" + text, "policy.csv"), log)
    assert words in str(caught.value)


def test_clusters(write: Write) -> None:
    path = write("action,cluster\nb,film\na,series\nc,film\nunused,film\n", "clusters.csv")
    assert read_clusters(path, ("a", "b", "c")).tolist() == [1, 0, 0]
    with pytest.raises(InputError, match='1 actions have no cluster, as "d"'):
        read_clusters(path, ("a", "d"))
    twice = write("action,cluster\na,film\na,series\n", "clusters.csv")
    with pytest.raises(InputError, match='action "a" has two clusters'):
        read_clusters(twice, ("a",))


def test_context_leaves_ids_and_constants_out() -> None:
    ids = np.array([f"s{i}" for i in range(30)], object)
    same = np.full(30, "tv", object)
    empty = np.ma.array(same, mask=True)
    assert features([ids, same, empty], 30).shape == (30, 0)
    assert features([], 4).shape == (4, 0)
