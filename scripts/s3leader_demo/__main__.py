"""`scripts/demo`: the whole project at work on this machine, and the proof that it held."""

import argparse
import random
import shutil
import signal
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from rich.console import Console

from bird_strikes.data_bucket import DataBucket
from bird_strikes.producer import TABLES, Producer, input_objects, read_table
from bird_strikes.sent_log import SentLog
from local_cloud import LocalCloud, LocalCloudError
from local_cloud.cloud import stop_kept
from s3leader import Election, S3LeaderError
from s3leader_demo import evidence, killed_leaders, scheduled_job
from s3leader_demo.deployment import CONTENDERS, Deployment
from s3leader_demo.errors import DemoError
from s3leader_demo.rows import more_terms
from s3leader_demo.screen import Screen

_ROOT = Path(__file__).resolve().parent.parent.parent
_CLOUDS = Path(".local_cloud")
_STACK = "S3LeaderCompaction"
_CONTEXT = {
    "schedule": "cron(* * * * ? *)",
    "contenders": str(CONTENDERS),
    "throwaway": "true",
}
_PAUSE_SECONDS = 0.15
_INTERRUPTED = 130


def main() -> int:
    """Run the demo; 0 if everything held, 1 if not."""
    options = _parser().parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    screen = Screen(Console())
    try:
        return _stop(options.directory, screen) if options.stop else _run(options, screen)
    except (DemoError, LocalCloudError, S3LeaderError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ndemo: interrupted; everything it started is stopped", file=sys.stderr)
        return _INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/demo",
        description="Deploys the stack to an emulated cloud on this machine, shows its elections,"
        " kills leaders, and proves that nothing was lost or done twice.",
        epilog="exit codes: 0 everything held, 1 something did not, 130 interrupted",
    )
    parser.add_argument(
        "--ticks", type=_at_least_one, default=2, metavar="N", help="ticks to watch (default 2)"
    )
    parser.add_argument(
        "--no-crash", action="store_true", help="leave out the second act, in which leaders die"
    )
    parser.add_argument(
        "--keep", action="store_true", help="leave the cloud running, and say how to look around"
    )
    parser.add_argument(
        "--stop", action="store_true", help="only stop what --keep has left running"
    )
    parser.add_argument(
        "--directory",
        type=Path,
        default=_CLOUDS,
        metavar="DIR",
        help="where to put everything it writes (default .local_cloud)",
    )
    return parser


def _run(options: argparse.Namespace, screen: Screen) -> int:
    started = time.monotonic()
    directory = options.directory / f"demo-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    directory.mkdir(parents=True)
    holds = False
    try:
        with ExitStack() as open_until_the_end:
            deployment = _set_up(directory, screen, open_until_the_end)
            scheduled_job.show(deployment, options.ticks)
            if not options.no_crash:
                killed_leaders.show(deployment)
            holds = _finish(deployment, directory)
            screen.say(f"[dim]{time.monotonic() - started:.0f} seconds in all[/dim]")
            if options.keep:
                _keep(deployment, directory)
    except (DemoError, LocalCloudError, S3LeaderError):
        screen.say(f"\nWhat it left behind, logs included, is in {directory}")
        raise
    except (KeyboardInterrupt, SystemExit):
        shutil.rmtree(directory, ignore_errors=True)
        raise
    if holds and not options.keep:
        shutil.rmtree(directory, ignore_errors=True)
    elif not holds:
        screen.say(f"What it left behind, logs included, is in {directory}")
    return 0 if holds else 1


def _set_up(directory: Path, screen: Screen, until_the_end: ExitStack) -> Deployment:
    screen.title("Setting up")
    with screen.step("an emulated cloud on loopback, which checks IAM"):
        cloud = until_the_end.enter_context(LocalCloud(directory, project=_ROOT, enforce=True))
    with screen.step("cdk synth and cdk bootstrap"), cloud.synthesis(_CONTEXT) as assembly:
        cloud.bootstrap()
    with screen.step(f"cdk deploy {_STACK}"):
        outputs = cloud.deploy(_STACK, assembly=assembly)
    data = DataBucket(cloud.client("s3"), outputs["DataBucketName"])
    locks = outputs["LockBucketName"]
    journal = until_the_end.enter_context(SentLog(directory / "journal.jsonl"))
    producer = Producer(
        input_objects(_tables(), random.Random()),  # noqa: S311 - events are no secrets
        journal,
        data.put,
        pause_seconds=_PAUSE_SECONDS,
    )
    until_the_end.enter_context(producer)
    return Deployment(
        cloud=cloud,
        screen=screen,
        data=data,
        election=Election(outputs["ElectionName"], bucket=locks, client=cloud.client("s3")),
        lock_bucket=locks,
        function=outputs["FunctionName"],
        producer=producer,
    )


def _tables() -> dict[str, list[dict[str, str]]]:
    folder = _ROOT / "node_modules" / "vega-datasets" / "data"
    return {name: read_table(folder / f"{name}.csv") for name in TABLES}


def _finish(deployment: Deployment, directory: Path) -> bool:
    deployment.screen.title("The proof")
    with deployment.screen.step("the producer stops, the function merges what is left") as seen:
        deployment.producer.stop()
        deployment.quiet()
        deployment.drain()
        seen.append(more_terms(deployment.rows(), shown=deployment.screen.terms))
    with deployment.screen.step("every committed part is read back and compared with the journal"):
        checks = evidence.check(deployment, directory / "journal.jsonl")
    deployment.screen.say()
    return deployment.screen.verdict(checks)


def _keep(deployment: Deployment, directory: Path) -> None:
    deployment.switch_schedules("ENABLED")
    settings, name = deployment.cloud.settings, deployment.election.name
    deployment.cloud.keep()
    say = deployment.screen.say
    deployment.screen.title(
        "The cloud is left running; its schedules fire every minute. Look around:"
    )
    say()
    say("    unset AWS_PROFILE AWS_SESSION_TOKEN")
    for variable, value in settings.items():
        say(f"    export {variable}={value}")
    say(f"    export S3LEADER_BUCKET={deployment.lock_bucket}")
    say(f"    .venv/bin/s3leader status {name}")
    say(f"    .venv/bin/s3leader history {name}")
    say(f"\nThe data bucket is {deployment.data.name}.")
    say(f"The emulator's log is {directory / deployment.cloud.log.name}.\n")
    say("To stop it and remove what it wrote:\n")
    say(f"    scripts/demo --stop{_directory_option(directory.parent)}")


def _stop(clouds: Path, screen: Screen) -> int:
    kept = sorted(path.parent for path in clouds.glob("*/cloud.json"))
    for directory in kept:
        stop_kept(directory)
        shutil.rmtree(directory, ignore_errors=True)
        screen.say(f"stopped, and removed {directory}")
    if not kept:
        screen.say("nothing was left running")
    return 0


def _directory_option(clouds: Path) -> str:
    return "" if clouds == _CLOUDS else f" --directory {clouds}"


def _at_least_one(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return number


def _end(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
