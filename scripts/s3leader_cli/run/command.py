"""`s3leader run`: campaign, run the command under a guard, and record how it ended."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from s3leader import (
    Election,
    InvalidArgument,
    LeadershipLost,
    S3LeaderError,
    Term,
)
from s3leader_cli.options import Elect
from s3leader_cli.report import advice, utc

from . import codes
from .checkpoint import CheckpointFile
from .guarded import Ended, GuardedCommand, Limits, NotStarted
from .options import RunOptions
from .preparation import Unprepared, preparing
from .processes import clock_ms
from .renewals import Renewals, deadline_ms
from .reports import Reports, behind
from .stop_signals import StopSignals
from .ticks import tick_of

_TOO_LATE = {"deadline", "not started"}
_MILLISECOND = timedelta(milliseconds=1)
_WHY_NOT_ELECTED = {
    "held": "another candidate leads",
    "done": "the tick is completed",
    "beaten": "another candidate was faster",
    "exhausted": "the tick has had all its attempts",
    "stopped": "this candidate was asked to stop",
}


def run(options: RunOptions, elect: Elect) -> int:
    """Run the command line and return its exit code."""
    where = {"bucket": options.bucket, "contender": os.environ.get("S3LEADER_CONTENDER")}
    reports = Reports(options.election, where=where, as_json=options.as_json, quiet=options.quiet)
    signals = StopSignals()
    try:
        place = options.place()
        missing = _unusable_command(options.words)
        if missing is not None:
            reports.problem("not_started", f"{options.words[0]!r} {missing[1]}")
            return missing[0]
        _check_temporary_folder()
        _open_standard_streams()
        with reports.log(), signals:
            return _Run(options, elect(place), reports, signals).run()
    except S3LeaderError as error:
        reports.problem("error", " ".join(advice(error).split()), error=type(error).__name__)
        return codes.of_error(error)
    except KeyboardInterrupt:
        return 128 + (signals.received or signal.SIGINT)


class _Run:
    def __init__(
        self,
        options: RunOptions,
        election: Election,
        reports: Reports,
        signals: StopSignals,
    ) -> None:
        self._options = options
        self._election = election
        self._reports = reports
        self._signals = signals
        self._began_ms = clock_ms()  # of the command

    def run(self) -> int:
        """Campaign, and run the command if elected."""
        tick = tick_of(self._options.tick, datetime.now(UTC))
        result = self._election.campaign(tick, wait=self._options.wait, stop=self._signals)
        if isinstance(result, Term):
            return self._lead(result)
        if self._signals.received is not None:
            return 128 + self._signals.received
        by = result.lock.holder if result.lock is not None else None
        why = f"{result.reason}: {_WHY_NOT_ELECTED[result.reason]}"
        if result.lock is not None:
            why += f"; the last seen is term {result.lock.term} of {by or 'an unnamed candidate'}"
        self._reports.loss(
            "not_elected",
            f"{self._election.name}: not elected: {why}",
            reason=result.reason,
            term=None if result.lock is None else result.lock.term,
            holder=by,
            requests=result.requests,
            **behind(tick, None if result.lock is None else result.lock.done),
        )
        return self._options.if_lost

    def _lead(self, term: Term) -> int:
        file: CheckpointFile | None = None
        try:
            with preparing():
                file = CheckpointFile(term.state)
            if self._signals.received is not None:
                self._resign(term, "resigned", f"{self._signals.received.name} came first")
                return 128 + self._signals.received
            return self._supervise(term, file)
        except NotStarted as error:
            self._reports.problem("not_started", f"{self._options.words[0]!r}: {error}")
            self._resign(term, "failed", f"the command cannot be executed: {error}")
            return codes.NOT_FOUND if error.errno == errno.ENOENT else codes.NOT_EXECUTABLE
        except Unprepared as error:
            self._reports.problem("not_started", f"the command was not started: {error}")
            self._resign(term, "failed", f"the command was not started: {error}")
            return codes.NOT_EXECUTABLE
        finally:
            if file is not None:
                file.remove()

    def _supervise(self, term: Term, file: CheckpointFile) -> int:
        lease = self._election.config.lease
        with preparing():
            command = GuardedCommand(
                self._options.words,
                self._environment(term, file),
                deadline_ms=deadline_ms(term),
                limits=Limits.of_lease(lease // _MILLISECOND, self._options.grace // _MILLISECOND),
                remove=(file.path, file.folder),
            )
        self._signals.on_stop = command.stop
        if self._signals.received is not None:  # since it was looked at
            command.stop()
        _leave_streams_to_the_command()
        renewals = Renewals(
            term, file, every=lease / 3, renewed=command.extend, stop=command.stop, warn=self._warn
        )
        with renewals:
            ended = command.wait(lambda report: self._report(term, report))
        command.close()
        return self._record(term, file, ended, renewals.lost)

    def _record(
        self, term: Term, file: CheckpointFile, ended: Ended, lost: LeadershipLost | None
    ) -> int:
        """Seal the lock with the outcome, and return the exit code."""
        bad = lost or self._save(term, file)
        asked_by = self._signals.received if ended.cause == "asked" else None
        code = ended.exit_code
        if isinstance(bad, LeadershipLost) or (ended.cause in _TOO_LATE and asked_by is None):
            why = str(bad or f"term {term.number}: its lease could not be renewed in time")
            self._reports.problem("lost", why, term=term.number)
            with suppress(S3LeaderError):  # past the deadline it may still be possible
                term.resign("resigned", "its lease could not be renewed in time")
            code = codes.LOST
        elif asked_by is not None:
            self._resign(term, "resigned", f"stopped by {asked_by.name}")
        elif ended.status != 0:
            self._resign(term, "failed", f"the command {_how(ended)}")
        elif bad is not None:
            self._resign(term, "failed", str(bad))
            code = codes.BAD_CHECKPOINT if isinstance(bad, InvalidArgument) else codes.of_error(bad)
        else:
            code = self._resign(term, "completed", None)
        self._reports.event(
            "ended",
            f"term {term.number}: the command {_how(ended)}",
            term=term.number,
            outcome=term.outcome,
            status=ended.exit_code,
            killed=ended.killed,
            requests=term.requests,
            duration_ms=clock_ms() - self._began_ms,
            **behind(term.tick, term.tick if term.outcome == "completed" else term.lock.done),
        )
        return code

    def _save(self, term: Term, file: CheckpointFile) -> S3LeaderError | None:
        """Save a checkpoint that has changed; return what is wrong with it, or with the lease."""
        try:
            state = file.changed()
            if state is not None:
                term.save(state)
        except S3LeaderError as error:
            self._warn(f"the checkpoint was not saved: {error}")
            return error
        return None

    def _resign(self, term: Term, outcome: Any, reason: str | None) -> int:  # noqa: ANN401 - Outcome
        """Seal the lock; return 0, or the exit code for an outcome that could not be recorded."""
        try:
            term.resign(outcome, reason)
        except S3LeaderError as error:
            text = f"term {term.number} could not be recorded as {outcome}: {advice(error)}"
            self._reports.problem("not_recorded", text, term=term.number)
            return codes.of_error(error)
        return 0

    def _environment(self, term: Term, file: CheckpointFile) -> dict[str, str]:
        where = {"BUCKET": self._options.bucket, "PREFIX": self._options.prefix}
        if self._options.region:
            where["REGION"] = self._options.region
        deadline = datetime.now(UTC) + term.remaining()
        facts = {
            "ELECTION": self._election.name,
            "TERM": str(term.number),
            "FENCING_TOKEN": str(term.fencing_token),
            "TICK": utc(term.tick) or "",
            "ATTEMPT": str(term.attempt),
            "LEG": str(term.leg),
            "LAST_COMPLETED": utc(term.last_completed) or "",
            "DEADLINE": utc(deadline) or "",
            "STATE_FILE": str(file.path),
        }
        return {
            **os.environ,
            **{f"S3LEADER_{name}": text for name, text in (where | facts).items()},
        }

    def _report(self, term: Term, report: dict[str, Any]) -> None:
        number = term.number
        if "started" in report:
            self._began_ms = clock_ms()
            pid = report["started"]
            text = f"leads term {number}; the command is process {pid}"
            tick = utc(term.tick)
            self._reports.event(
                "elected", text, term=number, tick=tick, attempt=term.attempt, pid=pid,
                taken_over=term.took_over,
            )  # fmt: skip
        else:
            cause = report["stopping"]
            text = f"term {number}: the command is being stopped: {_causes(cause, self._signals)}"
            shown = self._reports.problem if cause == "deadline" else self._reports.event
            shown("stopping", text, term=number, cause=cause)

    def _warn(self, text: str) -> None:
        self._reports.problem("warning", text)


def _causes(cause: str, signals: StopSignals) -> str:
    if cause == "deadline":
        return "its lease ends, as S3 has not answered the renewals"
    if cause == "asked":
        return "leadership is lost" if signals.received is None else signals.received.name
    return "it has ended, and left processes"


def _how(ended: Ended) -> str:
    if not ended.guarded:
        return "was killed, because its guard process was"
    if ended.status >= 0:
        return f"exited with code {ended.status}"
    try:
        return f"was ended by {signal.Signals(-ended.status).name}"
    except ValueError:  # a real-time signal
        return f"was ended by signal {-ended.status}"


def _unusable_command(words: Sequence[str]) -> tuple[int, str] | None:
    """Return the exit code and what is wrong with a command that cannot be found or executed."""
    if not words:
        raise InvalidArgument("expected `-- COMMAND …` after the options, got no command")
    if shutil.which(words[0]) is not None:
        return None
    if os.sep in words[0] and os.path.exists(words[0]):  # noqa: PTH110 - as which
        return codes.NOT_EXECUTABLE, "cannot be executed: make it executable"
    return codes.NOT_FOUND, "is not found: correct it, or PATH"


def _check_temporary_folder() -> None:
    try:
        tempfile.gettempdir()
    except OSError as error:
        raise InvalidArgument(
            f"expected a folder for $S3LEADER_STATE_FILE, got none: {error}; set TMPDIR"
        ) from error


def _open_standard_streams() -> None:
    """Open the null device for each closed standard stream, so that no pipe gets its number."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)


def _leave_streams_to_the_command() -> None:
    """Close input and output here, so that their other ends see when the command closes them."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):
        os.dup2(nowhere, stream)
    os.close(nowhere)
