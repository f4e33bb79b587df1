from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path

import pytest

from s3leader_bench.peers import adapters, environment
from s3leader_bench.peers.emulator import ROLES, _key_id
from s3leader_bench.peers.registry import ALL, OURS_COLD, PEERS, Peer


@pytest.mark.parametrize("peer", ALL, ids=lambda peer: peer.name)
def test_each_library_has_an_adapter(peer: Peer) -> None:
    (folder,) = adapters.__path__
    text = (Path(folder) / f"{peer.adapter}.py").read_text()
    assert re.search(r"def lead\(|s3leader_warm", text)
    if peer.table is not None and (named := re.search('^TABLE = "(.*)"', text, re.MULTILINE)):
        assert peer.table.name == named[1]


def test_each_library_is_counted_apart() -> None:
    ids = [_key_id(peer, role) for peer in ALL for role in ROLES]
    assert len({*ids}) == len(ids)


def test_each_library_has_a_table_of_its_own() -> None:
    tables = [peer.table.name for peer in ALL if peer.table is not None]
    assert len({*tables}) == len(tables)


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_each_library_is_pinned(peer: Peer) -> None:
    assert re.search(rf"^{re.escape(peer.package)}==\d", environment.requirements(), re.MULTILINE)


@pytest.mark.parametrize("peer", [peer for peer in ALL if peer != OURS_COLD], ids=str)
def test_every_statement_is_there_and_says_where_it_was_read(peer: Peer) -> None:
    assert peer.facts is not None
    assert all(asdict(peer.facts).values())
    assert "`" in peer.facts.read
