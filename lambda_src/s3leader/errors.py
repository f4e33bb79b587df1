"""The errors that s3leader raises, one class for each thing that the caller has to do.

Losing an election is not here: that is a normal result (`NotElected`). Every error is an
`S3LeaderError`, carries its facts as attributes, and says in its message what to do.
"""

from __future__ import annotations


class S3LeaderError(Exception):
    """Base of every error that s3leader raises on purpose."""


class InvalidArgument(S3LeaderError, ValueError):  # noqa: N818 - named like ValueError's kin
    """A name, tick, duration or state that cannot be used: fix the call."""


class BucketUnusable(S3LeaderError):  # noqa: N818 - says what is the matter
    """S3 refused, and a retry will not help: fix the bucket or the permissions.

    `action` is the IAM action that was tried (`s3:PutObject`), `resource` the ARN it was tried
    on, `code` the error code that S3 gave.
    """

    def __init__(self, message: str, *, action: str, resource: str, code: str) -> None:
        super().__init__(message)
        self.action = action
        self.resource = resource
        self.code = code


class TableUnusable(S3LeaderError):  # noqa: N818
    """A table of fenced items or of guards is not there, or not as it has to be: fix the table.

    `tables` are its name, or all that the request names. `code` is the database's code of the
    error, an empty text if it gave none. The error of boto3 or of the driver is the `__cause__`.
    """

    def __init__(self, message: str, *, tables: tuple[str, ...], code: str) -> None:
        super().__init__(message)
        self.tables = tables
        self.code = code


class StoreUnavailable(S3LeaderError):  # noqa: N818
    """S3, or another store, did not answer in time, despite retries: try again later.

    The outcome of a write is then unknown. That is safe: if it created a lock, nobody leads its
    term, and the lock lapses after its lease.
    """


class CorruptLock(S3LeaderError):  # noqa: N818
    """A lock that cannot be trusted. Nobody leads and nothing is overwritten until it is sealed.

    `key` is the object, `term` its number, `problem` what is wrong with it. `etag` and `body` are
    what was read, for an operator's forced `depose`.
    """

    def __init__(
        self,
        *,
        key: str,
        term: int,
        problem: str,
        etag: str = "",
        body: bytes = b"",
        remedy: str | None = None,
    ) -> None:
        remedy = remedy or (
            f"Look at the object; if no leader can still be at work under it, seal"
            f" it with `depose(reason=…, force=True, done=…)`, where `done` is the latest tick that"
            f" was completed: the next candidate then leads term {term + 1}."
        )
        super().__init__(
            f"lock {key} cannot be trusted: {problem}. Nobody leads this election until it is"
            f" dealt with. {remedy}"
        )
        self.key = key
        self.term = term
        self.problem = problem
        self.etag = etag
        self.body = body


class LeadershipLost(S3LeaderError):  # noqa: N818
    """This candidate is no longer the leader: stop writing, and leave the rest to the next leader.

    `term` is the term that was lost, `why` what ended it.
    """

    def __init__(self, *, term: int, why: str) -> None:
        super().__init__(
            f"leadership of term {term} is lost: {why}. Stop here: another candidate may lead"
            f" already, and writes fenced with token {term} may be refused."
        )
        self.term = term
        self.why = why


class ContinuationNotStarted(S3LeaderError):  # noqa: N818
    """The lock of `term` was sealed as continued, but the next invocation may not have started.

    Let it leave the handler: Lambda then retries the event, and the retry is the next leg.
    """

    def __init__(self, *, term: int, function: str, why: str) -> None:
        super().__init__(
            f"term {term} is continued, but the next invocation of {function} could not be started:"
            f" {why}. Let this error leave the handler, so that Lambda retries the event; the retry"
            f" goes on with the tick. If the right is missing, allow lambda:InvokeFunction on the"
            f" function to its role (SingletonJob does with max_continuations)."
        )
        self.term = term


class TooManyContinuations(S3LeaderError):  # noqa: N818
    """A term was to be continued more often than allowed; its lock was sealed as failed.

    `legs` is the number of legs that the tick has had, `limit` the number of continuations allowed.
    """

    def __init__(self, *, term: int, legs: int, limit: int) -> None:
        super().__init__(
            f"term {term} is leg {legs} of its tick, and at most {limit} continuations are allowed,"
            f" so it has failed. If the work really takes longer, allow more: SingletonJob's"
            f" max_continuations, @singleton(max_continuations=…) or S3LEADER_MAX_CONTINUATIONS."
        )
        self.legs = legs
        self.limit = limit


class StillHeld(S3LeaderError):  # noqa: N818
    """`depose` without force found a lock, `key`, whose holder's lease has not run out."""

    def __init__(self, *, key: str, holder: str | None) -> None:
        super().__init__(
            f"lock {key} is held by {holder or 'an unnamed candidate'} and its lease is good."
            f" Wait until it lapses, or depose with force=True: its holder may go on for as long"
            f" as its lease lasts, and only fenced writes will stop it."
        )
        self.key = key
        self.holder = holder


class RepairRefused(S3LeaderError):  # noqa: N818
    """The ledger is not in a state that this repair is for (`s3leader.repair`): nothing is written
    that was not written before. The message says what to do first.
    """


class LedgerFull(S3LeaderError):  # noqa: N818
    """Term 9,999,999,999 is the last that a lock's name can carry: start a new election name."""


class StaleToken(S3LeaderError):  # noqa: N818
    """What was to be written carries a higher token, so the leader with `token` is stale: stop.

    `key` names the fenced object, item or row, and `written_token` is the token that it carries.
    """

    def __init__(self, *, key: str, token: int, written_token: int) -> None:
        super().__init__(
            f"{key} carries fencing token {written_token}, so a write with token {token} is"
            f" refused: a later term has written it. Stop; this leader is stale. (If the election"
            f" was made anew, its tokens began again at 1: give what they guard a new key too. If"
            f" there has been no term {written_token}, its token was written by hand:"
            f" docs/fencing.md says how an administrator lowers it.)"
        )
        self.key = key
        self.token = token
        self.written_token = written_token


class GuardEnded(S3LeaderError):  # noqa: N818
    """The transaction of `fencing.sql.guarded` ended, or lost its guard, before the block did.

    What came after that was not guarded. It is rolled back, or can only be; what was committed in
    between cannot be.
    """

    def __init__(self, *, election: str, token: int) -> None:
        super().__init__(
            f"the guard of election {election!r} with token {token} ended before its block: a"
            f" statement has committed (DDL, executescript), a deadlock or the caller has rolled"
            f" back, or a rollback went to a savepoint that was set before the guard. What came"
            f" after it is rolled back, unless a statement has committed that too. Begin a new"
            f" guarded transaction, and keep such statements out of it."
        )
        self.election = election
        self.token = token


class Overwritten(S3LeaderError):  # noqa: N818
    """A fenced object changed since it was read, under the same or a lower token: read it again."""

    def __init__(self, *, key: str, token: int) -> None:
        super().__init__(
            f"{key} has changed since it was read, so this try with token {token} wrote nothing."
            f" Read it again and decide anew; an earlier try whose answer was lost may be in it."
        )
        self.key = key
        self.token = token


class CorruptObject(S3LeaderError):  # noqa: N818
    """A fenced object or item without a valid token, so no write to it can be checked.

    `key` is the object, `problem` what is wrong with it.
    """

    def __init__(self, *, key: str, problem: str, remedy: str | None = None) -> None:
        if remedy is None:
            remedy = (
                "If it is not meant to be one, use another key. If it is, write its last good"
                " value with `FencedObject.restore(value, token=…)`, where the token is the number"
                " of the latest term. Do not put an old version back as it is: it has the ETag"
                " that it had, and a stale leader that knows this ETag could write."
            )
        super().__init__(
            f"{key} is not a fenced object: {problem}. Nothing was overwritten. {remedy}"
        )
        self.key = key
        self.problem = problem


def describe_error(error: BaseException) -> str:
    """Return the type and the text of an exception, only the type if `str()` of it fails.

    Logs, locks and events keep it, so it names no credentials of a URL.
    """
    try:
        text = without_credentials(str(error))
    except Exception:  # noqa: BLE001 - anything may be raised, and a lock has to be sealed
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def without_credentials(text: str) -> str:
    """Return `text` without the user names and passwords of the URLs in it."""
    if "://" not in text or "@" not in text:
        return text
    import re  # noqa: PLC0415 - who imports an error alone needs nothing else

    return re.sub(r"(?<=://)[^/\s]*@", "", text)
