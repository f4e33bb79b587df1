"""Spaces for what is rare: long leases, echoes, clones, drift, operators, other stores.

`NOT_PROMISED` are spaces beyond what is promised, in which a fault is to be found: they show where
the promises end, and that the checker sees it.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Final

from s3leader._core.requests import Create, Read, Replace, Tag

from .candidates import FOLDER, Plan
from .model import Budget
from .s3 import S3Object, Service
from .scenario import PROVED, Scenario, held, knows, lock_object, sealed, two

LONG_MS = 4000  # a lease longer than the allowance
LONG: Final = (
    Plan(name="a", ticks=(0,), renewals=1, lease_ms=LONG_MS, known=knows(sealed(1))),
    Plan(name="b", ticks=(0,), lease_ms=LONG_MS, known=knows(sealed(1))),
)
SHORT: Final = tuple(replace(plan, lease_ms=1000, known=None) for plan in LONG)
# The slowest stopwatch that this lease and this allowance bear: a leader leads for 5 s at most, and
# it can be shown to have lapsed (6 s by two time stamps of whole seconds) just after 5 s.
SLOWEST = Fraction(4, 5)
LEDGER_OF_499: Final = (lock_object(sealed(498), tagged=True), lock_object(sealed(499)))
CORRUPT = S3Object(f"{FOLDER}lock_0000000002.json", b'{"expired": false, "nonce": []}', 0, False)
CLONES: Final = tuple(
    Plan(name=name, ticks=(0, 1), known=knows(sealed(1))) for name in ("a", "clone")
)


def _drifting(rate: Fraction) -> Scenario:
    return Scenario(
        about=f"a leader whose stopwatch counts {float(rate)} ms in one",
        plans=(replace(LONG[0], rate=rate), LONG[1]),
        budget=Budget(steps=4),
        begin_ms=990,
        step_ms=1670,  # so that 5,010 ms pass within six whole seconds
        objects=PROVED,
        won=1,
    )


def _on(service: Service, about: str, *, nobody_leads: bool = True) -> Scenario:
    return Scenario(
        about=about,
        plans=two((None,)),
        budget=Budget(steps=1, deaths=1),
        step_ms=3000,
        service=service,
        expect_progress=False,
        nobody_leads=nobody_leads,
    )


def _with_hint(body: bytes, about: str) -> Scenario:
    return Scenario(
        about=about,
        plans=two((0,)),
        budget=Budget(lost=1),
        service=Service(page_size=1),
        objects=(S3Object(f"{FOLDER}hint.json", body, 0, False), *LEDGER_OF_499),
        won=499,
    )


UNUSUAL: Final = {
    "long": Scenario(
        about="a lease longer than the allowance, a renewal, an answer that is slow",
        plans=LONG,
        budget=Budget(steps=3, slow=1),
        step_ms=3000,
        objects=PROVED,
        won=1,
    ),
    "long-fine": Scenario(
        about="the same in finer steps",
        plans=LONG,
        budget=Budget(steps=5, slow=1),
        step_ms=1500,
        objects=PROVED,
        won=1,
    ),
    "long-lost": Scenario(
        about="the same with a lost answer",
        plans=LONG,
        budget=Budget(steps=3, slow=1, lost=1),
        step_ms=3000,
        objects=PROVED,
        won=1,
    ),
    "echo": Scenario(
        about="an intermediary that sends a write twice",
        plans=SHORT,
        budget=Budget(steps=3, echoes=1),
        step_ms=1000,
        objects=PROVED,
        won=1,
    ),
    "echo-first": Scenario(
        about="the same when the first term is won, and the store is proved",
        plans=two((0,)),
        budget=Budget(echoes=1, deaths=1),
    ),
    "echoes": Scenario(
        about="the same, and an answer that is lost",
        plans=SHORT,
        budget=Budget(steps=3, echoes=1, lost=1),
        step_ms=1000,
        objects=PROVED,
        won=1,
    ),
    "attempts": Scenario(
        about="jobs that fail, two ticks in turn, each with two attempts",
        plans=(
            Plan(name="a", ticks=(0, 1, 0, 1, 0), may_fail=True, max_attempts=2),
            Plan(name="b", ticks=(1, 0), may_fail=True, max_attempts=2),
        ),
        budget=Budget(),
        max_attempts=2,
        objects=PROVED,
        won=1,
    ),
    "exhausted": Scenario(
        about="a job that fails as often as it may",
        plans=(Plan(name="a", ticks=(0, 0, 0), may_fail=True, max_attempts=2),),
        budget=Budget(lost=1),
        max_attempts=2,
        objects=PROVED,
        won=1,
    ),
    "voids": Scenario(
        about="a store so slow that wins come too late, twice over",
        plans=(Plan(name="a", ticks=(0,)),),
        budget=Budget(steps=2, slow=2),
        step_ms=1000,
        objects=PROVED,
        won=1,
    ),
    "near": Scenario(
        about="a renewal that is not answered shortly before its deadline",
        plans=(Plan(name="a", ticks=(0,), renewals=1, lease_ms=1020),),
        budget=Budget(steps=4, lost=2),
        step_ms=1000,
        objects=PROVED,
        won=1,
    ),
    "paged": Scenario(
        about="a ledger of several pages, the first of them empty, and a hint to write",
        plans=two((0,)),
        budget=Budget(lost=1),
        service=Service(page_size=1, empty_pages=True),
        objects=LEDGER_OF_499,
        won=499,
    ),
    "hint-ahead": _with_hint(b'{"term": 600}', "a hint that points beyond the highest lock"),
    "hint-behind": _with_hint(b'{"term": 498}', "a hint that is old"),
    "hint-corrupt": _with_hint(b"[", "a hint that is no JSON"),
    "hint-denied": replace(
        _with_hint(b"[", "a hint that may not be read"),
        service=Service(page_size=1, denies=frozenset({Read})),
    ),
    "no-tags": Scenario(
        about="a missing right to tag",
        plans=two((0, 1)),
        budget=Budget(),
        service=Service(denies=frozenset({Tag})),
        objects=PROVED,
        won=1,
    ),
    "original": Scenario(
        about="a ledger of the original scheme",
        plans=two((0,)),
        budget=Budget(steps=1, lost=1),
        objects=(S3Object(f"{FOLDER}lock_0000000001.json", b'{"expired": true}', 0, False),),
        won=1,
    ),
    "outage": Scenario(
        about="five lost answers in a row",
        plans=(Plan(name="a", ticks=(0,)),),
        budget=Budget(lost=5),
        objects=PROVED,
        won=1,
    ),
    "corrupt": Scenario(
        about="a corrupt lock, candidates, and an operator who deposes it by force",
        plans=(*two((0,)), Plan(name="op", deposes=True, force=True, done="none")),
        budget=Budget(steps=2, lost=1),
        objects=(*PROVED, CORRUPT),
        won=1,
        expect_progress=False,
    ),
    "operator": Scenario(
        about="an operator who deposes what has lapsed",
        plans=(*two((0,)), Plan(name="op", deposes=True)),
        budget=Budget(steps=1, deaths=1),
        step_ms=3000,
        objects=PROVED,
        won=1,
    ),
    "seized": Scenario(
        about="a leader that is deposed by force, and learns of it",
        plans=(LONG[0], Plan(name="op", deposes=True, force=True)),
        budget=Budget(lost=1),
        objects=PROVED,
        won=1,
    ),
    "force": Scenario(
        about="an operator who deposes by force, leader or not",
        plans=(LONG[0], LONG[1], Plan(name="op", deposes=True, force=True)),
        budget=Budget(steps=2),
        step_ms=3000,
        objects=PROVED,
        won=1,
    ),
    "clones": Scenario(
        about="a snapshot restored twice: one memory and one identity, nonces of their own",
        plans=CLONES,
        budget=Budget(steps=3, lost=1),
        step_ms=1500,
        objects=PROVED,
        won=1,
    ),
    "drift": _drifting(SLOWEST),
    "late": Scenario(
        about="a write that lands days late",
        plans=(Plan(name="a", ticks=(0, 1)), Plan(name="b", ticks=(1, 2))),
        budget=Budget(days=1, lost=1),
        objects=PROVED,
        won=1,
    ),
    "probed-late": Scenario(
        about="a candidate that sleeps for days before it has proved the store",
        plans=two((None,)),
        budget=Budget(days=1, steps=1),
        step_ms=3000,
    ),
    "found-late": Scenario(
        about="a seal whose answer is lost, found days later, when locks have come and gone",
        plans=(Plan(name="a", ticks=(None,)), Plan(name="b", ticks=(None, None))),
        budget=Budget(days=1, lost=1),
        begin_ms=4000,
        objects=(lock_object(held(1)),),
        won=1,
    ),
}

BROKEN_STORES: Final = {
    "no-create": _on(Service(ignores=frozenset({Create})), "a store that ignores If-None-Match"),
    "no-replace": _on(Service(ignores=frozenset({Replace})), "a store that ignores If-Match"),
    "no-conditions": _on(
        Service(ignores=frozenset({Create, Replace})), "a store that ignores both conditions"
    ),
    "no-conditions-kms": _on(
        Service(ignores=frozenset({Create, Replace}), fresh_etags=True),
        "the same with ETags that change with every write",
    ),
    "refuses": Scenario(
        about="a store that refuses the very ETag that it shows",
        plans=(Plan(name="a", ticks=(0,), renewals=1), Plan(name="b", ticks=(0,))),
        budget=Budget(steps=3),
        step_ms=1500,
        service=Service(refuses=True),
        objects=PROVED,
        won=1,
        expect_progress=False,
    ),
}

NOT_PROMISED: Final = {
    "twins": replace(
        UNUSUAL["clones"],
        about="a snapshot restored twice that also draws the same nonces from then on",
        plans=tuple(replace(plan, nonces="a") for plan in CLONES),
    ),
    "drift-too-far": _drifting(Fraction(7, 10)),
    "leaders-no-create": _on(
        Service(ignores=frozenset({Create})), "who leads where R0 is gone", nobody_leads=False
    ),
}
