"""The story of a newcomer, on a home with a trained model: a page, a play, another page, and why."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.browser.visiting import NEW_ROWS, Visit, all_rows, new_row, titles
from tests.serve.running import Running, serving

sys.path.insert(0, str(Path(__file__).parents[1] / "serve"))

from trained import release, trained

from matinee.observe.home import Home

pytestmark = pytest.mark.slow
PATIENT = {"MATINEE_SERVE__BUDGET_MS": "20000"}


@pytest.fixture(scope="module")
def served(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The shop with a homepage model in production."""
    home = Home(shutil.copytree(shop, tmp_path_factory.mktemp("trained") / "shop"))
    release(home, "homepage", trained(home, "homepage"))
    with serving(home, environment=PATIENT) as running:
        yield running


def test_a_newcomer_reaches_a_page_that_changes_and_says_why(
    visit: Callable[..., Visit], served: Running
) -> None:
    seen = visit(served.address)
    page = seen.open("/")
    page.locator('form[action="/watch/profile"] button[name="member_id"]').first.click()
    page.locator("#rows .tile").first.wait_for()
    all_rows(page)
    before = titles(page)
    assert served.http.get("/readyz").json()["initiatives"]["homepage"]["version"] != "none"
    row = new_row(page)
    row.locator(".tile__link").first.click()
    panel = page.locator("#panel[open]")
    panel.locator(".details").wait_for()
    assert panel.locator(".why").inner_text().strip()
    title = panel.locator(".details").get_attribute("data-title")
    panel.locator('a[href^="/watch/play/"]').first.click()
    page.locator(".player__speed select").select_option("600")
    page.locator('.player__play[data-does="again"]').wait_for(timeout=120_000)
    page.locator('a[href="/watch"]').first.click()
    page.wait_for_url("**/watch")
    all_rows(page)
    after = titles(page)
    assert before != after
    assert title not in titles(page, NEW_ROWS)
    page.locator('a[href^="/console/preview"]').first.click()
    page.wait_for_url("**/console/preview?member=**")
    assert page.locator(".tile").count() > 10
