"""Candidates around a small S3, and everything that can happen next.

Time is true time in milliseconds and moves in steps. The time stamps that S3 gives are of
one-second grain, and the `Date` of an answer may come from a front end that is ahead of the others
by up to `skew_ms`. Each stopwatch has a rate. Each kind of fault has a budget.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from s3leader._core.lock import lock_name
from s3leader._core.requests import (
    Answer,
    Create,
    List,
    Read,
    Replace,
    Reply,
    StoreRequest,
    Tag,
    Unknown,
    Wait,
    Waited,
)
from s3leader.errors import BucketUnusable

from .candidates import FOLDER, LEASE_MS, SKEW_MS
from .machine import (
    Answers,
    Choose,
    Leads,
    Machine,
    Now,
    ReportsFencedWrite,
    ReportsNoTerm,
    ReportsOutcome,
    ReportsUnusableBucket,
    StopsLeading,
)
from .s3 import (
    Bucket,
    S3Object,
    Service,
    Violation,
    check_fenced_report,
    check_no_term,
    check_outcome,
    delete,
    describe,
    find_object,
    lock_fields,
)

DAY_MS = 24 * 60 * 60 * 1000
LOST = Unknown("lost")
REQUESTS = (List, Read, Create, Replace, Tag)


class Actor(NamedTuple):
    """A candidate: where its life stands, and what is on its way to or from S3."""

    node: int
    sent_ms: int | None = None  # a request under way, not yet applied unless `answer` is there
    answer: Answer | BucketUnusable | None = None
    leads: Leads | None = None
    alive: bool = True


class Budget(NamedTuple):
    """How often each fault may still happen."""

    lost: int = 0  # an answer or a request lost, 5xx, 409, a write that lands later
    slow: int = 0  # a request or an answer that is overtaken by time and others
    deaths: int = 0
    skewed: int = 0  # answers dated by a front end that is ahead
    days: int = 0  # everything sleeps for two days, and the lifecycle rule may do its work
    steps: int = 0  # steps of time
    echoes: int = 0  # a write that is sent twice on its way, and answered by either copy


class State(NamedTuple):
    """One state of everything. `won` is the highest term that anybody took himself to lead, `led`
    the tick of each, where attempts are counted.
    """

    now_ms: int
    bucket: Bucket
    actors: tuple[Actor, ...]
    late: tuple[Create | Replace, ...]
    budget: Budget
    won: int = 0
    led: tuple[str, ...] = ()


Transitions = Iterator[tuple[str, State]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """How long one step of time is, how far S3's front ends are apart, and how it all begins.

    `rates` are those of the stopwatches; `lease_ms` is the longest lease. `forced` if an operator
    deposes by force: then a holder whose lock was deposed does not count as a leader.
    With `max_attempts` no more terms may be led for a tick. With `nobody_leads`, not even one.
    """

    machine: Machine
    service: Service
    rates: tuple[Fraction, ...]
    step_ms: int = 500
    skew_ms: int = 500
    objects: tuple[S3Object, ...] = ()
    begin_ms: int = 0
    won: int = 0
    lease_ms: int = LEASE_MS
    clock_skew_ms: int = SKEW_MS
    forced: bool = False
    max_attempts: int | None = None
    nobody_leads: bool = False

    def watch(self, index: int, now_ms: int) -> int:
        """What the stopwatch of a candidate shows."""
        rate = self.rates[index]
        return now_ms if rate == 1 else int(now_ms * rate)

    def start(self, budget: Budget) -> State:
        """Return the state in which every program has run to its first request, choice or wait."""
        actors = tuple(Actor(node) for node in self.machine.starts)
        state = State(self.begin_ms, Bucket(self.objects), actors, (), budget, self.won)
        for index, actor in enumerate(actors):
            state = self._run(state, index, actor.node)
        return state

    def transitions(self, state: State) -> Transitions:
        """Yield every next state with a description of the transition; raise `Violation`."""
        for index, actor in enumerate(state.actors):
            asks = self.machine.nodes[actor.node].asks
            if not actor.alive or asks is None:
                continue
            try:
                yield from self._actor_transitions(state, index, actor)
            except Violation as violation:
                what = describe(asks) if isinstance(asks, REQUESTS) else "goes on"
                raise Violation(str(violation), f"{self.machine.names[index]}: {what}") from None
        for index, write in enumerate(state.late):
            bucket, answer = self.service.apply(state.bucket, write, state.now_ms)
            rest = state.late[:index] + state.late[index + 1 :]
            what = f"{describe(write)}, given up as lost, is applied: {describe(answer)}"
            yield what, state._replace(bucket=bucket, late=rest)
        for item in state.bucket.objects:
            if item.tagged and state.now_ms - item.modified_ms >= DAY_MS:
                bucket = delete(state.bucket, item)
                yield f"the lifecycle rule deletes {describe(item)}", state._replace(bucket=bucket)
        yield from self._time_transitions(state)

    def _time_transitions(self, state: State) -> Transitions:
        budget = state.budget
        if not any(actor.alive for actor in state.actors):
            return
        if budget.steps:
            later = state.now_ms + self.step_ms
            spent = budget._replace(steps=budget.steps - 1)
            yield f"{self.step_ms} ms pass", state._replace(now_ms=later, budget=spent)
        if budget.days:
            later = state.now_ms + 2 * DAY_MS
            spent = budget._replace(days=budget.days - 1)
            yield "two days pass", state._replace(now_ms=later, budget=spent)

    def _actor_transitions(self, state: State, index: int, actor: Actor) -> Transitions:
        name, asks = self.machine.names[index], self.machine.nodes[actor.node].asks
        if state.budget.deaths:
            yield from self._deaths(state, index, actor)
        if isinstance(asks, Choose):
            for option in asks.options:
                yield f"{name} chooses to {option}", self._reply(state, index, option)
        elif isinstance(asks, Wait):
            waited = self._heard(state, index, Waited())
            yield f"{name} has waited", self._reply(state, index, waited)
        elif isinstance(asks, REQUESTS):
            if actor.answer is not None:
                reply = self._heard(state, index, actor.answer, actor.sent_ms)
                what = f"{name}: {describe(asks)}: hears at last {describe(actor.answer)}"
                yield what, self._reply(state, index, reply)
                return
            yield from self._answered(state, index, actor, asks)
            if actor.sent_ms is None:
                yield from self._slowly(state, index, actor, asks)
                yield from self._unanswered(state, index, asks)
                yield from self._echoed(state, index, actor, asks)

    def _deaths(self, state: State, index: int, actor: Actor) -> Transitions:
        name, asks = self.machine.names[index], self.machine.nodes[actor.node].asks
        budget = state.budget._replace(deaths=state.budget.deaths - 1)
        dead = with_actor(state._replace(budget=budget), index, Actor(actor.node, alive=False))
        yield f"{name} dies", dead
        under_way = actor.sent_ms is not None and actor.answer is None
        if under_way and isinstance(asks, Create | Replace):
            late = dead._replace(late=(*dead.late, asks))
            yield f"{name} dies, its request under way", late

    def _answered(self, state: State, index: int, actor: Actor, asks: StoreRequest) -> Transitions:
        """S3 applies the request now, and the answer is heard at once."""
        what, now_ms, budget = self._what(index, asks), state.now_ms, state.budget
        bucket, answer = self.service.apply(state.bucket, asks, now_ms)
        after = state._replace(bucket=bucket)
        reply = self._heard(state, index, answer, actor.sent_ms)
        yield f"{what}: {describe(answer)}", self._reply(after, index, reply)
        if budget.skewed and isinstance(asks, List | Read | Create):
            _, ahead = self.service.apply(state.bucket, asks, now_ms, now_ms + self.skew_ms)
            if ahead != answer:
                spent = after._replace(budget=budget._replace(skewed=budget.skewed - 1))
                reply = self._heard(state, index, ahead, actor.sent_ms)
                yield f"{what}: {describe(ahead)}, dated ahead", self._reply(spent, index, reply)

    def _slowly(self, state: State, index: int, actor: Actor, asks: StoreRequest) -> Transitions:
        """The request or its answer takes its time."""
        if not state.budget.slow:
            return
        what, now_ms = self._what(index, asks), state.now_ms
        spent = state._replace(budget=state.budget._replace(slow=state.budget.slow - 1))
        bucket, answer = self.service.apply(state.bucket, asks, now_ms)
        waiting = actor._replace(sent_ms=now_ms, answer=answer)
        applied = with_actor(spent._replace(bucket=bucket), index, waiting)
        yield f"{what}: {describe(answer)}, but slowly", applied
        if isinstance(asks, Create | Replace):
            waiting = actor._replace(sent_ms=now_ms)
            yield f"{what}: sent, but slowly", with_actor(spent, index, waiting)

    def _unanswered(self, state: State, index: int, asks: StoreRequest) -> Transitions:
        """The candidate hears nothing of use."""
        if not state.budget.lost:
            return
        what, reply = self._what(index, asks), self._heard(state, index, LOST)
        spent = state._replace(budget=state.budget._replace(lost=state.budget.lost - 1))
        yield f"{what}: is lost (or 409)", self._reply(spent, index, reply)
        if isinstance(asks, Create | Replace | Tag):
            bucket, answer = self.service.apply(state.bucket, asks, state.now_ms)
            applied = spent._replace(bucket=bucket)
            yield f"{what}: {describe(answer)}, unheard", self._reply(applied, index, reply)
        if isinstance(asks, Create | Replace):
            pending = spent._replace(late=(*state.late, asks))
            yield f"{what}: given up, still under way", self._reply(pending, index, reply)

    def _echoed(self, state: State, index: int, actor: Actor, asks: StoreRequest) -> Transitions:
        """Something on the way sends a write twice, and hands back the answer to either copy."""
        if not state.budget.echoes or not isinstance(asks, Create | Replace):
            return
        what = self._what(index, asks)
        bucket, answer = self.service.apply(state.bucket, asks, state.now_ms)
        budget = state.budget._replace(echoes=state.budget.echoes - 1)
        applied = state._replace(bucket=bucket, budget=budget)
        waiting = with_actor(applied, index, actor._replace(sent_ms=state.now_ms))
        yield f"{what}: {describe(answer)}, unheard, and sent a second time", waiting
        pending = applied._replace(late=(*state.late, asks))
        heard = self._reply(pending, index, self._heard(state, index, answer))
        yield f"{what}: {describe(answer)}, and sent a second time", heard

    def _heard(
        self,
        state: State,
        index: int,
        answer: Answer | BucketUnusable,
        sent_ms: int | None = None,
    ) -> Reply | BucketUnusable:
        """Return an answer that is heard now, by the candidate's own stopwatch."""
        if isinstance(answer, BucketUnusable):
            return answer
        heard_ms = self.watch(index, state.now_ms)
        return Reply(answer, heard_ms if sent_ms is None else self.watch(index, sent_ms), heard_ms)

    def _what(self, index: int, asks: StoreRequest) -> str:
        return f"{self.machine.names[index]}: {describe(asks)}"

    def _reply(self, state: State, index: int, reply: Answers) -> State:
        return self._run(state, index, self.machine.step(state.actors[index].node, reply))

    def _run(self, state: State, index: int, node: int) -> State:
        """Let a candidate go on until it asks S3 or the scheduler for something."""
        leads, name = state.actors[index].leads, self.machine.names[index]
        while True:
            asks = self.machine.nodes[node].asks
            if isinstance(asks, Now):
                node = self.machine.step(node, self.watch(index, state.now_ms))
                continue
            if isinstance(asks, Leads):
                state = self._led(state, index, leads, asks)
                leads = asks
                self.check_leaders(with_actor(state, index, Actor(node, leads=leads)))
            elif isinstance(asks, StopsLeading):
                leads = None
            elif isinstance(asks, ReportsUnusableBucket):
                if not self.service.ignores and not self.service.denies:
                    raise Violation("the store is blamed, and nothing is wrong with it")
            elif isinstance(asks, ReportsFencedWrite):
                check_fenced_report(state.bucket, name, asks)
            elif isinstance(asks, ReportsOutcome | ReportsNoTerm):
                self._check_report(state.bucket, name, asks)
            else:
                break
            node = self.machine.step(node, None)
        leads = None if asks is None else leads
        state = with_actor(state, index, Actor(node, leads=leads))
        self.check_leaders(state)
        return state

    def _check_report(
        self, bucket: Bucket, name: str, output: ReportsOutcome | ReportsNoTerm
    ) -> None:
        """On a store that keeps its conditions, what a candidate reports is true."""
        if self.service.ignores:
            return
        if isinstance(output, ReportsOutcome):
            check_outcome(bucket, name, output.key, output.outcome)
        else:
            check_no_term(bucket, name, output.term)

    def _led(self, state: State, index: int, before: Leads | None, now: Leads) -> State:
        """Check and record that a candidate takes itself for the leader, anew or still."""
        shown_ms = self.watch(index, state.now_ms)
        if before is not None:
            if before.deadline_ms <= shown_ms < now.deadline_ms:
                raise Violation(f"term {now.term} is led again after its deadline")
            return state
        if self.nobody_leads:
            raise Violation(f"term {now.term} is led on a store that keeps no conditions")
        if now.term <= state.won:
            raise Violation(f"term {now.term} is won after term {state.won}")
        led = state.led
        if self.max_attempts is not None:
            below = find_object(state.bucket, FOLDER + lock_name(now.term - 1))
            if below is not None and _is_continued(below, now.tick):
                return state._replace(won=now.term)  # another leg of the same attempt (R10)
            led = tuple(sorted((*led, now.tick)))
            if led.count(now.tick) > self.max_attempts:
                raise Violation(f"tick {now.tick} is attempted {led.count(now.tick)} times")
        return state._replace(won=now.term, led=led)

    def check_leaders(self, state: State) -> None:
        """At most one candidate leads, by true time and its own deadline."""
        leading = [
            f"{self.machine.names[index]} (term {actor.leads.term})"
            for index, actor in enumerate(state.actors)
            if actor.leads is not None
            and self.watch(index, state.now_ms) < actor.leads.deadline_ms
            and not (self.forced and _deposed(state.bucket, actor.leads.term))
        ]
        if len(leading) > 1:
            raise Violation(f"two leaders: {' and '.join(leading)}")


def _is_continued(item: S3Object, tick: str) -> bool:
    lock = lock_fields(item.body)
    return lock.get("outcome") == "continued" and lock["tick"] == tick


def _deposed(bucket: Bucket, term: int) -> bool:
    item = find_object(bucket, FOLDER + lock_name(term))
    return item is not None and lock_fields(item.body)["outcome"] == "deposed"


def with_actor(state: State, index: int, actor: Actor) -> State:
    """Return the world with one candidate changed."""
    actors = (*state.actors[:index], actor, *state.actors[index + 1 :])
    return state._replace(actors=actors)
