"""Images in the widths that pages show them in: scaled down once, then kept in the work folder.

A picture that was made for a television is mostly thrown away by a phone. Who asks for a width gets the image
in that width, as WebP, or the file as it is where nothing can be gained. Clearance is not looked at here: who
asks has done it, for the file, and asks again each time.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal

from matinee.errors import StorageError
from matinee.observe.catalogue.image_header import SUFFIXES
from matinee.observe.home import Home
from matinee.serve.images_kept import KeptImages
from matinee.serve.images_process import ScalingError, ScalingProcess

LOG = logging.getLogger("matinee.serve")
Width = Literal[160, 240, 320, 480, 640, 960]
WIDTHS: Final = (160, 240, 320, 480, 640, 960)
"""Pixels. Few, so that what is kept is bounded and clients share it."""
FOLDER = "sized-webp82"
"""Below `Home.work`; named after how they are made: made in another way, they go elsewhere."""
MAX_WAITING = 200
"""Images that may wait to be scaled in one process; for more the file as it is is given out."""
AGAIN_S = 60.0
"""After which an image that could not be scaled is tried again."""
MAX_FAILED = 10_000
_RASTER = frozenset(suffix for name, found in SUFFIXES.items() if name != "svg" for suffix in found)


@dataclass(frozen=True, slots=True)
class Sized:
    """A file to give out.

    Attributes
    ----------
    lasting : bool
        The same question will have the same answer. False: scaling did not work out this time.
    """

    path: Path
    lasting: bool = True


class Images:
    """The scaled images of one home, for one process; several may keep theirs in the same folder.

    Scaling happens in one process beside this one, one image at a time, and twice never at the same time for
    the same image and width.

    Parameters
    ----------
    home : Home
    scale : callable, optional
        (file, width) -> bytes of a WebP; empty where the file as it is does as well. Raises `ScalingError`.
        Left out: a process of its own, if the extra is installed, else nothing is scaled.
    """

    def __init__(self, home: Home, scale: Callable[[Path, int], bytes] | None = None) -> None:
        self.kept = KeptImages(home.work / FOLDER)
        self._process = ScalingProcess() if scale is None and find_spec("PIL") is not None else None
        self._scale = scale if self._process is None else self._process.scale
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="matinee-images")
        self._under_way: dict[tuple[str, int], Future[Sized]] = {}
        self._failed: dict[tuple[str, int], float] = {}
        self._lock = threading.Lock()

    async def sized(self, file: Path, width: int) -> Sized:
        """The file of an image in a width.

        Parameters
        ----------
        file : Path
            Named after its content.
        width : int
            One of `WIDTHS`.
        """
        if self._scale is None or file.suffix.lower() not in _RASTER:
            return Sized(file)
        kept = self.kept.find(file.name, width)
        if kept is not None:
            return Sized(kept[0] if kept[1] else file)
        if self._failed.get((file.name, width), 0.0) > time.monotonic():
            return Sized(file, lasting=False)
        return await asyncio.shield(asyncio.wrap_future(self._ask(file, width)))

    def close(self) -> None:
        """End the thread and the process; what waits is given out as it is."""
        if self._process is not None:
            self._process.close()
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _ask(self, file: Path, width: int) -> Future[Sized]:
        """The image's own future, which all who want it at the same time share."""
        key = (file.name, width)
        with self._lock:
            found = self._under_way.get(key)
            if found is not None:
                return found
            if len(self._under_way) >= MAX_WAITING:
                given: Future[Sized] = Future()
                given.set_result(Sized(file, lasting=False))
                return given
            future = self._under_way[key] = self._thread.submit(self._make, file, width)
        future.add_done_callback(lambda _: self._under_way.pop(key, None))
        return future

    def _make(self, file: Path, width: int) -> Sized:
        assert self._scale is not None
        try:
            data = self._scale(file, width)
            kept = self.kept.put(file.name, width, data)
        except (ScalingError, StorageError) as problem:
            LOG.warning("%s: not scaled to %s, given out as it is: %s", file.name, width, problem)
            if len(self._failed) >= MAX_FAILED:
                self._failed.clear()
            self._failed[file.name, width] = time.monotonic() + AGAIN_S
            return Sized(file, lasting=False)
        return Sized(kept if data else file)
