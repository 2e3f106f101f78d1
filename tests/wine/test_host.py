"""What of the host is Windows' own, and needs no tray."""

import json
import subprocess
from pathlib import Path

from bundler.wine import windows_path
from tests.support.wine.windows import Windows

_LOGS = """
import logging
from pathlib import Path
from aiserver_tray.system import logfile
from aiserver_tray.system.paths import Home
logfile._MAX_BYTES, logfile._RETRY_SECONDS = 2000, 0.0
file = logfile.set_up(Home(Path({home!r}), "home"), "tray")
for _ in range(80):
    logging.info("old".ljust(100))
with open(file):
    for _ in range(40):
        logging.info("new".ljust(100))
for _ in range(4):
    logging.info("last".ljust(100))
"""

_RESERVED = """
import os
from aiserver_tray.system.ports import reserved_range
os.chdir({folder!r})
print(reserved_range("127.0.0.1", 9, "tcp"))
"""

_FOUND = """
import os, shutil, sys
from aiserver_tray.cli import main
os.chdir({folder!r})
sys.argv[1:] = ["--version"]
try:
    main()
except SystemExit:
    print(shutil.which("docker-credential-planted"))
"""

_PIPE = r"""
import threading
from win32security import (
    DACL_SECURITY_INFORMATION,
    SDDL_REVISION_1,
    ConvertSecurityDescriptorToStringSecurityDescriptor,
    GetKernelObjectSecurity,
)
from aiserver_tray.system import pipes
place = r"\\.\pipe\aiserver-tray-test"
listener = pipes.listen(place)
def answer():
    connection = listener.accept()
    access = GetKernelObjectSecurity(connection.fileno(), DACL_SECURITY_INFORMATION)
    text = ConvertSecurityDescriptorToStringSecurityDescriptor(
        access, SDDL_REVISION_1, DACL_SECURITY_INFORMATION
    )
    connection.send_bytes(text.encode())
for _ in range(2):
    thread = threading.Thread(target=answer)
    thread.start()
    print(pipes.connect(place, 1).recv_bytes().decode())
    thread.join()
listener.close()
"""

_DOCKER_DESKTOP = r"""
#include <stdio.h>
int WinMain(void) { return fclose(fopen(STARTED, "w")); }
"""

_START = r"""
import threading, winreg
from pathlib import Path
from aiserver_tray.base.errors import EngineDownError
from aiserver_tray.system.engine_start import start_engine
host, folder = "npipe:////./pipe/dockerDesktopLinuxEngine", {folder!r}
def ping():
    if not Path(folder, "started").exists():
        raise EngineDownError(host, "no answer yet")
key = r"SOFTWARE\Docker Inc.\Docker\1.0"
with winreg.CreateKey(winreg.HKEY_LOCAL_MACHINE, key) as place:
    winreg.SetValueEx(place, "AppPath", 0, winreg.REG_SZ, folder)
try:
    start_engine(host, ping, threading.Event(), within=60)
except EngineDownError as error:
    print(error)
finally:
    winreg.DeleteKey(winreg.HKEY_LOCAL_MACHINE, key)
"""


def test_log_opened_by_another_program_loses_no_line(machine: Windows, tmp_path: Path) -> None:
    machine.says_alone(_LOGS.format(home=windows_path(tmp_path)))
    files = sorted((tmp_path / "logs").glob("tray.log*"), reverse=True)
    assert [file.name[8:] for file in files] == [".4", ".3", ".2", ".1", ""]
    texts = [file.read_text(encoding="utf-8") for file in files]
    assert all(": old" in text and ": new" not in text for text in texts[:-2])
    assert texts[-2].count(": new") == 40
    assert texts[-1].count(": last") == 4


def test_a_netsh_in_the_folder_at_hand_is_not_run(machine: Windows, tmp_path: Path) -> None:
    compiler = ["x86_64-w64-mingw32-gcc", "-x", "c", "-", "-o", str(tmp_path / "netsh.exe")]
    program = b'#include <stdio.h>\nint main(void) { return puts("1 65535") < 0; }\n'
    subprocess.run(compiler, input=program, check=True)
    assert machine.says_alone(_RESERVED.format(folder=windows_path(tmp_path))).strip() == "None"


def test_a_pipe_is_the_users_own(machine: Windows) -> None:
    """For the system, administrators, and whose it is. That it refuses other machines can't be
    tried here."""
    assert machine.says(_PIPE).split() == ["D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;OW)"] * 2


def test_no_program_is_found_in_the_folder_at_hand(machine: Windows, tmp_path: Path) -> None:
    (tmp_path / "docker-credential-planted.exe").touch()
    assert machine.says_alone(_FOUND.format(folder=windows_path(tmp_path))).split()[1:] == ["None"]


def test_docker_desktop_is_started_where_the_registry_says(
    machine: Windows, tmp_path: Path
) -> None:
    install(tmp_path)
    assert start(machine, tmp_path) == ""
    assert (tmp_path / "started").exists()


def test_failed_start_of_docker_desktop_is_reported_with_the_reason(
    machine: Windows, tmp_path: Path
) -> None:
    assert "and can't be started from here." in start(machine, tmp_path), "it is not installed"
    program = tmp_path / "Docker Desktop.exe"
    program.touch()
    said = start(machine, tmp_path)
    command = f"'{windows_path(program)}'"
    reason = said.partition(f": {command}: ")[2].partition(". Start it")[0]
    assert reason, said


def install(folder: Path) -> None:
    """Put a program in the place of Docker Desktop's, which leaves the file ``started``."""
    program, left = folder / "Docker Desktop.exe", windows_path(folder / "started")
    definition = "-DSTARTED=" + json.dumps(left)
    compiler = ["x86_64-w64-mingw32-gcc", definition, "-x", "c", "-", "-o", str(program)]
    subprocess.run(compiler, input=_DOCKER_DESKTOP.encode(), check=True)


def start(machine: Windows, folder: Path) -> str:
    """What a start of Docker Desktop in *folder* says that failed."""
    return machine.says(_START.format(folder=windows_path(folder))).strip()


_CHILD = """
import os, sys, time
while data := os.read(0, 65536):
    os.write(1, data)
os.write(1, b"end")
sys.stderr.write("last words")
"""

_STDIO = r"""
import socket, sys, tempfile, threading, time
from aiserver_tray.system.child_stdio import start
words = tempfile.TemporaryFile()
child, ours = start([sys.executable, "-c", {child!r}], words)
assert ours.is_quiet()
ours.settimeout(0.2)
try:
    ours.recv_into(bytearray(9))
except TimeoutError:
    print("timeout")
ours.settimeout(60)
much = bytes(range(256)) * 4096
sender = threading.Thread(target=ours.sendall, args=[much])
sender.start()
reader = ours.makefile("rb")
assert reader.read(len(much)) == much
sender.join()
ours.sendall(b"")
print(reader.read().decode(), child.wait(60), ours.is_quiet())
words.seek(0)
print(words.read().decode())
ours.close()
child, ours = start([sys.executable, "-c", {child!r}], words)
threading.Timer(0.3, ours.shutdown, [socket.SHUT_RDWR]).start()
print(ours.recv_into(bytearray(9)))
child.kill()
"""


def test_the_stdio_of_a_child_is_used_as_a_socket(machine: Windows) -> None:
    done = machine.says_alone(_STDIO.replace("{child!r}", repr(_CHILD)))
    assert done.splitlines() == ["timeout", "end 0 False", "last words", "0"]
