"""The registry in PostgreSQL: the server starts, follows releases, and goes on while the database is away."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from load import Decisions, Events, Pages, asking, compare, until
from running import serving
from test_survive import settle
from tests.platform.conftest import QUIET, as_server_user, programs
from trained import moody_home, moody_version, release, rollout

from matinee.observe.home import Home
from matinee.platform.lifecycle.project import open_registry

pytestmark = pytest.mark.slow


@dataclass
class Database:
    """A PostgreSQL server of this test's own, on a socket in `folder`; it can be stopped and started."""

    command: list[str | Path]
    folder: Path
    user: str
    running: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def url(self) -> str:
        return f"postgresql://{self.user}@/postgres?host={self.folder}&port=5432"

    def start(self) -> None:
        import psycopg

        with (self.folder / "server.log").open("ab") as log:
            self.running = subprocess.Popen(self.command, cwd=self.folder, stdout=log, stderr=log)
        for _ in range(1_200):
            try:
                psycopg.connect(self.url).close()
                return
            except psycopg.OperationalError:
                assert self.running.poll() is None, (self.folder / "server.log").read_text()[-2000:]
                time.sleep(0.05)
        pytest.fail("PostgreSQL did not start")

    def stop(self) -> None:
        """At once: connections are cut."""
        if self.running is not None:
            self.running.send_signal(signal.SIGQUIT)
            self.running.wait(60)
            self.running = None


@pytest.fixture
def database() -> Iterator[Database]:
    pytest.importorskip("psycopg", reason="the extra postgres is not installed")
    found = programs()
    if found is None:
        pytest.skip("no PostgreSQL server is installed (Debian: apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="matinee-pg-"))
    try:
        prefix, user = as_server_user(folder)
        data = folder / "data"
        plain = {"LC_ALL": "C", "PATH": os.environ["PATH"]}
        make = [*prefix, found / "initdb", "-D", data, "-U", user, "-A", "trust", "-N", "-E", "UTF8"]
        subprocess.run(make, cwd=folder, env=plain, capture_output=True, check=True)
        command = [*prefix, found / "postgres", "-D", data, "-k", folder, "-p", "5432"]
        server = Database([*command, "-c", "listen_addresses=", *QUIET], folder, user)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, database: Database) -> Home:
    """Two versions of "moody", trained again so that they stand in this registry."""
    settings = f'\n[serve]\nrefresh_s = 3600\nbudget_ms = 5000\n[platform]\nregistry = "{database.url}"\n'
    made = moody_home(tmp_path_factory, tmp_path / "home", settings)
    for temper in ("other", "good"):
        name = moody_version(made, temper)
    release(made, "moody", name)
    return made


def test_the_registry_in_postgresql_goes_away_and_comes_back(home: Home, database: Database) -> None:
    good, other = moody_version(home, "good"), moody_version(home, "other")
    key = subprocess.run(
        [
            *(sys.executable, "-m", "matinee", "key", "create", "test", "--home", str(home.root)),
            *("--scope", "ingest", "--scope", "decide", "--scope", "admin", "--rate", "100000"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert key.returncode == 0, key.stderr
    secret = key.stdout.strip().splitlines()[-1]
    with serving(home) as server:
        assert httpx.get(f"{server.address}/v1/members/m1/homepage").status_code == 401
        server.http.headers["Authorization"] = f"Bearer {secret}"
        events = Events(server, "pg")
        clients = [Decisions(server, "moody") for _ in range(2)]
        pages = Pages(server, ("m1", "kid"))
        everybody = (events, pages, *clients)
        for client in everybody:
            client.headers["Authorization"] = f"Bearer {secret}"
        with asking(*everybody):
            until(lambda: all(one.versions == [good] for one in clients), "the version answers")
            release(home, "moody", other)
            swapped_s = until(lambda: all(one.versions[-1] == other for one in clients), "it is swapped")
            database.stop()
            until(lambda: troubled(server.http), "readyz names the registry")
            before = [one.statuses[200] for one in everybody]
            time.sleep(4.0)
            assert all(one.statuses[200] > n for one, n in zip(everybody, before, strict=True))
            database.start()
            back_s = until(lambda: not troubled(server.http), "the registry is read again")
            release(home, "moody", good)
            until(lambda: all(one.versions[-1] == good for one in clients), "releases are followed again")
            begun = rollout(home, other, "canary", 0.5)
            with open_registry(home) as registry:
                assert registry.rollouts.running("moody") == begun
            until(
                lambda: {a["model"] for one in clients for a in one.answers[-30:]} == {good, other},
                "a canary",
            )
        for client in everybody:
            assert set(client.statuses) == {200}, (client.statuses, client.bad[:3])
        assert not any(answer["fallback"] for one in clients for answer in one.answers)
        assert server.stop() == 0
    store = settle(home)
    kept, sent = compare(home, store, [events])
    store.close()
    n = sum(len(one.answers) for one in clients)
    print(
        f"PostgreSQL stopped and started: {n} decisions and {len(pages.pages)} pages, 0 failed; {kept} "
        f"events acknowledged of {sent} sent, 0 lost, 0 doubled; swap seen after {swapped_s:.1f} s, read "
        f"again {back_s:.1f} s after it was back"
    )


def troubled(http: httpx.Client) -> bool:
    """Whether /readyz says that the registry cannot be read; it must go on to say that it is ready."""
    reply = http.get("/readyz")
    assert reply.status_code == 200, reply.text
    return any("the registry cannot be read" in text for text in reply.json()["details"]["troubles"])
