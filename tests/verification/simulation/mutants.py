"""One rule removed at a time, to show that the simulation would notice.

A mutant replaces one passage of a shipped function, in this process and for one test.
"""

from __future__ import annotations
import __future__

import inspect
import textwrap
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any, Final

import pytest

from s3leader._core import conditional_write, create_lock, depose, ledger, lock, protocol, sweep
from tests.verification.simulation import simulation

MODULES: Final = (ledger, sweep, protocol, create_lock, conditional_write, depose, simulation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """`old` stands once in `name`, a function of `owner`; without it, a run shows a `fault`."""

    removed: str
    owner: Any
    name: str
    old: str
    new: str
    fault: str

    def put(self, monkeypatch: pytest.MonkeyPatch) -> None:
        original = getattr(self.owner, self.name)
        mutated = self._mutated(original)
        if not isinstance(self.owner, ModuleType):
            monkeypatch.setattr(self.owner, self.name, mutated)
            return
        for module in MODULES:
            if getattr(module, self.name, None) is original:
                monkeypatch.setattr(module, self.name, mutated)

    def _mutated(self, original: FunctionType) -> object:
        source = textwrap.dedent(inspect.getsource(original))
        assert source.count(self.old) == 1, f"{self.old!r} does not stand once in {self.name}"
        flags = __future__.annotations.compiler_flag
        code = compile(source.replace(self.old, self.new), self.name, "exec", flags)
        made: dict[str, object] = {}
        exec(code, original.__globals__, made)  # noqa: S102 - it is what a mutant is
        return made[self.name]


MUTANTS: Final = (
    Mutant(
        removed="R1, R3: a lapsed lock is sealed before it is succeeded",
        owner=protocol,
        name="_seal_lapsed",
        old='yield from seal_other(config, head, f"lapsed; sealed by {config.candidate}")',
        new="(yield from ask(Read(config.key(head.term)))) and replace("
        "head, lock=replace(head.lock, expired=True))",
        fault="while lock",
    ),
    Mutant(
        removed="R4: the allowance for clock skew",
        owner=lock.Lock,
        name="left_ms",
        old="lease + clock_skew_ms -",
        new="lease -",
        fault="two leaders",
    ),
    Mutant(
        removed="R4: a deadline counts from before the request was sent",
        owner=create_lock,
        name="create_next_lock",
        old="deadline_ms=written.sent_ms +",
        new="deadline_ms=written.received_ms +",
        fault="",
    ),
    Mutant(
        removed="R4: past its deadline a leader leads no more",
        owner=protocol,
        name="renew",
        old="in_time = written.received_ms < holding.deadline_ms",
        new="in_time = True",
        fault="again after its deadline",
    ),
    Mutant(
        removed="R5: a conflict is looked into",
        owner=conditional_write,
        name="write_until_known",
        old="            reply = yield Read(write.key)\n            answer = reply.answer\n",
        new="            return WriteConflict(reply=reply)\n",
        fault="nobody else wrote its lock",
    ),
    Mutant(
        removed="R5: a create's conflict is looked into even if it is the first answer",
        owner=conditional_write,
        name="write_until_known",
        old="        if isinstance(answer, Conflict):\n",
        new="        first = pause_ms == 25 and isinstance(write, Create)\n"
        "        if isinstance(answer, Conflict) and first:\n"
        "            return WriteConflict(reply=reply)\n"
        "        if isinstance(answer, Conflict):\n",
        fault="lost its campaign, and holds the lock",
    ),
    Mutant(
        removed="R5: a renewal's or seal's conflict is looked into even if it is the first answer",
        owner=conditional_write,
        name="write_until_known",
        old="        if isinstance(answer, Conflict):\n",
        new="        first = pause_ms == 25 and isinstance(write, Replace)\n"
        "        if isinstance(answer, Conflict) and first:\n"
        "            return WriteConflict(reply=reply)\n"
        "        if isinstance(answer, Conflict):\n",
        fault="nobody else wrote its lock",
    ),
    Mutant(
        removed="R5: writes whose outcome was never learned are remembered",
        owner=protocol,
        name="renew",
        old="doubtful=holding.doubtful | {nonce}",
        new="doubtful=frozenset()",
        fault="nobody else wrote its lock",
    ),
    Mutant(
        removed="R6: the sweep ends below one's own lock",
        owner=sweep,
        name="sweep",
        old="min(lock.term, swept",
        new="min(lock.term + 1, swept",
        fault="is not tagged",
    ),
    Mutant(
        removed="R6: `swept` says no more than was tagged",
        owner=sweep,
        name="sweep",
        old="            if isinstance(reply.answer, Unknown):\n                break\n",
        new="",
        fault="is not tagged",
    ),
    Mutant(
        removed="R7: a stale win is void",
        owner=create_lock,
        name="create_next_lock",
        old="if proved_ms is None or written.applied_ms - proved_ms >= PROOF_VALID_MS:",
        new="if False:",
        fault="",
    ),
    Mutant(
        removed="R8: nobody leads for a tick that is done",
        owner=lock.Lock,
        name="is_done",
        old="return tick is not None and self.done is not None and tick <= self.done",
        new="return False",
        fault="is completed twice",
    ),
    Mutant(
        removed="R8: `done` is carried on",
        owner=create_lock,
        name="next_lock",
        old="done=previous.done",
        new="done=None",
        fault="`done` goes back",
    ),
)
