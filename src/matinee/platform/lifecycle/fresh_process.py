"""Opens a model in a new interpreter and answers once (`python -m` this module)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec

from matinee.errors import MatineeError
from matinee.observe.home import Home
from matinee.platform.lifecycle.project import Project, open_project
from matinee.types import SECOND_US

WAIT_S = 300.0


class Order(msgspec.Struct, frozen=True):
    """What the new process is asked to do."""

    home: str
    initiative: str
    data: str
    version: str
    at_us: int
    unit_id: str


class Reply(msgspec.Struct, frozen=True):
    """What it says: None, or what went wrong."""

    problem: str | None


def answers_in_fresh_process(project: Project, version: str, unit_id: str) -> str | None:
    """Start a new interpreter that opens a version and answers about a unit; None, or what went wrong."""
    order = Order(
        str(project.home.root.resolve()),
        project.initiative.name,
        project.data,
        version,
        project.at_us,
        unit_id,
    )
    command = [sys.executable, "-m", "matinee.platform.lifecycle.fresh_process"]
    try:
        done = subprocess.run(
            command, input=msgspec.json.encode(order), capture_output=True, check=False, timeout=WAIT_S
        )
        return msgspec.json.decode(done.stdout, type=Reply).problem
    except subprocess.TimeoutExpired:
        return f"it took longer than {WAIT_S:.0f} s"
    except msgspec.DecodeError:
        last = done.stderr.decode(errors="replace").strip().splitlines()
        return f"it ended with code {done.returncode}" + (f": {last[-1]}" if last else "")


def obey(order: Order) -> Reply:
    """Open the model and answer."""
    try:
        with open_project(
            Home(Path(order.home)),
            order.initiative,
            at=f"{order.at_us / SECOND_US:.6f}",
            data="simulated" if order.data == "simulated" else "home",
        ) as project:
            folder, _ = project.model(version=order.version)
            answering = project.open_model(folder, order.version)
            if answering.trouble is None and answering.ask(order.unit_id, order.at_us, 0):
                return Reply("the model did not answer, the fallback had to")
            return Reply(answering.trouble)
    except MatineeError as problem:
        return Reply(str(problem))


if __name__ == "__main__":
    reply = obey(msgspec.json.decode(sys.stdin.buffer.read(), type=Order))
    sys.stdout.buffer.write(msgspec.json.encode(reply))
