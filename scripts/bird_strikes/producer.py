"""Produce small objects from two public tables: FAA bird strikes and Seattle weather."""

import csv
import gzip
import json
import random
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count, cycle, islice
from pathlib import Path
from typing import Any, Self

from bird_strikes.sent_log import Line, SentLog

TABLES = ("birdstrikes", "seattle-weather")
PREFIX = "events/"
_LINES_AN_OBJECT = (5, 30)
_MALFORMED_EVERY = 20
_GZIP_SHARE = 0.4
_MALFORMED = (
    b'{"event": 17, "table": "birdstr',  # cut off
    b"Flight Date,Wildlife Species",  # a CSV header
    b'{"Wildlife Species": "Gull", "Cost Total $": NaN}',  # not a number of JSON
    b'{"Wildlife Species": "Rough-legged hawk \xff\xfe"}',  # not UTF-8
)


@dataclass(frozen=True)
class InputObject:
    """An object to send."""

    key: str
    lines: tuple[Line, ...]

    @property
    def body(self) -> bytes:
        """The bytes to store: gzip if the name says so."""
        text = b"".join(line.content + b"\n" for line in self.lines)
        return gzip.compress(text, 1) if self.key.endswith(".gz") else text


def read_table(path: Path) -> list[dict[str, str]]:
    """Read a CSV file whose first line names the columns."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def input_objects(
    tables: dict[str, list[dict[str, str]]], chance: random.Random
) -> Iterator[InputObject]:
    """Yield objects from the tables in turn, without end; no two events are equal."""
    numbers = count(1)
    rows = {name: cycle(enumerate(table, start=1)) for name, table in tables.items()}
    for made, name in enumerate(cycle(tables), start=1):
        lines = [
            Line(_event(next(numbers), name, row, values))
            for row, values in islice(rows[name], chance.randint(*_LINES_AN_OBJECT))
        ]
        if made % _MALFORMED_EVERY == 0:
            malformed = Line(chance.choice(_MALFORMED), event=False)
            lines.insert(chance.randint(0, len(lines)), malformed)
        ending = ".ndjson.gz" if chance.random() < _GZIP_SHARE else ".ndjson"
        unique = uuid.UUID(int=chance.getrandbits(128), version=4)
        yield InputObject(f"{PREFIX}{name}/{unique}{ending}", tuple(lines))


def _event(number: int, table: str, row: int, values: dict[str, str]) -> bytes:
    event = {"event": number, "table": table, "row": row, **values}
    return json.dumps(event, ensure_ascii=False).encode()


class Producer:
    """A thread that sends objects at regular intervals, each after an entry in the sent log.

    It sends each object once: a second PUT after a lost answer would bring back an object that the
    job has already deleted. A failed PUT ends the thread and is kept in `failure`.
    """

    def __init__(
        self,
        source: Iterator[InputObject],
        sent_log: SentLog,
        put: Callable[[str, bytes], Any],
        *,
        pause_seconds: float,
    ) -> None:
        """Prepare the thread; it starts with the `with` block."""
        self._source = source
        self._sent_log = sent_log
        self._put = put
        self._pause_seconds = pause_seconds
        self._stopping = threading.Event()
        self._sending = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="producer", daemon=True)
        self.failure: Exception | None = None

    def __enter__(self) -> Self:
        """Start sending."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop sending."""
        self.stop()

    def stop(self) -> None:
        """Stop after the object that is being sent."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def send(self, objects: int) -> None:
        """Send a number of objects from the calling thread."""
        for _ in range(objects):
            self._send_one()

    def _run(self) -> None:
        try:
            while not self._stopping.wait(self._pause_seconds):
                self._send_one()
        except Exception as error:  # noqa: BLE001  # shown by the demo, which then fails
            self.failure = error

    def _send_one(self) -> None:
        with self._sending:
            parcel = next(self._source)
            self._sent_log.write(parcel.key, parcel.lines)
            self._put(parcel.key, parcel.body)
