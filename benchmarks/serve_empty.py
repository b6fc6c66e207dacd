"""What pages are compared with: a Litestar application on uvicorn whose only route does nothing.

python benchmarks/serve_empty.py PORT
"""

from __future__ import annotations

import sys
from typing import Any

import uvicorn
from litestar import Litestar, get


@get("/")
async def nothing() -> dict[str, Any]:
    """The smallest JSON reply."""
    return {"status": "ok"}


if __name__ == "__main__":
    app = Litestar([nothing], openapi_config=None, logging_config=None)
    uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="warning", lifespan="off")
