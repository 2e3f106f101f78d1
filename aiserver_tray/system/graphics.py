"""Graphics cards that containers can use."""

from aiserver_tray.system.commands import output_of

_QUERY = ("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader")


def graphics_cards() -> list[str]:
    """NVIDIA's cards in this machine with their memory, as its driver names them."""
    return [line.strip() for line in output_of(*_QUERY).splitlines() if line.strip()]
