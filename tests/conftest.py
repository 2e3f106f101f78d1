"""What holds for the tests of every level."""

from hypothesis import HealthCheck, settings

from tests.support.ending import end_in_order

# How long an example takes depends on what else the machine does, and fails no test.
settings.register_profile("any speed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any speed")

pytest_plugins = ["tests.support.parallel", "tests.support.times", "tests.support.changed"]

end_in_order()
