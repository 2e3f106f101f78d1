"""The pictures of the documents."""

from PIL import Image

_COLOURS = 256


def for_documents(picture: Image.Image) -> Image.Image:
    """*picture* with few colours, as a file of a third of the size.

    They are chosen by how far apart they are, not by how much they cover: a page is mostly grey,
    and its only red may be one small mark.
    """
    return picture.convert("RGB").quantize(_COLOURS, Image.Quantize.MAXCOVERAGE)
