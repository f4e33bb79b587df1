"""Writes whose answer is lost, that are not sent, or that a proxy sends twice: all are settled."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Final

from s3leader import NotElected
from s3leader._core.requests import Create, Replace, Tag, Unknown
from s3leader._core.store_proof import IMPOSSIBLE_ETAG
from s3leader.errors import BucketUnusable, S3LeaderError
from s3leader.testing import election

from .check import Check, CheckFailed, Costs, NotChecked, Subject, describe_refusal

if TYPE_CHECKING:
    from s3leader._core.requests import Store, StoreAnswer, StoreRequest

_LEASE: Final = timedelta(seconds=60)


class Loss(Enum):
    """What happens to a request, or to its answer, on the way."""

    ANSWER = "the answer is lost"
    REQUEST = "the request is lost"
    TWICE = "it is sent twice"


def _is_create(request: StoreRequest) -> bool:
    return isinstance(request, Create)


def _is_renewal(request: StoreRequest) -> bool:
    if not isinstance(request, Replace) or request.etag == IMPOSSIBLE_ETAG:
        return False
    return not json.loads(request.body)["expired"]


def _is_seal(request: StoreRequest) -> bool:
    return isinstance(request, Replace) and json.loads(request.body)["expired"] is True


def _is_tag(request: StoreRequest) -> bool:
    return isinstance(request, Tag)


_WRITES: Final[dict[str, Callable[[StoreRequest], bool]]] = {
    "create": _is_create,
    "renewal": _is_renewal,
    "seal": _is_seal,
    "tag": _is_tag,
}


@dataclass
class LossyStore:
    """A store behind a network that harms the first request which `harms` names."""

    store: Store
    loss: Loss
    harms: Callable[[StoreRequest], bool]
    harmed: bool = False

    def perform(self, request: StoreRequest) -> StoreAnswer:
        """Perform the request, or not, or twice."""
        if self.harmed or not self.harms(request):
            return self.store.perform(request)
        self.harmed = True
        if self.loss is Loss.REQUEST:
            return Unknown("certify did not send the request")
        answer = self.store.perform(request)
        if self.loss is Loss.TWICE:
            return self.store.perform(request)
        return Unknown(f"certify dropped the answer {type(answer).__name__}")


def _settle(subject: Subject, what: str, loss: Loss) -> None:
    """Lead two terms with a fault in the second; the ledger must show both as completed."""
    where = {"prefix": subject.folder, "lease": _LEASE}
    lossy = LossyStore(subject.store, loss, _WRITES[what])
    case = f"{what}, {loss.value}"
    first = election("lost", store=subject.store, **where)  # type: ignore[arg-type]  # a TypedDict
    second = election("lost", store=lossy, **where)  # type: ignore[arg-type]  # the same
    try:
        for number, candidate in enumerate((first, second), 1):
            term = candidate.campaign()
            if isinstance(term, NotElected):
                raise CheckFailed(f"{case}: the campaign for term {number} is lost: {term!r}")
            with term:
                term.save({"by": number})
        ledger = [(lock.term, lock.outcome, lock.state) for lock in first.history()]
    except BucketUnusable as error:
        raise CheckFailed(f"{case}: {describe_refusal(error)}") from error
    except S3LeaderError as error:
        raise CheckFailed(f"{case}: {error}") from error
    if ledger != [(number, "completed", {"by": number}) for number in (2, 1)]:
        raise CheckFailed(f"{case}: the ledger is {ledger}")
    if not lossy.harmed:
        raise NotChecked(f"no {what} was sent")


def _are_settled(subject: Subject) -> str:
    cases = [(what, loss) for what in _WRITES for loss in Loss]
    for what, loss in cases:
        _settle(subject.at(f"{what}-{loss.name.lower()}"), what, loss)
    return f"{len(cases)} cases: answers lost, requests lost, requests sent twice"


CHECKS: Final = (
    Check(
        name="lost answers",
        group="lost answers",
        statement="A create, renewal, seal or tag whose answer is lost is settled by reading.",
        rules="R5",
        if_missing="unusable: after a time-out a candidate could not know whether it leads",
        run=_are_settled,
        costs=lambda *_: Costs(writes=12 * 13, reads=12 * 7),
    ),
)
