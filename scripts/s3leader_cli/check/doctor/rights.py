"""Which rights of a candidate the caller has, found out without changing anything.

A read is simply made. A right to write shows in a write whose condition cannot hold: S3 checks the
right first, so 412 or 404 means that it exists, and 403 that it does not. The object is a sealed
lock, with the body that it has, so that even a server that ignores conditions changes nothing. The
right to tag shows in tagging a key that no lock ever has.
"""

from __future__ import annotations

from collections.abc import Iterator

from .bucket import Condition, ExaminedBucket, Probe
from .findings import RUN_AGAIN, Finding, Level, Reading, ok

CHECK = "rights"
_ABSENT = "lock_0000000000.json"  # no term has number 0, and the grants of a candidate include it
_MEANS = {
    "If-None-Match": "win a term",
    "If-Match": "renew, checkpoint, resign and depose",
}


def check_rights(
    bucket: ExaminedBucket, folder: str, sealed_key: str | None, *, candidate: bool
) -> Iterator[Finding]:
    """Judge each right. `sealed_key` is a lock that is sealed, None if there is none.

    The caller need not be a candidate, so a missing right to write is a problem for `candidate`
    only, else a warning.
    """
    listed = bucket.may_list(f"{folder}lock_")
    yield _reading(listed, "s3:ListBucket", "find the highest lock")
    hint = bucket.body(f"{folder}hint.json")
    yield _reading(hint, "s3:GetObject", "begin at the end of a long ledger (hint.json)")
    missing: Level = "problem" if candidate else "warning"
    yield from _writes(bucket, sealed_key, missing)
    yield _tagging(bucket.probe_tag(folder + _ABSENT), missing)


def _reading(reading: Reading, action: str, use: str) -> Finding:
    if reading.known:
        return ok(CHECK, f"{action}: {use}")
    if reading.denied is None:
        return reading.unknown(CHECK)
    return Finding(
        check=CHECK,
        level="problem",
        what=f"{reading.denied} is missing, which is needed to {use}",
        do=f"allow {reading.denied}: LockBucket.grant_observer grants what reading needs",
    )


def _writes(bucket: ExaminedBucket, sealed_key: str | None, missing: Level) -> Iterator[Finding]:
    body = Reading() if sealed_key is None else bucket.body(sealed_key)
    conditions: tuple[Condition, ...] = ("If-Match", "If-None-Match")
    if sealed_key is None or body.value is None:
        for each in conditions:
            yield Finding(
                check=CHECK,
                level="cannot tell",
                what=f"s3:PutObject with {each} ({_MEANS[each]}): there is no sealed lock that can"
                " be read, and nothing else can show this without a write",
                do="run this again after a term has ended",
            )
        return
    for each in conditions:
        probe = bucket.probe_put(sealed_key, body.value, each)
        yield _writing(probe, each, missing)
        if probe.result == "applied":
            return  # a second write would change a lock again


def _writing(probe: Probe, condition: Condition, missing: Level) -> Finding:
    action, use = f"s3:PutObject with {condition}", _MEANS[condition]
    if probe.result == "refused":
        return ok(CHECK, f"{action}: {use}")
    if probe.result == "applied":
        return Finding(
            check="conditions",
            level="problem",
            what=f"the store applied a write whose {condition} did not hold: on it, several"
            " candidates lead at once",
            do="use Amazon S3, or a server that honours conditional writes (s3leader certify)",
        )
    if probe.result == "denied":
        return Finding(
            check=CHECK,
            level=missing,
            what=f"{action} is missing, which is needed to {use}",
            do="allow s3:PutObject on the locks and the hint: LockBucket.grant_candidate grants it",
        )
    return Finding(check=CHECK, level="cannot tell", what=f"{action}: {probe.cause}", do=RUN_AGAIN)


def _tagging(probe: Probe, missing: Level) -> Finding:
    action, use = "s3:PutObjectTagging", "mark superseded locks for the lifecycle rule"
    if probe.result == "refused":
        return ok(CHECK, f"{action}: {use}")
    if probe.result == "denied":
        return Finding(
            check=CHECK,
            level=missing,
            what=f"{action} is missing, which is needed to {use}",
            do="allow s3:PutObjectTagging with the tag superseded=true: LockBucket.grant_candidate"
            " grants it",
        )
    cause, do = probe.cause, RUN_AGAIN
    if probe.result == "applied":
        cause = "the store tagged an object that does not exist, so this shows no right"
        do = "s3leader certify shows what else this store does differently"
    return Finding(check=CHECK, level="cannot tell", what=f"{action}: {cause}", do=do)
