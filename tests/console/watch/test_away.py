"""Pages while what they are made from cannot be read: a page that says so and when to come back, no trace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.console.watch.homes import server
from tests.console.watch.opened import Browser, Document, Site

from matinee.console.preview.openings import Openings
from matinee.console.titles import TitlesNow
from matinee.console.watch.profiles import Profiles
from matinee.errors import StorageError

__all__ = ["server"]
Away = Callable[[object, str], None]
WHERE = "postgresql://matinee:sesame@10.0.0.7/registry: /srv/homes/shop/lake cannot be reached. Try again."
HTML = {"accept": "text/html,*/*;q=0.8"}


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Away:
    """Lets a call of the server fail, as where it reads from does."""

    def fail(*_: Any, **__: Any) -> Any:
        raise StorageError(WHERE)

    return lambda owner, name: monkeypatch.setattr(owner, name, fail)


def said(browser: Browser, path: str) -> Document:
    """The page that says that it does not work just now."""
    found = browser.get(path, status=503, **HTML)
    assert browser.last is not None
    assert int(browser.last.headers["retry-after"]) >= 1
    assert browser.last.headers["cache-control"] == "no-store"
    assert "The server cannot answer just now" in found.text
    for secret in ("Traceback", "sesame", "10.0.0.7", "/srv/homes"):
        assert secret not in browser.last.text
    assert any(str(a.get("href")).endswith(".css") for a in found.all("link", rel="stylesheet"))
    assert found.all("header", class_="header")
    return found


@pytest.mark.parametrize(
    "path", ["/watch", "/watch/rows", "/watch/title/t4", "/watch/play/t4", "/watch/search?q=film"]
)
def test_while_no_title_is_known_a_page_says_so(server: Site, away: Away, path: str) -> None:
    browser = server.browser("m1")
    away(TitlesNow, "now")
    said(browser, path)


def test_a_program_is_told_in_its_own_words(server: Site, away: Away) -> None:
    browser = server.browser("m1")
    away(TitlesNow, "now")
    reply = browser.http.get("/watch/rows", headers={"accept": "application/json"})
    assert (reply.status_code, reply.headers["content-type"]) == (503, "application/problem+json")
    assert int(reply.headers["retry-after"]) >= 1


def test_the_choice_of_profiles_says_so_too(server: Site, away: Away) -> None:
    away(Profiles, "choice")
    said(server.browser(), "/watch")


def test_a_visit_goes_on_when_all_is_back(server: Site, away: Away, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = server.browser("m1")
    away(TitlesNow, "now")
    said(browser, "/watch")
    monkeypatch.undo()
    assert "The page of m1" in browser.get("/watch").text


def test_without_the_registry_a_preview_says_when_to_come_back(server: Site, away: Away) -> None:
    browser = server.browser()
    away(Openings, "releases")
    page = browser.get("/console/preview?member=m1", status=503, **HTML)
    assert browser.last is not None
    assert int(browser.last.headers["retry-after"]) >= 1
    assert "This cannot be computed" in page.text
    assert "Traceback" not in browser.last.text
    (member,) = page.all("input", id="member")
    assert member["value"] == "m1", "what was asked stays in the form"
    assert browser.get("/console/preview").all("form", id="preview-form")
