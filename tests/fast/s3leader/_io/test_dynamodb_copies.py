"""Copies of a transaction that DynamoDB receives late: what is applied, and what is promised."""

from __future__ import annotations

import copy
import itertools

import pytest
from botocore.exceptions import ClientError

from s3leader.errors import StoreUnavailable
from tests.fast.s3leader._io.simulated_dynamodb import (
    REMEMBERED_S,
    SIGNED_S,
    SimulatedDynamoDB,
    fenced_items,
)

ADD = {
    "TableName": "t", "Key": {"id": {"S": "a"}}, "UpdateExpression": "ADD n :n",
    "ExpressionAttributeValues": {":n": {"N": "1"}},
}  # fmt: skip
FATES = [["late", "late"], ["late", "lost"], ["lost", "late"], ["late", "late", "late"]]
AHEAD_S = [-SIGNED_S + 10, 0, 60, SIGNED_S - 60, SIGNED_S]


def most_applied(server: SimulatedDynamoDB, step_s: int = 60) -> int:
    """Deliver the late copies at all times from now on; return how often one write was applied."""
    times = range(0, 3 * REMEMBERED_S, step_s)
    most = 0
    for at in itertools.combinations(times, len(server.late)):
        for order in itertools.permutations(server.late):
            world = copy.deepcopy(server)
            start_s = world.now_s
            for seconds, late in zip(at, order, strict=True):
                world.now_s = start_s + seconds
                world.perform(late)
            most = max(most, world.applied)
    return most


@pytest.mark.parametrize("attempts", [1, 4], ids=["sent again by s3leader", "by botocore"])
@pytest.mark.parametrize("skew_s", AHEAD_S)
@pytest.mark.parametrize("fates", FATES, ids="-".join)
def test_no_late_copy_is_applied_a_second_time_however_wrong_the_host_s_clock_is(
    fates: list[str], skew_s: int, attempts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = SimulatedDynamoDB(skew_s=skew_s, send_s=90, fates=[*fates])
    with fenced_items(server, monkeypatch, attempts=attempts) as items:
        try:
            items.update_item(token=3, **ADD)
            known = 1
        except StoreUnavailable:
            known = 0
        assert known <= most_applied(server) <= 1
    assert {each.signed_s for each in server.late} == {skew_s}


@pytest.mark.parametrize("attempts", [1, 4], ids=["sent again by s3leader", "by botocore"])
@pytest.mark.parametrize("fate", ["late", "lost"])
def test_a_failed_condition_is_no_answer_while_an_earlier_copy_is_unanswered(
    fate: str, attempts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The late copy arrives when the condition holds, and is applied."""
    server = SimulatedDynamoDB(fates=[fate], open=False)
    with (
        fenced_items(server, monkeypatch, attempts=attempts) as items,
        pytest.raises(StoreUnavailable, match="may still be, once") as unknown,
    ):
        items.update_item(token=3, **ADD)
    assert isinstance(unknown.value.__cause__, ClientError)
    server.open = True
    for late in server.late:
        server.perform(late)
    assert server.applied == len(server.late)


@pytest.mark.parametrize("attempts", [1, 4], ids=["sent again by s3leader", "by botocore"])
def test_a_failed_condition_is_an_answer_if_no_other_copy_was_sent(
    attempts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = SimulatedDynamoDB(open=False)
    with fenced_items(server, monkeypatch, attempts=attempts) as items:
        refused = items._client.exceptions.ConditionalCheckFailedException
        with pytest.raises(refused):
            items.update_item(token=3, **ADD)
        with pytest.raises(items._client.exceptions.TransactionCanceledException):
            items.transact([{"Update": ADD}], token=3)


def test_a_signature_that_has_expired_leaves_the_outcome_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = SimulatedDynamoDB(send_s=SIGNED_S + 1, fates=["lost"])
    with (
        fenced_items(server, monkeypatch, attempts=2) as items,
        pytest.raises(StoreUnavailable, match="Signature expired"),
    ):
        items.update_item(token=3, **ADD)
    assert server.applied == 1


def test_a_host_s_clock_that_dynamodb_does_not_accept_is_an_error_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = SimulatedDynamoDB(skew_s=SIGNED_S + 60)
    with (
        fenced_items(server, monkeypatch, attempts=2) as items,
        pytest.raises(ClientError, match="InvalidSignatureException"),
    ):
        items.update_item(token=3, **ADD)
    assert server.applied == 0
