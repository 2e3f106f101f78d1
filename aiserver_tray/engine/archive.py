"""Files as the tar archive by which the engine takes them into a container."""

import io
import time
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiserver_tray.spec.model import File


def archive(files: "Iterable[File]", folder: PurePosixPath) -> bytes:
    """An archive of *files*, all below *folder*, to unpack there.

    It contains only files: the engine creates missing folders (root's, mode 0755), and does not
    change existing ones.
    """
    import tarfile  # noqa: PLC0415 - takes memory, and few containers have such files

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for file in files:
            entry = tarfile.TarInfo(str(PurePosixPath(file.path).relative_to(folder)))
            entry.size = len(file.content)
            entry.uid, entry.gid, entry.mode = file.uid, file.gid, file.mode
            entry.mtime = int(time.time())
            tar.addfile(entry, io.BytesIO(file.content))
    return buffer.getvalue()
