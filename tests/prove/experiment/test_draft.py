"""The file of an experiment: what is written is what is read, and what is wrong is told with its place."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from matinee.errors import InputError, NotFoundError
from matinee.prove.experiment.definition import Arm, Experiment, Guardrail
from matinee.prove.experiment.draft import draft_path, draft_text, read_draft

DRAFT = Experiment(
    name="art-1",
    initiative="art",
    owner='ana "the" owner',
    hypothesis="If we, then they — surely.",
    arms=(Arm("control", 0.5), Arm("treatment", 0.5, "v2")),
    primary="watch",
    secondary=("plays",),
    guardrails=(Guardrail("errors", margin=0.1, stop=False),),
    segments=("tenure",),
)
TEXT = draft_text(DRAFT, metrics=["watch", "plays"])


def written(folder: Path, text: str, name: str = "art-1") -> Path:
    path = draft_path(folder, name)
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    assert read_draft(written(tmp_path, TEXT)) == DRAFT


def test_the_draft_of_an_interleaving_says_what_decides(tmp_path: Path) -> None:
    merging = msgspec.structs.replace(DRAFT, kind="interleaving", guardrails=(), segments=())
    text = draft_text(merging, metrics=["watch"])
    assert read_draft(written(tmp_path, text)) == merging
    assert "# The reward decides: whose slots earned it." in text
    assert "# nothing; an A/B of what wins here does. Known: watch." in text


def test_what_is_commented_out_can_be_used(tmp_path: Path) -> None:
    lines = [
        line.removeprefix("# ") if line.startswith(("# layer", "# from_share", "# [elig", "# kids")) else line
        for line in TEXT.replace("share = 1 ", "share = 0.5 ").splitlines()
    ]
    found = read_draft(written(tmp_path, "\n".join(lines)))
    assert (found.layer, found.from_share, found.eligible.kids) == ("art", 0.5, False)
    plain = msgspec.structs.replace(DRAFT, guardrails=(), secondary=())
    (tmp_path / "other").mkdir()
    assert read_draft(written(tmp_path / "other", draft_text(plain, metrics=["watch"]))) == plain


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('kind = "ab"', 'kind = "abc"', "art-1.toml: kind: Invalid enum value 'abc'"),
        ('kind = "ab"', 'knid = "ab"', 'unknown key "knid". Did you mean "kind"'),
        ('answers = "v2"', 'version = "v2"', r'\[\[arms\]\] 2: unknown key "version"'),
        ("alpha = 0.05", "alhpa = 0.05", r'\[design\]: unknown key "alhpa". Did you mean "alpha"'),
        ("share = 1 ", 'share = "all" ', "share: Expected `float`, got `str`"),
        ('kind = "ab"', 'salt = "s"', "salt is given, expected it to be filled in by the start"),
        ('name = "art-1"', 'name = "art-2"', 'name is "art-2", expected "art-1", as the file is called'),
        (
            '"control"\nshare = 0.5',
            '"control"\nshare = 0.6',
            "shares of the arms are control 0.6, treatment 0.5",
        ),
        ('primary = "watch"', "", "Object missing required field `primary`"),
        ('primary = "watch"', "primary = watch", "not valid TOML"),
        ("[design]", "[[design]]", "design: Expected `object`, got `array`"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, before: str, after: str, said: str) -> None:
    assert before in TEXT
    with pytest.raises(InputError, match=said):
        read_draft(written(tmp_path, TEXT.replace(before, after, 1)))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"art-1\.toml: no such file.* matinee experiment new art-1"):
        read_draft(draft_path(tmp_path, "art-1"))
