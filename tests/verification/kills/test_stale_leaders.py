"""What the kill test expects of a leader that was stopped and resumed, on small event logs."""

from __future__ import annotations

import pytest

from tests.verification.kills.invariants import _stale_leaders

ENDS, TRIES, REFUSED = "ends", "tries a stale write", "refused"


@pytest.mark.parametrize(
    ("before", "after", "holds"),
    [
        ([], [ENDS, TRIES, REFUSED], True),
        ([], [ENDS, TRIES], False),
        ([], ["ends", "completed"], True),
        ([], [], False),
        ([ENDS, TRIES, REFUSED, "is over"], [], True),  # the attack came too late
        ([ENDS, TRIES], ["is over"], True),
        ([ENDS, TRIES], [TRIES], False),
    ],
)
def test_a_resumed_leader_is_refused_unless_its_term_had_ended(
    before: list[str], after: list[str], *, holds: bool
) -> None:
    names = ["won", *before, "resumes", *after]
    events = [
        {"who": "a", "whom": "a", "what": name, "at": at, "term": 1}
        for at, name in enumerate(names)
    ]
    assert next(_stale_leaders(events)).holds is holds
