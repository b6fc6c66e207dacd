"""A kids profile is shown nothing above its age, wherever one looks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.browser.shop import KID, KIDS_AGE, SECOND, titles
from tests.browser.visiting import Visit, all_rows
from tests.browser.visiting import titles as shown

pytestmark = pytest.mark.slow
ADULT = {row["title_id"] for row in titles() if row["maturity"] > KIDS_AGE}
CHILDREN = {row["title_id"] for row in titles()} - ADULT


def test_no_row_detail_search_or_likeness_has_an_adult_title(visit: Callable[..., Visit]) -> None:
    seen = visit()
    page = seen.enter(KID)
    assert page.locator("html[data-kids]").count() == 1
    all_rows(page)
    on_page = set(shown(page))
    assert on_page <= CHILDREN
    assert len(on_page) > 10
    for title_id in sorted(on_page)[:4]:
        page = seen.open(f"/watch/title/{title_id}")
        page.locator("main .details").wait_for()
        near = set(page.eval_on_selector_all(".tile", "all => all.map((one) => one.dataset.title)"))
        assert near <= CHILDREN
    for word in (*SECOND[:3], "little", "night ferry", "drama"):
        page = seen.open(f"/watch/search?q={word}")
        assert (
            set(page.eval_on_selector_all(".tile", "all => all.map((one) => one.dataset.title)")) <= CHILDREN
        )
    links = set(page.eval_on_selector_all("a[href]", "all => all.map((one) => one.pathname)"))
    assert not {f"/watch/title/{one}" for one in ADULT} & links


def test_addresses_of_adult_titles_lead_nowhere(visit: Callable[..., Visit]) -> None:
    seen = visit()
    page = seen.enter(KID)
    for title_id in sorted(ADULT)[:6]:
        for path in (
            f"/watch/title/{title_id}",
            f"/watch/title/{title_id}?part=1",
            f"/watch/play/{title_id}",
        ):
            reply = page.request.get(seen.address + path)
            assert reply.status == 404, path
    begun = seen.open("/watch").locator(".row").first.locator(".tile").first.get_attribute("data-title")
    assert page.request.get(f"{seen.address}/watch/play/{begun}").status == 200
