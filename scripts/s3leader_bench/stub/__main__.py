"""Serve until the parent ends: `python -m s3leader_bench.stub PARENT_PIPE [ENDPOINT]`.

Prints the port. With the endpoint of an emulator, requests are passed on to it.
"""

from __future__ import annotations

import asyncio
import http.client
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import local
from urllib.parse import urlencode, urlsplit

from local_cloud.child_process import exit_with_parent
from s3leader_bench.stub.bucket import Answer, Request
from s3leader_bench.stub.front import Backend, Front

_HOP = frozenset({"connection", "content-length", "date", "keep-alive", "transfer-encoding"})


def passed_to(endpoint: str) -> Backend:
    """Return a backend that sends each request to a server and returns its answer."""
    host = urlsplit(endpoint).netloc
    threads, kept = ThreadPoolExecutor(64), local()

    def send(request: Request) -> Answer:
        if not hasattr(kept, "connection"):
            kept.connection = http.client.HTTPConnection(host, timeout=60)
        query = f"?{urlencode(request.query)}" if request.query else ""
        headers = {name: value for name, value in request.headers.items() if name != "expect"}
        try:
            kept.connection.request(request.method, request.path + query, request.body, headers)
            got = kept.connection.getresponse()
            body = got.read()
        except (OSError, http.client.HTTPException):
            del kept.connection
            return Answer(503)
        answered = {name: value for name, value in got.getheaders() if name.lower() not in _HOP}
        return Answer(got.status, answered, body)

    async def backend(request: Request) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(threads, send, request)

    return backend


async def _serve(endpoint: str | None) -> None:
    front = Front(None if endpoint is None else passed_to(endpoint))
    server = await asyncio.start_server(front.serve, "127.0.0.1", 0, limit=1 << 20)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    exit_with_parent(int(sys.argv[1]))
    asyncio.run(_serve(sys.argv[2] if len(sys.argv) > 2 else None))
