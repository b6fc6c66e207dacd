"""Runs the server: one process, or several under a supervisor that starts again what dies."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import sys
from contextlib import suppress
from typing import NoReturn

import msgspec
import uvicorn
from uvicorn.supervisors import Multiprocess

from matinee.errors import StorageError
from matinee.observe.home import Home
from matinee.serve.app import HOME, OPTIONS
from matinee.serve.config import ServeConfig
from matinee.serve.metrics import SHARED
from matinee.serve.one_write import OneWriteProtocol

HEALTHY_S = 60
"""How long a worker may be busy, as when it opens a large model, before it is taken for hung and replaced."""
APP = "matinee.console.app:from_environment"
"""The factory that each process calls, by name: the pages of the console stand above the server."""


def bind(config: ServeConfig) -> socket.socket:
    """Listen on the address of the settings; port 0 takes any that is free.

    Raises
    ------
    StorageError
        Somebody else listens there.
    """
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((config.host, config.port))
    except OSError as problem:
        found.close()
        raise StorageError(
            f"[serve] {config.host}:{config.port} cannot be listened on ({problem.strerror}). "
            "Choose another --port, or stop what runs there."
        ) from problem
    found.set_inheritable(True)
    return found


def run(home: Home, config: ServeConfig, listening: socket.socket) -> None:
    """Serve until the process is told to stop (SIGTERM, SIGINT), then finish what was begun.

    One process alone ends then, and does not come back from here.
    """
    options = msgspec.to_builtins(config)
    os.environ[HOME] = str(home.root.resolve())
    os.environ[OPTIONS] = msgspec.json.encode(options).decode()
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    server = uvicorn.Config(
        APP,
        factory=True,
        host=config.host,
        port=config.port,
        http=OneWriteProtocol,
        workers=config.workers,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        ws="none",
        timeout_worker_healthcheck=HEALTHY_S,
        timeout_graceful_shutdown=max(1, round(config.drain_s)),
    )
    if config.workers > 1:
        figures = home.work / "serve" / "metrics"
        shutil.rmtree(figures, ignore_errors=True)
        figures.mkdir(parents=True)
        os.environ[SHARED] = str(figures.resolve())
        Multiprocess(server, sockets=[listening]).run()
    else:
        os.environ.pop(SHARED, None)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn raises it again when all is closed
        code = 0
        try:
            uvicorn.Server(server).run(sockets=[listening])
        except KeyboardInterrupt:  # the same for SIGINT
            pass
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        _leave(code)


def _leave(code: int) -> NoReturn:
    """End the process as it stands, when all is closed.

    Threads of libraries, and that of the log, still wait for work. Where the interpreter is taken apart under
    them, DuckDB's part of it prints pages about what it calls leaks.
    """
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)
