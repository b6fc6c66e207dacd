from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from tests.console.watch.homes import a_home
from tests.console.watch.opened import Browser, Document, Site, site

from matinee.console.watch import searching
from matinee.console.watch.searched import Searched
from matinee.observe.lake.connection import spilling
from matinee.observe.lake.reader import open_events


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server that reads what members searched for again each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(searching, "AGAIN_S", 0.0)
        patch.setattr(searching, "SHARE", 0.0)
        with site(a_home(tmp_path_factory)) as found:
            yield found


def found(browser: Browser, query: str) -> Document:
    return browser.get(f"/watch/search?q={query}")


def section(page: Document, heading: str) -> list[str]:
    """Titles below a heading, by the order of elements."""
    out: list[str] = []
    inside = False
    for tag, attributes in page.elements:
        if tag == "h2":
            inside = attributes.get("id") == heading
        elif tag == "li" and inside and "tile" in str(attributes.get("class")).split():
            out.append(str(attributes["data-title"]))
    return out


@pytest.mark.parametrize("query", ["fargo", "FARGO", " farg ", "far"])
def test_a_title_is_found_by_its_name(server: Site, query: str) -> None:
    page = found(server.browser("m1"), query)
    assert section(page, "found-named")[0] == "fargo"
    assert "not in the catalogue" not in page.text


@pytest.mark.parametrize(
    ("query", "title_id"),
    [
        ("amelie", "amelie"), ("AMÉLIE poulain", "amelie"), ("poulain destin", "amelie"), ("leon", "leon"),
        ("professional: the léon", "leon"), ("frances mcdormand", "t0"), ("angstrom zoe", "t0"),
        ("harbour", "s"), ("varda", "t0"), ("film 12", "t12"),
    ],
)  # fmt: skip
def test_words_come_in_any_order_and_without_accents(server: Site, query: str, title_id: str) -> None:
    page = found(server.browser("m1"), query)
    assert title_id in section(page, "found-named")


@pytest.mark.parametrize(
    ("query", "title_id"), [("fagro", "fargo"), ("profesional", "leon"), ("poullain", "amelie")]
)
def test_a_misspelt_name_comes_close(server: Site, query: str, title_id: str) -> None:
    page = found(server.browser("m1"), query)
    assert f"“{query}” is not in the catalogue here." in page.text
    assert section(page, "found-close")[0] == title_id
    assert section(page, "found-picks")


def test_a_genre_and_a_synopsis_are_found(server: Site) -> None:
    browser = server.browser("m1")
    assert len(section(found(browser, "animation"), "found-named")) > 5
    page = found(browser, "lighthouse keeper 7")
    assert "not in the catalogue" in page.text
    assert section(page, "found-described") == ["t7"]


def test_episodes_are_found_by_their_series(server: Site) -> None:
    page = found(server.browser("m1"), "harbour lights")
    assert page.titles == ["s"]


@pytest.mark.parametrize("query", ["", "   ", "...", "!?", "%26"])
def test_nothing_to_search_for_is_told(server: Site, query: str) -> None:
    page = found(server.browser("m1"), query)
    assert "Type a title" in page.text


def test_a_very_long_query_does_no_harm(server: Site) -> None:
    page = found(server.browser("m1"), "fargo " * 300)
    assert page.all("input", name="q")


def searched(server: Site, member_id: str) -> list[str]:
    with spilling() as con:
        open_events(con, server.services.home, "searches")
        rows = con.execute("SELECT query FROM searches WHERE member_id = ? ORDER BY seq", [member_id])
        return [row[0] for row in rows.fetchall()]


def test_a_page_of_results_is_reported_once_and_a_part_is_not(server: Site) -> None:
    browser = server.browser("reporter")
    page = found(browser, "solaris")
    assert "data-reported" in page.all("div", id="results")[0]
    found(browser, "solaris")
    browser.get("/watch/search?q=stalker&part=1")
    browser.get("/watch/search?q=mirror", **{"Sec-Fetch-Site": "cross-site"})
    browser.get("/watch/search?q=")
    assert searched(server, "reporter") == ["solaris"]


def test_what_others_watched_after_the_same_search(server: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three other members must have, so that nobody is told apart."""
    monkeypatch.setattr(searching, "WAIT_S", 60.0)
    for n in range(3):
        one = server.browser(f"seeker{n}")
        found(one, "Solaris 1972")
        one.act("play", "t4", watch_s="6000")
        if n < 2:
            one.act("play", "t8", watch_s="6000")
        one.act("play", "adult", watch_s="6000")
        one.act("play", "t12", watch_s="30")
    asker = server.browser("asker")
    page = found(asker, "1972 solaris")
    assert "People who looked for this watched" in page.text
    assert section(page, "found-watched") == ["adult", "t4"]
    assert section(found(server.browser("kid"), "solaris 1972"), "found-watched") == ["t4"]
    own = found(server.browser("seeker0"), "solaris 1972")
    assert not section(own, "found-watched"), "with whoever asks there are only two others"
    assert not section(found(asker, "solaris"), "found-watched")
    part = asker.get("/watch/search?q=solaris+1972&part=1")
    assert section(part, "found-watched") == ["adult", "t4"]
    assert not part.all("main")


def test_a_search_does_not_wait_long_for_what_others_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    go, n_read = threading.Event(), []

    def load(*_args: object) -> Searched:
        n_read.append(1)
        go.wait(30.0)
        return Searched({"solaris": []})

    monkeypatch.setattr(Searched, "load", load)
    monkeypatch.setattr(searching, "WAIT_S", 0.05)
    monkeypatch.setattr(searching, "SHARE", 1e6)

    async def visit() -> None:
        one = searching.Search(SimpleNamespace(home=None, clock=SimpleNamespace(now_us=0)))  # type: ignore
        assert [len(await one._searches()) for _ in range(3)] == [0, 0, 0]
        reading = one._reading
        assert reading is not None
        go.set()
        await reading
        assert len(await one._searches()) == 1
        assert len(n_read) == 1, "what takes long is not read again soon"

    asyncio.run(visit())


def test_tiles_of_a_search_are_nobodys_decision(server: Site) -> None:
    page = found(server.browser("m1"), "film")
    assert all("data-decision" not in a for a in page.all("li", class_="tile"))
    assert all(a["data-surface"] == "search" for a in page.all("li", class_="tile"))
    assert all(str(a["href"]).endswith("?from=search") for a in page.all("a", class_="tile__link"))


def test_what_the_member_likes_comes_first(server: Site) -> None:
    page = found(server.browser("m1"), "film")
    assert len(section(page, "found-named")) == searching.SHOWN
