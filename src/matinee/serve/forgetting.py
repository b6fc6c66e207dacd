"""Forgets a member on request: everywhere in the home, and in the memory of this process."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from matinee.errors import InputError
from matinee.observe.clock import wall_us
from matinee.platform.lifecycle.erasing import erase
from matinee.serve.services import Services

BY = "DELETE /v1/members/{id}"


class Forgetting:
    """Erasure, for one process; one at a time.

    Parameters
    ----------
    services : Services
    """

    def __init__(self, services: Services) -> None:
        self.services = services
        self._one = asyncio.Lock()

    async def forget(self, member_id: str) -> dict[str, Any]:
        """Remove a member, and answer with the receipt.

        Raises
        ------
        InputError
            The id is blank.
        StorageError
            It could not be finished; the id is refused from now on, and asking again goes on.
        """
        if not member_id.strip():
            raise InputError(f'member_id is "{member_id}", expected text that is not empty.')
        services = self.services
        async with self._one:
            receipt = await asyncio.to_thread(
                erase,
                services.home,
                services.store,
                member_id,
                now_us=wall_us(),
                by=BY,
                rotate=services.close_segment,
            )
            services.forget({member_id})
        found: dict[str, Any] = msgspec.to_builtins(receipt)
        return found
