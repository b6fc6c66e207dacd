from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from matinee.cli import download
from matinee.cli.download import Source, first_of, get, sha256_of, take
from matinee.errors import InputError, NotFoundError


def archive(folder: Path) -> tuple[Path, Source]:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "toy.whl"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("toy/data/toy.inter", "a\tb\n")
        made.writestr("toy/code.py", "x = 1\n")
    return path, Source("toy.whl", sha256_of(path), requirement="toy==1")


def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise NotFoundError("no network in tests.")

    monkeypatch.setattr(download, "from_index", refuse)
    monkeypatch.setattr(download, "from_url", refuse)


def test_a_given_folder_is_used_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_network(monkeypatch)
    path, source = archive(tmp_path)
    assert get(source, folder=tmp_path) == path
    path.write_bytes(b"other")
    with pytest.raises(InputError, match=r"toy\.whl: SHA-256 is .* expected"):
        get(source, folder=tmp_path)
    with pytest.raises(NotFoundError, match=r"missing\.zip is not there"):
        get(Source("missing.zip", "0"), folder=tmp_path)


def test_a_download_is_checked_and_cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, source = archive(tmp_path / "index")
    calls = []

    def from_index(requirement: str, folder: Path) -> None:
        calls.append(requirement)
        (folder / "toy.whl").write_bytes(made.read_bytes())

    monkeypatch.setattr(download, "from_index", from_index)
    monkeypatch.setenv("MATINEE_CACHE", str(tmp_path / "cache"))
    assert get(source) == get(source) == tmp_path / "cache" / "toy.whl"
    assert calls == ["toy==1"]
    (tmp_path / "cache" / "toy.whl").write_bytes(b"damaged")
    assert sha256_of(get(source)) == source.sha256
    assert len(calls) == 2
    made.write_bytes(b"something else")
    (tmp_path / "cache" / "toy.whl").unlink()
    with pytest.raises(NotFoundError, match="not the file that was asked for"):
        get(source)
    assert list((tmp_path / "cache").iterdir()) == []


def test_the_next_source_is_tried_and_all_reasons_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_network(monkeypatch)
    path, second = archive(tmp_path)
    assert first_of([Source("first.zip", "0"), second], folder=tmp_path) == path
    monkeypatch.setenv("MATINEE_CACHE", str(tmp_path / "empty"))
    with pytest.raises(NotFoundError, match=r"no network in tests\. no network in tests\."):
        first_of([second, Source("x", "0", url="https://x.invalid/x")])


def test_members_are_taken_by_ending_without_their_paths(tmp_path: Path) -> None:
    path, _ = archive(tmp_path / "a")
    taken = take(path, [".inter"], tmp_path)
    assert taken == [tmp_path / "toy.inter"]
    assert taken[0].read_text() == "a\tb\n"
    with pytest.raises(InputError, match=r"no member that ends in \.item"):
        take(path, [".item"], tmp_path)


def test_cache_folder_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MATINEE_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert download.cache_folder() == tmp_path / "matinee"
