"""Whether a folder of this computer, or a file with certificates, that the user chose may be given
to a container, and whether a folder may get backups."""

import os
import re
import shlex
import stat
import struct
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiserver_tray.base.file_paths import real_path
from aiserver_tray.base.i18n import Listed, Text
from aiserver_tray.system import engine_place

_OF_THE_SYSTEM = {
    "linux": (
        *("/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/proc", "/sbin", "/sys"),
        *("/run", "/usr", "/var/cache", "/var/lib", "/var/log", "/var/run", "/var/spool"),
    ),
    "darwin": (
        *("/Applications", "/Library", "/System", "/bin", "/dev", "/private/etc", "/sbin", "/usr"),
        *("/private/var/db", "/private/var/log", "/private/var/root", "/private/var/run"),
    ),
}
"""No container gets these folders, or one below them: what is there runs the system, or leads to
programs that do."""
OWN_BACKUPS = "backups"
"""The folder in the home that may have backups."""
_DISKS = Path("/run/media")
"""Disks that users plug in are below it."""
_TOO_WIDE = (
    *("/home", "/media", "/mnt", "/opt", "/root", "/srv", "/tmp", "/var"),
    *("/Users", "/Volumes", "/private", "/private/tmp", "/private/var"),
)
"""Folders of all users and programs: no container gets the whole of one."""
_WINDOWS_VARIABLES = ("SystemRoot", "ProgramFiles", "ProgramFiles(x86)", "ProgramData")
_ACL = "system.posix_acl_access"
_ACL_USER, _ACL_OWNING_GROUP, _ACL_GROUP, _ACL_MASK = 2, 4, 8, 16
"""Tags of entries (``include/uapi/linux/posix_acl.h`` of the kernel). The mask limits the rights of
all three others."""
_ALL = stat.S_IRWXO
_MAX_BYTES = 2**20
_BEGIN = "-----BEGIN CERTIFICATE-----"
_CERTIFICATE = re.compile(f"{_BEGIN}[^-]+-----END CERTIFICATE-----")


def why_unfit(path: str, home: Path, user: int | None, host: str) -> Text | None:
    """Why no container of the engine at *host* may get the absolute folder *path*; None if one may.
    *home* is the folder of the settings. *user*: the user ID in the container that reads and writes
    the folder."""
    if not engine_place.is_local(host):
        return Text(
            "the engine is on another computer, and its containers can't get folders of this one. "
            "Reset the setting"
        )
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
    return _why_refused(path, folder, home, host) or _why_not_writable(folder, found, user, host)


def why_no_backups(path: str, home: Path) -> Text | None:
    """Why no backups can be written into the absolute folder *path*, which may be made for that;
    None if they can. *home* is the folder of the settings."""
    folder, own = Path(real_path(path)), Path(real_path(str(home)))
    if folder.is_relative_to(own) and folder != own / OWN_BACKUPS:
        return Text(
            "{path} is a part of the folder with the settings and secrets of AI-Server Tray. "
            "Choose another folder",
            path=path,
        )
    return _why_not_made(path, folder)


def why_not_filled(path: str, home: Path, host: str) -> Text | None:
    """Why the files of a folder can't be restored into *path*, which is made if it is missing, by
    the engine at *host*. *home* is the folder of the settings."""
    if not Path(path).is_absolute():
        return Text("expected the full path of a folder, found {found!r}", found=path)
    if not engine_place.is_local(host):
        return Text("the engine is on another computer")
    folder = Path(real_path(path))
    if folder.is_dir() and (not os.access(folder, os.R_OK) or any(folder.iterdir())):
        return Text("it has files already. Choose an empty folder")
    return _why_refused(path, folder, home, host) or _why_not_made(path, folder)


def _why_not_made(path: str, folder: Path) -> Text | None:
    """Why *folder*, the real path of *path*, can't be made or written."""
    if (there := existing(folder)) is None:
        return Text("the disk of {path} is not connected. Connect it, then try again", path=path)
    if not there.is_dir():
        return Text("{path} is a file. Choose a folder", path=str(there))
    if not os.access(there, os.W_OK | os.X_OK):
        return Text("you can't write the folder {path}. Choose another one", path=str(there))
    return None


def existing(folder: Path) -> Path | None:
    """*folder*, or the nearest one above it that exists. None: its disk is not connected."""
    return next((one for one in (folder, *folder.parents) if os.path.lexists(one)), None)


def disk_of(folder: Path) -> int | None:
    """A number of the disk that *folder* is on, or will be. None: it is not known."""
    there = existing(folder)
    try:
        return there.stat().st_dev if there else None
    except OSError:
        return None


def _why_refused(path: str, folder: Path, home: Path, host: str) -> Text | None:
    """Why no container may have what is in *folder*, the real path of *path*."""
    if _is_of_the_system(folder):
        return Text("{path} belongs to the system. Choose a folder of your own", path=path)
    own = Path(real_path(str(home)))
    if own.is_relative_to(folder) or folder.is_relative_to(own):
        return Text(
            "{path} has the settings and secrets of AI-Server Tray, or is a part of them. Choose "
            "another folder",
            path=path,
        )
    if socket := _socket_in(folder, host):
        return Text(
            "{path} has a socket of a program: {socket}. Choose another folder",
            path=path,
            socket=str(socket),
        )
    return None


def _is_of_the_system(folder: Path) -> bool:
    if folder.parent == folder or str(folder) in _TOO_WIDE:
        return True
    is_in_one = any(folder.is_relative_to(one) for one in _system_folders())
    return is_in_one and _DISKS not in folder.parents


def _system_folders() -> Iterator[str]:
    if sys.platform == "win32":
        yield from filter(None, map(os.environ.get, _WINDOWS_VARIABLES))
    yield from _OF_THE_SYSTEM.get(sys.platform, ())


def _socket_in(folder: Path, host: str) -> Path | None:
    """A socket in *folder*, or the one of the engine at *host* at any depth below it: who has it
    has what answers there."""
    if own := engine_place.socket_of(host):
        real = Path(real_path(own))
        if real.is_relative_to(folder):
            return real
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            plain = (entry.is_file, entry.is_dir)  # told without a look at each of many files
            if any(is_so(follow_symlinks=False) for is_so in plain) or entry.is_symlink():
                continue
            if stat.S_ISSOCK(entry.stat(follow_symlinks=False).st_mode):
                return folder / entry.name
    return None


def _why_not_writable(
    folder: Path, found: os.stat_result, user: int | None, host: str
) -> Text | None:
    # Only a system's engine of Linux keeps the user IDs: that of a virtual machine uses the rights
    # of its own user, and one without root gives a container's users other IDs.
    if sys.platform == "linux" and user is not None and not engine_place.is_of_user(host):
        if user == 0 or _rights(folder, found, user) & _ALL == _ALL:
            return None
        return Text(
            "the user {user} of the container can't write {path}. Allow it with: sudo setfacl -m "
            "u:{user}:rwx {quoted}",
            user=user,
            path=str(folder),
            quoted=shlex.quote(str(folder)),
        )
    if os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return None
    return Text("you can't write the folder {path}. Choose another one", path=str(folder))


def _rights(folder: Path, found: os.stat_result, user: int) -> int:
    """The rights of *user*, with a group of the same number, as the system finds them."""
    if user == found.st_uid:
        return found.st_mode >> 6
    entries = _access_list(folder)
    if not entries:
        return found.st_mode >> 3 if user == found.st_gid else found.st_mode
    mask = next((rights for tag, rights, _ in entries if tag == _ACL_MASK), _ALL)
    own = [rights for tag, rights, who in entries if tag == _ACL_USER and who == user]
    groups = [
        rights
        for tag, rights, who in entries
        if (tag == _ACL_GROUP and who == user)
        or (tag == _ACL_OWNING_GROUP and found.st_gid == user)
    ]
    return max((rights & mask for rights in own or groups), default=found.st_mode)


def _access_list(folder: Path) -> Sequence[tuple[int, int, int]]:
    """The tag, the rights and the ID of each entry in the access list of *folder*."""
    if sys.platform != "linux":
        return ()
    try:
        return [*struct.iter_unpack("<HHI", os.getxattr(folder, _ACL)[4:])]
    except OSError:  # it has none
        return ()


@dataclass(frozen=True)
class Certificates:
    """Certificates of authorities that the user trusts beside the public ones."""

    pem: str = ""
    """One after the other, without anything else that was in their file. Empty: there are none."""
    expired: Text | None = None
    """Which of them no program trusts any more."""

    @property
    def bundle(self) -> str:
        """These and the public ones: most programs trust only what is in one file."""
        from requests.utils import DEFAULT_CA_BUNDLE_PATH  # noqa: PLC0415 - slow

        return f"{self.pem}{Path(DEFAULT_CA_BUNDLE_PATH).read_text(encoding='utf-8')}"


def certificates_in(path: str) -> Certificates | Text:
    """The certificates in the PEM file *path*, or why containers can't get them. Without a path,
    there are none."""
    import ssl  # noqa: PLC0415 - slow

    if not path:
        return Certificates()
    if isinstance(content := _content(path), Text):
        return content
    pem = "".join(f"{one}\n" for one in _CERTIFICATE.findall(content))
    if "PRIVATE KEY-----" in content:
        return Text("{path} has a private key. Choose a file with certificates only", path=path)
    if not pem:
        return Text("{path} has no certificate that begins with {begin}", path=path, begin=_BEGIN)
    context, now = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), time.time()
    try:
        context.load_verify_locations(cadata=pem)
    except ssl.SSLError as error:
        why = error.reason or str(error)
        return Text("{path} has a certificate that is not valid ({why})", path=path, why=why)
    found: list[Any] = context.get_ca_certs()
    old = [c["subject"] for c in found if ssl.cert_time_to_seconds(c["notAfter"]) < now]
    names = [", ".join(value for part in subject for _, value in part) for subject in old]
    expired = Text("{path} has expired certificates: {names}", path=path, names=Listed(names))
    return Certificates(pem, expired if names else None)


def _content(path: str) -> str | Text:
    if not os.path.isabs(path):  # noqa: PTH117 - a text
        return Text("expected the full path of a file, found {found!r}", found=path)
    if not Path(path).is_file():  # reading a pipe would not end
        return Text("there is no file {path}. Choose a file with certificates", path=path)
    try:
        with Path(path).open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        return Text("the file {path} can't be read ({why})", path=path, why=error.strerror)
    if len(content) > _MAX_BYTES:
        return Text("{path} is larger than 1 MiB. Choose a file with certificates only", path=path)
    return content.decode(errors="replace")  # a comment may be in any encoding
