"""Clients without a model of S3: they build the HTTP requests themselves."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from html import unescape
from typing import NamedTuple
from urllib.parse import quote

from s3leader_bench.clients.client import TAGS


class Response(NamedTuple):
    """What a server answered; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class LeanClient:
    """The operations; a subclass signs and sends (`_send`)."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket
        self._host = os.environ["AWS_ENDPOINT_URL"].removeprefix("http://")
        self._region = os.environ["AWS_DEFAULT_REGION"]

    def list(self, prefix: str) -> list[str]:
        """Return the keys of the first page."""
        body = self._ask("GET", "", f"list-type=2&prefix={quote(prefix, safe='')}").body
        return [unescape(key) for key in re.findall("<Key>(.*?)</Key>", body.decode())]

    def get(self, key: str) -> str:
        """Read an object."""
        return self._ask("GET", key).headers["etag"]

    def create(self, key: str, body: bytes) -> str:
        """Write with `If-None-Match: *`."""
        return self._ask("PUT", key, "", {"If-None-Match": "*"}, body).headers["etag"]

    def replace(self, key: str, body: bytes, etag: str) -> str:
        """Write with `If-Match`."""
        return self._ask("PUT", key, "", {"If-Match": etag}, body).headers["etag"]

    def tag(self, key: str) -> None:
        """Tag an object as superseded."""
        self._ask("PUT", key, "tagging=", {}, TAGS)

    def _ask(
        self,
        method: str,
        key: str,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Response:
        path = f"/{self._bucket}/{quote(key)}" if key else f"/{self._bucket}"
        answer = self._send(method, path, query, dict(headers or {}), body)
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status} {answer.body.decode()}")
        return answer

    def _send(
        self, method: str, path: str, query: str, headers: dict[str, str], body: bytes
    ) -> Response:
        raise NotImplementedError
