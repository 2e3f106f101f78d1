"""What holds for the tests of every level."""

import signal

# A shell script that starts the tests in the background lets them ignore Ctrl-C, and so every
# process that they start, the applet among them.
signal.signal(signal.SIGINT, signal.default_int_handler)
