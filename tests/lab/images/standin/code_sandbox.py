"""What Dify's code sandbox does as root, for its stand-in: so this needs the same capabilities.

As langgenius/dify-sandbox 0.2.15 does it: ``docker/entrypoint.sh`` unpacks node, whose files are
another user's (FOWNER to set their modes). ``python.go`` gives a file that only its owner reads to
the user that code is to run as (CHOWN), ``prescript.py`` is read as root all the same
(DAC_OVERRIDE), and only then is another root, group and user taken (SYS_CHROOT, SETGID,
SETUID). ``output_capture.go`` ends from outside what takes too long (KILL).
"""

import os
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path
from tempfile import mkdtemp

NODES_OWNER = 1001
USER = 10000
BOOTSTRAP = f"""
import os, signal
os.chroot(".")
os.setgroups([])
os.setgid({USER})
os.setuid({USER})
print("runs", flush=True)
signal.pause()
"""


def problem() -> str | None:
    """What keeps it from running code; None where it can."""
    folder = Path(mkdtemp())  # which stays: to remove what is another user's would take more
    try:
        return unpack(folder) or run(folder)
    except PermissionError as error:
        return str(error)


def unpack(folder: Path) -> str | None:
    """Unpacks a program that is another user's; what tar says where it fails."""
    archive = folder / "node.tar"
    with tarfile.open(archive, "w") as tar:
        for name in ("node", "node/bin"):
            add(tar, name, None)
        add(tar, "node/bin/node", b"#!/bin/sh\n")
    done = subprocess.run(
        ["tar", "-xf", archive, "-C", folder], capture_output=True, text=True, check=False
    )
    return f"node is not unpacked: {done.stderr.strip()}" if done.returncode else None


def add(tar: tarfile.TarFile, name: str, content: bytes | None) -> None:
    """A file of node's owner in an archive; a folder without a content."""
    entry = tarfile.TarInfo(name)
    entry.uid = entry.gid = NODES_OWNER
    entry.mode, entry.size = 0o755, len(content or b"")
    entry.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
    tar.addfile(entry, BytesIO(content or b""))


def run(folder: Path) -> str | None:
    """Runs code as another user and ends it; what it says where it does not run."""
    file = folder / "bootstrap.py"
    file.write_text(BOOTSTRAP)
    file.chmod(0o600)
    os.chown(file, USER, USER)
    # Not as a context, which would wait for what can't be ended.
    code = subprocess.Popen(
        [sys.executable, file],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert code.stdout
    said = code.stdout.readline()
    if said != "runs\n":
        return f"code does not run: {said + code.stdout.read()}"
    code.kill()
    code.wait()
    return None
