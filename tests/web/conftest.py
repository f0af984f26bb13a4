"""One simulator and one hub a module; a hub of one's own where a test moves the clock or breaks something."""

import pytest
import pytest_asyncio

from web_support import running_hub, running_simulator


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def simulator():
    async with running_simulator() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(simulator, tmp_path_factory):
    async with running_hub(tmp_path_factory.mktemp("desk"), simulator_url=simulator.url) as running:
        yield running


@pytest.fixture
def start_hub(tmp_path):
    """A hub for one test alone."""

    def start(**options):
        return running_hub(tmp_path, **options)

    return start
