"""What these stores do beyond the checks of `test_store_checks`; others may do otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from s3leader._core.requests import Applied, Create, Replace, Store, StoreRequest
from s3leader.errors import BucketUnusable
from tests.contract.s3_store.misbehaving_s3 import EVERY_REQUEST

if TYPE_CHECKING:
    from tests.contract.conftest import TestedStore

KEY = "elections/nightly/lock_0000000001.json"


def applied(store: Store, write: Create | Replace) -> str:
    answer = store.perform(write)
    assert isinstance(answer, Applied)
    return answer.etag


def test_equal_bodies_have_equal_etags_so_bodies_need_a_nonce(store: Store) -> None:
    etag = applied(store, Create(KEY, b"first"))
    assert applied(store, Create("elsewhere.json", b"first")) == etag


@pytest.mark.parametrize("request_", EVERY_REQUEST, ids=lambda request: type(request).__name__)
def test_missing_bucket_is_named(tested: TestedStore, request_: StoreRequest) -> None:
    with pytest.raises(BucketUnusable, match="There is no bucket there-is-no-such-bucket"):
        tested.with_missing_bucket(request_).perform(request_)
