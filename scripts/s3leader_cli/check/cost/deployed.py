"""What `cost` takes from the record of a deployed job."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedPlan:
    """`schedules` are pairs of expression and time zone, `contenders` are those of one Region."""

    schedules: tuple[tuple[str, str], ...]
    contenders: int
    regions: int
    on_lambda: bool
