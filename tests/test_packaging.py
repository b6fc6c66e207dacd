"""What a wheel holds: all that the code reads beside itself."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PASSED_OVER = {"__pycache__", ".DS_Store"}


def test_a_wheel_has_every_file_of_the_package() -> None:
    """Templates, styles, modules, drawings and texts; no rule of the build or of Git leaves any out."""
    pytest.importorskip("hatchling")
    from hatchling.builders.wheel import WheelBuilder

    built = {Path(one.distribution_path) for one in WheelBuilder(str(ROOT)).recurse_included_files()}
    package = ROOT / "src" / "matinee"
    there = {
        path.relative_to(package.parent)
        for path in package.rglob("*")
        if path.is_file() and not PASSED_OVER & set(path.parts)
    }
    assert there
    assert there - built == set()
    assert {".jinja", ".css", ".js", ".svg", ".toml", ".py"} <= {path.suffix for path in built}
    assert all(path.parts[0] == "matinee" for path in built)
