"""Lists: complete, in order, and from where they are asked to start."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Final

from s3leader._core.requests import Create, List

from .check import Check, CheckFailed, Costs, Scale, Subject

GROUP: Final = "lists"
_HIGHEST: Final = "unusable: a candidate could not find the highest lock"
_PAGE: Final = 1000


def _fill(subject: Subject, names: list[str]) -> list[str]:
    keys = [subject.key(name) for name in names]
    for key in keys:
        subject.write(Create(key, key.encode()))
    return keys


def _expect(subject: Subject, request: List, keys: list[str], what: str) -> None:
    page = subject.list(request)
    if list(page.keys) != keys:
        cut = len(subject.folder)
        listed, expected = [key[cut:] for key in page.keys], [key[cut:] for key in keys]
        raise CheckFailed(f"{what}: listed {listed}, expected {expected}")
    if page.truncated or page.next_token is not None:
        raise CheckFailed(f"{what}: the list has ended and says that it goes on")


def _locks(numbers: tuple[int, ...]) -> list[str]:
    return [f"e/lock_{number:010}.json" for number in numbers]


def _is_ordered(subject: Subject) -> str:
    keys = _fill(subject, _locks((14, 1, 5, 2, 30)))
    _expect(subject, List(subject.key("e/")), sorted(keys), "all")
    return "keys written in another order"


def _has_prefix(subject: Subject) -> str:
    _expect(subject, List(subject.key()), [], "an empty folder")
    keys = _fill(subject, _locks((1, 2)))
    _fill(subject, ["e/hint.json", "e.json", "e-2/lock_1", "E/lock_1"])
    _expect(subject, List(subject.key("e/lock_")), keys, "a prefix that ends within a name")
    return "also one that ends within a name"


def _starts_after(subject: Subject) -> str:
    keys = _fill(subject, _locks((1, 2, 3, 4)))
    folder = subject.key("e/")
    _expect(subject, List(folder, keys[1]), keys[2:], "after a key")
    _expect(subject, List(folder, keys[1] + "l"), keys[2:], "after a key that does not exist")
    _expect(subject, List(folder, keys[-1]), [], "after the last key")
    return "after a key, after one that does not exist, and after the last"


def _shows_creates(subject: Subject) -> str:
    keys: list[str] = []
    for name in _locks(tuple(range(1, 9))):
        keys += _fill(subject, [name])
        _expect(subject, List(subject.key("e/")), keys, f"after {len(keys)} creates")
    return "eight creates, each listed at once"


def _names_unusual_keys(subject: Subject) -> str:
    for number, name in enumerate(("a b+c.json", "a%20b&c=d?.json", "ü日🦭.json", "<'\">.json")):
        folder = subject.at(str(number))
        _expect(folder, List(folder.folder), _fill(folder, [name]), "unusual characters")
    folder = subject.at("after")
    keys = _fill(folder, ["a b+%20.json", "b.json"])
    _expect(folder, List(folder.folder, keys[0]), keys[1:], "after a key with unusual characters")
    return "spaces, quotes, percent signs and letters beyond ASCII"


def _continues(subject: Subject) -> str:
    keys = [subject.key(f"{number:05}") for number in range(_PAGE + 3)]
    with ThreadPoolExecutor(max(1, min(8, subject.racers.number))) as pool:
        list(pool.map(lambda key: subject.write(Create(key, b"")), keys))
    first = subject.list(List(subject.folder))
    if not first.truncated or not first.keys:
        raise CheckFailed(f"{len(first.keys)} of {len(keys)} keys were listed as if they were all")
    by_token = subject.list(List(subject.folder, token=first.next_token))
    by_key = subject.list(List(subject.folder, first.keys[-1]))
    for what, page in (("token", by_token), ("StartAfter", by_key)):
        if [*first.keys, *page.keys] != keys or page.truncated:
            raise CheckFailed(f"the second page by {what} does not end the list")
    return f"{len(keys)} keys on two pages, by token and by StartAfter"


def _page_costs(scale: Scale, _: int) -> Costs:
    return Costs(writes=(_PAGE + 6) * scale.pages, reads=0)


CHECKS: Final = (
    Check(
        name="order",
        group=GROUP,
        statement="A list is in ascending order of the keys' bytes.",
        rules="R1, R6",
        if_missing=_HIGHEST,
        run=_is_ordered,
        costs=lambda *_: Costs(writes=6, reads=0),
    ),
    Check(
        name="prefix",
        group=GROUP,
        statement="A list has the keys with the prefix, and no others.",
        rules="R1",
        if_missing=_HIGHEST,
        run=_has_prefix,
        costs=lambda *_: Costs(writes=8, reads=0),
    ),
    Check(
        name="StartAfter",
        group=GROUP,
        statement="A list with StartAfter begins after that key, whether or not it exists.",
        rules="R1, R9",
        if_missing=_HIGHEST,
        run=_starts_after,
        costs=lambda *_: Costs(writes=7, reads=0),
    ),
    Check(
        name="lists see creates",
        group=GROUP,
        statement="A list shows every create that was answered before.",
        rules="R1",
        if_missing="unusable: a candidate could take an old lock for the highest",
        run=_shows_creates,
        costs=lambda *_: Costs(writes=16, reads=0),
    ),
    Check(
        name="unusual keys in lists",
        group=GROUP,
        statement="A list names any key that S3 allows as it was written.",
        rules="none",
        if_missing="names of elections and prefixes must consist of letters, digits and hyphens",
        run=_names_unusual_keys,
        fatal=False,
        costs=lambda *_: Costs(writes=11, reads=0),
    ),
    Check(
        name="second page",
        group=GROUP,
        statement="A list of more than 1,000 keys continues by its token and by StartAfter.",
        rules="R1",
        if_missing="unusable once an election has more than 1,000 locks",
        run=_continues,
        quick=False,
        costs=_page_costs,
    ),
)
