"""How often one key, and one address without a key, may ask: token buckets, in the memory of one process.

The form is the generic cell rate algorithm: instead of a count of tokens one time is kept, at which the
bucket would be full again. One number per caller, and exact for any rate.

References
----------
ITU-T (1993), recommendation I.371, annex 1: virtual scheduling algorithm.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable

BURST_S = 1.0
"""A key that was quiet may send at once what its rate allows in so many seconds."""
STRANGER_RATE = 1.0
"""Requests per second without a valid key that one address may make ..."""
STRANGER_BURST = 30
"""... and so many at once."""
STRANGERS_KEPT = 10_000
"""Addresses that are remembered; beyond that, those that were quiet longest are forgotten."""
LONGEST_WAIT_S = 3_600


class Bucket:
    """One caller's allowance.

    Parameters
    ----------
    rate : float, > 0
        Requests per second.
    burst : float, 1 or more
        Requests that may come at once.

    Examples
    --------
    >>> bucket = Bucket(rate=2.0, burst=1.0)
    >>> bucket.take(10.0), bucket.take(10.1), bucket.take(10.5)
    (0.0, 0.4, 0.0)
    """

    __slots__ = ("burst_s", "full_at", "interval_s")

    def __init__(self, rate: float, burst: float) -> None:
        self.interval_s = 1.0 / rate
        self.burst_s = (max(burst, 1.0) - 1.0) * self.interval_s
        self.full_at = -math.inf

    def take(self, now_s: float) -> float:
        """Seconds to wait: 0 if the request is within the allowance, and then it is counted."""
        begin = max(self.full_at, now_s)
        wait_s = begin - now_s - self.burst_s
        if wait_s > 1e-9:
            return round(wait_s, 6)
        self.full_at = begin + self.interval_s
        return 0.0


class KeyLimits:
    """The rate of each key in this process: its rate per host, divided by the processes of this host.

    The kernel deals out connections, not requests: a client that keeps one connection open is answered by one
    process, and gets that process' share. Clients with many connections get the whole rate.

    Parameters
    ----------
    workers : int, 1 or more
        Processes of this host.
    """

    def __init__(self, workers: int = 1, *, now_s: Callable[[], float] = time.monotonic) -> None:
        self.workers, self.now_s = workers, now_s
        self._buckets: dict[str, tuple[float, Bucket]] = {}

    def wait_s(self, key_id: str, rate: float) -> float:
        """Seconds that the owner of a key has to wait before this request; 0: go on."""
        if math.isinf(rate):
            return 0.0
        found = self._buckets.get(key_id)
        if found is None or found[0] != rate:
            share = rate / self.workers
            found = self._buckets[key_id] = (rate, Bucket(share, share * BURST_S))
        return found[1].take(self.now_s())


class Strangers:
    """The rate of requests without a valid key, by address: guessing, and misconfigured clients in a loop.

    An address over its rate is told 429 instead of 401. A request with a valid key is never held up by it, so
    that one bad client behind a shared address or a proxy harms nobody.

    The table is bounded. An attacker with more addresses than it holds gets more guesses, each against 256
    bits; what is bounded is our memory.
    """

    def __init__(
        self,
        rate: float = STRANGER_RATE,
        burst: float = STRANGER_BURST,
        kept: int = STRANGERS_KEPT,
        *,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.rate, self.burst, self.kept, self.now_s = rate, burst, kept, now_s
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def wait_s(self, address: str) -> float:
        """Seconds that an address has to wait before it may fail again; 0: this one is within its rate."""
        network = network_of(address)
        bucket = self._buckets.get(network)
        if bucket is None:
            bucket = self._buckets[network] = Bucket(self.rate, self.burst)
            if len(self._buckets) > self.kept:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(network)
        return bucket.take(self.now_s())


def network_of(address: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 of an IPv6 one, which one customer has whole.

    Examples
    --------
    >>> network_of("192.0.2.7"), network_of("2001:db8::1"), network_of("2001:db8::2"), network_of("somewhere")
    ('192.0.2.7', '2001:db8::', '2001:db8::', 'somewhere')
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if found.version == 4:
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Address(int(found) >> 64 << 64))


def retry_after(wait_s: float) -> str:
    """Value of the header Retry-After: whole seconds, at least 1.

    Examples
    --------
    >>> retry_after(0.02), retry_after(1.5)
    ('1', '2')
    """
    return str(min(max(1, math.ceil(wait_s)), LONGEST_WAIT_S))
