"""`python -m matinee` is the same as `matinee`."""

from __future__ import annotations

import sys

from matinee.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
