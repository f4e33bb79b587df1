"""`s3leader trigger`: start the deployed job now, and follow it to its end."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from s3leader import Election, Lock
from s3leader_cli.exit_codes import DONE, NEEDS_YOU
from s3leader_cli.options import Context, json_option
from s3leader_cli.report import lock_as_json
from s3leader_cli.streams import print_json, print_out, printable

from .events import event_of, time_of
from .follow import POLL_SECONDS, Follower, say
from .options import Wanted, job_options
from .outcomes import Outcome, already_done, not_elected, of_term, overtaken

if TYPE_CHECKING:
    from s3leader_cli.aws.deployed_job import DeployedJob
    from s3leader_cli.aws.invoke import Answer
    from s3leader_cli.aws.tasks import Stopped

_INVOKED = timedelta(minutes=1)
_TASK_STARTS_WITHIN = timedelta(minutes=10)


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
        return run.report(Outcome(DONE, "done", already_done(head)), as_json=as_json)
    jobs = wanted.find()
    outcome = run.start(jobs.first) if no_wait else run.perform(jobs.first)
    return run.report(outcome, as_json=as_json)


@dataclass
class Run:
    """One run of the job, from its start to its end."""

    election: Election
    event: dict[str, Any]
    follower: Follower
    job: DeployedJob | None = None

    def start(self, job: DeployedJob) -> Outcome:
        """Start the job, and do not wait."""
        from s3leader_cli.aws.failures import OutcomeUnknown  # noqa: PLC0415 - boto3
        from s3leader_cli.aws.invoke import queue_event  # noqa: PLC0415 - boto3

        self.job = job
        try:
            if job.task is not None:
                return Outcome(DONE, "started", f"Task {self._start_task(job)} is started.")
            made = queue_event(_with_function(job), json.dumps(self.event))
        except OutcomeUnknown as error:
            return self._perhaps_started(error.message)
        except KeyboardInterrupt:
            say(
                "interrupted: the job may have been started, and then goes on; see `s3leader"
                " status` and `s3leader logs`"
            )
            raise
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
            return self._overtaken(value) or not_elected(value)
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
        from s3leader_cli.aws.failures import OutcomeUnknown  # noqa: PLC0415 - boto3

        try:
            task = self._start_task(job)
        except OutcomeUnknown as error:
            return self._perhaps_started(error.message)
        say(
            f"task {task} is starting, within 10 minutes at most; once it runs, it is followed to"
            " its end"
        )
        ended = self._wait_for_task(job, task)
        if isinstance(ended, str):
            text = f"Task {task} has not started within 10 minutes, and may still: it is {ended}."
            return Outcome(NEEDS_YOU, "not started", f"{text} {self._advice()}")
        latest = self.follower.look()
        if latest is None:
            code = "no exit code" if ended.code is None else f"exit code {ended.code}"
            if instead := self._overtaken(None):
                return instead
            if self.follower.is_done():
                text = "The tick was completed before: this task was not elected."
                return Outcome(DONE, "done", text)
            text = f"The task ended without a term, with {code}: {ended.reason}"
            return Outcome(NEEDS_YOU, "not elected", text)
        return self._followed(_INVOKED)

    def _wait_for_task(self, job: DeployedJob, task: str) -> Stopped | str:
        """Return how a task has ended, or its status if it does not start."""
        from s3leader_cli.aws.failures import RequestFailed  # noqa: PLC0415 - boto3
        from s3leader_cli.aws.tasks import state_of  # noqa: PLC0415 - boto3

        began = self.follower.monotonic()
        known = False
        while True:
            try:
                state = state_of(job, task, known=known)
            except RequestFailed:
                say(f"task {task} goes on, and is no longer followed. {self._advice()}")
                raise
            if state.stopped is not None:
                return state.stopped
            known = known or state.known
            waited = self.follower.monotonic() - began
            if not state.started and waited > _TASK_STARTS_WITHIN.total_seconds():
                return state.status
            self.follower.look()
            self.follower.pause(POLL_SECONDS)

    def _perhaps_started(self, problem: str) -> Outcome:
        """Return what to say if the answer to a start was lost."""
        text = f"The job may have been started, and may not: {problem}. {self._advice()}"
        return Outcome(NEEDS_YOU, "unknown", text)

    def _advice(self) -> str:
        name, tick = self.election.name, self.event.get("tick")
        return (
            f"Before you trigger it again, look at `s3leader status {name}` and `s3leader logs"
            f" {name}{f' --tick {tick}' if tick else ''}`."
        )

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
        unfinished = latest is None or latest.outcome == "continued"
        if unfinished and (instead := self._overtaken(answer)):
            return instead
        if latest is None:
            if self.follower.is_done():
                return Outcome(DONE, "done", "The tick is completed, by another term.", answer)
            text = f"No term of this run is in the ledger. {self._advice()}"
            return Outcome(NEEDS_YOU, "unknown", text, answer)
        return of_term(latest, answer, done=self.follower.is_done())

    def _overtaken(self, answer: Any) -> Outcome | None:  # noqa: ANN401 - JSON
        """Return what to say if a later tick was completed instead of this one."""
        if not self.follower.is_overtaken():
            return None
        task = self.job is not None and self.job.task is not None
        return overtaken(self.election.name, self.event["tick"], answer, task=task)


def _number(lock: Lock | None) -> int:
    return 0 if lock is None else lock.term


def _with_function(job: DeployedJob) -> DeployedJob:
    if job.function is None:
        raise click.ClickException(
            f"{job.source} names neither a function nor a task, so it cannot be started from here"
        )
    return job
