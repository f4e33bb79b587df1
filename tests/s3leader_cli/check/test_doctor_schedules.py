"""What `doctor` says of schedules: enabled, in step, and what could not be read."""

from __future__ import annotations

from typing import Any

import pytest

from s3leader_cli.check.doctor.findings import Finding
from s3leader_cli.check.doctor.schedules import SchedulesFound, ScheduleState, check_schedules

NIGHTLY = "cron(0 3 * * ? *)"
WEEKLY = "cron(0 9 ? * MON *)"
RATE = "rate(5 minutes)"
EU, US = "eu-west-1", "us-east-1"


def schedule(name: str, region: str = EU, **facts: Any) -> ScheduleState:
    usual: dict[str, Any] = {"expression": NIGHTLY, "zone": "UTC", "enabled": True}
    return ScheduleState(region=region, name=name, **usual | facts)


def findings(*schedules: ScheduleState, **facts: Any) -> list[Finding]:
    return list(check_schedules(SchedulesFound(schedules=schedules, **facts)))


def levels(*schedules: ScheduleState, **facts: Any) -> list[str]:
    return [each.level for each in findings(*schedules, **facts)]


def test_schedules_that_are_enabled_and_in_step_are_ok() -> None:
    assert levels(schedule("a"), schedule("b"), schedule("a", US)) == ["ok", "ok"]


def test_contenders_may_share_several_schedules() -> None:
    several = [schedule(name, expression=each) for name in "ab" for each in (WEEKLY, "at(x)")]
    assert levels(*several) == ["ok", "ok"]


def test_schedules_that_are_off_are_found() -> None:
    off = schedule("b", enabled=False)
    assert levels(schedule("a"), off) == ["warning", "ok"]
    assert levels(off) == ["problem", "ok"]


@pytest.mark.parametrize("change", [{"expression": WEEKLY}, {"zone": "Europe/Berlin"}])
def test_schedules_out_of_step_are_a_problem(change: dict[str, str]) -> None:
    three = [schedule("a"), schedule("b"), schedule("c", **change)]
    assert levels(*three) == ["ok", "problem"]
    assert "eu-west-1/c differs" in findings(*three)[-1].what


def test_regions_with_other_schedules_are_out_of_step() -> None:
    """Each time has as many schedules as the other, since only one stack was deployed again."""
    both = [schedule(name, region, expression=text)
            for region, text in ((EU, NIGHTLY), (US, WEEKLY)) for name in "ab"]  # fmt: skip
    assert levels(*both) == ["ok", "problem"]


def test_schedule_that_is_not_its_stacks_is_out_of_step() -> None:
    """Two contenders: without the record, they look like one with two schedules."""
    both = [schedule("a"), schedule("b", expression=WEEKLY)]
    assert levels(*both) == ["ok", "ok"]
    found = findings(*both, declared={EU: frozenset({(NIGHTLY, "UTC")})})[-1]
    assert (found.level, "eu-west-1/b is not as its stack" in found.what) == ("problem", True)


def test_a_schedule_that_fires_once_beside_lasting_ones_is_a_persons() -> None:
    extra = schedule("once", expression="at(2026-11-27T06:00:00)")
    both = [schedule("a"), schedule("b")]
    declared = {EU: frozenset(each.time for each in both)}
    assert levels(*both, extra, declared=declared) == ["ok", "ok"]


def test_a_schedule_that_fires_once_beside_a_stacks_that_do_so_too_is_a_persons() -> None:
    own = [schedule(name, expression="at(2099-01-01T00:00:00)") for name in "ab"]
    extra = schedule("once", expression="at(2026-11-27T06:00:00)")
    declared = {EU: frozenset(each.time for each in own)}
    assert levels(*own, extra, declared=declared) == ["ok", "ok"]


def test_schedules_that_all_fire_once_must_be_in_step_too() -> None:
    first, second = (f"at(2026-11-27T0{hour}:00:00)" for hour in (6, 7))
    assert levels(schedule("a", expression=first), schedule("b", expression=first)) == ["ok", "ok"]
    three = [*(schedule(name, expression=first) for name in "ab"), schedule("c", expression=second)]
    assert levels(*three) == ["ok", "problem"]


def test_one_rate_is_in_step_with_itself() -> None:
    assert levels(schedule("a", expression=RATE)) == ["ok", "ok"]


@pytest.mark.parametrize("region", [EU, US])
def test_two_rates_are_never_in_step(region: str) -> None:
    two = [schedule("a", expression=RATE), schedule("b", region, expression=RATE)]
    assert levels(*two) == ["ok", "problem"]
    assert levels(*two, unread={"ap-south-1": "no answer"})[-1] == "problem"


# ----------------------------------------------------------------------- what was not read


@pytest.mark.parametrize(
    "read", [[schedule("a"), schedule("b")], [schedule("a", expression=RATE)], []]
)
def test_nothing_is_ok_if_a_region_was_not_read(read: list[ScheduleState]) -> None:
    found = findings(*read, unread={US: "no answer"})
    assert {each.level for each in found} == {"cannot tell"}
    assert "us-east-1 could not all be read: no answer" in found[0].what
    assert all(each.do for each in found)


def test_schedules_that_seem_out_of_step_may_have_others_that_were_not_read() -> None:
    uneven = [schedule("a"), schedule("b"), schedule("c", expression=WEEKLY)]
    assert levels(*uneven, unread={EU: "no answer"}) == ["cannot tell"] * 3


def test_disabled_schedules_are_found_though_a_region_was_not_read() -> None:
    off = schedule("a", enabled=False)
    assert levels(off, unread={US: "no answer"})[:2] == ["cannot tell", "warning"]


def test_regions_with_one_reason_are_one_finding() -> None:
    unread = {each: f"denied on arn:aws:ssm:{each}:*" for each in (EU, US)}
    [found] = findings(unread=unread)
    assert "eu-west-1, us-east-1 could not all be read: denied on arn:aws:ssm:*:*" in found.what


def test_region_of_a_record_without_a_job_is_a_warning() -> None:
    found = findings(schedule("a"), absent=[US])
    assert (found[0].level, "us-east-1" in found[0].what) == ("warning", True)


def test_no_job_is_a_warning_that_names_regions_which_are_not_enabled() -> None:
    [found] = findings(not_enabled=["ap-south-1"])
    assert (found.level, "ap-south-1" in found.what) == ("warning", True)
