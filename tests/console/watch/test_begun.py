"""The head of a member's page is sent before its rows are decided."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from typing import Any

import pytest
from tests.console.watch.homes import server
from tests.console.watch.opened import Document, Site

from matinee.console.watch import pages
from matinee.console.watch.pages import RowView
from matinee.serve.pages import Pages

__all__ = ["server"]
PATIENCE_S = 60.0


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_the_head_comes_while_the_rows_are_decided(
    server: Site, monkeypatch: pytest.MonkeyPatch, coding: str
) -> None:
    browser = server.browser("m1")
    decide, may = Pages.page, threading.Event()

    async def patient(*given: Any, **named: Any) -> Any:
        assert await asyncio.to_thread(may.wait, PATIENCE_S), "nobody saw the head"
        return await decide(*given, **named)

    monkeypatch.setattr(Pages, "page", patient)
    with browser.http.stream("GET", "/watch", headers={"Accept-Encoding": coding}) as reply:
        parts = reply.iter_text()
        head = ""
        while "</header>" not in head:
            head += next(parts)
        assert ("gzip" in reply.headers.get("content-encoding", "")) == (coding == "gzip")
        assert "member.css" in head
        assert 'id="rows"' not in head
        may.set()
        page = Document(head + "".join(parts))
    assert page.titles
    (rows,) = page.all("div", id="rows")
    assert rows["data-decision"] == page.all("li", class_="tile")[0]["data-decision"]


def test_a_page_whose_rows_cannot_be_made_says_so_below_its_head(
    server: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a fault nobody thought of")

    browser = server.browser("m1")
    monkeypatch.setattr(Pages, "page", broken)
    page = browser.get("/watch")
    assert "The server failed." in page.text
    assert page.all("main", id="main")
    assert page.all("link", rel="stylesheet")
    assert not page.titles
    assert "nobody thought of" in caplog.text


def test_rows_that_were_sent_stay_when_a_further_one_cannot_be_made(
    server: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def rows_of(*given: Any, **named: Any) -> list[RowView]:
        first, second, *_ = made(*given, **named)
        return [first, replace(second, tiles=None)]  # type: ignore[arg-type]

    made = pages.rows_of
    browser = server.browser("m1")
    whole = browser.get("/watch")
    monkeypatch.setattr(pages, "rows_of", rows_of)
    page = browser.get("/watch")
    assert "The server failed." in page.text
    assert page.titles
    assert page.titles == whole.titles[: len(page.titles)]
    assert len(page.all("main", id="main")) == len(page.all("section", class_="row")) == 1
    assert "its rest cannot be made" in caplog.text


def test_a_cursor_that_is_none_of_ours_has_a_status_of_its_own(server: Site) -> None:
    server.browser("m1").get("/watch?cursor=nothing", status=400)


def test_who_leaves_early_costs_the_others_nothing(server: Site) -> None:
    browser = server.browser("m2")
    with browser.http.stream("GET", "/watch") as reply:
        next(reply.iter_raw())
    assert browser.get("/watch").titles
