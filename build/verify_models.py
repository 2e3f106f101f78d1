"""``build/dev.py verify-models``: asks both hubs about each model that the catalog offers."""

import sys
from pathlib import Path

from aiserver_tray.base.errors import DownloadError
from aiserver_tray.features.models.hub import HUBS, Card, Hub, offered

_MODULE = Path(__file__).parents[1] / "orchestration/basic/local-models"


def _line(hub: Hub, card: Card) -> tuple[bool, str]:
    """Whether all is well, and what there is to read."""
    try:
        facts = hub.facts(card)
    except DownloadError as error:
        return False, f"PROBLEM  {error.text.render()}"
    known = "as its source says" if card.sha256 else "no source: compare it, then pin it"
    size = "" if facts.size == card.download else f"; the catalog says {card.download} bytes"
    return (
        True,
        f"{facts.size} bytes, commit {facts.commit}, SHA-256 {facts.sha256} ({known}){size}",
    )


def main() -> None:
    """One line for each model and hub. The exit code is 1 if there is a problem."""
    is_well = True
    for card in offered(_MODULE):
        print(f"{card.name}: {card.repository}/{card.file}, {card.licence}")  # noqa: T201 - its result
        for name, address in HUBS.items():
            one, text = _line(Hub(name, address), card)
            is_well = is_well and one
            print(f"  {name}: {text}")  # noqa: T201 - its result
    sys.exit(0 if is_well else 1)


if __name__ == "__main__":
    main()
