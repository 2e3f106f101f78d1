"""What holds for the tests of every level."""

from tests.ending import end_in_order

end_in_order()
