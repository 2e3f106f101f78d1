"""What holds for the tests of every level."""

from tests.support.ending import end_in_order

pytest_plugins = ["tests.support.parallel", "tests.support.times", "tests.support.changed"]

end_in_order()
