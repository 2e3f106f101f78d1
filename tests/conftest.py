"""What holds for the tests of every level."""

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
