"""What holds for the tests of every level."""

import gc
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

from tests.support.ending import end_in_order

# How long an example takes depends on what else the machine does, and fails no test. The examples
# are the same in each run, so that a failure is one of the change and comes again;
# `--hypothesis-profile=default` tries others.
settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")

pytest_plugins = ["tests.support.parallel", "tests.support.times", "tests.support.changed"]

end_in_order()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """pytest's hook. Collecting thousands of tests leaves hardly any garbage, and Python looks for
    it for seconds. What is there then stays until the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
