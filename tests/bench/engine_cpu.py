"""The processor time that the engine takes to carry out what it is asked for."""

import psutil

from tests.lab import engine
from tests.lab.place import Place


class EngineCpu:
    """The lab's dockerd and containerd, without the containers and the runtimes that start them."""

    def __init__(self, place: Place) -> None:
        dockerd = psutil.Process(engine.processes(place)["dockerd"])
        containerd = [child for child in dockerd.children() if child.name() == "containerd"]
        self._processes = (dockerd, *containerd)

    @property
    def seconds(self) -> float:
        """Seconds of processor time since they were started."""
        times = [process.cpu_times() for process in self._processes]
        return sum(time.user + time.system for time in times)
