"""``python -m aiserver_tray``."""

from aiserver_tray.cli import main

main()
