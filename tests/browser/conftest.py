"""One home and one server for each process of the tests, one browser for each file of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from benchmarks.chromium import NoBrowserError, chromium
from tests.browser.shop import MEMBERS, make_shop
from tests.browser.visiting import Visit, visiting
from tests.serve.running import Running, serving

from matinee.observe.home import Home

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home that others are copied from."""
    return make_shop(tmp_path_factory.mktemp("browser") / "shop").root


@pytest.fixture(scope="session")
def server(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that tests share: each takes a member of its own, and changes nothing else."""
    home = Home(shutil.copytree(shop, tmp_path_factory.mktemp("shared") / "shop"))
    with serving(home) as running:
        yield running


@pytest.fixture
def own_home(shop: Path, tmp_path: Path) -> Home:
    """A copy for a test that stops servers or changes what all members see."""
    return Home(shutil.copytree(shop, tmp_path / "shop"))


@pytest.fixture(scope="session")
def _members() -> Iterator[str]:
    return iter(MEMBERS)


@pytest.fixture
def member(_members: Iterator[str]) -> str:
    """Somebody whom no other test of this process has touched."""
    return next(_members)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, or why the test is skipped. It ends with the file: its event loop is in other tests' way."""
    with ExitStack() as open_:
        try:
            found = open_.enter_context(chromium())
        except NoBrowserError as problem:
            pytest.skip(str(problem))
        yield found


@pytest.fixture
def visit(browser: Browser, server: Running) -> Iterator[Callable[..., Visit]]:
    """Opens visits to the shared server, or to another address."""
    with ExitStack() as visits:

        def begin(address: str = server.address, **options: Any) -> Visit:
            return visits.enter_context(visiting(browser, address, **options))

        yield begin
