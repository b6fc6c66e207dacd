"""Show what an experiment is, who is in it, and what was looked at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from matinee.cli.console import note, print_json, print_table, say
from matinee.cli.context import find_home

if TYPE_CHECKING:
    from matinee.platform.registry.experiment_rows import ExperimentRow
    from matinee.prove.experiment.findings import Look


def show(name: str, *, home: Path | None = None, json: bool = False) -> int:
    """Print the frozen definition of an experiment with its shares, stopped arms, looks and end.

    No figure is computed: `matinee experiment read` does that.

    Example: matinee experiment show art-2 --home shop

    Parameters
    ----------
    name
        A started experiment.
    home
        Service home; else MATINEE_HOME, else the current folder.
    json
        Print machine-readable JSON.
    """
    import msgspec

    from matinee.platform.lifecycle.experimenting import is_changed
    from matinee.platform.lifecycle.project import open_registry

    where = find_home(home)
    with open_registry(where) as registry:
        row = registry.experiments.read(name)
        looks = registry.experiments.looks(name)
    changed = is_changed(where, row)
    if json:
        fields = msgspec.to_builtins(row)
        print_json({"state": row.state, **fields, "looks": looks, "file_changed": changed})
        return 0
    _say_definition(row)
    _say_history(row, looks)
    if changed:
        note(f"experiments/{name}.toml was changed after the start; what counts is what stands here.")
    return 0


def _say_definition(row: ExperimentRow) -> None:
    one, design = row.definition, row.definition.design
    say(f"{row.told()} ({row.state}). Owner: {row.owner}.")
    say(f"Hypothesis: {one.hypothesis}")
    arms = [
        (arm.name, arm.answers, f"{arm.share:.4g}", "stopped" if arm.name in row.stopped_arms else "")
        for arm in one.arms
    ]
    print_table(arms, ["arm", "answers", "share", ""], left=2)
    say(
        f"{one.kind} of {one.unit}s; {design.analysis}, {design.days} days, {design.looks} looks, alpha "
        f"{design.alpha:g}, effect {design.effect:g}."
    )
    if one.kind == "interleaving":
        say("Decided by the reward: whose slots earned it.")
        return
    say(f"Primary: {one.primary}. Secondary: {', '.join(one.secondary) or 'none'}.")
    guards = ", ".join(f"{guard.metric} (margin {guard.margin:g})" for guard in one.guardrails)
    say(f"Guardrails: {guards or 'none'}. Segments: {', '.join(one.segments) or 'none'}.")


def _say_history(row: ExperimentRow, looks: list[Look]) -> None:
    from matinee.types import format_at

    lines = [(format_at(ramp.at_us), f"share {ramp.share:.4g}", ramp.made_by or "") for ramp in row.ramps]
    lines += [
        (format_at(one.at_us), f"arm {arm} stopped: {one.reason}", one.made_by or "")
        for arm, one in row.stopped_arms.items()
    ]
    lines += [
        (
            format_at(look.at_us),
            f"look at {100 * look.fraction:.3g}% of the plan, {sum(look.n.values()):,} units: {look.verdict}"
            f"{f' {look.winner}' if look.winner else ''}",
            look.made_by or "",
        )
        for look in looks
    ]
    lines.sort(key=lambda line: line[0])
    if row.ended_us is not None:
        verdict = f"ship {row.winner}" if row.winner else row.verdict
        lines.append((format_at(row.ended_us), f"stopped, {verdict}: {row.reason}", row.ended_by or ""))
    print_table(lines, ["when", "what", "by"], left=3)
