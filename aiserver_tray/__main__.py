"""``python -m aiserver_tray``, and what the bundle's executable runs: also its windows, which must
not wait for the command line's imports."""

import sys
from importlib import import_module

from aiserver_tray.window.protocol import PROGRAMS

if sys.argv[1:2] == ["window"] and sys.argv[2:3] and sys.argv[2] in PROGRAMS:
    import_module(PROGRAMS[sys.argv[2]]).main(sys.argv[3:])
else:
    from aiserver_tray.cli import main

    main()
