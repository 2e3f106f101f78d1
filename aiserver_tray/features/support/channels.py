"""Channels of the support bundle."""

from contextlib import suppress
from pathlib import Path
from typing import TypedDict

from pydantic import Field

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.doctor.channels import DoctorFeature
from aiserver_tray.features.place import Place
from aiserver_tray.features.support.bundle import file_name, support_bundle
from aiserver_tray.protocol.channel import Feature, Payload, channel
from aiserver_tray.system.desktop import can_open_folder, open_folder
from aiserver_tray.system.files import write_private
from aiserver_tray.system.paths import make_folder

_KEPT = 3
"""Bundles that are kept, the newest."""


class BundlePlace(Payload):
    """Where to write a support bundle."""

    path: str = Field(min_length=1, max_length=4000)
    """the file, or a folder that gets a new file; a full path on the owner's machine"""


class SupportBundle(TypedDict):
    """A support bundle was written."""

    file: str
    """its path on the owner's machine"""
    size: int
    """bytes"""
    canOpen: bool
    """`ai/support/open` can show its folder"""


class SupportFeature(Feature):
    """``ai/support/…``."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._app = place.app
        self._core = place.core

    @property
    def _folder(self) -> Path:
        return self._app.home.folder / "support"

    @channel("ai/support/bundle")
    def _bundle(self) -> SupportBundle:
        """Write a support bundle: a zip file with versions, settings, states, activity, checks and
        the last log lines, without secrets."""
        make_folder(self._folder)
        written = self._write(self._folder / file_name())
        with suppress(OSError):  # they are in nobody's way
            for old in sorted(self._folder.glob("*.zip"))[:-_KEPT]:
                old.unlink()
        return written

    @channel("ai/support/write", callers=["command"])
    def _write_to(self, asked: BundlePlace) -> SupportBundle:
        """Write a support bundle to a file of the user's choice."""
        path = Path(asked.path)
        return self._write(path / file_name() if path.is_dir() else path)

    def _write(self, file: Path) -> SupportBundle:
        checks = self._place.feature(DoctorFeature).findings
        content = support_bundle(self._app, self._core.engine, self._core.store.snapshot, checks)
        try:
            write_private(file, content)
        except OSError as error:
            why = Text(
                "can't write it ({reason}). Check its folder", reason=error.strerror or error
            )
            raise SettingError(str(file), why) from error
        return {"file": str(file), "size": len(content), "canOpen": can_open_folder()}

    @channel("ai/support/open")
    def _open(self) -> None:
        """Show the folder of the support bundles in the file manager of the owner's desktop."""
        open_folder(self._folder)
