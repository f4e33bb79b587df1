"""What every test may rely on."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A shell starts what it puts in the background with SIGINT ignored, and children inherit that. The
# tests interrupt processes that they start, so whoever starts the tests must not matter.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes is no part of any claim, and a slow machine is no fault. Automatic runs
# try the same examples each time, so that a failure is caused by the change that it is shown for.
# Others try new ones.
settings.register_profile(
    "any machine",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CI" in os.environ,
    print_blob=True,
)
settings.load_profile("any machine")

# The files that take longest, which nobody has to wait for at the end if they come first. Most wait
# for clocks and servers themselves, so there may be more workers than cores.
LONGEST_FIRST = (
    "verification/model_checker",
    "local_cloud/test_runbook.py",
    "local_cloud",
    "wheel",
    "infra/test_template_rules.py",
    "verification/kills",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent

    def rank(item: pytest.Item) -> int:
        name = item.path.relative_to(here).as_posix()
        ranks = (at for at, start in enumerate(LONGEST_FIRST) if name.startswith(start))
        return next(ranks, len(LONGEST_FIRST))

    items.sort(key=rank)
