"""The developer's entry point, written so that even old versions of Python can report that they are
too old."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit("dev.py: Python 3.11 or later is needed; this is " + sys.version.split()[0])

from developer.command_line import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
