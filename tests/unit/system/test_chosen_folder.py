"""Folders of this computer that a container may get."""

import os
import shlex
import stat
import struct
import sys
from pathlib import Path

import pytest

from aiserver_tray.base.i18n import Text
from aiserver_tray.system.chosen_folder import certificates_in, why_unfit
from tests.support.certificates import certificates
from tests.support.systems import is_root, on_linux, on_unix


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "computer" / "home"
    home.mkdir(parents=True)
    return home


HERE = "unix:///nowhere.sock"


def refused(folder: Path | str, home: Path, user: int | None = None, host: str = HERE) -> str:
    why = why_unfit(str(folder), home, user, host)
    return "" if why is None else str(why)


def test_a_folder_of_the_user_is_fit(tmp_path: Path, home: Path) -> None:
    assert refused(tmp_path / "computer", home)
    (tmp_path / "files").mkdir()
    assert refused(tmp_path / "files", home) == ""
    elsewhere = refused(tmp_path / "files", home, host="tcp://10.0.0.1:2376")
    assert "engine is on another computer" in elsewhere


@on_linux
def test_a_folder_with_a_socket_is_refused(tmp_path: Path, home: Path) -> None:
    folder = tmp_path / "files"
    (folder / "deep" / "run").mkdir(parents=True)
    engine = folder / "deep" / "run" / "engine.sock"
    assert "has a socket" in refused(folder, home, host=f"unix://{engine}")
    os.mknod(engine, stat.S_IFSOCK | 0o600)
    assert "has a socket" in refused(engine.parent, home)
    assert refused(folder, home) == ""


def test_what_is_no_folder_and_the_home_of_the_settings_are_refused(
    tmp_path: Path, home: Path
) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    assert "does not exist" in refused(tmp_path / "missing", home)
    assert "is a file" in refused(tmp_path / "file", home)
    assert "can't be read" in refused(tmp_path / ("x" * 300), home)
    (home / "inside").mkdir()
    for unfit in (home, home.parent, home / "inside"):
        assert "settings and secrets" in refused(unfit, home)


@on_unix
def test_a_link_to_the_home_of_the_settings_is_refused(tmp_path: Path, home: Path) -> None:
    (tmp_path / "link").symlink_to(home)
    assert "settings and secrets" in refused(tmp_path / "link", home)


SYSTEM = {
    "linux": ["/", "/etc", "/usr/share", "/var", "/home", "/proc/sys", "/run/lock", "/var/log"],
    "darwin": ["/", "/Library", "/var/log"],
    "win32": ["C:\\", "C:\\Windows\\Temp"],
}


@pytest.mark.parametrize("folder", SYSTEM[sys.platform])  # noqa: TID251
def test_a_folder_of_the_system_is_refused(folder: str, home: Path) -> None:
    assert "belongs to the system" in refused(folder, home)


@on_linux
@pytest.mark.skipif(not is_root(), reason="only root gives folders to others")
def test_the_user_of_the_container_must_be_able_to_write(tmp_path: Path, home: Path) -> None:
    folder = tmp_path / "o'files"
    folder.mkdir()
    folder.chmod(0o770)
    wanted = f"sudo setfacl -m u:1000:rwx {shlex.quote(str(folder))}"
    assert wanted in refused(folder, home, 1000)
    assert refused(folder, home, 0) == ""
    engine = tmp_path / "engine.sock"
    os.mknod(engine, stat.S_IFSOCK)
    assert wanted in refused(folder, home, 1000, f"unix://{engine}")
    os.chown(engine, 1000, 1000)
    assert refused(folder, home, 1000, f"unix://{engine}") == "", "it maps its users"
    os.chown(folder, 0, 1000)
    assert refused(folder, home, 1000) == ""
    os.chown(folder, 1000, 0)
    assert refused(folder, home, 1000) == ""
    folder.chmod(0o500)
    assert wanted in refused(folder, home, 1000)
    os.chown(folder, 0, 0)
    give(folder, 1000, mask=7)
    assert refused(folder, home, 1000) == ""
    assert wanted.replace("1000", "1001") in refused(folder, home, 1001)
    give(folder, 1000, mask=5)
    assert wanted in refused(folder, home, 1000)


def give(folder: Path, user: int, mask: int) -> None:
    """Give *user* all rights in the access list of *folder*, limited by *mask*."""
    no_one = 2**32 - 1
    entries = [(1, 7, no_one), (2, 7, user), (4, 0, no_one), (16, mask, no_one), (32, 0, no_one)]
    listed = b"".join(struct.pack("<HHI", *entry) for entry in entries)
    os.setxattr(folder, "system.posix_acl_access", struct.pack("<I", 2) + listed)


def test_a_file_of_certificates_gives_these_alone_and_names_an_expired_one(tmp_path: Path) -> None:
    certificates(tmp_path, "lab")
    own = (tmp_path / "ca.pem").read_text("utf-8")
    file = tmp_path / "all.pem"
    file.write_bytes("# Größe".encode("latin-1") + f"\r\n{own}rest".encode())
    found = certificates_in(str(file))
    assert not isinstance(found, Text)
    assert (found.pem, found.expired) == (own, None)
    assert found.bundle.startswith(own)
    assert found.bundle.count("BEGIN CERTIFICATE") > 50
    certificates(tmp_path, "lab", ended=True)
    found = certificates_in(str(tmp_path / "ca.pem"))
    assert not isinstance(found, Text)
    assert "has expired certificates: Lab CA" in str(found.expired)


def test_a_file_without_certificates_a_private_key_and_a_relative_path_are_refused(
    tmp_path: Path,
) -> None:
    certificates(tmp_path, "lab")
    both = (tmp_path / "ca.pem").read_bytes() + (tmp_path / "key.pem").read_bytes()
    file = tmp_path / "file.pem"
    for content, why in (
        (b"", "has no certificate"),
        (b"\x30\x82\x01", "has no certificate"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "is not valid"),
        (b"x" * (2**20 + 1), "larger than 1 MiB"),
        (both, "has a private key"),
    ):
        file.write_bytes(content)
        assert why in str(certificates_in(str(file)))
    for none in ("none.pem", "."):
        assert "there is no file" in str(certificates_in(str(tmp_path / none)))
    assert "full path" in str(certificates_in("ca.pem"))
