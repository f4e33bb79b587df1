"""`s3leader trigger`: start the deployed job now, and follow it to its end."""

from __future__ import annotations

import getpass
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from s3leader import Election, InvalidArgument, Lock
from s3leader_cli.exit_codes import DONE, NEEDS_YOU
from s3leader_cli.options import Context, json_option
from s3leader_cli.report import lock_as_json, utc
from s3leader_cli.run.ticks import tick_of
from s3leader_cli.streams import print_json, print_out, printable

from .follow import POLL_SECONDS, Follower, named, say
from .options import Wanted, job_options

if TYPE_CHECKING:
    from s3leader_cli.aws.deployed_job import DeployedJob
    from s3leader_cli.aws.invoke import Answer

_RESERVED = frozenset({"tick", "repeat", "leg", "catch_up_to"})
_INVOKED = timedelta(minutes=1)


@click.command(
    short_help="Start the deployed job now, and follow it to its end.",
    help="Start the deployed job now, in the bucket's Region if it has a job there, and follow it"
    " to its end, over all its legs. Exit code 0: the work is done, now or before; 1: it failed,"
    " or another candidate leads. Ctrl-C ends the command, not the job.",
)
@job_options
@click.option(
    "--tick",
    metavar="TICK",
    help="The scheduled time to work for, as 2026-11-23T06:00:00Z; now; or floor:5m, the latest"
    " multiple of 5 minutes (units s, m, h, d). Default: none, which marks no tick as done.",
)
@click.option("--repeat", is_flag=True, help="Lead --tick again though it is done; with --reason.")
@click.option("--reason", help="With --repeat: why; the history shows it.")
@click.option(
    "--event", "others", metavar="JSON", help="Further keys of the event, as a JSON object."
)
@click.option("--no-wait", is_flag=True, help="Start it as an event, which Lambda retries; return.")
@json_option
@click.pass_obj
def trigger(
    context: Context,
    /,
    *,
    wanted: Wanted,
    as_json: bool,
    no_wait: bool,
    **options: Any,  # noqa: ANN401 - as declared above
) -> int:
    """Start the job, and report what became of it."""
    event = event_of(**options)
    election = context.elect(wanted.place)
    head = election.observe()
    tick = time_of(event.get("tick"))
    follower = Follower(election, tick, _number(head), repeat="repeat" in event)
    run = Run(election=election, event=event, follower=follower)
    if head is not None and head.is_done(tick) and "repeat" not in event:
        return run.report(Outcome(DONE, "done", _done(head)), as_json=as_json)
    jobs = wanted.find()
    outcome = run.start(jobs.first) if no_wait else run.perform(jobs.first)
    return run.report(outcome, as_json=as_json)


def event_of(
    *, tick: str | None, repeat: bool, reason: str | None, others: str | None = None
) -> dict[str, Any]:
    """Return the event of the invocation; `others` is JSON with the job's own keys."""
    own = _own_keys(others)
    if repeat != (reason is not None):
        raise click.UsageError("--repeat and --reason go together: the history shows who and why")
    found = tick_of(tick, datetime.now(UTC))
    if found is None:
        if repeat:
            raise click.UsageError("--repeat needs --tick: without one, nothing is done already")
        return own
    text = found if isinstance(found, str) else utc(found)
    event = {**own, "tick": utc(time_of(text))}
    return {**event, "repeat": f"{getpass.getuser()}: {reason}"} if repeat else event


def _own_keys(text: str | None) -> dict[str, Any]:
    try:
        own = json.loads(text or "{}")
    except ValueError as error:
        raise click.UsageError(f"--event {text!r} is not JSON: {error}") from None
    if not isinstance(own, dict) or own.keys() & _RESERVED:
        raise click.UsageError(
            f"--event {text!r} cannot be used: give a JSON object, without"
            f" {', '.join(sorted(_RESERVED))}, which have options or are the job's own"
        )
    return own


@dataclass(frozen=True)
class Outcome:
    """The exit code, a word for programs, and a sentence for people."""

    code: int
    word: str
    text: str
    answer: Any = None


@dataclass
class Run:
    """One run of the job, from its start to its end."""

    election: Election
    event: dict[str, Any]
    follower: Follower
    job: DeployedJob | None = None

    def start(self, job: DeployedJob) -> Outcome:
        """Start the job, and do not wait."""
        self.job = job
        if job.task is not None:
            return Outcome(DONE, "started", f"Task {self._start_task(job)} is started.")
        from s3leader_cli.aws.invoke import queue_event  # noqa: PLC0415 - boto3

        made = queue_event(_with_function(job), json.dumps(self.event))
        return Outcome(DONE, "started", f"Lambda has taken the event, as request {made}.")

    def perform(self, job: DeployedJob) -> Outcome:
        """Start the job, and follow it to its end."""
        self.job = job
        try:
            return self._perform_task(job) if job.task is not None else self._perform_function(job)
        except KeyboardInterrupt:
            say("interrupted: the job goes on; see `s3leader status` and `s3leader logs`")
            raise

    def report(self, outcome: Outcome, *, as_json: bool) -> int:
        """Print the outcome, and return the exit code."""
        if as_json:
            terms = [lock_as_json(each) for _, each in sorted(self.follower.terms.items())]
            print_json(
                {
                    "election": self.election.name,
                    "region": None if self.job is None else self.job.region,
                    "event": self.event,
                    "outcome": outcome.word,
                    "message": outcome.text,
                    "answer": outcome.answer,
                    "terms": terms,
                }
            )
            return outcome.code
        print_out(printable(outcome.text) + "\n")
        value = outcome.answer
        if isinstance(value, dict) and value.get("outcome") == outcome.word == "completed":
            print_out(f"Result: {json.dumps(value['result'])}\n")
        return outcome.code

    def _perform_function(self, job: DeployedJob) -> Outcome:
        from s3leader_cli.aws.invoke import Invocation  # noqa: PLC0415 - boto3

        say(f"invoking {job.function} in {job.region}, and waiting for 15 minutes at most per leg")
        invocation = Invocation(_with_function(job), self.event)
        while (answer := invocation.wait(POLL_SECONDS)) is None:
            self.follower.look()
        if answer.kind == "lost":
            say(f"the connection was lost, so the ledger is followed: {answer.problem}")
            return self._followed(_INVOKED)
        self.follower.look()
        return self._of_answer(answer)

    def _of_answer(self, answer: Answer) -> Outcome:
        value = answer.value
        if answer.kind == "failed":
            return Outcome(NEEDS_YOU, "failed", f"The function failed: {answer.problem}", value)
        if not isinstance(value, dict) or "elected" not in value:
            text = f"The function did not answer as a contender does: {json.dumps(value)}"
            return Outcome(NEEDS_YOU, "unknown", text, value)
        if not value["elected"]:
            return _not_elected(value)
        if value["outcome"] == "continued":
            return self._followed(timedelta(minutes=5), value)
        term = f"term {value['term']}, led by {value['holder']}"
        asked = self.event.get("tick")
        if value.get("tick") != asked:  # it caught up with earlier ticks, and not with all
            text = f"Tick {value.get('tick')} is {value['outcome']} ({term}), and {asked} is not"
            return Outcome(NEEDS_YOU, "behind", f"{text} done yet: trigger it again.", value)
        done = value["outcome"] == "completed"
        tick = f"Tick {asked}" if asked else "The run"
        text = f"{tick} is {value['outcome']}: {term}."
        return Outcome(DONE if done else NEEDS_YOU, value["outcome"], text, value)

    def _perform_task(self, job: DeployedJob) -> Outcome:
        from s3leader_cli.aws.tasks import stopped  # noqa: PLC0415 - boto3

        task = self._start_task(job)
        say(f"task {task} is starting, which takes a minute or so; 10 minutes at most")
        while (ended := stopped(job, task)) is None:
            self.follower.look()
            self.follower.pause(POLL_SECONDS)
        latest = self.follower.look()
        if latest is None:
            code = "no exit code" if ended.code is None else f"exit code {ended.code}"
            if self.follower.is_done():
                text = "The tick was completed before: this task was not elected."
                return Outcome(DONE, "done", text)
            text = f"The task ended without a term, with {code}: {ended.reason}"
            return Outcome(NEEDS_YOU, "not elected", text)
        return self._followed(_INVOKED)

    def _start_task(self, job: DeployedJob) -> str:
        from s3leader_cli.aws.tasks import start_task  # noqa: PLC0415 - boto3

        if self.event.keys() - {"tick"}:
            raise click.UsageError(
                "--repeat and --event are for functions: the command of a task does not know them."
                " Without --tick, a task runs whatever is done"
            )
        return start_task(job, self.event.get("tick"))

    def _followed(self, first_within: timedelta, answer: Any = None) -> Outcome:  # noqa: ANN401 - JSON
        latest = self.follower.follow(first_within=first_within)
        if latest is None:
            if self.follower.is_done():
                return Outcome(DONE, "done", "The tick is completed, by another term.", answer)
            text = "No term of this run is in the ledger. Look at `s3leader logs`."
            return Outcome(NEEDS_YOU, "unknown", text, answer)
        return _of_term(latest, answer, done=self.follower.is_done())


def _of_term(lock: Lock, answer: Any, *, done: bool) -> Outcome:  # noqa: ANN401 - JSON
    led = f"{named(lock)}, led by {lock.holder or 'an unnamed candidate'}"
    led = f"{led[0].upper()}{led[1:]}"
    if not lock.sealed:
        text = f"{led}, has ended without a result: it crashed, or its connection to S3 is gone."
        return Outcome(NEEDS_YOU, "crashed", text, answer)
    if lock.outcome == "continued":
        word = "done" if done else "not continued"
        text = f"{led}, was continued, and no next leg has led: see `s3leader logs`."
        return Outcome(DONE if done else NEEDS_YOU, word, text, answer)
    why = f" ({lock.reason.rstrip('.')})" if lock.reason else ""
    code = DONE if lock.outcome == "completed" else NEEDS_YOU
    outcome = lock.outcome or "sealed"
    return Outcome(code, outcome, f"{led}, is {outcome}{why}.", answer)


def _not_elected(value: dict[str, Any]) -> Outcome:
    reason = str(value.get("reason"))
    term = f"term {value.get('term')} (tick {value.get('term_tick')}, {value.get('holder')})"
    texts = {
        "done": f"Nothing to do: the tick is completed already; the latest is {term}.",
        "held": f"Not elected: {term} leads. Wait for its end, or see `s3leader status`.",
        "beaten": f"Not elected: another candidate was faster, {term}.",
        "exhausted": f"Not elected: the tick has had all its attempts, the last in {term}."
        " --repeat --reason … runs it all the same.",
    }
    code = DONE if reason == "done" else NEEDS_YOU
    return Outcome(code, reason, texts.get(reason, f"Not elected: {reason}."), value)


def _done(head: Lock) -> str:
    return (
        f"Nothing to do: ticks up to {utc(head.done)} are completed, says {named(head)}. To run one"
        " again: --repeat --reason …"
    )


def _number(lock: Lock | None) -> int:
    return 0 if lock is None else lock.term


def time_of(text: str | None) -> datetime | None:
    """Return the tick that a word names; raises `InvalidArgument` for one that is not a time."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            raise InvalidArgument(f"--tick {text!r} has no zone: add Z for UTC")
        return found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidArgument(
            f"--tick {text!r} is not a time, as 2026-11-23T06:00:00Z: {error}"
        ) from None


def _with_function(job: DeployedJob) -> DeployedJob:
    if job.function is None:
        raise click.ClickException(
            f"{job.source} names neither a function nor a task, so it cannot be started from here"
        )
    return job
