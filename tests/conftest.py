"""What holds for the tests of every level."""

from tests.support.ending import end_in_order

end_in_order()
