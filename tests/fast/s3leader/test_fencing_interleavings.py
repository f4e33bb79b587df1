"""FencedObject under random interleavings of leaders, faults and late writes."""

from __future__ import annotations

import itertools
import json
from contextlib import suppress
from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from s3leader._core.requests import Applied, Create, Replace, StoreAnswer, StoreRequest
from s3leader._io.memory_store import Fault, MemoryStore
from s3leader._io.seams import Seams
from s3leader.errors import Overwritten, StaleToken, StoreUnavailable
from s3leader.fencing import FencedObject, Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

TOKENS = st.integers(1, 4)
FAULTS = st.sampled_from([Fault.ANSWER_LOST, Fault.REQUEST_LOST, Fault.CONFLICTED, Fault.LATE])
VALUES = st.sampled_from([{}, {"n": 1}, {"n": 2}])  # few, so that they come back (ABA)


class Recording(MemoryStore):
    """A store that records every applied write, in order, with its ETag."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: list[dict[str, object]] = []
        self.etags: list[str] = []

    def _apply(self, request: StoreRequest) -> StoreAnswer:
        answer = super()._apply(request)
        if isinstance(request, Create | Replace) and isinstance(answer, Applied):
            self.bodies.append(json.loads(request.body))
            self.etags.append(answer.etag)
        return answer


class Leaders(RuleBasedStateMachine):
    """Leaders with tokens 1 to 4, each with the version that it last read.

    While one of them waits to try again, others write and late requests are applied.
    """

    @initialize()
    def start(self) -> None:
        self.store = Recording()
        self.numbers = itertools.count()
        self.now_ms = 0
        self.known: dict[int, Snapshot | None] = {}
        self.claimed = 0
        self.meanwhile: list[Callable[[], object]] = []

    def document(self, patience_ms: int, nonce: str | None = None) -> FencedObject:
        seams = Seams(
            store=self.store,
            clock_ms=lambda: self.now_ms,
            sleep=self.sleep,
            nonce=lambda: str(next(self.numbers)) if nonce is None else nonce,
        )
        return FencedObject._with_seams("manifest.json", seams, patience_ms=patience_ms)

    def sleep(self, seconds: float) -> None:
        self.now_ms += round(seconds * 1000)
        if self.meanwhile:
            with suppress(StaleToken, Overwritten, StoreUnavailable):
                self.meanwhile.pop(0)()

    @rule(fault=FAULTS, nth=st.integers(1, 3), times=st.integers(1, 2))
    def script_a_fault(self, fault: Fault, nth: int, times: int) -> None:
        self.store.script(fault, nth=nth, times=times)

    @rule()
    def late_requests_land(self) -> None:
        self.store.deliver_late()

    @rule()
    def late_requests_land_during_the_next_wait(self) -> None:
        self.meanwhile.append(self.store.deliver_late)

    @rule(token=TOKENS, value=VALUES)
    def another_writes_during_the_next_wait(self, token: int, value: dict[str, int]) -> None:
        other = self.document(0)
        self.meanwhile.append(lambda: other.write(value, token=token, after=other.read()))

    @rule(token=TOKENS)
    def read(self, token: int) -> None:
        with suppress(StoreUnavailable):
            self.known[token] = self.document(1000).read()

    @rule(token=TOKENS, value=VALUES)
    def write(self, token: int, value: dict[str, int]) -> None:
        after, own = self.known.get(token), str(next(self.numbers))
        document = self.document(1000, nonce=own)
        try:
            written = document.write(value, token=token, after=after)
        except StoreUnavailable:
            return
        except (StaleToken, Overwritten):
            # Not applied; or applied with a lost answer, and then overwritten.
            assert own not in self.nonces[-1:]
            return
        self.known[token] = written
        assert self.nonces.count(own) == 1
        place = self.nonces.index(own)
        below = self.store.etags[place - 1] if place else None
        assert below == (None if after is None else after.etag), "another write came in between"

    @rule(token=TOKENS)
    def claim(self, token: int) -> None:
        with suppress(StaleToken, StoreUnavailable):
            self.known[token] = self.document(1000).claim(token)
            self.claimed = max(self.claimed, token)

    @property
    def nonces(self) -> list[object]:
        return [body["nonce"] for body in self.store.bodies]

    @invariant()
    def tokens_never_go_back(self) -> None:
        tokens = [int(str(body["fencing_token"])) for body in self.store.bodies]
        assert tokens == sorted(tokens)

    @invariant()
    def no_state_ever_comes_back(self) -> None:
        assert len(set(self.store.etags)) == len(self.store.etags)

    @invariant()
    def a_claim_is_never_undone(self) -> None:
        if self.claimed:
            assert int(str(self.store.bodies[-1]["fencing_token"])) >= self.claimed


Leaders.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestLeaders = Leaders.TestCase
