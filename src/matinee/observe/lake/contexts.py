"""What the context of a decision says, as SQL: for every query that leaves decisions out by it."""

from __future__ import annotations


def says(key: str) -> str:
    """Whether the column `context` says that something is so; false where it does not, or there is none.

    Notes
    -----
    The text is looked for before the JSON is read: most contexts say nothing of most keys.

    Examples
    --------
    >>> says("shadow").endswith("AS BOOLEAN), false)")
    True
    """
    said = f"TRY_CAST(json_extract_string(context, '$.{key}') AS BOOLEAN)"
    return f"coalesce(contains(context, '\"{key}\"') AND {said}, false)"


IN_SHADOW = says("shadow")
"""Made beside the decision that was shown, by a version under trial: nobody saw it."""
