"""Images over HTTP: files with their headers, and a withdrawal that all processes of a server see at once."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from images import SVG, image, images_of, store
from running import N_TITLES, Running, make_home, serving

from matinee.observe.catalogue.artwork import FOLDER
from matinee.serve.images import WIDTHS

TITLES = ["s", "s1e1", *(f"t{i}" for i in range(N_TITLES))]
PATIENT = "[serve]\nrefresh_s = 3600\nbudget_ms = 5000\nartwork_ms = 2000\n"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = make_home(tmp_path_factory.mktemp("serve") / "home", PATIENT)
    store(home, images_of(TITLES))
    with serving(home, "--workers", "2") as running:
        yield running


def tiles(page: Any) -> list[dict[str, Any]]:
    return [tile for row in page["rows"] for tile in row["tiles"]]


def test_a_page_names_files_that_any_browser_may_show_safely(server: Running) -> None:
    tile = tiles(server.page("m1"))[0]
    assert tile["artwork_propensity"] > 0
    reply = server.http.get(tile["artwork_url"])
    assert (reply.status_code, reply.content) == (200, SVG)
    assert reply.headers["content-type"].startswith("image/svg+xml")
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert "immutable" in reply.headers["cache-control"]
    for wrong in ("/artwork/nothing.svg", "/artwork/..%2fmatinee.toml", "/artwork/%2e%2e"):
        assert server.http.get(wrong).status_code == 404


def test_a_withdrawn_image_is_gone_from_all_processes_within_a_second_or_two(server: Running) -> None:
    page = server.page("m2")
    gone = tiles(page)[0]["artwork_id"]
    url = tiles(page)[0]["artwork_url"]
    command = [sys.executable, "-m", "matinee", "artwork", "withdraw", gone, "--why", "rights", "--by", "kim"]
    subprocess.run([*command, "--home", str(server.home.root)], check=True, capture_output=True)
    time.sleep(1.0)
    for i in range(30):  # asked of both processes, on connections of their own
        with httpx.Client(base_url=server.address, timeout=30.0) as http:
            member = "m2" if i % 2 else f"somebody{i}"
            reply = http.get(f"/v1/members/{member}/homepage").json()
            assert gone not in {tile["artwork_id"] for tile in tiles(reply)}
            assert http.get(url).status_code == 404


def test_a_width_is_one_of_those_that_exist_and_a_drawing_comes_as_it_is(server: Running) -> None:
    url = tiles(server.page("m3"))[0]["artwork_url"]
    reply = server.http.get(url, params={"width": 320})
    assert (reply.status_code, reply.content) == (200, SVG)
    assert "immutable" in reply.headers["cache-control"]
    for wrong in (321, "wide", -1):
        reply = server.http.get(url, params={"width": wrong})
        assert (reply.status_code, reply.headers["content-type"]) == (400, "application/problem+json")
    described = server.http.get("/openapi.json").json()["paths"]["/artwork/{file}"]["get"]["parameters"]
    (width,) = [one["schema"] for one in described if one["name"] == "width"]
    assert [one for one in width["enum"] if one is not None] == list(WIDTHS)


def test_a_raster_image_comes_in_the_width_and_is_gone_in_all_widths_when_it_is_withdrawn(
    tmp_path: Path,
) -> None:
    picture = pytest.importorskip("PIL.Image", reason="the extra artwork is not installed")
    home = make_home(tmp_path / "home", PATIENT)
    store(home, [image(one, one, file=f"{one}.png", format="png") for one in TITLES])
    for name in TITLES:
        picture.effect_noise((800, 450), 60).save(home.root / FOLDER / f"{name}.png")
    with serving(home) as running:
        url = tiles(running.page("m1"))[0]["artwork_url"]
        for width in (320, 160, 320):
            reply = running.http.get(url, params={"width": width})
            assert reply.headers["content-type"] == "image/webp"
            assert "immutable" in reply.headers["cache-control"]
            with picture.open(io.BytesIO(reply.content)) as found:
                assert found.size == (width, width * 9 // 16)
        assert running.http.get(url, params={"width": 960}).headers["content-type"] == "image/png"
        gone = tiles(running.page("m1"))[0]["artwork_id"]
        command = [sys.executable, "-m", "matinee", "artwork", "withdraw", gone, "--why", "x", "--by", "kim"]
        subprocess.run([*command, "--home", str(home.root)], check=True, capture_output=True)
        time.sleep(1.0)
        for query in ({}, *({"width": width} for width in WIDTHS)):
            assert running.http.get(url, params=query).status_code == 404
