"""Spaces for what is rare: long leases, echoes, clones, drift, operators, other stores; and for
fenced objects.

`NOT_PROMISED` are spaces beyond what is promised, in which a fault is to be found: they show where
the promises end, and that the checker sees it.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Final

from s3leader._core.requests import Create, Read, Replace, Tag

from .candidates import FOLDER, Plan
from .s3 import S3Object, Service
from .scenario import PROVED, Budget, Scenario, alike, held, knows, lock_object, sealed

LONG_MS = 4000  # a lease longer than the allowance
LONG: Final = (
    Plan("a", (0,), renewals=1, lease_ms=LONG_MS, known=knows(sealed(1))),
    Plan("b", (0,), lease_ms=LONG_MS, known=knows(sealed(1))),
)
SHORT: Final = (Plan("a", (0,), renewals=1), Plan("b", (0,)))
# The slowest stopwatch that this lease and this allowance bear: a leader leads for 5 s at most, and
# it can be shown to have lapsed (6 s by two time stamps of whole seconds) just after 5 s.
SLOWEST = Fraction(4, 5)
LEDGER_OF_499: Final = (lock_object(sealed(498), tagged=True), lock_object(sealed(499)))
ORIGINAL = S3Object(f"{FOLDER}lock_0000000001.json", b'{"expired": true}', 0, False)
CORRUPT = S3Object(f"{FOLDER}lock_0000000002.json", b'{"expired": false, "nonce": []}', 0, False)
CLONES: Final = tuple(Plan(name, (0, 1), known=knows(sealed(1))) for name in ("a", "clone"))


def _long(about: str, budget: Budget, step_ms: int = 3000) -> Scenario:
    return Scenario(about, LONG, budget, step_ms=step_ms)


def _drifting(rate: Fraction) -> Scenario:
    return Scenario(
        f"a leader whose stopwatch counts {float(rate)} ms in one",
        (replace(LONG[0], rate=rate), LONG[1]),
        Budget(steps=4),
        begin_ms=990,
        step_ms=1670,  # so that 5,010 ms pass within six whole seconds
    )


def _on(service: Service, about: str, *, nobody_leads: bool = True) -> Scenario:
    return Scenario(
        about,
        alike("ab", None),
        Budget(steps=1, deaths=1),
        objects=(),
        step_ms=3000,
        service=service,
        expect_progress=False,
        nobody_leads=nobody_leads,
    )


def _with_hint(body: bytes, about: str, service: Service = Service(page_size=1)) -> Scenario:  # noqa: B008 - frozen
    """One candidate reads the hint after the first page, the other before it lists."""
    hint = S3Object(f"{FOLDER}hint.json", body, 0, False)
    objects = (hint, *LEDGER_OF_499)
    plans = (Plan("a", (0,)), Plan("b", (0,), long_ledger=True))
    return Scenario(about, plans, Budget(lost=1), service=service, objects=objects)


def _writers(about: str, budget: Budget) -> Scenario:
    """Two writers of one fenced object, the second with the higher token."""
    plans = (Plan("old", token=1), Plan("new", token=2))
    return Scenario(about, plans, budget, objects=(), expect_progress=False)


UNUSUAL: Final = {
    "long": _long(
        "a lease longer than the allowance, a renewal, an answer that is slow",
        Budget(steps=3, slow=1),
    ),
    "long-fine": _long("the same in finer steps", Budget(steps=5, slow=1), step_ms=1500),
    "long-lost": _long("the same with a lost answer", Budget(steps=3, slow=1, lost=1)),
    "echo": Scenario(
        "an intermediary that sends a write twice",
        SHORT,
        Budget(steps=3, echoes=1),
        step_ms=1000,
    ),
    "echo-first": Scenario(
        "the same when the first term is won, and the store is proved",
        alike("ab", 0),
        Budget(echoes=1, deaths=1),
        objects=(),
    ),
    "echoes": Scenario(
        "the same, and an answer that is lost",
        SHORT,
        Budget(steps=3, echoes=1, lost=1),
        step_ms=1000,
    ),
    "attempts": Scenario(
        "jobs that fail, two ticks in turn, each with two attempts",
        (
            Plan("a", (0, 1, 0, 1, 0), may_fail=True, max_attempts=2),
            Plan("b", (1, 0), may_fail=True, max_attempts=2),
        ),
        Budget(),
        max_attempts=2,
    ),
    "exhausted": Scenario(
        "a job that fails as often as it may",
        (Plan("a", (0, 0, 0), may_fail=True, max_attempts=2),),
        Budget(lost=1),
        max_attempts=2,
    ),
    "voids": Scenario(
        "a store so slow that wins come too late, twice over",
        alike("a", 0),
        Budget(steps=2, slow=2),
        step_ms=1000,
    ),
    "near": Scenario(
        "a renewal that is not answered shortly before its deadline",
        alike("a", 0, renewals=1, lease_ms=1020),
        Budget(steps=4, lost=2),
        step_ms=1000,
    ),
    "paged": Scenario(
        "a ledger of several pages, the first of them empty, and a hint to write",
        alike("ab", 0),
        Budget(lost=1),
        service=Service(page_size=1, empty_pages=True),
        objects=LEDGER_OF_499,
    ),
    "hint-ahead": _with_hint(b'{"term": 600}', "a hint that points beyond the highest lock"),
    "hint-behind": _with_hint(b'{"term": 498}', "a hint that is old"),
    "hint-corrupt": _with_hint(b"[", "a hint that is no JSON"),
    "hint-denied": _with_hint(
        b"[", "a hint that may not be read", Service(page_size=1, denies=frozenset({Read}))
    ),
    "hint-first": Scenario(
        "days of sleep and deleted locks, for candidates that read the hint before they list",
        (Plan("a", (0, 1), long_ledger=True), Plan("b", (None,), long_ledger=True)),
        Budget(days=1),
        objects=(S3Object(f"{FOLDER}hint.json", b'{"term": 499}', 0, False), *LEDGER_OF_499),
    ),
    "no-tags": Scenario(
        "a missing right to tag",
        alike("ab", 0, 1),
        Budget(),
        service=Service(denies=frozenset({Tag})),
    ),
    "original": Scenario(
        "a ledger of the original scheme",
        alike("ab", 0),
        Budget(steps=1, lost=1),
        objects=(ORIGINAL,),
    ),
    "outage": Scenario("five lost answers in a row", alike("a", 0), Budget(lost=5)),
    "corrupt": Scenario(
        "a corrupt lock, candidates, and an operator who deposes it by force",
        (*alike("ab", 0), Plan("op", deposes=True, force=True, done="none")),
        Budget(steps=2, lost=1),
        objects=(*PROVED, CORRUPT),
        expect_progress=False,
    ),
    "operator": Scenario(
        "an operator who deposes what has lapsed",
        (*alike("ab", 0), Plan("op", deposes=True)),
        Budget(steps=1, deaths=1),
        step_ms=3000,
    ),
    "seized": Scenario(
        "a leader that is deposed by force, and learns of it",
        (LONG[0], Plan("op", deposes=True, force=True)),
        Budget(lost=1),
    ),
    "force": Scenario(
        "an operator who deposes by force, leader or not",
        (*LONG, Plan("op", deposes=True, force=True)),
        Budget(steps=2),
        step_ms=3000,
    ),
    "clones": Scenario(
        "a snapshot restored twice: one memory and one identity, nonces of their own",
        CLONES,
        Budget(steps=3, lost=1),
        step_ms=1500,
    ),
    "drift": _drifting(SLOWEST),
    "late": Scenario(
        "a write that lands days late",
        (Plan("a", (0, 1)), Plan("b", (1, 2))),
        Budget(days=1, lost=1),
    ),
    "probed-late": Scenario(
        "a candidate that sleeps for days before it has proved the store",
        alike("ab", None),
        Budget(days=1, steps=1),
        objects=(),
        step_ms=3000,
    ),
    "found-late": Scenario(
        "a seal whose answer is lost, found days later, when locks have come and gone",
        (Plan("a", (None,)), Plan("b", (None, None))),
        Budget(days=1, lost=1),
        begin_ms=4000,
        objects=(lock_object(held(1)),),
    ),
}

FENCED: Final = {
    "fenced": _writers("a writer that becomes stale before its write", Budget(deaths=1)),
    "fenced-lost": _writers("a lost answer, or a write that arrives late", Budget(lost=1, steps=1)),
    "fenced-slow": _writers("a writer that becomes stale within its write", Budget(slow=2)),
    "fenced-echo": _writers("an intermediary that sends a write twice", Budget(echoes=1, steps=1)),
}

NO_CREATE = Service(ignores=frozenset({Create}))
NO_CONDITIONS = Service(ignores=frozenset({Create, Replace}))
BROKEN_STORES: Final = {
    "no-create": _on(NO_CREATE, "a store that ignores If-None-Match"),
    "no-replace": _on(Service(ignores=frozenset({Replace})), "a store that ignores If-Match"),
    "no-conditions": _on(NO_CONDITIONS, "a store that ignores both conditions"),
    "no-conditions-kms": _on(
        replace(NO_CONDITIONS, fresh_etags=True),
        "the same with ETags that change with every write",
    ),
    "refuses": Scenario(
        "a store that refuses the very ETag that it shows",
        SHORT,
        Budget(steps=3),
        step_ms=1500,
        service=Service(refuses=True),
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
    "leaders-no-create": _on(NO_CREATE, "who leads where R0 is gone", nobody_leads=False),
}
