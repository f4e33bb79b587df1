"""A lean client of well-kept parts: urllib3, and botocore's signer."""

from __future__ import annotations

import os

import urllib3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from s3leader_bench.clients.lean import LeanClient, Response


class SignerClient(LeanClient):
    """A pool of connections, fixed credentials, no retry."""

    def __init__(self, bucket: str) -> None:
        super().__init__(bucket)
        host, _, port = self._host.partition(":")
        self._pool = urllib3.HTTPConnectionPool(host, int(port), retries=False)
        secret = os.environ["AWS_SECRET_ACCESS_KEY"]
        credentials = Credentials(os.environ["AWS_ACCESS_KEY_ID"], secret)
        self._auth = S3SigV4Auth(credentials, "s3", self._region)

    def _send(
        self, method: str, path: str, query: str, headers: dict[str, str], body: bytes
    ) -> Response:
        url = f"http://{self._host}{path}" + (f"?{query}" if query else "")
        request = AWSRequest(method=method, url=url, data=body, headers=headers)
        request.context["payload_signing_enabled"] = True
        self._auth.add_auth(request)
        got = self._pool.urlopen(method, url, body=body, headers=dict(request.headers.items()))
        return Response(got.status, {k.lower(): v for k, v in got.headers.items()}, got.data)
