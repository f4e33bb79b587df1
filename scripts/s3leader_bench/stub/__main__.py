"""Serve until the parent ends: `python -m s3leader_bench.stub PARENT_PIPE`. Prints the port."""

from __future__ import annotations

import asyncio
import sys

from local_cloud.child_process import exit_with_parent
from s3leader_bench.stub.front import Front


async def _serve() -> None:
    server = await asyncio.start_server(Front().serve, "127.0.0.1", 0, limit=1 << 20)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    exit_with_parent(int(sys.argv[1]))
    asyncio.run(_serve())
