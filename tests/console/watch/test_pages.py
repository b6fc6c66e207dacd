from __future__ import annotations

import html
import re
from urllib.parse import quote

import pytest
from tests.console.watch.homes import (
    ADULT,
    ELSEWHERE,
    FORBIDDEN,
    FUTURE,
    LONG,
    OVER,
    RTL,
    SCRIPT,
    UNRATED,
    server,
)
from tests.console.watch.opened import Browser, Document, Site

__all__ = ["server"]


def rows_of(browser: Browser, path: str = "/watch") -> list[Document]:
    """The first page and all further ones, as links lead to them."""
    found = [browser.get(path)]
    while more := found[-1].all("a", id="more"):
        assert len(found) < 20
        found.append(browser.get(str(more[0]["href"])))
    return found


def test_without_a_profile_it_asks_who_is_watching(server: Site) -> None:
    page = server.browser().get("/watch")
    assert page.all("body", data_page="profiles")
    names = [a["value"] for a in page.all("button", class_="profile")]
    assert names[:1] == ["m3"]
    assert {"m1", "kid", "quiet"} <= set(names)
    assert names.index("m1") + 1 == names.index("kid"), "of one account"
    assert [a["value"] for a in page.all("button", class_="profile--kids")] == ["kid"]


def test_profiles_can_be_searched(server: Site) -> None:
    page = server.browser().get("/watch?who=KID")
    assert [a["value"] for a in page.all("button", class_="profile")] == ["kid"]
    other = server.browser().get("/watch?who=nobody-here")
    assert "0 profiles" in other.text
    assert [a["value"] for a in other.all("button", name="member_id")] == ["nobody-here"]


@pytest.mark.parametrize("page", ["0", "99", "x", "-1"])
def test_a_page_of_profiles_that_is_none_is_the_nearest(server: Site, page: str) -> None:
    assert server.browser().get(f"/watch?page={page}").all("button", class_="profile")


def test_somebody_new_has_a_page(server: Site) -> None:
    browser = server.browser()
    browser.get("/watch")
    browser.post("/watch/profile", new="1")
    page = browser.get("/watch")
    assert page.titles
    assert "guest-" in page.text


def test_the_page_has_rows_of_tiles_with_their_places(server: Site) -> None:
    browser = server.browser("m1")
    page = browser.get("/watch")
    rows = page.all("section", class_="row")
    assert 1 <= len(rows) <= 6
    assert page.all("body", data_page="watch")
    (whole,) = page.all("div", id="rows")
    assert rows[0]["data-decision"] == whole["data-decision"]
    assert [a["data-row"] for a in rows] == [str(n) for n in range(1, len(rows) + 1)]
    tile = page.all("li", class_="tile")[0]
    assert (tile["data-row"], tile["data-col"]) == ("1", "1")
    link = page.all("a", class_="tile__link")[0]
    assert link["href"] == f"/watch/title/{tile['data-title']}?from={tile['data-decision']}.1.1"
    assert len(page.all("h1")) == 1
    assert len(page.all("h2")) >= len(rows)
    assert page.all("main", id="main")
    assert page.all("a", class_="skip", href="#main")
    assert str(whole["data-now"]).startswith("2024-11-08T18:00")


def test_the_same_page_as_the_api_gives(server: Site) -> None:
    browser = server.browser("m2")
    page = browser.get("/watch?rows=4&cols=7")
    asked = {"rows": 4, "cols": 7, "device": "laptop", "locale": "en"}
    told = browser.http.get("/v1/members/m2/homepage", params=asked).json()
    assert told["sticky_of"] == page.all("div", id="rows")[0]["data-decision"]
    assert page.titles == [tile["title_id"] for row in told["rows"] for tile in row["tiles"]]


def test_further_rows_as_a_page_and_as_a_part(server: Site) -> None:
    browser = server.browser("m1")
    first = browser.get("/watch?rows=2")
    (more,) = first.all("a", id="more")
    whole = browser.get(str(more["href"]))
    part = browser.get(str(more["data-rows"]))
    assert whole.titles == part.titles != first.titles
    assert part.all("section", class_="row")[0]["data-row"] == "3"
    assert not part.all("main")
    assert "rows=2" in str(more["href"])


def test_a_cursor_of_an_older_page_shows_the_new_one(server: Site) -> None:
    browser = server.browser("m9")
    (more,) = browser.get("/watch?rows=1").all("a", id="more")
    browser.act("play", "t1", watch_s="6000")
    browser.get("/watch")
    page = browser.get(str(more["href"]))
    assert "changed in the meantime" in page.text
    assert page.all("section", data_row="1")
    part = browser.get(str(more["data-rows"]))
    assert browser.last is not None
    assert browser.last.headers["X-Matinee-Page"] == "replaced"
    assert part.titles


def test_a_cursor_that_is_none_is_refused(server: Site) -> None:
    browser = server.browser("m1")
    assert "400" in browser.get("/watch?cursor=x", status=400).text
    browser.get("/watch/rows?cursor=../..", status=400)


def test_names_are_text_whatever_they_hold(server: Site) -> None:
    browser = server.browser("m10")
    for title_id, name in (("script", SCRIPT), ("rtl", RTL), ("long", LONG.strip()), ("bare", "bare")):
        page = browser.get(f"/watch/title/{title_id}")
        assert name in page.text or " ".join(name.split()) in page.text
        assert browser.last is not None
        scripts = re.findall(r"<script[^>]*>", browser.last.text)
        assert len(scripts) == 1
        assert 'type="module"' in scripts[0]
        assert page.all("h1", dir="auto")
    found = browser.get(f"/watch/search?q={quote(SCRIPT)}")
    assert browser.last is not None
    assert "<script>alert" not in browser.last.text
    assert html.escape("<script>alert") in browser.last.text
    assert found.all("input", name="q")[0]["value"] == SCRIPT
    member = server.browser("<b>m</b>").get("/watch")
    assert "<b>m</b>" in member.text
    assert not member.all("b")


def test_a_row_may_be_named_after_anything(server: Site) -> None:
    browser = server.browser("fan")
    browser.act("play", "script", watch_s="6000")
    page = browser.get("/watch")
    assert page.titles
    assert browser.last is not None
    assert "<script>alert" not in browser.last.text


@pytest.mark.parametrize("title_id", [ADULT, UNRATED, ELSEWHERE, OVER, FUTURE, "never-was"])
def test_a_title_that_may_not_be_seen_is_not_named(server: Site, title_id: str) -> None:
    browser = server.browser("kid")
    for path in (f"/watch/title/{title_id}", f"/watch/title/{title_id}?part=1", f"/watch/play/{title_id}"):
        page = browser.get(path, status=404)
        for name in ("Velvet", "Oddity", "Germany", "Window", "Not Out"):
            assert name not in page.text
        assert (
            page.text == browser.get(path.replace(title_id, "never-was"), status=404).text
            or "Request" in page.text
        )
    browser.act("play", title_id, watch_s="10", status=404)
    browser.act("list_add", title_id, status=404)
    assert title_id not in browser.get("/watch/search?q=velvet oddity germany window out").titles


def test_the_limits_of_others_differ(server: Site) -> None:
    browser = server.browser("m2")
    assert "Only In Germany" in browser.get(f"/watch/title/{ELSEWHERE}").text
    browser.get(f"/watch/title/{OVER}", status=404)
    browser.get("/watch/title/soon", status=404)
    teen = server.browser("teen")
    teen.get("/watch/title/fargo", status=404)
    assert "Unrated Oddity" in teen.get(f"/watch/title/{UNRATED}").text


def test_a_kids_profile_never_meets_what_is_not_for_kids(server: Site) -> None:
    browser = server.browser("kid")
    pages = rows_of(browser)
    assert pages[0].all("html")[0].get("data-kids") is None
    assert "data-kids" in pages[0].all("html")[0]
    shown = {one for page in pages for one in page.titles}
    shown |= set(browser.get("/watch/search?q=film").titles)
    shown |= set(browser.get("/watch/search?q=velvet+adults").titles)
    for title_id in sorted(shown)[:8]:
        shown |= set(browser.get(f"/watch/title/{title_id}").titles)
    assert shown
    maturity = {f"t{i}": (0, 6, 12, 18)[i % 4] for i in range(48)}
    assert not shown & {*FORBIDDEN, "fargo", "leon"}
    assert all(maturity.get(one, 0) <= 12 for one in shown)


def test_details_say_why_and_what(server: Site) -> None:
    browser = server.browser("m5")
    page = browser.get("/watch")
    link = str(page.all("a", class_="tile__link")[0]["href"])
    row = page.texts[page.texts.index(next(t for t in page.texts if t in ROW_NAMES))]
    found = browser.get(link)
    assert "Why this is here" in found.text
    assert row in found.text
    assert "no chance was involved" in found.text
    assert len(found.all("h1")) == 1
    assert found.all("article", class_="details")[0]["data-row"] == "1"
    part = browser.get(link + "&part=1")
    assert not part.all("h1")
    assert part.all("h2", id="details-name")
    assert not part.all("main")


ROW_NAMES = {"Trending now", "Popular on the service", "Popular in AT", "Leaving soon", "New on the service"}


def test_why_is_told_to_nobody_else(server: Site) -> None:
    mine = server.browser("m6")
    link = str(mine.get("/watch").all("a", class_="tile__link")[0]["href"])
    assert "Why this is here" in mine.get(link).text
    assert "Why this is here" not in server.browser("m7").get(link).text
    for odd in ("x", "a.b.c", "d.1", f"{'d' * 300}.1.1", "dgexamplexample.1.2"):
        assert "Why this is here" not in mine.get(link.partition("?")[0] + f"?from={odd}").text


def test_details_hold_facts_and_similar_titles(server: Site) -> None:
    page = server.browser("m1").get("/watch/title/t0")
    assert "1980" in page.text
    assert "1 h 40 min" in page.text
    assert "Frances McDormand" in page.text
    assert "lighthouse" in page.text
    assert page.all("section", class_="row--similar")
    assert "t0" not in page.titles
    assert page.titles
    bare = server.browser("m1").get("/watch/title/long")
    assert not bare.all("p", class_="details__synopsis")
    assert not bare.all("dl")


def test_a_title_that_leaves_says_when(server: Site) -> None:
    browser = server.browser("m1")
    assert "Until 12 November" in browser.get("/watch/title/soon").text
    tile = next(
        part for part in re.split(r"<li ", _search(browser, "gone tomorrow")) if 'data-title="soon"' in part
    )
    assert "badge--leaving" in tile


def _search(browser: Browser, query: str) -> str:
    browser.get(f"/watch/search?q={query}")
    assert browser.last is not None
    return browser.last.text


def test_ids_may_hold_anything(server: Site) -> None:
    browser = server.browser("m1")
    page = browser.get("/watch/search?q=slashed")
    (link,) = [a["href"] for a in page.all("a", class_="tile__link")]
    assert link == "/watch/title/a%2Fb%20c?from=search"
    found = browser.get(str(link))
    assert found.all("article")[0]["data-title"] == "a/b c"
    browser.get(str(found.all("a", class_="details__play")[0]["href"]))


def test_the_page_speaks_german(server: Site) -> None:
    browser = server.browser("m8")
    page = browser.get("/watch?lang=de")
    assert page.all("html", lang="de")
    assert {"Im Trend", "Beliebt im Angebot"} & set(page.texts)
    assert "Trending now" not in page.text


@pytest.mark.parametrize(
    ("agent", "device"),
    [("Mozilla/5.0 (iPhone) Mobile", "phone"), ("SMART-TV Tizen", "tv"), ("Firefox", "laptop")],
)
def test_the_layout_follows_the_screen(server: Site, agent: str, device: str) -> None:
    browser = server.browser("m1")
    assert browser.get("/watch", **{"User-Agent": agent}).all("html")[0]["data-device"] == device
    assert browser.get("/watch?device=tv", **{"User-Agent": agent}).all("html")[0]["data-device"] == "tv"


def test_every_page_is_well_formed_and_from_here(server: Site) -> None:
    browser = server.browser("m1")
    for path in ("/watch", "/watch/title/t0", "/watch/title/s", "/watch/play/t4", "/watch/search?q=film"):
        page = browser.get(path)
        assert browser.last is not None
        assert "script-src 'self'" in browser.last.headers["Content-Security-Policy"]
        for _, attributes in page.elements:
            for name in ("src", "href", "action"):
                assert str(attributes.get(name) or "/").startswith(("/", "#")), attributes
        assert all(a.get("alt") == "" for a in page.all("img"))


@pytest.mark.parametrize(("language", "says"), [("en", "All ages"), ("de", "Jedes Alter")])
def test_an_age_of_zero_is_said_in_words(server: Site, language: str, says: str) -> None:
    browser = server.browser("m1")
    browser.get(f"/watch/title/script?lang={language}")
    assert age_of(browser) == says
    browser.get("/watch/title/leon")
    assert age_of(browser) == {"en": "From age 16", "de": "Ab Alter 16"}[language]


def age_of(browser: Browser) -> str:
    """The age in the line of facts, as a screen reader says it."""
    assert browser.last is not None
    badge = re.search(
        r'<ul class="facts">\s*<li><span class="badge badge--age">(.*?)</li>', browser.last.text
    )
    assert badge is not None
    return html.unescape(re.sub(r"<[^>]+>", "", badge[1])).strip()
