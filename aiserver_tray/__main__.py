"""The entry point: ``aiserver-tray``, ``python -m aiserver_tray``, and the bundle's executable. It
also runs windows, which must not wait for the command line's imports."""

import sys
import time
from _thread import get_ident, start_new_thread

_INTERRUPTED = 130
_RETRY_SECONDS = 0.05
"""Seconds after which a finalizer is over."""

_interrupts: list[int] = []
"""A signal for each Ctrl-C that was noticed."""


def main() -> None:
    """Entry point; its exit status is that of `aiserver_tray.cli.main`."""
    sys.unraisablehook = _on_unraisable
    try:
        _note_interrupts()
        _run(sys.argv[1:])
    except (KeyboardInterrupt, Exception) as error:
        # Before the command line handles Ctrl-C; libraries would turn it into their own errors.
        if isinstance(error, KeyboardInterrupt) or _interrupts:
            sys.exit(_INTERRUPTED)
        raise
    finally:
        # Ctrl-C while a string is executed, as for each dataclass, makes Python exit by the signal
        # instead of the exit status. Executing another string resets that.
        exec("")


def _note_interrupts() -> None:
    import signal  # noqa: PLC0415 - Ctrl-C is answered by now

    def interrupt(number: int, _frame: object) -> None:
        _interrupts.append(number)
        raise KeyboardInterrupt

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # otherwise it is ignored
        signal.signal(signal.SIGINT, interrupt)


def _run(words: list[str]) -> None:
    from importlib import import_module  # noqa: PLC0415

    from aiserver_tray.window.protocol import PROGRAMS  # noqa: PLC0415

    if words[:1] == ["window"] and words[1:2] and words[1] in PROGRAMS:
        import_module(PROGRAMS[words[1]]).main(words[2:])
    else:
        from aiserver_tray import cli  # noqa: PLC0415

        cli.main()


def _on_unraisable(lost: "sys.UnraisableHookArgs") -> None:
    """Repeat Ctrl-C that arrived in a finalizer, where an exception can't be raised and would be
    lost."""
    if lost.exc_type is KeyboardInterrupt:
        # No `Thread`: the finalizer may run while a lock of that module is held.
        start_new_thread(_interrupt, (get_ident(),))
    else:
        sys.__unraisablehook__(lost)


def _interrupt(thread: int) -> None:
    import signal  # noqa: PLC0415

    time.sleep(_RETRY_SECONDS)
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(thread, signal.SIGINT)  # this also ends the wait of the thread
    else:
        signal.raise_signal(signal.SIGINT)  # there, this does; `interrupt_main` would not


if __name__ == "__main__":
    main()
