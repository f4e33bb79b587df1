import gzip
import json
import random
from collections import Counter
from itertools import islice
from pathlib import Path

from bird_strikes.producer import InputObject, Producer, input_objects
from bird_strikes.sent_log import Line, SentLog, expected_counts, read_sent_log

TABLES = {
    "birdstrikes": [{"Wildlife Species": "Gull"}, {"Wildlife Species": "Rüppell's vulture"}],
    "seattle-weather": [{"weather": "drizzle"}],
}


def made(count: int) -> list[InputObject]:
    return list(islice(input_objects(TABLES, random.Random(1)), count))  # noqa: S311 - not for secrets


def is_json_object(content: bytes) -> bool:
    try:
        found = json.loads(content, parse_constant=lambda name: 1 / 0)  # NaN is no JSON
    except (ValueError, ZeroDivisionError):
        return False
    return isinstance(found, dict)


def test_a_body_plain_or_compressed_holds_the_lines_of_its_object() -> None:
    for one in made(50):
        text = gzip.decompress(one.body) if one.key.endswith(".gz") else one.body
        assert text.split(b"\n")[:-1] == [line.content for line in one.lines]
    assert {one.key.rpartition(".")[2] for one in made(50)} == {"gz", "ndjson"}


def test_no_two_events_and_no_two_keys_are_equal_though_tables_repeat() -> None:
    events = Counter(line.content for one in made(200) for line in one.lines if line.event)
    assert max(events.values()) == 1
    assert len({one.key for one in made(200)}) == 200


def test_every_event_is_a_json_object_and_no_malformed_line_is() -> None:
    lines = {line for one in made(2000) for line in one.lines}
    assert all(is_json_object(line.content) is line.event for line in lines)
    assert len({line.content for line in lines if not line.event}) > 3


def test_sent_log_keeps_every_byte(tmp_path: Path) -> None:
    lines = (Line(b'{"a": "\xc3\xbc"}'), Line(b"\xff\xfe\r", event=False))
    with SentLog(tmp_path / "sent") as log:
        log.write("events/a", lines)
    assert [(one.key, one.lines) for one in read_sent_log(tmp_path / "sent")] == [
        ("events/a", lines)
    ]


def test_object_is_in_the_sent_log_before_it_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "sent"
    seen: list[list[str]] = []

    def put(key: str, _body: bytes) -> None:
        seen.append([key, *(one.key for one in read_sent_log(path))])

    with SentLog(path) as log:
        Producer(iter(made(2)), log, put, pause_seconds=0).send(2)
    first, second = (one.key for one in made(2))
    assert seen == [[first, first], [second, first, second]]


def test_expected_counts_have_malformed_lines_by_key_and_number(tmp_path: Path) -> None:
    with SentLog(tmp_path / "sent") as log:
        log.write("events/a", [Line(b"1"), Line(b"x", event=False), Line(b"1")])
    expected = expected_counts(read_sent_log(tmp_path / "sent"))
    assert (expected.events, expected.malformed) == (
        Counter({b"1": 2}),
        Counter([("events/a", 2)]),
    )
