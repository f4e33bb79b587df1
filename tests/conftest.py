"""What every test relies on, and the order in which files are run."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A shell starts background jobs with SIGINT ignored, and their children inherit that. Some tests
# interrupt processes that they start, so this process takes SIGINT in any case.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No claim depends on how long an example takes. CI tries the same examples each time, so that a
# failure is caused by the change that it is shown for; other runs try new ones.
settings.register_profile(
    "any machine",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CI" in os.environ,
    print_blob=True,
)
settings.load_profile("any machine")

# The files that take longest, first, so that no worker is left with one at the end: in seconds on
# two cores, from `scripts/test --durations 0`.
LONGEST_FIRST = (
    "verification/fault_injection",  # 116
    "examples/test_pages_typed.py",  # 105: mypy, with an empty cache
    "local_cloud/test_operating.py",  # 101
    "verification/model_checker",  # 97
    "local_cloud",  # 10 to 55 each
    "infra/test_template_rules.py",  # 45
    "infra/packaging/test_dependencies.py",  # 43
    "contract/fencing/test_fenced_writes.py",  # 35
    "wheel",  # 8 to 35 each
    "verification",  # 10 to 30 each
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent

    def rank(item: pytest.Item) -> int:
        name = item.path.relative_to(here).as_posix()
        ranks = (at for at, start in enumerate(LONGEST_FIRST) if name.startswith(start))
        return next(ranks, len(LONGEST_FIRST))

    items.sort(key=rank)
