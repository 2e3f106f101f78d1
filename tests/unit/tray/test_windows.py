"""The parts of the Windows half that need no Windows; the whole is tested under Wine."""

import struct
from io import BytesIO

import pytest
from PIL import Image

from aiserver_tray.tray.icons import draw
from aiserver_tray.tray.view import IconSpec
from aiserver_tray.tray.windows import _icon_resource


@pytest.mark.parametrize("size", [16, 20, 33])
def test_an_icon_for_windows_is_the_picture_with_its_transparency(size: int) -> None:
    picture = draw(IconSpec("degraded"), size, "dark")
    resource = _icon_resource(picture)
    file = struct.pack("<HHHBBBBHHII", 0, 1, 1, size, size, 0, 0, 0, 32, len(resource), 22)
    with Image.open(BytesIO(file + resource), formats=["ICO"]) as shown:
        assert shown.tobytes() == picture.tobytes()
    mask = (size + 31) // 32 * 4 * size
    assert resource[-mask:] == bytes(mask)
    assert len(resource) == 40 + 4 * size * size + mask
