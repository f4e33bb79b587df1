"""Serve until the parent ends: `python -m s3leader_bench.stub PARENT_PIPE [UPSTREAM]`.

Prints the port. With UPSTREAM, the address of another server, requests are handed on to it.
"""

from __future__ import annotations

import asyncio
import sys

from local_cloud.child_process import exit_with_parent
from s3leader_bench.stub.front import Front


async def _serve(upstream: str | None) -> None:
    front = Front(upstream)
    server = await asyncio.start_server(front.serve, "127.0.0.1", 0, limit=1 << 20)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    exit_with_parent(int(sys.argv[1]))
    asyncio.run(_serve(sys.argv[2] if len(sys.argv) > 2 else None))
