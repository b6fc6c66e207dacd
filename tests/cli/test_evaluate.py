from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from matinee.cli.main import main

GENRES = ["Crime", "Comedy", "Space", "Romance"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with 40 old members and 8 new ones, each with a favourite genre."""
    folder = tmp_path_factory.mktemp("evaluate")
    rng = random.Random(0)
    titles = ["title_id,name,genres"] + [f"t{i},Story {i},{GENRES[i % 4]}|Drama" for i in range(48)]
    plays = ["member_id,title_id,at,watch_s"]
    for m in range(48):
        own = rng.sample([i for i in range(48) if i % 4 == m % 4], 10)
        for day, title in enumerate(own, start=1 if m < 40 else 9):
            plays.append(f"m{m},t{title},2024-11-{day:02}T20:15:00Z,{rng.randint(600, 5400)}")
    (folder / "titles.csv").write_text("\n".join(titles) + "\n")
    (folder / "plays.csv").write_text("\n".join(plays) + "\n")
    made = folder / "shop"
    assert main(["init", str(made), "--now", "last_event"]) == 0
    assert main(["import", "titles", str(folder / "titles.csv"), "--home", str(made)]) == 0
    assert main(["import", "events", str(folder / "plays.csv"), "--home", str(made)]) == 0
    return made


@pytest.mark.slow
def test_figures_for_machines_and_people(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    command = ["evaluate", "homepage", "--home", str(home), "--cut", "0.7"]
    assert main([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["initiative"], found["data"], found["run"]["state"]) == ("homepage", "home", "done")
    result = found["result"]
    assert {"ndcg_2d", "recall_3_by_4"} <= {metric["name"] for metric in result["metrics"]}
    ours, *baselines = result["figures"]
    assert ours == result["ours"] == "composed page"
    assert result["baseline"] in baselines
    assert {"popularity page", "rows ranked independently", "one ranker, chopped"} <= set(baselines)
    for figures in result["figures"].values():
        recall = figures["recall_3_by_4"]
        assert 0 <= recall["low"] <= recall["mean"] <= recall["high"] <= 1
        assert recall["n"] == 40
    assert result["differences"]["popularity page"]["recall_3_by_4"]["mean"] > 0
    assert not list((home / "releases").rglob("model.json"))  # judging publishes nothing

    assert main(command) == 0
    text = capsys.readouterr().out
    assert "40 members with a history" in text
    assert "reported apart" in text


def test_a_home_without_plays_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(tmp_path / "shop"), "--now", "last_event"]) == 0
    assert main(["evaluate", "homepage", "--home", str(tmp_path / "shop")]) == 2
    assert "0 plays until" in capsys.readouterr().err


def test_a_cut_outside_the_log_is_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "homepage", "--home", str(home), "--cut", "1.5"]) == 2
    assert "cut is 1.5, expected a share between 0 and 1" in capsys.readouterr().err
