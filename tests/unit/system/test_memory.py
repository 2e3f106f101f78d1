"""The allocator of a process of its own, asked through glibc's ``malloc_info``."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import ctypes, sys, threading
from aiserver_tray.system.process import limit_heap

if sys.argv[1] == "limited":
    limit_heap()
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

    assert heaps("limited") == 1 < heaps("separate")


BURST = """
import sys
from pathlib import Path
from aiserver_tray.system.process import limit_heap

if sys.argv[1] == "limited":
    limit_heap()

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 >> 20

begin = resident()
for size in range(1, 16):
    bytes(size << 20)  # the allocator learns that such blocks come and go
burst, lasting = [], []
for _ in range(100):
    burst.append(b"x" * (1 << 20))
    lasting.append(b"y" * 20_000)
burst.clear()
print(resident() - begin)
"""


@pytest.mark.skipif(not Path("/proc").exists(), reason="of Linux")
def test_large_blocks_go_back_to_the_system() -> None:
    def kept(how: str) -> int:
        words = [sys.executable, "-c", BURST, how]
        return int(subprocess.run(words, check=True, capture_output=True).stdout)

    assert kept("limited") < 15 < kept("unlimited")
