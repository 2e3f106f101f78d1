"""Words and signs that several commands use."""

from collections.abc import Mapping

from aiserver_tray.base.i18n import Text
from aiserver_tray.model import State, StepKind

PLAIN_SIGNS: Mapping[State, str] = {
    "stopped": "-",
    "starting": "~",
    "running": "+",
    "degraded": "!",
    "error": "x",
    "stopping": "~",
    "engine_down": "/",
}
"""For terminals that can't show `state.words.SIGNS`."""

STYLES: Mapping[State, str] = {
    "stopped": "bright_black",
    "starting": "yellow",
    "running": "green",
    "degraded": "red",
    "error": "red",
    "stopping": "yellow",
    "engine_down": "bright_black",
}

STEPS: Mapping[StepKind, Text] = {
    "pull": Text("pull image"),
    "build": Text("build image"),
    "network": Text("create network"),
    "volume": Text("create volume"),
    "create": Text("create container"),
    "start": Text("start"),
    "wait": Text("wait until ready"),
    "stop": Text("stop"),
    "remove": Text("remove container"),
    "remove_network": Text("remove network"),
    "remove_volume": Text("remove volume"),
    "kernel_setting": Text("set kernel setting"),
}

GRADES: Mapping[str, Text] = {
    "ok": Text("OK"),
    "note": Text("NOTE"),
    "problem": Text("PROBLEM"),
}
