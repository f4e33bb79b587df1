"""The leanest client: http.client, and SigV4 by hmac, in a few lines. For measuring only."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import os
import time

from s3leader_bench.clients.lean import LeanClient, Response


class HmacClient(LeanClient):
    """One connection, fixed credentials, no retry."""

    def __init__(self, bucket: str) -> None:
        super().__init__(bucket)
        self._connection = http.client.HTTPConnection(self._host)
        self._key_id = os.environ["AWS_ACCESS_KEY_ID"]
        self._secret = os.environ["AWS_SECRET_ACCESS_KEY"]
        self._day = ""
        self._day_key = b""

    def _send(
        self, method: str, path: str, query: str, headers: dict[str, str], body: bytes
    ) -> Response:
        url = f"{path}?{query}" if query else path
        self._connection.request(
            method, url, body, self._signed(method, path, query, headers, body)
        )
        got = self._connection.getresponse()
        read = got.read()
        return Response(got.status, {name.lower(): text for name, text in got.getheaders()}, read)

    def _signed(
        self, method: str, path: str, query: str, headers: dict[str, str], body: bytes
    ) -> dict[str, str]:
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        digest = hashlib.sha256(body).hexdigest()
        signed = {"host": self._host, "x-amz-content-sha256": digest, "x-amz-date": stamp}
        lines = "".join(f"{name}:{text}\n" for name, text in signed.items())
        names = ";".join(signed)
        canonical = f"{method}\n{path}\n{query}\n{lines}\n{names}\n{digest}"
        scope = f"{stamp[:8]}/{self._region}/s3/aws4_request"
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashed}"
        signature = hmac.digest(self._key_of(stamp[:8]), text.encode(), "sha256").hex()
        credential = f"Credential={self._key_id}/{scope}"
        authorization = (
            f"AWS4-HMAC-SHA256 {credential}, SignedHeaders={names}, Signature={signature}"
        )
        return {**headers, **signed, "Authorization": authorization}

    def _key_of(self, day: str) -> bytes:
        if day != self._day:
            key = b"AWS4" + self._secret.encode()
            for part in (day, self._region, "s3", "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._day, self._day_key = day, key
        return self._day_key
