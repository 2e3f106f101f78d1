"""The whole built-in catalog, opened to the network by the gateway. It has a stack of its own:
each module begins without an account here."""

from pathlib import Path

from tests.engine.whole_access import is_opened_to
from tests.lab.place import Place
from tests.support.second_host import second_host
from tests.support.whole.stack import started


def test_modules_are_opened_to_the_network_without_their_setup(lab: Place, tmp_path: Path) -> None:
    with started(lab, tmp_path) as stack, second_host("192.168.83") as device:
        (tmp_path / "files").mkdir()
        is_opened_to(stack, device, tmp_path / "files")
