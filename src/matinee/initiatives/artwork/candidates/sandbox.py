"""Untrusted media is decoded in a process of its own that can be killed, with little it may use.

The parent never decodes: it starts `worker.py`, sends it a job as one JSON document, reads its progress, and
kills the whole process group (ffmpeg is in it) when time is over or anything goes wrong. The worker sets
limits on itself before it touches the media: address space, computing time, size of files, open files, no
core dumps, and an alarm in case the parent dies. It sees neither the network settings nor the secrets of the
environment. This is a fence against broken and greedy files; it is no security boundary of the kernel, so run
it in a container of its own where videos come from strangers.
"""

from __future__ import annotations

import os
import queue
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import msgspec

from matinee.errors import InputError, MissingExtraError, StorageError
from matinee.initiatives.artwork.candidates.config import Limits

WORKER = "matinee.initiatives.artwork.candidates.worker"
PASSED_ON = (
    "PATH",
    "LANG",
    "LC_ALL",
    "HOME",
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "IMAGEIO_FFMPEG_EXE",
    "NUMBA_CACHE_DIR",
)
"""Variables of the environment that the worker sees; nothing else, above all no keys."""
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
LONGEST_LINE = 64 << 20
"""Bytes of one answer of the worker."""
GRACE_S = 5.0
"""Seconds beyond `wall_s` after which the worker ends itself, should the parent be gone."""
KILLED_S = 5
"""Seconds of computing beyond `cpu_s` after which a process ends that does not heed the signal."""
MB = 1 << 20
OUT_OF_MEMORY = ("MemoryError", "annot allocate", "bad_alloc", "failed to map", "OutOfMemory")
"""What a process says that did not get the memory it asked for."""

Report = Callable[[str, float], None]


def limit_self(limits: Limits) -> None:
    """Set the limits on this process; children inherit them. Call it before any media is opened."""
    for what, most in (
        (resource.RLIMIT_AS, limits.memory_mb * MB),
        (resource.RLIMIT_CPU, max(1, int(limits.cpu_s))),
        (resource.RLIMIT_FSIZE, limits.file_mb * MB),
        (resource.RLIMIT_NOFILE, 256),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        # At the soft limit of computing time a signal tells what it was; at the hard one it is a plain kill,
        # and a virtual machine that stood still may pass a second of it at once.
        resource.setrlimit(
            what, (least, least + KILLED_S if what == resource.RLIMIT_CPU and most == least else least)
        )
    signal.setitimer(signal.ITIMER_REAL, limits.wall_s + GRACE_S)


def run_worker(
    job: dict[str, Any],
    work: Path,
    *,
    what: str,
    limits: Limits,
    progress: Report = lambda _step, _share: None,
) -> dict[str, Any]:
    """Do a job in the limited process and return its answer.

    Parameters
    ----------
    job : dict
        Plain data for `worker.py`.
    work : Path
        Folder it writes to; also its folder for temporary files.
    what : str
        Name of the media, for messages.

    Raises
    ------
    InputError
        The worker refused the media, or it went beyond the limits.
    MissingExtraError
        A package of the extra is not installed.
    StorageError
        The worker could not write.
    """
    environ = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    environ |= dict.fromkeys(ONE_THREAD, "1") | {"TMPDIR": str(work), "PYTHONDONTWRITEBYTECODE": "1"}
    sent = msgspec.json.encode({"job": job, "work": str(work), "limits": limits})
    with tempfile.TemporaryFile(dir=work) as said:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", WORKER],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said,
            cwd=work, env=environ, start_new_session=True, close_fds=True,
        )  # fmt: skip
        try:
            answer = _listen(process, sent, what=what, limits=limits, progress=progress)
        finally:
            _end(process)
        if answer is None:
            raise _died(process.returncode, said, what, limits)
    return _result(answer)


def _listen(
    process: subprocess.Popen[bytes], sent: bytes, *, what: str, limits: Limits, progress: Report
) -> dict[str, Any] | None:
    """Follow the worker to its answer; None: it ended without one."""
    lines: queue.Queue[bytes] = queue.Queue(maxsize=1000)
    assert process.stdin is not None
    assert process.stdout is not None
    threading.Thread(target=_feed, args=(process.stdin, sent), daemon=True).start()
    threading.Thread(target=_read, args=(process.stdout, lines), daemon=True).start()
    until = time.monotonic() + limits.wall_s
    while True:
        try:
            line = lines.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            raise InputError(
                f"{what}: decoding took more than {limits.wall_s:g} s and was stopped. Nothing was written. "
                "Give a shorter or smaller video, or more time (--time-limit)."
            ) from None
        if not line:
            return None
        try:
            message = msgspec.json.decode(line)
        except msgspec.DecodeError:
            return None
        if "progress" in message:
            step, share = message["progress"]
            progress(str(step), float(share))
        else:
            return dict(message)


def _feed(stream: IO[bytes], sent: bytes) -> None:
    try:
        with stream:
            stream.write(sent)
    except BrokenPipeError:
        return  # the worker has ended; what it said, or its exit code, tells why


def _read(stream: IO[bytes], lines: queue.Queue[bytes]) -> None:
    while line := stream.readline(LONGEST_LINE):
        lines.put(line)
    lines.put(b"")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the group, ffmpeg with it, and wait for the worker."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=0.2)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _result(answer: dict[str, Any]) -> dict[str, Any]:
    text, kind = str(answer.get("error", "")), answer.get("kind")
    if kind == "missing":
        raise MissingExtraError(text, "artwork")
    if kind == "storage":
        raise StorageError(text)
    if "error" in answer:
        raise InputError(text)
    return dict(answer["result"])


def _died(code: int, said: IO[bytes], what: str, limits: Limits) -> InputError:
    said.seek(0, os.SEEK_END)
    said.seek(max(0, said.tell() - 2000))
    last = said.read().decode("utf-8", "replace").strip().split("\n")[-1]
    if code == -signal.SIGXCPU:
        why = f"decoding took more than {limits.cpu_s:g} s of computing"
    elif code == -signal.SIGXFSZ:
        why = f"a file above {limits.file_mb} MB would have been written"
    elif any(word in last for word in OUT_OF_MEMORY):
        why = f"decoding needs more than {limits.memory_mb} MB"
    else:
        why = f"the process that decodes it ended with code {code}" + (f" ({last})" if last else "")
    return InputError(f"{what}: {why}. Nothing was written. The file may be damaged, or made to do harm.")
