"""The channel that checks the installation and its engine."""

from typing import TypedDict

from aiserver_tray.contract.channel import channel
from aiserver_tray.contract.channels.part import Feature
from aiserver_tray.contract.contract import Caller
from aiserver_tray.core.doctor import examine
from aiserver_tray.core.doctor.finding import CheckJson
from aiserver_tray.features.place import Place


class Checks(TypedDict):
    """What the doctor found."""

    checks: list[CheckJson]


class DoctorFeature(Feature):
    """``ai/doctor/run``."""

    def __init__(self, place: Place) -> None:
        self._app = place.app

    @channel("ai/doctor/run")
    def _run(self, caller: Caller) -> Checks:
        """Check the installation, the engine, and what the chosen modules need there."""
        return {"checks": [finding.as_json(caller.language) for finding in examine(self._app)]}
