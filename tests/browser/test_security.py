"""What other sites, scripts in texts and people without a key can do with the pages: nothing."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from tests.browser.shop import HARD
from tests.browser.visiting import Visit, new_tiles
from tests.serve.running import Running, serving

from matinee.observe.home import Home

pytestmark = pytest.mark.slow
Visiting = Callable[..., Visit]


@contextmanager
def other_site(html: str) -> Iterator[str]:
    """A page of somebody else, on another origin of this machine."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://localhost:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_form_of_another_site_changes_nothing(visit: Visiting, member: str, server: Running) -> None:
    seen = visit()
    page = seen.enter(member)
    title = new_tiles(page).first.get_attribute("data-title")
    token = page.locator('meta[name="csrf"]').get_attribute("content")
    fields = {"act": "list_add", "title_id": title, "csrf": token}
    inputs = "".join(f'<input name="{name}" value="{value}">' for name, value in fields.items())
    html = f'<form method="post" action="{server.address}/watch/act">{inputs}<button>Win</button></form>'
    seen.excuse("elsewhere", "403", "favicon")
    with other_site(html) as address:
        page.goto(address)
        with page.expect_response("**/watch/act") as told:
            page.locator("button").click()
        assert told.value.status == 403
    seen.open(f"/watch/title/{title}")
    assert page.locator('.details button[value="list_remove"]').count() == 0


def test_another_site_can_neither_frame_nor_read_the_pages(
    visit: Visiting, member: str, server: Running
) -> None:
    seen = visit()
    page = seen.enter(member)
    html = f'<iframe src="{server.address}/watch"></iframe>'
    seen.excuse(
        "elsewhere", "frame-ancestors", "favicon", "CORS", "ERR_FAILED", "ERR_BLOCKED_BY_RESPONSE", "404"
    )
    with other_site(html) as address:
        page.goto(address)
        page.wait_for_load_state("networkidle")
        assert all("#rows" not in frame.content() for frame in page.frames[1:])
        read = page.evaluate(
            """(url) => fetch(url, {credentials: "include"})
              .then((reply) => reply.text(), () => "refused")""",
            f"{server.address}/watch",
        )
        assert read == "refused"


def test_the_policy_lets_no_inline_script_run(visit: Visiting, member: str) -> None:
    seen = visit()
    page = seen.enter(member)
    seen.excuse("Content Security Policy", "script-src", "policy:")
    page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.ran = true";
          document.body.append(script);
          document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.ran = true'>");
        }"""
    )
    page.wait_for_timeout(300)
    assert page.evaluate("window.ran") is None
    seen.excuse("404")


def test_cookies_are_not_for_scripts(visit: Visiting, member: str) -> None:
    seen = visit()
    page = seen.enter(member)
    assert page.evaluate("document.cookie") == ""
    cookies = seen.context.cookies()
    assert cookies
    assert all(one["httpOnly"] and one["sameSite"] == "Lax" and one["path"] == "/" for one in cookies)


def test_every_page_and_image_comes_from_this_server(visit: Visiting, member: str) -> None:
    seen = visit()
    page = seen.enter(member)
    places = page.eval_on_selector_all(
        "[src], link[href]", "all => all.map((one) => [one.tagName, new URL(one.src ?? one.href)].join(' '))"
    )
    inside = [one for one in places if one.startswith("IMG data:image/svg+xml;")]  # the first, if it is drawn
    assert len(inside) <= 1
    assert all(one.split(" ", 1)[1].startswith(seen.address + "/") for one in places if one not in inside)
    assert page.locator("[style], script:not([src]), style").count() == 0
    for one in HARD:
        seen.open(f"/watch/title/{one}")
        assert page.locator("main script, main [onerror], main [style]").count() == 0


def test_with_a_key_only_those_who_show_it_come_in(visit: Visiting, own_home: Home) -> None:
    command = [sys.executable, "-m", "matinee", "key", "create", "ada", "--scope", "admin", "--json"]
    made = subprocess.run(
        [*command, "--home", str(own_home.root)], check=True, capture_output=True, text=True, timeout=120
    )
    key = json.loads(made.stdout)["key"]
    with serving(own_home) as running:
        seen = visit(running.address)
        page = seen.open("/watch")
        page.wait_for_url("**/console/enter**")
        page.locator("#key").fill("mtn_wrong")
        seen.excuse("401")
        page.locator(".door button").click()
        page.locator("#key-wrong").wait_for()
        page.locator("#key").fill(key)
        page.locator(".door button").click()
        page.locator('form[action="/watch/profile"]').first.wait_for()
        page.locator('button[popovertarget="look"]').first.click()
        page.locator('form[action="/console/leave"] button').click()
        page.wait_for_url("**/console/enter**")
        seen.open("/watch")
        assert "/console/enter" in page.url
