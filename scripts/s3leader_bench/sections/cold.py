"""From the start of a process to its first win, and what the imports take."""

from __future__ import annotations

import re
import subprocess
import sys

from s3leader_bench.bench import PREFIX, Bench
from s3leader_bench.children import environment, run_child
from s3leader_bench.rounds import Sample, Spread, alternate, ratio, spread
from s3leader_bench.tables import Table, by_kind

_VARIANTS = {
    "s3leader": "s3leader",
    "bare boto3": "boto3",
    "urllib3 and botocore's signer": "signer",
    "http.client and hmac": "hmac",
    "an interpreter that does nothing": "empty",
}
_IMPORTS = (
    "import s3leader",
    "from s3leader import Election",
    "import s3leader.aws_lambda",
    "import s3leader._lambda.report, s3leader._io.lock_store",
    "import boto3",
    "import aws_lambda_powertools.logging",
)
_LINE = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \| ( *)(\S+)")


def run(bench: Bench) -> list[Table]:
    """Measure."""
    return [_first_win(bench), _imports(bench), _detail(bench)]


def _first_win(bench: Bench) -> Table:
    def one(variant: str) -> Sample:
        folder = f"{PREFIX}{bench.new_name(11)}/"
        return run_child(["-m", "s3leader_bench.clients.cold", variant, folder], bench)[0]

    variants = {name: lambda variant=variant: one(variant) for name, variant in _VARIANTS.items()}
    found = alternate(variants, bench.rounds(15, 2), bench.advance)
    bare = found["bare boto3"]
    return Table(
        "A cold process to its first win",
        ("client", "requests", "CPU, ms", "CPU over bare boto3", "wall over bare boto3"),
        [
            (
                name,
                by_kind(samples[0].requests),
                spread(samples, "cpu"),
                ratio(samples, bare, "cpu"),
                ratio(samples, bare, "wall"),
            )
            for name, samples in found.items()
        ],
        "From the start of the interpreter to its end, without delays.",
    )


def _imports(bench: Bench) -> Table:
    empty = "pass"

    def one(code: str) -> Sample:
        return run_child(["-c", code], bench)[0]

    runs = {code: lambda code=code: one(code) for code in (*_IMPORTS, empty)}
    found = alternate(runs, bench.rounds(15, 2), bench.advance)
    rows = []
    for code in _IMPORTS:
        pairs = zip(found[code], found[empty], strict=True)
        above = Spread.of([(mine.cpu - other.cpu) * 1000 for mine, other in pairs])
        counting = f"import sys; old = {{*sys.modules}}; {code}; print(len({{*sys.modules}} - old))"
        rows.append((f"`{code}`", above, int(run_child(["-c", counting], bench)[1])))
    return Table(
        "Imports",
        ("statement", "CPU above an empty interpreter, ms", "modules"),
        rows,
        "The fourth is what Lambda imports at init, with Powertools and the client.",
    )


def _detail(bench: Bench) -> Table:
    """Return the most expensive imports below `s3leader.aws_lambda` (`-X importtime`)."""
    done = subprocess.run(
        [
            sys.executable,
            "-X",
            "importtime",
            "-c",
            "import s3leader.aws_lambda, s3leader._lambda.report, s3leader._io.s3_store",
        ],
        env=environment(bench),
        capture_output=True,
        text=True,
        check=True,
    )
    found = [
        (match[4], len(match[3]) // 2, int(match[2]) / 1000)
        for match in _LINE.finditer(done.stderr)
    ]
    total = sum(cost for _, depth, cost in found if depth == 0)
    top = sorted(
        (row for row in found if row[0].startswith("s3leader") or "." not in row[0]),
        key=lambda row: -row[2],
    )[:14]
    return Table(
        "The imports that take most, with what they import",
        ("module", "depth", "share of all, %"),
        [(f"`{name}`", depth, 100 * cost / total) for name, depth, cost in top],
        "One run of `python -X importtime` over `s3leader.aws_lambda` and its store.",
    )
