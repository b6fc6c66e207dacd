"""The loader: entry points and folders of a home, by one name each; what is wrong is named with its place."""

from __future__ import annotations

import shutil
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from tests.platform.toys import TOY, in_home

from matinee.errors import ConfigError, NotFoundError
from matinee.observe.home import Home
from matinee.platform import loading
from matinee.platform.initiative import Initiative
from matinee.platform.loading import GROUP, find, load
from matinee.platform.pipeline.code import CodeReader


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.create(tmp_path / "home")


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Name -> "module:attribute" of what other packages declare."""
    places: dict[str, str] = {}
    monkeypatch.setattr(
        loading, "_installed", lambda: tuple(EntryPoint(name, place, GROUP) for name, place in places.items())
    )
    return places


def write(home: Home, name: str, text: str) -> Path:
    folder = home.initiatives / name
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(text, encoding="utf-8")
    return folder


def test_ours_are_found_like_those_of_any_package() -> None:
    for name, found in find().items():
        assert found.entry is not None
        made = found.load()
        assert (type(made), made.name) == (Initiative, name)


def test_a_package_declares_one_by_an_entry_point(installed: dict[str, str]) -> None:
    installed["toy"] = "tests.platform.toys:TOY"
    assert load("toy") is TOY
    assert find()["toy"].place == "tests.platform.toys:TOY"


def test_a_home_has_its_own_and_two_homes_may_differ(home: Home, tmp_path: Path) -> None:
    first = load("toy", home) if in_home(home) else None
    other = Home.create(tmp_path / "other")
    text = (in_home(other) / "__init__.py").read_text().replace('title="A toy"', 'title="Another"')
    (other.initiatives / "toy" / "__init__.py").write_text(text)
    assert first is not None
    assert (first.title, load("toy", other).title) == ("A toy", "Another")
    assert load("toy", home) is first


def test_files_beside_it_are_imported_relatively(home: Home) -> None:
    folder = in_home(home)
    shutil.move(folder / "__init__.py", folder / "rest.py")
    (folder / "__init__.py").write_text("from .rest import TOY\n")
    assert load("toy", home).name == "toy"


def test_an_unknown_name_is_told_with_the_nearest(home: Home) -> None:
    in_home(home)
    with pytest.raises(NotFoundError, match=r'matinee: unknown initiative "tyo"\. Did you mean "toy"\?'):
        load("tyo", home)


def test_two_of_one_name_are_refused_with_both_places(home: Home, installed: dict[str, str]) -> None:
    in_home(home)
    installed["toy"] = "tests.platform.toys:TOY"
    with pytest.raises(ConfigError) as failure:
        load("toy", home)
    text = str(failure.value)
    assert "initiative toy: stands in tests.platform.toys:TOY and in " in text
    assert str(home.initiatives / "toy") in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import nothing_of_this_name\n", "does not import, ModuleNotFoundError: No module named"),
        ("def (:\n", "does not import, SyntaxError"),
        ("1 / 0\n", "does not import, ZeroDivisionError"),
        ("x = 1\n", "holds 0 initiatives, expected one, as in TOY = Initiative"),
    ],
)
def test_one_that_does_not_import_is_named_and_leaves_nothing_behind(
    home: Home, text: str, said: str
) -> None:
    folder = write(home, "toy", text)
    for _ in range(2):  # the second time as well
        with pytest.raises(ConfigError) as failure:
            load("toy", home)
        assert said in str(failure.value)
        assert str(folder) in str(failure.value)


def test_two_in_one_folder_and_a_name_that_differs_are_refused(home: Home) -> None:
    folder = in_home(home)
    with (folder / "__init__.py").open("a") as file:
        file.write("\nimport dataclasses\nSECOND = dataclasses.replace(TOY)\n")
    with pytest.raises(ConfigError, match="holds 2 initiatives, expected one"):
        load("toy", home)
    in_home(home, "game")
    with pytest.raises(ConfigError, match=r'initiative game .*: its name is "toy", expected "game"'):
        load("game", home)


def test_an_entry_point_to_something_else_is_refused(installed: dict[str, str]) -> None:
    installed.update(number="tests.platform.toys:UNITS", gone="tests.platform.toys:GONE")
    with pytest.raises(ConfigError, match=r"initiative number .*: is int, expected an Initiative"):
        load("number")
    with pytest.raises(ConfigError, match=r"initiative gone .*: does not import, AttributeError"):
        load("gone")


def test_folders_that_are_no_packages_are_passed_over(home: Home, installed: dict[str, str]) -> None:
    (home.initiatives / "notes").mkdir(parents=True)
    (home.initiatives / "readme.md").write_text("ours")
    (home.initiatives / ".writing-x").mkdir()
    (home.initiatives / ".writing-x" / "__init__.py").write_text("")
    assert find(home) == {}
    assert find(Home(home.root / "nowhere")) == {}


def test_the_place_of_a_home_is_no_part_of_the_code(home: Home, tmp_path: Path) -> None:
    other = Home.create(tmp_path / "moved")
    made = [load("toy", one) for one in (home, other) if in_home(one)]
    shapes, codes = set(), set()
    for one in made:
        reader = CodeReader([step.function for step in one.pipeline.steps])
        codes.add(tuple(reader.fingerprint(step.function).digest for step in one.pipeline.steps))
        shapes.add(one.pipeline.shape)
    assert (len(made), len(shapes), len(codes)) == (2, 1, 1)
    assert made[0].config is not made[1].config
