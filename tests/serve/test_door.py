"""Keys, headers and the log of a server that runs: `matinee serve` as operators start it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.serve.running import make_home, play, serving

pytestmark = pytest.mark.slow
PATIENCE_S = 10.0
PERSON = "person-4711"


def matinee(*words: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "matinee", *words, "--json"], capture_output=True, text=True, check=False
    )
    return done.returncode, json.loads(done.stdout or done.stderr)


def soon(http: httpx.Client, headers: dict[str, str], status: int) -> float:
    """Ask until the status is as expected; seconds that it took."""
    began = time.monotonic()
    while http.get("/v1/members/m1/homepage", headers=headers).status_code != status:
        assert time.monotonic() - began < PATIENCE_S, f"never became {status}"
        time.sleep(0.05)
    return time.monotonic() - began


def test_a_public_address_needs_a_key_first(tmp_path: Path) -> None:
    home = make_home(tmp_path / "shop")
    serve = ("serve", "--home", str(home.root), "--host", "0.0.0.0", "--port", "0")
    code, told = matinee(*serve)
    assert code == 2
    assert 'host is "0.0.0.0"' in told["error"]
    assert "matinee key create" in told["error"]


def test_keys_come_and_go_while_it_runs(tmp_path: Path) -> None:
    home = make_home(tmp_path / "shop")
    at = ("--home", str(home.root))
    with serving(home, "--workers", "2") as server:
        http = server.http
        assert http.get("/v1/members/m1/homepage").status_code == 200
        forwarded = {"X-Forwarded-For": "192.0.2.1"}
        assert http.get("/v1/members/m1/homepage", headers=forwarded).status_code == 401
        assert http.get("/v1/members/m1/homepage", headers={"Host": "evil.example"}).status_code == 401

        _, made = matinee("key", "create", "app", "--scope", "decide", *at)
        soon(http, {}, 401)
        good = {"Authorization": f"Bearer {made['key']}"}
        soon(http, good, 200)
        assert http.get("/v1/members/m1/homepage", headers=good | forwarded).status_code == 200
        assert http.post("/v1/events", json=[], headers=good).status_code == 403
        assert http.delete("/v1/members/m1", headers=good).status_code == 403
        assert http.get("/metrics").status_code == 401
        assert [http.get(path).status_code for path in ("/healthz", "/readyz")] == [200, 200]
        assert "details" not in http.get("/readyz").json(), "strangers learn whether it is ready, no more"
        assert "details" not in http.get("/readyz", headers=good).json()

        _, turned = matinee("key", "rotate", "app", "--overlap-h", "1", *at)
        new = {"Authorization": f"Bearer {turned['key']}"}
        soon(http, new, 200)
        assert http.get("/v1/members/m1/homepage", headers=good).status_code == 200
        matinee("key", "revoke", "app", *at)
        for headers in (good, new):
            soon(http, headers, 401)
        assert http.get("/v1/members/m1/homepage").status_code == 401, "the last key's end opens nothing"


def test_no_person_and_no_secret_is_in_the_log(tmp_path: Path) -> None:
    home = make_home(tmp_path / "shop")
    _, made = matinee(
        "key", "create", "all", "--scope", "decide", "--scope", "ingest", "--home", str(home.root)
    )
    key = made["key"]
    good = {"Authorization": f"Bearer {key}"}
    with serving(home) as server:
        http = server.http
        everywhere = good | {
            "X-Request-Id": PERSON,
            "User-Agent": PERSON,
            "Referer": PERSON,
            "Cookie": PERSON,
        }
        for headers in (good, everywhere, {}, {"Authorization": f"Bearer {key}x"}):
            http.get(f"/v1/members/{PERSON}/homepage?device={PERSON}&key={key}", headers=headers)
            http.get(f"/v1/members/{PERSON}/homepage?rows={PERSON}&cursor={PERSON}", headers=headers)
            http.get(f"/v1/decisions/{PERSON}", headers=headers)
            http.get(f"/{PERSON}", headers=headers)
            http.post("/v1/events", json=[play("e1", PERSON, "t1"), play(PERSON, "", "t1")], headers=headers)
            http.post("/v1/events", content=f'[{{"member_id": "{PERSON}"', headers=headers)
            http.post(f"/v1/decisions/{PERSON}", json={"unit_id": PERSON}, headers=headers)
            http.delete(f"/v1/members/{PERSON}", headers=headers)
            http.get(f"/v1/members/{PERSON}%2F{PERSON}/homepage?rows=x", headers=headers)
            http.delete(f"/v1/members/{PERSON}%2F/more", headers=headers)
        server.stop()
        log = server.log.read_text(encoding="utf-8")
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    requests = [line for line in lines if line["logger"] == "matinee.request"]
    assert len(requests) > 30
    assert {line["key_id"] for line in requests} == {None, made["key_id"]}
    assert PERSON not in log
    assert key.rpartition("_")[2] not in log
