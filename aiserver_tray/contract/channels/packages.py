"""The packages that the applet consists of."""

from dataclasses import asdict
from typing import TypedDict, cast

from aiserver_tray.contract.channel import channel
from aiserver_tray.contract.channels.part import Part
from aiserver_tray.system.packages import installed_packages


class PackageJson(TypedDict):
    """A package."""

    name: str
    version: str
    licence: str
    """as the package states it; may be empty"""


class PackageList(TypedDict):
    """The packages that the applet consists of."""

    packages: list[PackageJson]


class PackageChannels(Part):
    """``ai/app/packages``."""

    @channel("ai/app/packages")
    def _packages(self) -> PackageList:
        """List the packages that the applet consists of, with their licences."""
        return {"packages": [cast("PackageJson", asdict(each)) for each in installed_packages()]}
