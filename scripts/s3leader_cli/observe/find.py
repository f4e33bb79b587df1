"""Finds the elections of a bucket by the keys of their locks, without listing every lock.

The keys are listed in their order. Where a page ends among the locks of an election, the next one
starts behind its last possible lock. So a bucket costs one LIST for each 1,000 keys, or less where
an election has more locks than that. Several threads each read a part of the keys.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

from s3leader import S3LeaderError

AT_ONCE = 32  # requests


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Keys in their order, and `folders` if the list was one of folders; `more` if it goes on."""

    keys: tuple[str, ...]
    folders: tuple[str, ...] = ()
    more: bool


ListKeys: TypeAlias = Callable[[str, str, bool], Page]
"""Returns the page of keys with a prefix that follow a key, and if asked for, of folders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An election; `highest` is its highest term, None if not all of its locks were listed."""

    name: str
    highest: int | None


_LOCK = re.compile(r"(?P<folder>(?:.*/)?)lock_(?P<term>[0-9]{10})\.json", re.DOTALL)
_SEGMENT = re.compile(r"[A-Za-z0-9._-]{1,100}")
_LAST = "lock_9999999999.json"
# Parts that threads can read: if the prefix has fewer folders, those of each are asked for too.
_ENOUGH = 8


def find_elections(prefix: str, list_keys: ListKeys) -> list[Found]:
    """Return the elections under a prefix, by name."""
    bounds = _bounds(prefix, list_keys)
    parts = list(zip(bounds, [*bounds[1:], None], strict=True))
    found: dict[str, int | None] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for part in pool.map(lambda each: list(_scan(prefix, each[0], each[1], list_keys)), parts):
            for name, highest in part:
                known = found.get(name, 0)
                both = known is not None and highest is not None
                found[name] = max(known or 0, highest or 0) if both else None
    return [
        Found(name=name, highest=highest)
        for name, highest in sorted(found.items())
        if _usable(name)
    ]


def _bounds(prefix: str, list_keys: ListKeys) -> list[str]:
    """Return keys that divide the keys under `prefix` into parts. Any keys would do."""
    folders = list(list_keys(prefix, "", True).folders)
    if len(folders) < _ENOUGH:
        with suppress(S3LeaderError):  # a right may be missing there, and fewer parts will do
            folders += [each for one in folders for each in list_keys(one, "", True).folders]
    folders.sort()
    every = max(1, len(folders) // AT_ONCE)
    return ["", *folders[every::every]]


def _scan(
    prefix: str, after: str, last: str | None, list_keys: ListKeys
) -> Iterator[tuple[str, int | None]]:
    """Yield the elections with keys behind `after` and up to `last`, each with its highest term."""
    while True:
        page = list_keys(prefix, after, False)
        terms: dict[str, int | None] = {}
        keys = [key for key in page.keys if last is None or key <= last]
        for key in keys:
            if (match := _LOCK.fullmatch(key)) and int(match["term"]):
                terms[match["folder"]] = int(match["term"])
        goes_on = page.more and bool(keys) and len(keys) == len(page.keys)
        after = keys[-1] if keys else after
        match = _LOCK.fullmatch(after)
        if goes_on and match:  # pass over the other locks of this election
            terms[match["folder"]] = None
            after = match["folder"] + _LAST
        for folder, highest in terms.items():
            yield folder.removeprefix(prefix).removesuffix("/"), highest
        if not goes_on:
            return


def _usable(name: str) -> bool:
    """Whether an election can have this name; other objects may look like locks."""
    return all(
        _SEGMENT.fullmatch(each) and each not in {".", ".."} and not each.startswith("lock_")
        for each in name.split("/")
    )
