"""Whether a folder of this computer that the user chose may be given to a container."""

import os
import stat
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from aiserver_tray.base.i18n import Text
from aiserver_tray.base.real_path import real_path

_OF_THE_SYSTEM = {
    "linux": (
        *("/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/proc", "/sbin", "/sys"),
        *("/usr", "/var/lib/docker", "/var/lib/containerd"),
    ),
    "darwin": (
        *("/Applications", "/Library", "/System", "/bin", "/dev", "/private/etc", "/sbin", "/usr"),
    ),
}
"""No container gets these folders, or one below them."""
_TOO_WIDE = (
    *("/home", "/media", "/mnt", "/opt", "/root", "/run", "/srv", "/tmp", "/var", "/var/lib"),
    *("/Users", "/Volumes", "/private", "/private/tmp", "/private/var"),
)
"""Folders of all users and programs: no container gets the whole of one."""
_WINDOWS_VARIABLES = ("SystemRoot", "ProgramFiles", "ProgramFiles(x86)", "ProgramData")
_ACL = "system.posix_acl_access"
_ACL_USER = 2
"""The tag of an entry for a named user (``include/uapi/linux/posix_acl.h`` of the kernel)."""
_ALL = stat.S_IRWXO


def why_unfit(path: str, home: Path, user: int | None) -> Text | None:
    """Why no container may get the absolute folder *path*; None if one may. *home* is the folder of
    the settings. *user*: the user ID in the container that reads and writes the folder."""
    folder = Path(real_path(path))
    try:
        found = folder.stat()
    except FileNotFoundError:
        return Text("the folder {path} does not exist. Create it, or choose another one", path=path)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        return Text("the folder {path} can't be read ({why})", path=path, why=why)
    if not stat.S_ISDIR(found.st_mode):
        return Text("{path} is a file. Choose a folder", path=path)
    if _is_of_the_system(folder):
        return Text("{path} belongs to the system. Choose a folder of your own", path=path)
    own = Path(real_path(str(home)))
    if own.is_relative_to(folder) or folder.is_relative_to(own):
        return Text(
            "{path} has the settings and secrets of AI-Server Tray, or is a part of them. Choose "
            "another folder",
            path=path,
        )
    return _why_not_writable(folder, found, user)


def _is_of_the_system(folder: Path) -> bool:
    if folder.parent == folder or str(folder) in _TOO_WIDE:
        return True
    return any(folder.is_relative_to(one) for one in _system_folders())


def _system_folders() -> Iterator[str]:
    if sys.platform == "win32":
        yield from filter(None, map(os.environ.get, _WINDOWS_VARIABLES))
    yield from _OF_THE_SYSTEM.get(sys.platform, ())


def _why_not_writable(folder: Path, found: os.stat_result, user: int | None) -> Text | None:
    # Only an engine of Linux keeps the user IDs; the others use the rights of their own user.
    if sys.platform == "linux" and user is not None:
        if _may_use(folder, found, user):
            return None
        return Text(
            "the user {user} of the container can't write {path}. Allow it with: sudo setfacl -m "
            "u:{user}:rwx '{path}'",
            user=user,
            path=str(folder),
        )
    if os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return None
    return Text("you can't write the folder {path}. Choose another one", path=str(folder))


def _may_use(folder: Path, found: os.stat_result, user: int) -> bool:
    """Whether *user*, with a group of the same number, has all rights."""
    if user == found.st_uid:
        rights = found.st_mode >> 6
    elif _is_in_list(folder, user):
        return True
    else:
        rights = found.st_mode >> 3 if user == found.st_gid else found.st_mode
    return rights & _ALL == _ALL


def _is_in_list(folder: Path, user: int) -> bool:
    """Whether the access list of *folder* gives *user* all rights."""
    if sys.platform != "linux":
        return False
    try:
        entries = os.getxattr(folder, _ACL)[4:]
    except OSError:  # it has none
        return False
    rights = (
        right
        for tag, right, who in struct.iter_unpack("<HHI", entries)
        if tag == _ACL_USER and who == user
    )
    return any(right & _ALL == _ALL for right in rights)
