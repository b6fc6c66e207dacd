"""How severe an alert is: by the tier of its initiative, and by whether harm is done already."""

from __future__ import annotations

from matinee.platform.registry.alerts import SEVERITIES
from matinee.platform.watch.monitor import Sign

STRICT = ("critical", "high")
"""Alerts for which `matinee watch --strict` fails."""


def severity(tier: int, sign: Sign) -> str:
    """Severity of an alert.

    Parameters
    ----------
    tier : int, 1 to 4
        1 has the most impact.
    sign : {"harm", "early"}
        An early sign is one step less severe than harm.

    Examples
    --------
    >>> severity(1, "harm"), severity(1, "early"), severity(4, "early")
    ('critical', 'high', 'low')
    """
    step = tier - 1 + (sign == "early")
    return SEVERITIES[min(step, len(SEVERITIES) - 1)]
