"""The command: runs sections, shows tables, writes JSON and the tables of docs/performance.md."""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from s3leader_bench import output, versions
from s3leader_bench.bench import Bench, Section
from s3leader_bench.stub.process import Stub

# Module below `s3leader_bench.sections`, what it measures, and whether it is run without its name.
SECTIONS = {
    "requests": ("requests and times of each case, by earlier terms and round trip", True),
    "contenders": ("2, 8 and 64 candidates in one race", True),
    "floor": ("a term beside the same requests by bare clients", True),
    "cold": ("a cold process to its first win; imports", True),
    "function": ("a Lambda function's init and first invocations", True),
    "takeover": ("from SIGKILL to the next leader, for leases of 2, 5 and 15 s", True),
    "compaction": ("the example job beside a pool of boto3 readers", True),
    "peers": ("other libraries on their own stores (with --peers)", False),
    "dollars": ("prices of a million ticks, and of a standby's month", True),
}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--quick", is_flag=True, help="Few rounds: a minute, with wide spreads.")
@click.option("--only", "names", multiple=True, metavar="NAME", help="Only this section; repeatable.")
@click.option("--list", "list_sections", is_flag=True, help="Name the sections and end.")
@click.option("--peers", is_flag=True, help="Also other libraries, installed from a package index.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with versions, instead of tables.")
@click.option(
    "--docs",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also write the tables between the marks of this Markdown file.",
)
def main(
    *,
    quick: bool,
    names: Sequence[str],
    list_sections: bool,
    peers: bool,
    as_json: bool,
    docs: Path | None,
) -> None:
    """Measure what elections cost, beside the least that S3 allows.

    Everything runs on this machine, against a stub of S3 that counts requests. Close other
    programs for figures that you want to keep.
    """
    if list_sections:
        for name, (about, _) in SECTIONS.items():
            print(f"{name:11} {about}")
        return
    chosen = _chosen(names, peers=peers)
    started = time.monotonic()
    with Stub() as stub, output.progress(chosen) as bar:
        os.environ.update(stub.env)
        bench = Bench(stub, quick=quick, steps=bar.steps, advance=bar.advance)
        for name in chosen:
            bar.begin(name)
            with _from(bench):
                bench.results[name] = _section(name).run(bench)
    found = {"versions": versions.all_versions(), "quick": quick}
    found["seconds"] = round(time.monotonic() - started)
    tables = {name: [table.as_json() for table in bench.results[name]] for name in chosen}
    if as_json:
        print(json.dumps({**found, "sections": tables}, indent=1))
    else:
        output.show(bench.results, found)
    if docs is not None:
        output.write_docs(docs, bench.results)


def _chosen(names: Sequence[str], *, peers: bool) -> list[str]:
    unknown = sorted({*names} - {*SECTIONS})
    if unknown:
        raise click.UsageError(
            f"no section is named {unknown[0]!r}; expected one of {', '.join(SECTIONS)}"
        )
    if names:
        return [name for name in SECTIONS if name in names]
    return [name for name, (_, usual) in SECTIONS.items() if usual or (peers and name == "peers")]


def _section(name: str) -> Section:
    module = importlib.import_module(f"s3leader_bench.sections.{name}")
    return Section(SECTIONS[name][0], module.run)


@contextmanager
def _from(bench: Bench) -> Iterator[None]:
    """Let a section begin without a delay, and with a count of none."""
    bench.stub.set_round_trip(0)
    bench.stub.counts()
    yield


def run() -> int:
    """Run the command; return its exit code."""
    try:
        main.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        print("bench: interrupted; everything it started is stopped", file=sys.stderr)
        return 130
    except RuntimeError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0
