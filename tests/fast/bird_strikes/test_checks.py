from collections import Counter
from dataclasses import replace

import pytest

from bird_strikes.checks import Evidence, Rejection, TermRecord, check_evidence
from bird_strikes.sent_log import ExpectedCounts

A, B = b'{"event": 1}', b'{"event": 2}'
T1, T2 = "2026-11-23T06:00:00Z", "2026-11-23T06:01:00Z"
EXPECTED = ExpectedCounts(2, Counter([A, B]), Counter([("events/a", 3)]))
FINE = Evidence(
    events=Counter([A, B]),
    rejections=[Rejection(key="events/a", line=3, reason="not JSON")],
    inputs_left=[],
    terms=[
        TermRecord(number=1, tick=T1, outcome="completed"),
        TermRecord(number=2, tick=T2, outcome="deposed"),
        TermRecord(number=3, tick=T2, outcome="completed"),
    ],
    fired_ticks=[T1, T2],
    wins=[1, 2, 3],
    killed=[2],
)


def violations(found: Evidence) -> list[str]:
    return [
        violation for check in check_evidence(EXPECTED, found) for violation in check.violations
    ]


def without_term(number: int) -> list[TermRecord]:
    return [term for term in FINE.terms if term.number != number]


def test_run_in_which_each_line_came_out_once_has_no_violations() -> None:
    assert violations(FINE) == []


@pytest.mark.parametrize(
    ("found", "violation"),
    [
        (replace(FINE, events=Counter([A])), 'lost: {"event": 2}'),
        (replace(FINE, events=Counter([A, B, B])), 'doubled: {"event": 2}'),
        (replace(FINE, events=Counter([A, A])), 'lost: {"event": 2}'),
        (replace(FINE, events=Counter([A, B, b"?"])), "unknown: ?"),
        (replace(FINE, rejections=[]), "not rejected: line 3 of events/a"),
        (replace(FINE, rejections=[*FINE.rejections] * 2), "rejected wrongly: line 3 of events/a"),
        (
            replace(FINE, rejections=[Rejection(key="events/a", line=3, reason="")]),
            "rejected without a reason: line 3 of events/a",
        ),
        (replace(FINE, inputs_left=["events/b"]), "events/b is left"),
        (replace(FINE, terms=without_term(1)), f"tick {T1} has 0"),
        (
            replace(
                FINE,
                terms=[*FINE.terms, TermRecord(number=4, tick=T1, outcome="completed")],
            ),
            f"tick {T1} has 2",
        ),
        (replace(FINE, terms=without_term(2)), "they are 1, 3"),
        (replace(FINE, terms=FINE.terms[::-1]), "they are 3, 2, 1"),
        (replace(FINE, wins=[1, 2, 3, 3]), "term 3 was won 2 times"),
        (replace(FINE, wins=[1, 2]), "term 3 was won by no process that was observed"),
        (replace(FINE, killed=[3]), "term 3 was not"),
        (
            replace(FINE, terms=[*FINE.terms, TermRecord(number=4, tick=None, outcome=None)]),
            "term 4 is not",
        ),
    ],
)
def test_broken_promise_is_found(found: Evidence, violation: str) -> None:
    assert violation in violations(found)


def test_many_objections_are_counted_and_not_listed() -> None:
    lost = ExpectedCounts(1, Counter({b"%d" % number: 1 for number in range(9)}), Counter())
    check = check_evidence(lost, replace(FINE, events=Counter(), rejections=[]))[0]
    assert check.violations[-1] == "and 6 more"
