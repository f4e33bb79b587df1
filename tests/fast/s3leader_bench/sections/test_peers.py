from __future__ import annotations

from pathlib import Path

from s3leader_bench.peers.measuring import Takeover
from s3leader_bench.peers.registry import ALL
from s3leader_bench.rounds import Sample
from s3leader_bench.sections.peers import facts, usual, worst


def test_a_heartbeat_in_one_sample_does_not_change_the_counts() -> None:
    plain, disturbed = {"PutItem": 1.0}, {"PutItem": 1.0, "UpdateItem": 0.5}
    samples = [Sample(1, 1, requests) for requests in (disturbed, plain, plain)]
    assert usual(samples) == plain


def test_a_takeover_that_failed_once_is_not_hidden_by_others() -> None:
    fast, slow, failed = Takeover({}, 0.1), Takeover({}, 2.5), Takeover({}, failure="refused")
    assert worst([fast, failed, slow]) is failed
    assert worst([fast, slow]) is slow


def test_the_statements_are_published_for_each_package_once() -> None:
    packages = [row[0] for row in facts().rows]
    assert packages == list(dict.fromkeys(peer.package for peer in ALL))


def test_the_published_statements_are_those_of_the_registry() -> None:
    page = Path(__file__).parents[4] / "docs/performance.md"
    assert facts().as_markdown() in page.read_text()
