"""Reporting bugs without their messages, which might contain a secret."""

import logging
import traceback
from pathlib import Path

from aiserver_tray.base.errors import AiServerError
from aiserver_tray.base.i18n import Text


def log_bug(logger: logging.Logger, what: str, bug: BaseException) -> None:
    """Log that *what* failed, with the kind of *bug* and its place."""
    frames = "".join(traceback.format_tb(bug.__traceback__))
    logger.error("%s: %s\n%s", what, type(bug).__name__, frames.rstrip())


def bug_error(bug: BaseException) -> AiServerError:
    """The message for the user about *bug*: its kind and its place."""
    text = Text("This is a bug in AI-Server Tray ({where}). Please report it.", where=where(bug))
    return AiServerError(text)


def where(bug: BaseException) -> str:
    """The kind of *bug* and its place, in one line."""
    frame = traceback.extract_tb(bug.__traceback__)[-1]
    return f"{type(bug).__name__}, {Path(frame.filename).name}:{frame.lineno}"
