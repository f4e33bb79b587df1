"""The command: runs sections, shows tables, writes JSON and the tables of docs/performance.md."""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from local_cloud.errors import LocalCloudError
from s3leader_bench import output, versions
from s3leader_bench.bench import Bench, Section
from s3leader_bench.peers import environment
from s3leader_bench.prices import Prices
from s3leader_bench.stub.process import Stub

# Module below `s3leader_bench.sections`, and what it measures.
SECTIONS = {
    "requests": "requests and times of each case, by earlier terms and round trip",
    "contenders": "2, 8 and 64 candidates in one race",
    "floor": "a term beside the same requests by bare clients",
    "cold": "a cold process to its first win; imports",
    "function": "a Lambda function's init and first invocations",
    "takeover": "from SIGKILL to the next leader, for leases of 2, 5 and 15 s",
    "standby": "what a waiting candidate costs, and how soon it leads",
    "partitions": "64 partitions and workers that come and go: fair shares, and the price",
    "dollars": "prices of a million ticks, and of a standby's month",
    "compaction": "the example job beside a pool of readers: throughput and memory",
    "peers": "other libraries on the same emulator (only with --peers)",
}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--quick", is_flag=True, help="Few rounds: a minute, with wide spreads.")
@click.option(
    "--only", "names", multiple=True, metavar="NAME", help="Only this section; repeatable."
)
@click.option(
    "--peers",
    is_flag=True,
    help="Also other libraries: installs them into .bench-peers, from a package index.",
)
@click.option(
    "--price",
    "prices",
    multiple=True,
    metavar="NAME=DOLLARS",
    help="Another price of a million: put, get (S3), write, read (units of DynamoDB); repeatable.",
)
@click.option("--list", "list_sections", is_flag=True, help="Name the sections and end.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, with versions, instead of tables."
)
@click.option(
    "--docs",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also write the tables between the marks of this Markdown file, after each section.",
)
def main(
    *,
    quick: bool,
    names: Sequence[str],
    peers: bool,
    prices: Sequence[str],
    list_sections: bool,
    as_json: bool,
    docs: Path | None,
) -> None:
    """Measure what elections cost, beside the least that S3 allows.

    Everything runs on this machine, against a stub of S3 that counts requests. Close other
    programs for figures that you want to keep.
    """
    if list_sections:
        for name, about in SECTIONS.items():
            print(f"{name:11} {about}")
        return
    chosen = _chosen(names, peers=peers)
    priced = _prices(prices)
    if docs is not None:
        output.check_docs(docs, chosen)
    if "peers" in chosen:
        environment.make(say=lambda text: print(f"bench: {text}", file=sys.stderr))
    started = time.monotonic()
    with Stub() as stub, output.progress(chosen) as bar:
        os.environ.update(stub.env)
        bench = Bench(stub, quick=quick, prices=priced, steps=bar.steps, advance=bar.advance)
        for name in chosen:
            bar.begin(name)
            stub.set_round_trip(0)
            bench.results[name] = _section(name).run(bench)
            if docs is not None:  # at once: a section that fails takes no others with it
                output.write_docs(docs, name, bench.results[name])
    found: dict[str, Any] = {"versions": versions.all_versions(), "quick": quick}
    found["seconds"] = round(time.monotonic() - started)
    if "peers" in chosen:
        found["peers"] = environment.versions()
    tables = {name: [table.as_json() for table in bench.results[name]] for name in chosen}
    if as_json:
        print(json.dumps({**found, "sections": tables}, indent=1))
    else:
        output.show(bench.results, found)


def _prices(settings: Sequence[str]) -> Prices:
    try:
        return Prices.parsed(settings)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _chosen(names: Sequence[str], *, peers: bool) -> list[str]:
    """Return the sections in their order: other libraries only where they are asked for."""
    unknown = sorted({*names} - {*SECTIONS})
    if unknown:
        raise click.UsageError(
            f"no section is named {unknown[0]!r}; expected one of {', '.join(SECTIONS)}"
        )
    asked = {*names} or {*SECTIONS} - {"peers"}
    return [name for name in SECTIONS if name in asked or (peers and name == "peers")]


def _section(name: str) -> Section:
    module = importlib.import_module(f"s3leader_bench.sections.{name}")
    return Section(SECTIONS[name], module.run)


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
    except (RuntimeError, LocalCloudError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0
