"""The pictures of the documents."""

from collections import Counter
from itertools import chain

from PIL import Image

_LARGE = 128
"""Colours that stay as they are: those of the large areas, where the eye sees a tint at once."""
_OTHERS = 128
"""Colours that stand for all others."""


def for_documents(picture: Image.Image) -> Image.Image:
    """*picture* with few colours, as a file of a third of the size.

    The colours that cover most stay. The others are chosen by how far apart they are: a page is
    mostly grey, and its only red may be one small mark.
    """
    full = picture.convert("RGB")
    pixels = full.tobytes()
    each = [*zip(pixels[::3], pixels[1::3], pixels[2::3], strict=True)]
    colours = [colour for colour, _ in Counter(each).most_common()]
    kept, others = colours[:_LARGE], colours[_LARGE:] or colours[:1]
    row = Image.frombytes("RGB", (len(others), 1), bytes(chain.from_iterable(others)))
    chosen = row.quantize(_OTHERS, Image.Quantize.MAXCOVERAGE)
    # Pillow's own way to a palette rounds, and turns white into a light grey.
    number_of = dict(zip(others, (len(kept) + one for one in chosen.tobytes()), strict=True))
    number_of |= {colour: number for number, colour in enumerate(kept)}
    few = Image.frombytes("P", full.size, bytes(number_of[colour] for colour in each))
    few.putpalette([*chain.from_iterable(kept), *(chosen.getpalette() or ())])
    return few
