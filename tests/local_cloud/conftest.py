from collections.abc import Iterator

import pytest

from local_cloud import LocalCloud


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A cloud that test files share; each uses names of its own."""
    with LocalCloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture(scope="module")
def own_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A cloud for a file that deploys the app, or looks at everything in it."""
    with LocalCloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running
