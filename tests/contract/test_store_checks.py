"""Every store passes the checks by which `s3leader certify` judges a store."""

from __future__ import annotations

import pytest

from s3leader._io.s3_store import S3Store
from s3leader_cli.aws.certified_bucket import CertifiedBucket
from s3leader_cli.certify.check import Check, NotChecked, Scale, Subject
from s3leader_cli.certify.checks import CHECKS
from s3leader_cli.certify.racers import ThreadRacers
from tests.contract.conftest import TestedStore

SCALE = Scale(
    rounds=1, increments=3, terms=1, samples=1, connections=2, pages=True, processes=1,
    threads=1, race_s=0.0,
)  # fmt: skip


BEYOND_ELECTIONS = {"codes of refusals", "tags are kept"}


def extras(tested: TestedStore, check: Check) -> CertifiedBucket | None:
    """Return what the bucket is asked beyond elections, where it is needed: it takes time."""
    if not isinstance(tested.store, S3Store) or check.name not in BEYOND_ELECTIONS:
        return None
    return CertifiedBucket(tested.store.bucket, "us-east-1")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name.replace(" ", "-"))
def test_store_passes(check: Check, tested: TestedStore) -> None:
    subject = Subject(
        store=tested.store,
        dated=tested.store,
        connect=lambda: tested.store,
        folder=f"{check.name.replace(' ', '-')}/",
        racers=ThreadRacers(tested.store, tested.writers),
        scale=SCALE,
        extras=extras(tested, check),
    )
    try:
        check.run(subject)
    except NotChecked as error:
        if tested.writers > 0 and check.name not in BEYOND_ELECTIONS:
            raise
        pytest.skip(f"{tested.name}: {error}")
