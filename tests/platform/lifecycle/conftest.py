"""A home with four plays, and the toy initiative opened in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.platform.toys import TOY, home_with_plays

from matinee.observe.home import Home
from matinee.platform.lifecycle.project import Project, open_project_of


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return home_with_plays(tmp_path)


@pytest.fixture
def project(home: Home) -> Iterator[Project]:
    with open_project_of(home, TOY) as opened:
        yield opened
