"""A store raises what only an operator can fix, and says what to fix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from s3leader._core.requests import Create, List, Read, Replace, StoreRequest, Tag
from s3leader.errors import BucketUnusable

if TYPE_CHECKING:
    from tests.contract.conftest import TestedStore

REQUESTS: list[StoreRequest] = [
    List("elections/"),
    Read("key"),
    Create("key", b"{}"),
    Replace("key", b"{}", '"00000000000000000000000000000000"'),
    Tag("key"),
]


@pytest.mark.parametrize("request_", REQUESTS, ids=str)
def test_missing_bucket_is_named(tested: TestedStore, request_: StoreRequest) -> None:
    with pytest.raises(BucketUnusable, match="There is no bucket there-is-no-such-bucket"):
        tested.with_missing_bucket(request_).perform(request_)
