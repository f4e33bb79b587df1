"""All checks, and the assumptions that have none, each with the reason.

A quote is text of docs/verification.md. A test finds each of its assumptions here.
"""

from __future__ import annotations

from s3leader_acceptance.checks import (
    clocks,
    commands,
    jobs,
    lifecycle,
    monitoring,
    permissions,
    races,
)
from s3leader_acceptance.results import Check, Run

# What each check checks; it is named like its function.
_ASSUMPTIONS: dict[Run, str] = {
    commands.certify: "**The store enforces conditions.**",
    races.races: "**S3** is linearizable on one key, for conditional PUT, GET and LIST.",
    clocks.clocks: "`Date` of one answer and `Last-Modified` of another differ by less than"
    " `clock_skew` minus one second for their resolution.",
    lifecycle.lifecycle: "**The lifecycle rule** deletes by the tag alone, and no lock within an"
    " hour of its creation.",
    permissions.denials: "**Nobody deletes or overwrites locks by hand.**",
    permissions.conditions: "Identity policies and bucket policies evaluate `s3:if-match`,"
    " `s3:if-none-match` and the tags of a request, also in a `Null` condition.",
    jobs.scheduled_time: "EventBridge Scheduler passes the scheduled time to each contender of a"
    " tick, also under a flexible window.",
    jobs.undelivered: "An event that EventBridge Scheduler cannot deliver goes to the queue, with"
    " the cause in its attributes.",
    jobs.retries: "Lambda runs a failed asynchronous invocation again, twice by default, with the"
    " same event and the same request id.",
    jobs.unprocessed: "An event that Lambda gives up on goes to the queue, with the cause.",
    jobs.takeover: "From any state, once faults stop, a new candidate leads when lease and"
    " allowance have run out",
    jobs.legs: "Lambda does not stop a function that invokes itself if its `RecursiveLoop` is"
    " `Allow`.",
    jobs.monotonic: "**Monotonic clocks** run at the rate of S3's clock",
    jobs.time_out: "Lambda ends an invocation at most two seconds after its remaining time.",
    commands.doctor: "`LockBucket`'s policy denies it.",
    monitoring.emf_metrics: "CloudWatch makes metrics of the EMF lines in a function's log.",
    monitoring.filter_metrics: "Metric filters make the same metrics of the lines of `s3leader run"
    " --json`.",
    monitoring.alarms: "An alarm on such a metric, or on the messages in a queue, goes to ALARM"
    " within minutes, and back to OK when the cause is gone.",
}
CHECKS = tuple(
    Check(name=run.__name__.replace("_", "-"), run=run, assumption=text)
    for run, text in _ASSUMPTIONS.items()
)

# Quotes of what no run of an hour can show, each with the reason.
NOT_CHECKABLE = {
    "This does not show that the store enforces conditions when requests race, that another route"
    " to the store (such as a proxy that strips headers) does so too, or that the ledger was not"
    " copied from a good store.": "races are checked; which routes are used, and where a ledger"
    " comes from, is not a property of AWS",
    "and do not stop between the send of a create and the end of its term": "nothing lets a user"
    " suspend the host of a function; Linux counts the time for which its host was suspended"
    " (decision 0006)",
    "S3 counts in days": "a deletion takes days: the check reads when S3 announces it",
    "**Nobody deletes or overwrites locks by hand.**": "that the policy denies it is checked; an"
    " administrator can remove the policy",
    "An event is delivered at least once.": "nothing makes EventBridge or Lambda lose an event or"
    " deliver one twice; `scheduled-time` counts the events that came twice",
    "DynamoDB remembers the ClientRequestToken of a transaction for ten minutes, and applies no"
    " second one with it.": "the stack has no table; tests repeat transactions on an emulator, and"
    " nothing shows for how long DynamoDB remembers",
    "DynamoDB accepts a signature only from five minutes before the time in it to five minutes"
    " after it.": "the stack has no table, and a refusal would not show that every late copy is"
    " refused",
}


def chosen(names: tuple[str, ...]) -> list[Check]:
    """Return the checks of these names, all if there are none; `ValueError` for an unknown name."""
    known = {check.name: check for check in CHECKS}
    for name in names:
        if name not in known:
            raise ValueError(f"no check is named {name!r}: expected one of {', '.join(known)}")
    return [check for check in CHECKS if not names or check.name in names]
