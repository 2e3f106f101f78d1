"""How long a pull may be silent. The containerd image store of Engine 25 to 27, which says nothing
while it unpacks, can't be had here: a stand-in is as silent."""

import threading
from contextlib import closing
from pathlib import Path

import pytest

from aiserver_tray.base.errors import ImagePullError
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.engine.engine import Engine
from tests.support.standin_engine import IMAGE, Asked, needs_unix_sockets, standin

ENDLESS = 60.0


def _pull(folder: Path, *said: tuple[str, str], stall_timeout: float, silence: float) -> str:
    """The id of an image whose pull is silent (*silence*, seconds) after what is *said* of
    layers."""
    is_over = threading.Event()

    def answer(asked: Asked, _body: bytes) -> None:
        if "/images/create" not in asked.path:
            asked.say(IMAGE)
            return
        asked.begin()
        for status, layer in said:
            asked.message(status=status, id=layer)
        is_over.wait(silence)
        asked.end()

    with (
        standin(folder, answer) as address,
        closing(Engine(address, stall_timeout=stall_timeout)) as engine,
    ):
        try:
            return engine.images.pull("x:1", cancelled=Cancellation()).id
        finally:
            is_over.set()


@needs_unix_sockets
def test_it_may_unpack_in_silence(tmp_path: Path) -> None:
    said = [("Pulling fs layer", "a"), ("Already exists", "b"), ("Download complete", "a")]
    # On a busy machine the stand-in itself takes a while until it says something.
    assert _pull(tmp_path, *said, stall_timeout=2.0, silence=3.0) == IMAGE["Id"]


@needs_unix_sockets
@pytest.mark.parametrize("last", ["Pulling fs layer", "Downloading"])
def test_it_may_not_download_in_silence(last: str, tmp_path: Path) -> None:
    said = [("Download complete", "a"), ("Download complete", "b")]
    with pytest.raises(ImagePullError, match="no progress for 0 s"):
        _pull(tmp_path, *said, (last, "b2"), stall_timeout=0.4, silence=ENDLESS)
