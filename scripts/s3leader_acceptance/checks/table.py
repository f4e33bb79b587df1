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
from s3leader_acceptance.results import Check

CHECKS = (
    Check(
        name="certify",
        assumption="**The store enforces conditions.**",
        does="runs `s3leader certify` on the bucket",
        run=commands.certify,
    ),
    Check(
        name="races",
        assumption="**S3** is linearizable on one key, for conditional PUT, GET and LIST.",
        does="lets six writers race to create a key and to replace it, and counts 200, 409 and 412",
        run=races.races,
    ),
    Check(
        name="clocks",
        assumption="`Date` of one answer and `Last-Modified` of another differ by less than"
        " `clock_skew` minus one second for their resolution.",
        does="compares the clocks of S3's front ends over many connections",
        run=clocks.clocks,
    ),
    Check(
        name="lifecycle",
        assumption="**The lifecycle rule** deletes by the tag alone, and no lock within an hour of"
        " its creation.",
        does="reads the rule back, and which locks S3 announces to delete, and when",
        run=lifecycle.lifecycle,
    ),
    Check(
        name="denials",
        assumption="**Nobody deletes or overwrites locks by hand.**",
        does="tries to overwrite and to delete a lock, with all permissions on the bucket",
        run=permissions.denials,
    ),
    Check(
        name="conditions",
        assumption="Identity policies and bucket policies evaluate `s3:if-match`,"
        " `s3:if-none-match` and the tags of a request, also in a `Null` condition.",
        does="tries what the policies of a candidate and of a writer of a fenced object deny",
        run=permissions.conditions,
    ),
    Check(
        name="scheduled-time",
        assumption="EventBridge Scheduler passes the scheduled time to each contender of a tick,"
        " also under a flexible window.",
        does="lets schedules with a flexible window fire, and compares ticks and starts",
        run=jobs.scheduled_time,
    ),
    Check(
        name="undelivered",
        assumption="An event that EventBridge Scheduler cannot deliver goes to the queue, with the"
        " cause in its attributes.",
        does="lets a schedule fire that may not invoke its function",
        run=jobs.undelivered,
    ),
    Check(
        name="retries",
        assumption="Lambda runs a failed asynchronous invocation again, twice by default, with the"
        " same event and the same request id.",
        does="lets an invocation fail three times",
        run=jobs.retries,
    ),
    Check(
        name="unprocessed",
        assumption="An event that Lambda gives up on goes to the queue, with the cause.",
        does="reads the dead letter of that invocation",
        run=jobs.unprocessed,
    ),
    Check(
        name="takeover",
        assumption="From any state, once faults stop, a new candidate leads when lease and"
        " allowance have run out",
        does="kills the process of a leader, and lets another contender of its tick wait",
        run=jobs.takeover,
    ),
    Check(
        name="legs",
        assumption="Lambda does not stop a function that invokes itself if its `RecursiveLoop` is"
        " `Allow`.",
        does="continues a tick in 20 invocations, more than Lambda allows otherwise",
        run=jobs.legs,
    ),
    Check(
        name="monotonic",
        assumption="**Monotonic clocks** run at the rate of S3's clock",
        does="compares the clock of a function with S3's while a leader works",
        run=jobs.monotonic,
    ),
    Check(
        name="time-out",
        assumption="Lambda ends an invocation at most two seconds after its remaining time.",
        does="lets a leader write until Lambda stops it, and compares this with its lease",
        run=jobs.time_out,
    ),
    Check(
        name="doctor",
        assumption="`LockBucket`'s policy denies it.",
        does="runs `s3leader doctor` on an election that has had terms",
        run=commands.doctor,
    ),
    Check(
        name="emf-metrics",
        assumption="CloudWatch makes metrics of the EMF lines in a function's log.",
        does="waits for the metric of a term that has failed",
        run=monitoring.emf,
    ),
    Check(
        name="filter-metrics",
        assumption="Metric filters make the same metrics of the lines of `s3leader run --json`.",
        does="writes such a line to a log, and waits for its metric",
        run=monitoring.filters,
    ),
    Check(
        name="alarms",
        assumption="An alarm on such a metric, or on the messages in a queue, goes to ALARM within"
        " minutes, and back to OK when the cause is gone.",
        does="waits for the alarms of the failed term and of its dead letter, and for their end",
        run=monitoring.alarms,
    ),
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
}


def chosen(names: tuple[str, ...]) -> list[Check]:
    """Return the checks of these names, all if there are none; `ValueError` for an unknown name."""
    known = {check.name: check for check in CHECKS}
    for name in names:
        if name not in known:
            raise ValueError(f"no check is named {name!r}: expected one of {', '.join(known)}")
    return [check for check in CHECKS if not names or check.name in names]
