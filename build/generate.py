"""Write what is generated from the package's declarations.

python3 build/dev.py generate     tables in docs/ipc.md and docs/json.md, the commands
                                  in docs/command-line.md, the diagram in docs/architecture.md,
                                  ui/js/contract.d.ts, and the links of ui/index.html to scripts
python3 build/dev.py check        fails if one of them is out of date
"""

import sys
from pathlib import Path

from aiserver_tray.cli import root
from aiserver_tray.owner.features import every_channel
from aiserver_tray.protocol.channel import channels_of
from aiserver_tray.protocol.message import EVENTS
from aiserver_tray.window.bridge import Bridge
from generator.command_line import commands
from generator.contract import channel_table, event_table, field_table, types
from generator.imports import diagram
from generator.pages import Tables, sections, written
from generator.preloads import with_preloads

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("docs/ipc.md", "docs/json.md", "docs/architecture.md", "docs/command-line.md")
TYPES = "ui/js/contract.d.ts"
INDEX = ROOT / "ui/index.html"


def outputs() -> dict[Path, str]:
    """Each generated file -> its content."""
    owner = sorted(every_channel().values(), key=lambda channel: channel.name)
    window = list(channels_of(Bridge))
    events = [EVENTS[name] for name in sorted(EVENTS)]
    pages = {ROOT / page: (ROOT / page).read_text(encoding="utf-8") for page in PAGES}
    known = sections({page.name: text for page, text in pages.items()})
    drawn = diagram()
    found = {
        ROOT / TYPES: types([*owner, *window], events),
        INDEX: with_preloads(INDEX.read_text(encoding="utf-8"), INDEX.parent),
    }
    for page, text in pages.items():
        tables = Tables(page.name, known)
        others = {
            "channels": channel_table(owner, tables),
            "payloads": field_table([(each.name, each.request) for each in owner], tables),
            "data": field_table([(each.name, each.answer) for each in owner], tables),
            "channels of the window": channel_table(window, tables),
            "events": event_table([e for e in events if e.source == "owner"], tables),
            "events of the window": event_table(
                [e for e in events if e.source == "window"], tables
            ),
            "imports": drawn,
            "commands": commands(root, "aiserver-tray"),
        }
        found[page] = written(text, tables, others)
    return found


def main(arguments: list[str]) -> None:
    """Write every file that is out of date; with ``--check``, exit with their names."""
    stale = {
        path: content
        for path, content in outputs().items()
        if not path.exists() or path.read_text(encoding="utf-8") != content
    }
    if arguments == ["--check"]:
        names = ", ".join(str(path.relative_to(ROOT)) for path in stale)
        sys.exit(f"out of date: {names}; run build/dev.py generate" if stale else 0)
    for path, content in stale.items():
        path.write_text(content, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
