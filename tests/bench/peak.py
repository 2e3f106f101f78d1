"""Runs a command and prints the most memory that it had at once, in bytes.

A program of its own that imports little: the kernel counts for a child what its parent had when
the child began, so the parent must be smaller than what is measured.
"""

import resource
import subprocess
import sys

if __name__ == "__main__":
    done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=False)
    sys.stdout.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024))
    sys.exit(done.returncode)
