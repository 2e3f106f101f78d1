"""The home folder of the user, and where a path leads: by its name, and by a file that is open."""

import os
from contextlib import suppress
from pathlib import Path

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.i18n import Text

_MAX_PATH = 32_768
"""Characters of a path of Windows, at most."""


def user_home() -> Path:
    """The home folder of the user.

    Raises:
        SettingError: the system knows none, as for a user ID without a name in a container.
    """
    try:
        return Path.home()
    except RuntimeError:
        raise no_user_home() from None


def no_user_home() -> SettingError:
    """The error for a user without a home folder."""
    return SettingError("HOME", Text("this user has no home folder. Set HOME to a folder"))


def real_path(path: str) -> str:
    """The absolute *path* without links and ``..``, as the system would follow it now. On Windows,
    a path on a mapped or substituted drive keeps its letter, since the engine shares drives by
    letter. A path that is not absolute here, as one of another system, stays as it is."""
    if not os.path.isabs(path):  # noqa: PTH117 - a text
        return path
    try:
        real = os.path.realpath(path)
    except ValueError:  # a NUL: no path of a file
        return path
    drive = os.path.splitdrive(path)[0]
    root = os.path.realpath(drive + os.sep) if drive else ""
    if root and real.lower().startswith(root.lower()):
        return os.path.join(drive + os.sep, real[len(root) :].lstrip("\\"))  # noqa: PTH118
    return real


def path_of_open(descriptor: int) -> str:
    """The path of the open file *descriptor*, even if its name now leads elsewhere.

    Raises:
        OSError: the system does not tell.
    """
    with suppress(OSError):  # Linux
        return os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115 - the text of the link
    try:
        from fcntl import F_GETPATH, fcntl  # type: ignore[attr-defined] # noqa: PLC0415 - macOS
    except ImportError:
        return _windows_path(descriptor)
    return os.fsdecode(fcntl(descriptor, F_GETPATH, bytes(1024)).rstrip(b"\0"))


def is_open_at(descriptor: int, path: str) -> bool:
    """Whether the file that is open as *descriptor* is the one at *path*, which is a `real_path`:
    no link led elsewhere when it was opened.

    Raises:
        OSError: as for `path_of_open`.
    """
    found = path_of_open(descriptor)
    if os.path.splitdrive(path)[0]:  # which may be a mapped drive
        return os.path.normcase(found) == os.path.normcase(os.path.realpath(path))
    return found == path


def _windows_path(descriptor: int) -> str:
    # https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-getfinalpathnamebyhandlew
    import ctypes  # noqa: PLC0415 - on Windows only
    import msvcrt  # noqa: PLC0415

    kernel = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined,unused-ignore]
    ask = kernel.GetFinalPathNameByHandleW
    ask.argtypes = (ctypes.c_void_p, ctypes.c_wchar_p, ctypes.c_uint32, ctypes.c_uint32)
    text = ctypes.create_unicode_buffer(_MAX_PATH)
    handle = msvcrt.get_osfhandle(descriptor)  # type: ignore[attr-defined,unused-ignore]
    if not ask(handle, text, _MAX_PATH, 0):
        raise ctypes.WinError(ctypes.get_last_error())  # type: ignore[attr-defined,unused-ignore]
    found = text.value
    if found.startswith("\\\\?\\UNC\\"):
        return "\\\\" + found.removeprefix("\\\\?\\UNC\\")
    return found.removeprefix("\\\\?\\")
