"""How fast it shows that a service of the whole catalog was killed, one service after the other."""

import statistics
import tempfile
from pathlib import Path

from tests.bench.result import Figure, Results
from tests.lab.place import Place
from tests.support.whole.catalog import ANSWERS, EVERY, LASTING, services_with
from tests.support.whole.kills import Victim, kill_together
from tests.support.whole.stack import Stack, started

LIMIT = 1.0
"""Seconds from the kill until a snapshot shows it."""


def kill_to_snapshot(place: Place) -> Results:
    """Seconds from the kill of a service until a snapshot names it, with the reason. The other
    services run meanwhile, and so does the killed one before the next is killed."""
    with tempfile.TemporaryDirectory() as name, started(place, Path(name)) as stack:
        victims = [_killed(stack, service) for service in LASTING]
        for address, answers in ANSWERS.items():
            for answer in answers:
                if services_with(address, answer).intersection(EVERY):
                    stack.here.set(address, answer)
        stack.up()
        stack.runs()
        victims += [_killed(stack, service) for service in sorted({*EVERY} - {*LASTING})]
    worst = max(victims, key=lambda victim: victim.seconds)
    median = statistics.median(victim.seconds for victim in victims)
    return {
        "kill-to-snapshot-median": Figure(median, f"s of {len(victims)}"),
        "kill-to-snapshot-worst": Figure(worst.seconds, f"s {'/'.join(worst.service)}", LIMIT),
    }


def _killed(stack: Stack, service: tuple[str, str]) -> Victim:
    victims = kill_together(stack, [service])
    stack.runs()
    return victims[service]
