"""The file in which an experiment is written down: TOML, read once when it starts."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from matinee.errors import InputError, NotFoundError, StorageError, unknown_name
from matinee.prove.experiment.definition import (
    PRODUCTION,
    SEGMENTS,
    Arm,
    Design,
    Eligible,
    Experiment,
    Guardrail,
)

FOLDER = "experiments"
"""Folder of a home with the files."""
DRAWN = ("salt", "defined")
"""Keys that the start fills in."""
TABLES: dict[str, type[msgspec.Struct]] = {
    "arms": Arm,
    "design": Design,
    "eligible": Eligible,
    "guardrails": Guardrail,
}


def draft_path(root: Path, name: str) -> Path:
    """Where the file of an experiment is.

    Examples
    --------
    >>> draft_path(Path("shop"), "art-1").as_posix()
    'shop/experiments/art-1.toml'
    """
    return root / FOLDER / f"{name}.toml"


def read_draft(path: Path) -> Experiment:
    """The definition in a file, checked in itself.

    Raises
    ------
    NotFoundError
        No such file.
    InputError
        Not TOML, an unknown key, a wrong value, or a contradiction; the message names file and key.
    StorageError
        The file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFoundError(
            f"{path}: no such file, expected the definition of an experiment. Write a draft: "
            f"matinee experiment new {path.stem} --initiative NAME"
        ) from None
    except (OSError, UnicodeDecodeError) as problem:
        raise StorageError(f"{path}: cannot be read ({problem}). Make it a readable text file.") from problem
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise InputError(f"{path}: not valid TOML: {problem}. Correct the line.") from None
    _check_keys(path, values)
    try:
        found = msgspec.convert(values, Experiment)
    except msgspec.ValidationError as problem:
        raise InputError(f"{path}: {_words(problem)}.") from None
    if found.name != path.stem:
        raise InputError(
            f'{path}: name is "{found.name}", expected "{path.stem}", as the file is called. '
            "Rename one of the two."
        )
    try:
        return found.checked()
    except InputError as problem:
        raise InputError(f"{path}: {problem}") from None


def draft_text(draft: Experiment, *, metrics: Sequence[str]) -> str:
    """A definition as a commented file, to be changed by hand before the start.

    Parameters
    ----------
    metrics : sequence of str
        Names that can be used, for the comment.
    """
    arms = "\n".join(
        f"\n[[arms]]\nname = {_text(arm.name)}\nshare = {arm.share:g}\nanswers = {_text(arm.answers)}"
        for arm in draft.arms
    )
    guards = "\n".join(
        f"\n[[guardrails]]\nmetric = {_text(one.metric)}\nmargin = {one.margin:g}"
        f"  # of the control's mean: worse by more than this is not accepted\n"
        f"stop = {str(one.stop).lower()}  # the arm is stopped by itself once that is shown"
        for one in draft.guardrails
    )
    design = draft.design
    decides = "What decides, and what is reported beside it."
    if draft.kind == "interleaving":
        decides = (
            "The reward decides: whose slots earned it. Units get both arms' answers, so that metrics "
            "compare\n# nothing; an A/B of what wins here does."
        )
    return f"""\
# An experiment. Change what you like, then: matinee experiment start {draft.name}
# From the start on nothing in here may change; another idea is another experiment.
name = {_text(draft.name)}
initiative = {_text(draft.initiative)}
owner = {_text(draft.owner)}
hypothesis = {_text(draft.hypothesis)}

kind = "{draft.kind}"  # "ab", or "interleaving": every unit gets both arms' answers in one
unit = "{draft.unit}"  # "member", or "account": all members of an account get the same arm
share = {draft.share:g}  # of the layer's units; raise it later: matinee experiment ramp {draft.name} SHARE
# layer = {_text(draft.in_layer)}  # experiments of one layer exclude each other
# from_share = 0.5  # where its part of the layer begins; else the first place with room

# {decides} Known: {", ".join(metrics)}.
primary = {_text(draft.primary)}
secondary = {_list(draft.secondary)}
segments = {_list(draft.segments)}  # declared ahead; known: {", ".join(SEGMENTS)}
covariate_days = {draft.covariate_days}  # before the first exposure; makes the estimate sharper; 0 for none
kept_out = {draft.kept_out:g}  # share of each arm from whose decisions no policy of the arms may learn

# Arms: the first is the control. `answers` is a version (matinee history {draft.initiative} --models),
# "{PRODUCTION}" (the version in production at the start) or "fallback".
{arms.lstrip()}

[design]
analysis = "{design.analysis}"  # or "fixed": one look, at the end; or "sequence": an open end
days = {design.days}
looks = {design.looks}  # most looks until the end, for "spending"
alpha = {design.alpha:g}  # chance of a difference where there is none, over all looks
power = {design.power:g}
effect = {design.effect:g}  # smallest relative difference that matters (see: matinee experiment power)
{guards}

# Who may be in it; judged when a decision is asked for. Leave lists out to permit all.
# [eligible]
# territories = ["NL", "BE"]
# devices = ["tv"]
# kids = false
"""


def _check_keys(path: Path, values: dict[str, object]) -> None:
    """See that every key is known, and that none is given which the start fills in."""
    for key in DRAWN:
        if key in values:
            hint = (
                f"for a test give it as an option: matinee experiment start {path.stem} --salt TEXT"
                if key == "salt"
                else "metrics are defined in the folder metrics of the home"
            )
            raise InputError(
                f"{path}: {key} is given, expected it to be filled in by the start. Take it out; {hint}."
            )
    _refuse_unknown(str(path), values, Experiment)
    for key, kind in TABLES.items():
        found = values.get(key, [])
        for number, table in enumerate(found if isinstance(found, list) else [found], start=1):
            if isinstance(table, dict):
                place = f"[[{key}]] {number}" if isinstance(found, list) else f"[{key}]"
                _refuse_unknown(f"{path}, {place}", table, kind)


def _refuse_unknown(where: str, values: dict[str, object], kind: type[msgspec.Struct]) -> None:
    known = [field.name for field in msgspec.structs.fields(kind) if field.name not in DRAWN]
    for key in values:
        if key not in known:
            raise InputError(unknown_name(where, "key", key, known))


def _words(problem: msgspec.ValidationError) -> str:
    """What msgspec says, with the place first.

    Examples
    --------
    >>> _words(msgspec.ValidationError("Expected `float`, got `str` - at `$.share`"))
    'share: Expected `float`, got `str`'
    """
    what, _, place = str(problem).partition(" - at `$")
    key = place.rstrip("`").lstrip(".")
    return f"{key}: {what}" if key else what


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _list(values: Sequence[str]) -> str:
    return f"[{', '.join(map(_text, values))}]"
