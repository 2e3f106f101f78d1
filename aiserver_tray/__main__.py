"""``aiserver-tray``, ``python -m aiserver_tray``, and what the bundle's executable runs: also its
windows, which must not wait for the command line's imports."""

import sys

_INTERRUPTED = 130


def main() -> None:
    """Entry point; its exit status is that of `aiserver_tray.cli.main`."""
    try:
        _run(sys.argv[1:])
    except KeyboardInterrupt:  # before the command line could answer it
        sys.exit(_INTERRUPTED)


def _run(words: list[str]) -> None:
    from importlib import import_module  # noqa: PLC0415 - Ctrl-C is answered by now

    from aiserver_tray.window.protocol import PROGRAMS  # noqa: PLC0415

    if words[:1] == ["window"] and words[1:2] and words[1] in PROGRAMS:
        import_module(PROGRAMS[words[1]]).main(words[2:])
    else:
        from aiserver_tray import cli  # noqa: PLC0415

        cli.main()


if __name__ == "__main__":
    main()
