"""One cold process to its first win: `python -m s3leader_bench.clients.cold VARIANT FOLDER`."""

from __future__ import annotations

import sys

BUCKET = "locks"


def main(variant: str, folder: str) -> None:
    """Import only what the variant needs, and win."""
    if variant == "s3leader":
        from s3leader import Election  # noqa: PLC0415 - what is measured

        prefix, name, _ = folder.rsplit("/", 2)
        if not Election(name, bucket=BUCKET, prefix=f"{prefix}/").campaign():
            raise SystemExit("expected to win")
        return
    if variant == "empty":
        return
    from s3leader_bench.clients.client import cold_win  # noqa: PLC0415

    if variant == "boto3":
        from s3leader_bench.clients.boto import Boto3Client  # noqa: PLC0415

        cold_win(Boto3Client(BUCKET, expect=True), folder)
    elif variant == "signer":
        from s3leader_bench.clients.signer_client import SignerClient  # noqa: PLC0415

        cold_win(SignerClient(BUCKET), folder)
    else:
        from s3leader_bench.clients.hmac_client import HmacClient  # noqa: PLC0415

        cold_win(HmacClient(BUCKET), folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
