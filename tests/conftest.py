"""What holds for the tests of every level."""

import gc
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support.ending import end_in_order
from tests.support.limits import stretched

# How long an example takes depends on what else the machine does, and fails no test. The examples
# are the same in each run, so that a failure is one of the change and comes again;
# `--hypothesis-profile=default` tries others.
settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")

# What helpers find wrong is told as what tests find is: with both sides of a comparison.
pytest.register_assert_rewrite(
    *("tests.contract", "tests.desktop", "tests.engine", "tests.packages", "tests.ui"),
    *("tests.support.command_line", "tests.support.desktop", "tests.support.whole", "tests.wine"),
)

pytest_plugins = [
    "tests.support.isolation",
    "tests.support.parallel",
    "tests.support.times",
    "tests.support.recorded",
    "tests.support.changed",
]

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


@pytest.hookimpl(tryfirst=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> object:  # noqa: ANN401 - untyped
    """pytest-timeout's hook. What ends a test that hangs comes later on a busy machine."""
    plugin: Any = item.config.pluginmanager.get_plugin("timeout")
    longer = settings._replace(timeout=stretched(settings.timeout))
    return plugin.pytest_timeout_set_timer(item, longer)
