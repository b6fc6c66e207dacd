"""The process that scales images, seen from the server: started when needed, ended when idle or stuck."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

import msgspec

from matinee.serve.images_worker import LENGTH, MOST_OUT, REFUSED

WORKER: Final = "matinee.serve.images_worker"
PASSED_ON: Final = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "VIRTUAL_ENV")
"""Variables of the environment that it sees; nothing else, above all no keys."""
IDLE_S: Final = 30.0
MOST_IMAGES: Final = 500
"""After so many it is replaced: what a decoder lost of its memory goes with it."""


class ScalingError(Exception):
    """Why an image was not scaled this time."""


class ScalingProcess:
    """Scales one image at a time. The server itself never decodes one.

    Notes
    -----
    To start it costs some 0.2 s, an image 10 to 100 ms; so it stays while there is something to do.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._n = 0
        self._idle: threading.Timer | None = None
        self._lock = threading.Lock()
        self._closed = False

    def scale(self, file: Path, width: int) -> bytes:
        """A WebP of a width; empty where the file as it is does as well, or nobody can decode it.

        Raises
        ------
        ScalingError
            It took too long or too much memory, or the process is ended.
        """
        with self._lock:
            if self._closed:
                raise ScalingError("the server stops")
            if self._idle is not None:
                self._idle.cancel()
            if self._n >= MOST_IMAGES:
                self._end()
            try:
                return self._asked(self._process or self._start(), file, width)
            except OSError as problem:
                self._end()
                raise ScalingError(f"the process that scales did not answer ({problem})") from problem
            finally:
                self._idle = threading.Timer(IDLE_S, self._rest)
                self._idle.daemon = True
                self._idle.start()

    def close(self) -> None:
        """End the process, for good."""
        self._closed = True
        process = self._process
        if process is not None:  # whoever waits for its answer is told
            process.kill()
        with self._lock:
            if self._idle is not None:
                self._idle.cancel()
            self._end()

    def _asked(self, process: subprocess.Popen[bytes], file: Path, width: int) -> bytes:
        assert process.stdin is not None
        assert process.stdout is not None
        self._n += 1
        process.stdin.write(msgspec.json.encode([width, str(file.resolve())]) + b"\n")
        process.stdin.flush()
        head = _exactly(process.stdout, LENGTH.size)
        (length,) = LENGTH.unpack(head)
        if length == REFUSED:
            return b""
        if length > MOST_OUT:
            raise OSError(f"it promised {length} bytes")
        return _exactly(process.stdout, length)

    def _start(self) -> subprocess.Popen[bytes]:
        environ = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", WORKER],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=environ | {"OMP_NUM_THREADS": "1"}, close_fds=True, start_new_session=True,
        )  # fmt: skip
        self._n = 0
        return self._process

    def _rest(self) -> None:
        """Idle for long enough. A question that came in the meantime goes first, and it is started again."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        process, self._process, self._n = self._process, None, 0
        if process is None:
            return
        process.kill()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        process.wait()


def _exactly(stream: IO[bytes], n: int) -> bytes:
    data = stream.read(n)
    if len(data) != n:
        raise OSError("it ended")
    return data
