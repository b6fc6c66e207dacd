"""Both databases of the registry: a SQLite file, and a PostgreSQL server of our own on a socket."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

PATIENCE_S = 60.0
LONGEST_FOLDER = 85
QUIET = ["-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "max_connections=40", "-c", "jit=off"]


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server, reached by a socket in `folder`: `user` is trusted, others must give a password."""

    programs: Path
    folder: Path
    user: str
    port: int

    def url(self, database: str = "postgres", **options: str) -> str:
        """Address with settings of the session, such as search_path."""
        settings = "%20".join(f"-c{key}%3D{value}" for key, value in options.items())
        return f"postgresql://{self.user}@/{database}?host={self.folder}&port={self.port}&options={settings}"

    def empty(self) -> str:
        """URL of a new, empty schema: for the registry the same as a database, and made in a moment."""
        name = f"matinee_{uuid4().hex}"
        self.sql(f"CREATE SCHEMA {name}")
        return self.url(search_path=name)

    def sql(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self.url(), autocommit=True) as con:
            con.execute(statement)


def programs() -> Path | None:
    """Folder with `initdb` and `postgres`: on the path, or where Debian puts them."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)


def as_server_user(folder: Path) -> tuple[list[str], str]:
    """Prefix of a command that runs as a user whom PostgreSQL accepts (it refuses root), and who that is."""
    import pwd

    if os.geteuid() != 0:
        return [], pwd.getpwuid(os.geteuid()).pw_name
    for name in ("postgres", "nobody"):
        try:
            who = pwd.getpwnam(name)
        except KeyError:
            continue
        if shutil.which("setpriv") is None:
            break
        os.chown(folder, who.pw_uid, who.pw_gid)
        ids = [f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}", "--clear-groups"]
        return ["setpriv", *ids, "--pdeathsig", "INT"], name
    pytest.skip("PostgreSQL does not run as root, and there is no other user to run it")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Server for this test session, stopped at its end."""
    pytest.importorskip("psycopg", reason="the extra postgres is not installed")
    folder_of_programs = programs()
    if folder_of_programs is None:
        pytest.skip("no PostgreSQL server is installed (Debian: apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="matinee-pg-"))
    try:
        if len(str(folder)) > LONGEST_FOLDER:
            pytest.skip(f"{folder} is too long for the path of a socket: set TMPDIR to a shorter one")
        prefix, user = as_server_user(folder)
        data = folder / "data"
        make = [folder_of_programs / "initdb", "-D", data, "-U", user, "-A", "trust", "-N", "-E", "UTF8"]
        plain = {"LC_ALL": "C", "PATH": os.environ["PATH"]}
        made = subprocess.run(
            [*prefix, *make], cwd=folder, env=plain, capture_output=True, text=True, check=False
        )
        if made.returncode != 0:
            pytest.skip(f"initdb failed: {made.stderr.strip()[-300:]}")
        hba = f"local all {user} trust\nlocal all all scram-sha-256\n"
        (data / "pg_hba.conf").write_text(hba, encoding="utf-8")
        port = 5432
        command = [*prefix, folder_of_programs / "postgres", "-D", data, "-k", folder, "-p", str(port)]
        with (folder / "server.log").open("w", encoding="utf-8") as log:
            server = subprocess.Popen(
                [*command, "-c", "listen_addresses=", *QUIET], cwd=folder, stdout=log, stderr=log
            )
        found = Postgres(folder_of_programs, folder, user, port)
        try:
            _wait(found, server)
            yield found
        finally:
            server.send_signal(signal.SIGQUIT)  # at once: its data are thrown away
            server.wait(PATIENCE_S)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(found: Postgres, server: subprocess.Popen[bytes]) -> None:
    import psycopg

    give_up = time.perf_counter() + PATIENCE_S
    while True:
        try:
            psycopg.connect(found.url()).close()
            return
        except psycopg.OperationalError as problem:
            if server.poll() is not None or time.perf_counter() > give_up:
                log = (found.folder / "server.log").read_text(encoding="utf-8")
                raise RuntimeError(f"PostgreSQL did not start: {log[-2000:]}") from problem
            time.sleep(0.05)


@pytest.fixture(params=["sqlite", "postgresql"])
def registry_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of an empty registry, once on each database."""
    if request.param == "sqlite":
        return str(tmp_path / "meta.db")
    server: Postgres = request.getfixturevalue("postgres")
    return server.empty()
