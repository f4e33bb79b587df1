"""The network between candidates and the bucket, with its faults."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3leader._core.requests import (
    Answer,
    Create,
    Replace,
    Reply,
    Request,
    StoreAnswer,
    StoreRequest,
    Tag,
    Unknown,
    Wait,
    Waited,
)
from s3leader.errors import S3LeaderError
from tests.verification.model_checker.s3 import describe

from .plan import MINUTE_MS, SECOND_MS, TIMEOUT_MS

if TYPE_CHECKING:
    from .candidate import Candidate
    from .simulation import Simulation

LATEST_MS = 15 * MINUTE_MS  # S3 refuses a signature that is older


class Network:
    """Drives the candidates' generators, one request at a time."""

    def __init__(self, simulation: Simulation) -> None:
        self._it, self._rng = simulation, simulation.rng
        self.over = False  # faults have stopped
        self.down_until_ms = 0

    def go_on(self, candidate: Candidate, reply: Reply | None) -> None:
        """Let a candidate go on until its next request, or to its end."""
        steps = candidate.steps
        assert steps is not None
        try:
            request = next(steps) if reply is None else steps.send(reply)
        except StopIteration as stop:
            self._it.concluded(candidate, stop.value)
        except S3LeaderError as error:
            self._it.failed(candidate, error)
        else:
            self._send(candidate, request)

    def fail(self, ms: int) -> None:
        """Answer hardly a request for a while."""
        self._it.fault("S3", f"is hardly available for {ms / 1000:.0f} s")
        self.down_until_ms = self._it.now_ms + ms

    def _send(self, candidate: Candidate, request: Request) -> None:
        it, rng = self._it, self._rng
        sent_ms = candidate.watch_ms(it.now_ms)
        if isinstance(request, Wait):
            waits_ms = rng.uniform(request.low_ms, request.high_ms) / candidate.rate
            it.after(waits_ms + 1, lambda: self._deliver(candidate, Waited(), sent_ms))
            return
        candidate.requests += 1
        it.statistics.requests += 1
        if isinstance(request, Create):
            candidate.asserted = True
            candidate.created.add(request.body)
        delay_ms = rng.randrange(3, 60)
        if not it.faulty:
            self._travel(candidate, request, sent_ms, delay_ms)
            return
        dice = rng.random()
        if dice < 0.004:  # frozen between looking at its stopwatch and sending
            it.freeze(candidate, it.draw_freeze())
            delay_ms += candidate.resumes_ms - it.now_ms
        elif dice < 0.02 and not isinstance(request, Tag):
            delay_ms += rng.randrange(2 * TIMEOUT_MS)
            it.fault(candidate.name, f"{describe(request)} is slow")
        elif dice < 0.035 and isinstance(request, Create | Replace):
            # a proxy sends it twice, and nobody hears the answer to the copy that lands here
            it.fault(candidate.name, f"{describe(request)} is sent twice")
            it.after(rng.randrange(delay_ms), lambda: self._land(candidate, request))
        elif dice < 0.115 or (it.now_ms < self.down_until_ms and dice < 0.95):
            self._lose(candidate, request, sent_ms)
            return
        self._travel(candidate, request, sent_ms, delay_ms)
        dies = 0.006
        if isinstance(request, Create):  # above all one that may turn out to be void
            dies = 0.15 if candidate.kind == "old" else 0.04
        if rng.random() < dies:
            it.after(rng.randrange(100), lambda: it.die(candidate))

    def _travel(
        self, candidate: Candidate, request: StoreRequest, sent_ms: int, delay_ms: int
    ) -> None:
        """The request arrives after `delay_ms`; the sender hears of it in time, or times out."""
        it = self._it
        back_ms = self._rng.randrange(3, 60)
        timeout_ms = max(it.now_ms, candidate.resumes_ms) + TIMEOUT_MS

        def arrive() -> None:
            answer = self._apply(candidate, request)
            if it.now_ms + back_ms < timeout_ms:
                it.after(back_ms, lambda: self._deliver(candidate, answer, sent_ms))

        arrives_ms = it.now_ms + delay_ms
        it.at(arrives_ms, arrive)
        if arrives_ms + back_ms >= timeout_ms:
            it.at(timeout_ms, lambda: self._deliver(candidate, Unknown("time-out"), sent_ms))

    def _lose(self, candidate: Candidate, request: StoreRequest, sent_ms: int) -> None:
        """No usable answer comes, and what became of the request is anybody's guess."""
        it, rng = self._it, self._rng
        what = rng.choice(["lost", "unheard", "409", "500", "late"])
        it.fault(candidate.name, f"{describe(request)}: {what}")
        arrives_ms = rng.randrange(60)
        if what == "late":
            arrives_ms = rng.randrange(rng.choice([2 * TIMEOUT_MS, MINUTE_MS, LATEST_MS]))
        applied = what in {"unheard", "late"} or (what == "500" and rng.random() < 0.5)
        if applied and isinstance(request, Create | Replace | Tag):
            it.after(arrives_ms, lambda: self._land(candidate, request))
        heard_ms = 80 if what in {"409", "500"} else rng.choice([80, TIMEOUT_MS])
        it.after(heard_ms, lambda: self._deliver(candidate, Unknown(what), sent_ms))
        if rng.random() < 0.1:
            it.after(rng.randrange(SECOND_MS), lambda: it.die(candidate))

    def _land(self, candidate: Candidate, request: StoreRequest) -> None:
        it = self._it
        if self.over:
            return
        it.last_fault_ms = it.now_ms
        it.record(candidate.name, f"{describe(request)} lands, unheard")
        self._apply(candidate, request)

    def _apply(self, candidate: Candidate, request: StoreRequest) -> StoreAnswer:
        answer = self._it.bucket.perform(request)
        self._it.record(candidate.name, request, answer)
        return answer

    def _deliver(self, candidate: Candidate, answer: Answer, sent_ms: int) -> None:
        it = self._it
        if not candidate.alive:
            return
        if not it.frozen(candidate) and it.faulty and self._rng.random() < 0.004:
            it.freeze(candidate, it.draw_freeze())
        if it.frozen(candidate):
            it.at(candidate.resumes_ms, lambda: self._deliver(candidate, answer, sent_ms))
            return
        self.go_on(candidate, Reply(answer, sent_ms, candidate.watch_ms(it.now_ms)))
