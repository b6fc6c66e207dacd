"""/console/preview over HTTP where nothing is trained: pages, errors, escaping, and nothing is logged."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from litestar.testing import TestClient
from tests.console.door import ADDRESS, Door
from tests.console.watch.homes import ADULT, RTL, SCRIPT, make
from tests.console.watch.opened import Document

from matinee.console.app import create
from matinee.console.preview.desk import MOST, Desk
from matinee.console.preview.openings import Openings
from matinee.observe.erasure.erased import mark
from matinee.observe.home import Home
from matinee.serve.config import ServeConfig
from matinee.serve.lane import Lane
from matinee.serve.services import Services

pytestmark = pytest.mark.slow
PREVIEW = "/console/preview"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that is copied."""
    return make(tmp_path_factory.mktemp("preview") / "made").root


@pytest.fixture(scope="module")
def door(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    home = Home(Path(shutil.copytree(made, tmp_path_factory.mktemp("preview") / "home")))
    services = Services.open(home, ServeConfig(refresh_s=3600, compact_s=3600, budget_ms=20_000))
    with TestClient(create(services), base_url=ADDRESS) as http:
        yield Door(services, http)


def page(door: Door, query: str, status: int = 200) -> Document:
    reply = door.http.get(f"{PREVIEW}?{query}")
    assert reply.status_code == status, reply.text[:2000]
    assert reply.headers["cache-control"] == "no-store"
    return Document(reply.text)


def titles(document: Document) -> list[str]:
    return [str(a["data-title"]) for a in document.all("li", class_="tile")]


def asked(reply: httpx.Response) -> dict[str, list[str]]:
    return parse_qs(urlsplit(reply.headers["location"]).query)


def test_without_a_member_some_are_offered(door: Door) -> None:
    found = page(door, "")
    assert any(a.get("href") == f"{PREVIEW}?member=m3" for a in found.all("a"))
    assert not titles(found)


def test_a_page_is_shown_with_what_is_said_about_each_tile(door: Door) -> None:
    found = page(door, "member=m1&rows=3&cols=5")
    assert len(titles(found)) == 15
    said = {a["id"] for a in found.all("section", class_="reasons")}
    linked = {str(a["href"])[1:] for a in found.all("a", class_="tile__link")}
    assert linked == said
    assert len(said) == 15
    assert "Why this row, and what was removed" in found.text
    assert "already watched" in found.text


def test_it_speaks_german(door: Door) -> None:
    reply = door.http.get(f"{PREVIEW}?member=m1", headers={"accept-language": "de"})
    found = Document(reply.text)
    assert "Worauf die Seite beruht" in found.text
    assert "schon gesehen" in found.text
    assert not re.search(r"\bpreview\.[a-z_]+", found.text), "a text is missing"


def test_what_chooses_the_images_is_a_choice_of_its_own(door: Door) -> None:
    found = page(door, "member=m1&b.artwork=fallback")
    assert "Images by: In production → Without a model" in found.text
    assert titles(found)[: len(titles(found)) // 2] == titles(found)[len(titles(found)) // 2 :]
    wrong = page(door, "member=m1&artwork=artwork@99", 400)
    assert (
        'artwork is "artwork@99", expected released, newest, fallback or a version that is on disk'
        in wrong.text
    )
    (field,) = wrong.all("select", id="artwork")
    assert field["aria-invalid"] == "true"


def test_no_note_of_a_german_page_is_english(door: Door) -> None:
    reply = door.http.get(f"{PREVIEW}?member=m1", headers={"accept-language": "de"})
    found = Document(reply.text)
    assert not [a for _, a in found.elements if a.get("lang") == "en" and a.get("value") != "en"]


def test_the_past_knows_nothing_of_later_plays(door: Door) -> None:
    found = page(door, "member=m3&at=2024-11-08T17:59:59Z")
    plays = found.text.partition("What the page rests on")[2].partition("What if?")[0]
    assert "Fargo" not in plays
    now = page(door, "member=m3").text.partition("What the page rests on")[2].partition("What if?")[0]
    assert "Fargo" in now


def test_a_shorter_address_says_the_same(door: Door) -> None:
    reply = door.get(f"{PREVIEW}?member=m1&at=&release=released&device=&rows=&b.release=")
    assert (reply.status_code, reply.headers["location"]) == (303, f"{PREVIEW}?member=m1")
    part = door.get(f"{PREVIEW}?member=m1&at=&part=1")
    assert part.headers["location"] == f"{PREVIEW}?member=m1&part=1"


def test_what_if_by_the_name_of_a_title(door: Door) -> None:
    reply = door.get(f"{PREVIEW}?member=m1&what=play&about=fargo")
    assert asked(reply) == {"member": ["m1"], "b.change": ["play:fargo"]}
    found = page(door, "member=m1&b.change=play:fargo")
    assert {a["data-side"] for a in found.all("section", class_="preview__side")} == {"a", "b"}
    assert "Watched: Fargo" in found.text
    assert re.search(r"\d+ of \d+ places differ\.", found.text)
    several = page(door, "member=m1&what=play&about=film")
    offered = [str(a["href"]) for a in several.all("a", class_="chip") if "b.change" in str(a["href"])]
    assert len(offered) == 8
    assert "no title like “nothing such”" in page(door, "member=m1&what=play&about=nothing such").text


def test_a_younger_member_sees_no_title_for_adults(door: Door) -> None:
    found = page(door, f"member=m1&maturity=12&title={ADULT}")
    assert ADULT not in titles(found)
    assert "is kept off: above the highest age" in found.text


def test_a_title_is_looked_for(door: Door) -> None:
    assert "is kept off: already watched" in page(door, "member=m1&title=Film 7").text
    assert "Which of these?" in page(door, "member=m1&title=film").text
    assert "no title like “zzz”" in page(door, "member=m1&title=zzz").text


def test_titles_are_escaped_and_right_to_left_names_keep_their_direction(door: Door) -> None:
    reply = door.http.get(f"{PREVIEW}?member=m1&rows=10&cols=20&title=script")
    assert SCRIPT not in reply.text
    assert "&lt;script&gt;" in reply.text
    found = Document(reply.text)
    assert RTL in found.text
    wicked = '"><script>alert(1)</script>'
    for name in ("member", "at", "territory", "title", "about", "device", "b.member", "change", "decision"):
        text = door.http.get(PREVIEW, params={"member": "m1", "what": "play", name: wicked}).text
        assert "<script>alert" not in text, name
        Document(text)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("member=m1&rows=many", 'rows is "many", expected a whole number from 1 to 40.'),
        ("member=m1&release=v9", 'release is "v9", expected released, newest, fallback or a version'),
        ("member=m1&b.release=v9", 'release is "v9"'),
        ("member=m1&change=play:nowhere", 'change is "play:nowhere", expected a title of the catalogue'),
        ("decision=d123", 'decision is "d123", expected the decision_id of a page'),
    ],
)
def test_what_is_wrong_is_told(door: Door, query: str, words: str) -> None:
    assert words in page(door, query, status=400).text


def test_an_error_stands_beside_its_field(door: Door) -> None:
    found = page(door, "member=m1&b.release=v9", status=400)
    (field,) = [a for a in found.all("select") if a.get("name") == "b.release"]
    assert field["aria-invalid"] == "true"
    assert found.all("p", id=str(field["aria-describedby"]))


def test_somebody_unknown_gets_the_page_of_somebody_new_and_is_told_so(door: Door) -> None:
    found = page(door, "member=nobody")
    assert titles(found)
    assert "Nobody knows a member of this id" in found.text


def test_nothing_is_logged_stored_or_counted(door: Door) -> None:
    services = door.services
    before = {path.name: path.stat().st_size for path in services.home.log.iterdir()}
    counted = services.metrics.text()
    page(door, "member=m1&b.change=play:fargo&title=fargo&rows=4")
    page(door, "member=never-heard-of&kids=yes")
    assert services.ingestor.drain(5.0)
    assert {path.name: path.stat().st_size for path in services.home.log.iterdir()} == before
    assert services.store.record("never-heard-of").acted == 0
    for name in ("matinee_decisions", "matinee_fallbacks", "matinee_arms"):
        lines = re.compile(rf"^{name}.*$".encode(), re.M)
        assert lines.findall(services.metrics.text()) == lines.findall(counted)


def test_a_part_is_all_that_changes(door: Door) -> None:
    text = door.http.get(f"{PREVIEW}?member=m1&part=1").text
    assert "<html" not in text
    assert 'id="preview-form"' in text


def test_too_many_at_once_are_told_honestly(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, over = threading.Event(), threading.Event()
    lane = Lane("previews", threads=1, most=1)

    def slow() -> None:
        begun.set()
        over.wait(10)

    def waiting(self: Desk, *_: object) -> object:
        return lane.run(slow)

    monkeypatch.setattr(Desk, "show", waiting)
    waits = threading.Thread(target=door.http.get, args=(f"{PREVIEW}?member=m1",), daemon=True)
    waits.start()
    assert begun.wait(10)
    reply = door.http.get(f"{PREVIEW}?member=m1&rows=2")
    over.set()
    assert reply.status_code == 503
    assert reply.headers["retry-after"] == "2"
    assert "previews: 1 wait already, expected fewer at once." in Document(reply.text).text
    waits.join(10)
    assert MOST > 1


def test_an_erased_member_is_refused(door: Door) -> None:
    page(door, "member=m9")
    mark(door.services.home, "m9")
    door.services.erased.reload()
    assert "member is one who was erased" in page(door, "member=m9", status=400).text


def test_few_versions_are_kept_and_not_for_long(door: Door) -> None:
    services = door.services
    made = Openings(services.home, services.initiatives["homepage"], services.registry, kept=2, keep_s=0.0)
    now_us = services.clock.now_us
    first = made.open("fallback", None, now_us)
    made.keep_s = 60.0
    assert made.open("fallback", None, now_us + 1) is first
    assert made.open("fallback", now_us, now_us) is not first
    made.open("fallback", now_us - 1, now_us)
    assert len(made) == 2
    assert made.open("fallback", None, now_us) is not first, "the oldest went"
    made.keep_s = 0.0
    made._sweep()
    assert len(made) == 0
    made.forget()


def test_with_keys_only_the_staff_comes_in_and_comes_back(made: Path, tmp_path: Path) -> None:
    home = Home(Path(shutil.copytree(made, tmp_path / "home")))
    services = Services.open(home, ServeConfig(refresh_s=3600, compact_s=3600, budget_ms=20_000))
    with TestClient(create(services), base_url=ADDRESS) as http:
        guarded = Door(services, http)
        key = guarded.key("admin")
        link = f"{PREVIEW}?member=m1&b.change=play%3Afargo"
        reply = guarded.get(link)
        assert reply.status_code == 303
        door_address = reply.headers["location"]
        assert parse_qs(urlsplit(door_address).query)["next"] == [link]
        assert guarded.get(f"{link}&part=1", **{"sec-fetch-mode": "cors"}).status_code == 401
        form = {"csrf": guarded.token(door_address), "key": key, "next": link}
        back = guarded.post("/console/enter", form, origin=ADDRESS)
        assert (back.status_code, back.headers["location"]) == (303, link)
        assert guarded.get(link).status_code == 200
