"""The questions of benchmarks/quality.py, and the process that answers them."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from matinee.learn.interactions import Interactions

ROOT = Path(__file__).parents[2]
BENCHMARKS = ROOT / "benchmarks"


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # dataclasses look their own module up
    spec.loader.exec_module(module)
    return module


protocols = load(BENCHMARKS / "protocols.py")


def log(n_members=40, n_titles=30, seed=0):
    rng = np.random.default_rng(seed)
    rows = [(m, t) for m in range(n_members) for t in rng.choice(n_titles, rng.integers(1, 9), replace=False)]
    member, title = np.array(rows).T
    return Interactions.from_arrays(
        np.char.mod("m%02d", member), np.char.mod("t%02d", title), rng.permutation(len(rows)).astype(np.int64)
    )


@pytest.mark.parametrize("protocol", list(protocols.PROTOCOLS))
def test_groups_fit_their_queries_and_learning_sees_no_target(protocol):
    data = log()
    task = protocols.make_task(data, protocol)
    for form, queries in task.queries.items():
        assert len(queries) > 0
        for mask in task.groups[form].values():
            assert mask.shape == (len(queries),)
    watched = {
        (m, t)
        for i, m in enumerate(task.train.member_ids)
        for t in task.train.histories.of(i).tolist()
    }  # fmt: skip
    form = "window" if protocol == "window" else "last"
    queries = task.queries[form]
    asked = data.member_ids[queries.member[queries.query_of_target()]]
    assert not watched & set(zip(asked, queries.target.tolist(), strict=True))


def test_a_log_survives_the_way_to_another_process(tmp_path):
    data = log()
    protocols.save_log(data, tmp_path / "log.npz")
    back = protocols.load_log(tmp_path / "log.npz")
    assert back.member_ids.tolist() == data.member_ids.tolist()
    assert back.title_ids.tolist() == data.title_ids.tolist()
    assert (back.histories.title == data.histories.title).all()
    assert (back.histories.at_us == data.histories.at_us).all()


def test_a_peer_answers_every_question(tmp_path):
    data = log()
    protocols.save_log(data, tmp_path / "log.npz")
    command = [sys.executable, str(BENCHMARKS / "peers" / "answer.py"), "--log", str(tmp_path / "log.npz")]
    command += ["--protocol", "next-after-cut", "--model", "ease:Ease", "--out", str(tmp_path / "out.npz")]
    path = os.pathsep.join([str(ROOT / "src"), str(BENCHMARKS)])
    subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": path})
    task = protocols.make_task(data, "next-after-cut")
    with np.load(tmp_path / "out.npz") as out:
        facts = json.loads(str(out["facts"]))
        for form, queries in task.queries.items():
            assert len(out[f"{form}/rank"]) == len(queries.target)
            assert out[f"{form}/lists"].shape == (len(queries), 20)
    assert set(facts["config"]) == {"reg"}
    assert facts["fit_cpu_s"] > 0


@pytest.mark.slow
def test_quality_prints_and_writes_every_table(tmp_path):
    data = log(200, 60)
    h = data.histories
    lines = ["member_id,title_id,at"] + [
        f"{data.member_ids[m]},{data.title_ids[t]},{1_000_000 + at}"
        for m, t, at in zip(h.member_of_event(), h.title, h.at_us, strict=True)
    ]
    (tmp_path / "plays.csv").write_text("\n".join(lines) + "\n")
    command = [sys.executable, str(BENCHMARKS / "quality.py"), "--no-peers", "--cache", str(tmp_path / "c")]
    command += ["--interactions", str(tmp_path / "plays.csv"), "--out", str(tmp_path / "q.json")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "NEXT TITLE, LEAVE-LAST-OUT" in done.stdout
    report = json.loads((tmp_path / "q.json").read_text())
    assert set(report["protocols"]) == set(protocols.PROTOCOLS)
    figures = report["protocols"]["window"]["forms"]["window"]["warm members"]["models"]["Matinee window"]
    assert 0 <= figures["coverage@10"] <= 1
    assert figures["NDCG@10"]["low"] <= figures["NDCG@10"]["mean"] <= figures["NDCG@10"]["high"]
