"""When something is away there are still rows, and one calm line."""

from __future__ import annotations

from typing import Any

import pytest
from tests.console.watch.homes import server
from tests.console.watch.opened import Site

from matinee.errors import StorageError
from matinee.serve.pages import Pages

__all__ = ["server"]


def away(*_: Any, **__: Any) -> Any:
    raise StorageError("it is away")


def test_rows_are_there_when_nothing_can_decide(server: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, kid = server.browser("m1"), server.browser("kid")
    monkeypatch.setattr(Pages, "page", away)
    page = browser.get("/watch")
    assert "Recommendations are not available just now." in page.text
    rows = page.all("section", class_="row")
    assert [a["data-kind"] for a in rows][:2] == ["popular", "genre"]
    assert page.titles
    assert all("data-decision" not in a for a in page.all("li", class_="tile"))
    assert not page.all("a", id="more")
    grown = {f"t{i}" for i in range(3, 48, 4)} | {"adult", "unrated", "fargo"}
    assert grown & set(page.titles)
    assert not grown & set(kid.get("/watch").titles)


def test_rows_are_there_without_the_state(server: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = server.browser("m1")
    monkeypatch.setattr(server.services.store, "record", away)
    page = browser.get("/watch")
    assert "may not be up to date" in page.text
    assert page.titles
    assert all(int(one[1:]) % 4 == 0 for one in page.titles if one[1:].isdigit()), "only what anybody may see"
    browser.get("/watch/title/fargo", status=404)
    monkeypatch.undo()
    assert "may not be up to date" not in browser.get("/watch?rows=5").text


def test_a_state_that_lags_is_told(server: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = server.browser("m1")
    monkeypatch.setattr(type(server.services.ingestor), "degraded", True)
    assert "may not be up to date" in browser.get("/watch").text


def test_search_goes_on_when_it_cannot_be_reported(server: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = server.browser("m1")
    monkeypatch.setattr(type(server.services.ingestor), "offer_async", away)
    page = browser.get("/watch/search?q=fargo")
    assert page.titles
    assert "data-reported" not in page.all("div", id="results")[0]
    browser.act("list_add", "t4", status=503)
