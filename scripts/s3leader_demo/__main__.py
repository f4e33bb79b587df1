"""`scripts/demo`: deploys the stack to an emulated cloud, and checks that every promise held."""

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

from bird_strikes.checks import Check
from bird_strikes.data_bucket import DataBucket
from bird_strikes.producer import TABLES, Producer, input_objects, read_table
from bird_strikes.sent_log import SentLog
from local_cloud import LocalCloud, LocalCloudError
from local_cloud.cloud import stop_kept
from s3leader import Election, S3LeaderError
from s3leader_demo import evidence, killed_leaders, several_legs
from s3leader_demo.deployment import CONTENDERS, DemoError, Deployment
from s3leader_demo.live_page import LivePage
from s3leader_demo.rows import Row
from s3leader_demo.screen import Screen

_ROOT = Path(__file__).resolve().parent.parent.parent
_CLOUDS = Path(".local_cloud")
_STACK = "S3LeaderCompaction"
_SENT_LOG = "sent.jsonl"
_CONTEXT = {
    "schedule": "cron(* * * * ? *)",
    "contenders": str(CONTENDERS),
    "throwaway": "true",
}
_PAUSE_SECONDS = 0.15
_INTERRUPTED = 130


def main() -> int:
    """Run the demo; return its exit code."""
    options = _options()
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


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/demo",
        description="Deploys the stack to an emulated cloud on this machine, shows its elections,"
        " kills leaders, and checks that nothing was lost or done twice.",
        epilog="exit codes: 0 all checks passed, 1 one failed, 130 interrupted",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--ticks", type=int, default=2, metavar="N", help="ticks to watch (default 2)"
    )
    parser.add_argument(
        "--no-crash", action="store_true", help="skip parts two and three, which kill leaders"
    )
    parser.add_argument(
        "--keep", action="store_true", help="keep the cloud running, and print how to inspect it"
    )
    parser.add_argument(
        "--page",
        action="store_true",
        help="serve a page that shows the terms as they come, also after the end, until Ctrl-C",
    )
    parser.add_argument(
        "--port", type=int, default=0, metavar="N", help="of the page (default: a free one)"
    )
    parser.add_argument("--stop", action="store_true", help="stop clouds that --keep kept running")
    parser.add_argument(
        "--directory",
        type=Path,
        default=_CLOUDS,
        metavar="DIR",
        help="folder for everything that it writes (default .local_cloud)",
    )
    options = parser.parse_args()
    if options.ticks < 1:
        parser.error(f"--ticks: expected a whole number of at least 1, got {options.ticks}")
    if options.port and not options.page:
        parser.error("--port is the port of the page: add --page")
    return options


def _run(options: argparse.Namespace, screen: Screen) -> int:
    started = time.monotonic()
    directory = options.directory / f"demo-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    directory.mkdir(parents=True)
    passed = False
    try:
        with ExitStack() as until_the_end:
            page = _open_page(options.port, until_the_end) if options.page else None
            demo, legs = _set_up(directory, screen, until_the_end)
            demo.page = page
            demo.show_page(demo.election)
            _watch(demo, options.ticks)
            of_legs = []
            if not options.no_crash:
                killed_leaders.run(demo)
                of_legs = several_legs.run(demo, legs)
            passed = _check(demo, directory, of_legs)
            screen.say(f"[dim]{time.monotonic() - started:.0f} seconds in all[/dim]")
            if options.keep:
                _keep(demo, directory)
            if page is not None:
                _wait_with_page(page, screen)
    except (KeyboardInterrupt, SystemExit):
        shutil.rmtree(directory, ignore_errors=True)
        raise
    finally:
        if not passed and directory.exists():
            screen.say(f"\nAll files, logs included, are kept in {directory}")
    if passed and not options.keep:
        shutil.rmtree(directory, ignore_errors=True)
    return 0 if passed else 1


def _open_page(port: int, until_the_end: ExitStack) -> LivePage:
    try:
        return until_the_end.enter_context(LivePage(port))
    except (OSError, OverflowError) as error:
        raise DemoError(f"--port {port}: the page cannot listen there: {error}") from error


def _wait_with_page(page: LivePage, screen: Screen) -> None:
    """Serve the page until Ctrl-C, which is no failure here."""
    page.end()
    screen.say("\nThe page stays open. Press Ctrl-C to end it, with everything else.")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        screen.say()


def _set_up(directory: Path, screen: Screen, until_the_end: ExitStack) -> tuple[Deployment, Path]:
    """Return the deployed stack, and the assembly of part three's."""
    screen.title("Setup")
    with screen.step("an emulated cloud starts on loopback; it checks IAM permissions"):
        cloud = until_the_end.enter_context(LocalCloud(directory, enforce=True))
    with (
        screen.step("cdk synth and cdk bootstrap"),
        cloud.synthesis(_CONTEXT) as assembly,
        cloud.synthesis({}, app=several_legs.APP) as legs,
    ):
        cloud.bootstrap()
    with screen.step(f"cdk deploy {_STACK}"):
        outputs = cloud.deploy(_STACK, assembly=assembly)
    data = DataBucket(cloud.client("s3"), outputs["DataBucketName"])
    locks = outputs["LockBucketName"]
    sent_log = until_the_end.enter_context(SentLog(directory / _SENT_LOG))
    producer = Producer(
        input_objects(_tables(), random.Random()),  # noqa: S311 - events are no secrets
        sent_log,
        data.put,
        pause_seconds=_PAUSE_SECONDS,
    )
    until_the_end.enter_context(producer)
    demo = Deployment(
        cloud=cloud,
        screen=screen,
        data=data,
        election=Election(outputs["ElectionName"], bucket=locks, client=cloud.client("s3")),
        lock_bucket=locks,
        function=outputs["FunctionName"],
        producer=producer,
    )
    return demo, legs


def _tables() -> dict[str, list[dict[str, str]]]:
    folder = _ROOT / "node_modules" / "vega-datasets" / "data"
    return {name: read_table(folder / f"{name}.csv") for name in TABLES}


def _watch(demo: Deployment, ticks: int) -> None:
    """Show the terms until that many ticks are completed and all their contenders have ended."""
    demo.screen.title(f"Part one: each minute {CONTENDERS} contenders start, and one leads")
    demo.screen.say(
        "  A producer puts small objects into the data bucket: bird strikes (FAA) and Seattle's"
        " weather (NOAA).\n  Each minute three schedules start the function at the same time. One"
        " invocation is elected and merges\n"
        "  the objects into large parts; the others end at once.\n"
    )

    def poll() -> list[Row] | None:
        rows = demo.rows()
        demo.screen.update(rows)
        completed = [row for row in rows if row.finished and row.outcome == "completed"]
        return rows if len(completed) >= ticks and all(row.finished for row in rows) else None

    what = f"{ticks} completed ticks"
    demo.screen.headings()
    with demo.screen.waiting(f"waiting for {what}, one each minute"):
        demo.wait(poll, what=what, seconds=ticks * 60 + 90)


def _check(demo: Deployment, directory: Path, of_legs: list[Check]) -> bool:
    demo.screen.title("Checks")
    with demo.screen.step("the producer stops, and the function merges the rest"):
        demo.producer.stop()
        demo.wait_until_idle()
        demo.drain()
    demo.screen.headings()
    demo.screen.update(demo.rows())
    with demo.screen.step("every part is read and compared with the log of what was sent"):
        checks = evidence.check(demo, directory / _SENT_LOG)
    demo.screen.say()
    return demo.screen.verdict([*checks, *of_legs])


def _keep(demo: Deployment, directory: Path) -> None:
    demo.switch_schedules("ENABLED")
    settings, name = demo.cloud.settings, demo.election.name
    demo.cloud.keep()
    say = demo.screen.say
    demo.screen.title("The cloud keeps running; its schedules fire every minute. To inspect it:")
    say()
    say("    unset AWS_PROFILE AWS_SESSION_TOKEN")
    for variable, value in settings.items():
        say(f"    export {variable}={value}")
    say(f"    export S3LEADER_BUCKET={demo.lock_bucket}")
    say(f"    .venv/bin/s3leader status {name}")
    say(f"    .venv/bin/s3leader history {name}")
    say(f"\nThe data bucket is {demo.data.name}.")
    say(f"The emulator's log is {directory / demo.cloud.log.name}.\n")
    say("To stop it and remove its files:\n")
    say(f"    scripts/demo --stop{_directory_option(directory.parent)}")


def _stop(clouds: Path, screen: Screen) -> int:
    kept = sorted(path.parent for path in clouds.glob("*/cloud.json"))
    for directory in kept:
        stop_kept(directory)
        shutil.rmtree(directory, ignore_errors=True)
        screen.say(f"stopped the cloud in {directory} and removed its files")
    if not kept:
        screen.say("no cloud was running")
    return 0


def _directory_option(clouds: Path) -> str:
    return "" if clouds == _CLOUDS else f" --directory {clouds}"


def _end(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
