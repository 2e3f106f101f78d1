"""Amounts as people read them."""

_SIZES = ("B", "kB", "MB", "GB", "TB")


def size(count: float) -> str:
    """*count* bytes with a decimal unit, as registries and Docker give them: ``12.3 MB``."""
    return amount(count, unit_of(count))


def unit_of(count: float) -> int:
    """The unit that suits *count* bytes: the power of 1000."""
    unit = 0
    while count >= 999.95 and unit < len(_SIZES) - 1:
        count, unit = count / 1000, unit + 1
    return unit


def amount(count: float, unit: int) -> str:
    """*count* bytes in the given *unit*."""
    return f"{number(count, unit)} {_SIZES[unit]}"


def number(count: float, unit: int) -> str:
    """*count* bytes in the given *unit*, without its name."""
    return f"{count:.0f}" if unit == 0 else f"{count / 1000**unit:.1f}"


def memory(count: float) -> str:
    """*count* bytes of memory with a binary unit, as ``docker stats`` shows them: ``12.3 MiB``."""
    gibi, mebi = 1024**3, 1024**2
    return f"{count / gibi:.1f} GiB" if count >= 1000 * mebi else f"{count / mebi:.1f} MiB"


def seconds(duration: float) -> str:
    """A duration in seconds: ``12.3 s``, ``2 min 05 s``, ``1 h 02 min``."""
    if duration < 99.95:
        return f"{duration:.1f} s"
    minutes, rest = divmod(round(duration), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"


def rough_seconds(duration: float) -> str:
    """Like `seconds`, for an estimate: whole seconds."""
    return f"{max(1, round(duration))} s" if duration < 99.5 else seconds(duration)
