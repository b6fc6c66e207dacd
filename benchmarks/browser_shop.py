"""A running server with its pages, and browser contexts of members who are signed in to it."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from benchmarks.browser_server import PATH
from benchmarks.serve_host import Server

from matinee.learn.reading import interactions_from_home, load_catalogue
from matinee.observe.home import Home
from matinee.observe.lake.reader import last_event_us

if TYPE_CHECKING:
    from playwright.sync_api import Browser, CDPSession, Page

LAPTOP, PHONE = (1366, 768), (390, 844)
TIMEOUT_MS = 60_000


@dataclass
class Shop:
    """What is measured.

    Attributes
    ----------
    members : list of str
        Members who have watched something. `next_member` gives each to one measurement.
    image : str
        Path of an image; empty where titles have none.
    """

    browser: Browser
    server: Server
    members: list[str]
    image: str = ""
    used: int = field(default=0)

    @staticmethod
    def open(browser: Browser, server: Server, home: Path) -> Shop:
        """With the members of a home."""
        at_home = Home(home)
        until_us = last_event_us(at_home)
        if until_us is None:
            raise SystemExit(f"{home} has no events, expected some")
        plays = interactions_from_home(
            at_home, until_us=until_us, catalogue=load_catalogue(at_home, until_us)
        )
        shop = Shop(browser, server, [str(one) for one in plays.member_ids])
        asked = f"{shop.address}/v1/members/{shop.members[0]}/homepage"
        with urllib.request.urlopen(asked, timeout=60) as reply:
            page = json.load(reply)
        urls = [tile.get("artwork_url") for row in page["rows"] for tile in row["tiles"]]
        shop.image = next((url for url in urls if url), "")
        return shop

    @property
    def address(self) -> str:
        """Where the server listens."""
        return f"http://127.0.0.1:{self.server.port}"

    @property
    def bare(self) -> str:
        """The page of one line of text and one image."""
        return f"{self.address}{PATH}?{self.image}"

    def next_member(self) -> str:
        """A member whose page nobody has asked for yet."""
        self.used += 1
        return self.members[self.used % len(self.members)]

    @contextmanager
    def page(
        self,
        size: tuple[int, int] = LAPTOP,
        *,
        script: str = "",
        member: str | None = None,
        device: Mapping[str, Any] = MappingProxyType({}),
    ) -> Iterator[Page]:
        """An empty page in a context of its own, where a member is signed in and nothing is cached.

        Parameters
        ----------
        script : str
            Runs at the start of each document.
        member : str, optional
            Who is signed in; default: `next_member`.
        device : mapping
            Further options of Playwright's `new_context`, as `user_agent` and `has_touch`.
        """
        with_profile = self._signed_in(member or self.next_member())
        context = self.browser.new_context(
            **{
                "viewport": {"width": size[0], "height": size[1]},
                "storage_state": with_profile,
                "locale": "en-GB",
                **device,
            }
        )
        try:
            if script:
                context.add_init_script(script)
            context.set_default_timeout(TIMEOUT_MS)
            yield context.new_page()
        finally:
            context.close()

    def _signed_in(self, member: str) -> dict[str, object]:
        """Cookies of a session that has chosen a profile, by plain requests: the browser has seen no page."""
        context = self.browser.new_context()
        try:
            asked = context.request.get(f"{self.address}/watch")
            token = asked.text().split('name="csrf" content="', 1)[1].split('"', 1)[0]
            done = context.request.post(
                f"{self.address}/watch/profile",
                form={"csrf": token, "member_id": member},
                headers={"Origin": self.address},
                max_redirects=0,
            )
            if done.status != 303:
                raise SystemExit(f"POST /watch/profile answered {done.status}: {done.text()[:500]}")
            return dict(context.storage_state())
        finally:
            context.close()


def debugger(page: Page) -> CDPSession:
    """Chromium's own protocol for a page."""
    return page.context.new_cdp_session(page)
