"""What tests of several runs at once have for themselves."""

import subprocess
import sys

from tests.support.ports import free_port, free_subnet, own_number

ANOTHER = """
from tests.support.ports import free_port, free_subnet, own_number
print(own_number(), free_subnet(), *(free_port(2) for _ in range(500)))
"""


def test_no_other_process_gets_the_same_ports_networks_and_number() -> None:
    own = {free_port() for _ in range(500)}
    done = subprocess.run(
        [sys.executable, "-c", ANOTHER], capture_output=True, text=True, check=True
    )
    number, subnet, *ports = done.stdout.split()
    assert int(number) != own_number()
    assert subnet not in {free_subnet() for _ in range(3)}
    assert own.isdisjoint({int(port) + more for port in ports for more in (0, 1)})
