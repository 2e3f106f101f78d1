"""How fast this machine is now, so that budgets hold on another: the processor seconds of a small,
fixed program of the tests' own kind of work."""

import os
import subprocess
import sys

_PROGRAM = """
import hashlib, json, os, subprocess, sys

for _ in range(6):
    subprocess.run([sys.executable, "-IS", "-c", "import asyncio, email.message, http.client"])
value = {str(number): [number, {"text": "word " * 20}] for number in range(2000)}
for _ in range(44):
    assert json.loads(json.dumps(value)) == value
    hashlib.sha256(bytes(8 << 20)).digest()
    for _ in range(5):
        if not os.fork():
            os._exit(0)
        os.wait()
"""
"""A program and those that it starts: imports, JSON, hashes, forks."""


def measured() -> float:
    """The processor seconds of the program while it runs on each core at once, as tests do."""
    cores = os.cpu_count() or 1
    before = os.times()
    running = [subprocess.Popen([sys.executable, "-IS", "-c", _PROGRAM]) for _ in range(cores)]
    statuses = [program.wait() for program in running]
    after = os.times()
    assert not any(statuses)
    used = after.children_user + after.children_system
    return (used - before.children_user - before.children_system) / cores
