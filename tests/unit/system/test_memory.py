"""The allocator of a process of its own, asked through glibc's ``malloc_info``."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import ctypes, sys, threading
from aiserver_tray.system.process import share_heap

if sys.argv[1] == "shared":
    share_heap()
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fdopen.restype = ctypes.c_void_p
libc.fdopen.argtypes = [ctypes.c_int, ctypes.c_char_p]
libc.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
begun = threading.Barrier(3)

def allocate():
    libc.malloc(2000)
    begun.wait()

threads = [threading.Thread(target=allocate) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
out = libc.fdopen(1, b"w")
libc.malloc_info(0, out)
libc.fclose(ctypes.c_void_p(out))
"""


@pytest.mark.skipif(not Path("/proc").exists(), reason="other systems share it anyway")
def test_threads_share_one_heap() -> None:
    def heaps(how: str) -> int:
        words = [sys.executable, "-c", PROGRAM, how]
        return subprocess.run(words, check=True, capture_output=True).stdout.count(b"<heap nr=")

    assert heaps("shared") == 1 < heaps("separate")
