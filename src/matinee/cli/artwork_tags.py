"""Print the tags that an image may carry."""

from __future__ import annotations

from matinee.cli.console import print_json, print_table


def tags(*, json: bool = False) -> int:
    """Print the tags that an image may carry, by kind.

    Example: matinee artwork tags

    Parameters
    ----------
    json
        Print machine-readable JSON.
    """
    from matinee.observe.catalogue.artwork_tags import TAGS

    if json:
        print_json({"tags": TAGS})
    else:
        print_table(
            [(kind, ", ".join(f"{kind}:{value}" for value in values)) for kind, values in TAGS.items()],
            ["kind", "tags"],
            left=2,
        )
    return 0
