"""Candidate programs as an automaton, whose states are found by replaying replies.

A *candidate program* is a generator that does all that one candidate does: it campaigns, works,
renews, resigns, campaigns again. It yields requests and reports, and is sent replies:

    node 0: asks Create(lock 1)    reply Applied  -> node 1    reply Unknown -> node 2
    node 1: asks Choose(renew, finish)  reply "renew"  -> node 3
    node 2: asks Wait(25, 50)           reply Waited() -> node 4

A generator cannot be copied, but what it does next depends only on the replies that it has had. So
each distinct state of a program is a node, reached again by replaying one history that led to it,
and `step` remembers where each reply leads. Two histories that leave the generator at the same
place with the same variables are one node. This keeps the state space finite and small.

Two states are the same node if, in each frame of the generator's stack, the instruction at which it
is suspended and all local variables are equal, and if the program has drawn equally many nonces.
Values that are only on Python's evaluation stack are not compared. In the checked code these are
only the iterators of `for` loops over ranges and tuples; the loop variable, which is compared,
shows their position.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from types import GeneratorType
from typing import Any, TypeAlias

from s3leader._core.candidate import CandidateConfig
from s3leader._core.requests import Reply, Request
from s3leader.errors import S3LeaderError

from .reports import Report


@dataclass(frozen=True, slots=True)
class Now:
    """The program asks for the time of its monotonic clock, in milliseconds."""


@dataclass(frozen=True, slots=True)
class Choose:
    """The program may do any of these; the checker tries all."""

    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Leads:
    """The candidate believes that it leads `term`, until `deadline_ms`."""

    term: int
    deadline_ms: int
    tick: str


@dataclass(frozen=True, slots=True)
class StopsLeading:
    """The candidate no longer believes that it leads."""


Yielded: TypeAlias = Request | Now | Choose | Leads | StopsLeading | Report
AnswerToProgram: TypeAlias = Reply | S3LeaderError | int | str | None
Program: TypeAlias = Generator[Yielded, Any, None]
Nonces: TypeAlias = Callable[[], str]
Factory: TypeAlias = Callable[[Nonces], Program]


@dataclass(slots=True)
class Node:
    """What a program yields at this point (None: it has ended), and one history that leads here.

    `index` says which of the machine's programs this is.
    """

    index: int
    asks: Yielded | None
    history: tuple[AnswerToProgram, ...]


class Machine:
    """The automaton of several programs; nodes are numbered from 0."""

    def __init__(self, programs: Mapping[str, Factory]) -> None:
        self.names = tuple(programs)
        self._programs = tuple(programs.values())
        self.nodes: list[Node] = []
        self._known: dict[object, int] = {}
        self._next: dict[tuple[int, AnswerToProgram], int] = {}
        self.starts = tuple(self._visit(index, ()) for index in range(len(self._programs)))

    def step(self, node: int, reply: AnswerToProgram) -> int:
        """Return the node that `reply` leads to."""
        there = self._next.get((node, reply))
        if there is None:
            here = self.nodes[node]
            there = self._visit(here.index, (*here.history, reply))
            self._next[node, reply] = there
        return there

    def _visit(self, index: int, history: tuple[AnswerToProgram, ...]) -> int:
        drawn = 0

        def nonce() -> str:
            nonlocal drawn
            drawn += 1
            return str(drawn)

        program = self._programs[index](nonce)
        asks: Yielded | None
        try:
            asks = next(program)
            for reply in history:
                asks = (
                    program.throw(reply)
                    if isinstance(reply, S3LeaderError)
                    else program.send(reply)
                )
        except StopIteration:
            asks = None
        key = (index, drawn, asks, _stack(program))
        if key not in self._known:
            self._known[key] = len(self.nodes)
            self.nodes.append(Node(index, asks, history))
        program.close()
        return self._known[key]


def _stack(program: object) -> tuple[object, ...]:
    """Return where each frame of a generator's stack stands, and with which variables."""
    frames = []
    while isinstance(program, GeneratorType) and program.gi_frame is not None:
        frame = program.gi_frame
        variables = tuple((name, frozen(value)) for name, value in sorted(frame.f_locals.items()))
        frames.append((frame.f_code.co_qualname, frame.f_lasti, variables))
        program = program.gi_yieldfrom
    return tuple(frames)


def frozen(value: object) -> object:
    """Return a hashable stand-in that is equal if and only if the values are.

    But configurations and callables become None, since they never change within a program, and
    so do generators, since `_stack` compares their frames.
    """
    if isinstance(value, CandidateConfig) or callable(value) or isinstance(value, GeneratorType):
        return None
    if is_dataclass(value):
        kept = (frozen(getattr(value, field.name)) for field in fields(value))
        return (type(value).__name__, *kept)
    if isinstance(value, Mapping):
        return tuple(sorted((key, frozen(item)) for key, item in value.items()))
    if isinstance(value, list | tuple):
        return tuple(frozen(item) for item in value)
    if isinstance(value, BaseException):
        return repr(value)
    return value
