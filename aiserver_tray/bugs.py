"""Bugs of ours, told without their texts: these might hold a secret."""

import logging
import traceback
from pathlib import Path


def log_bug(logger: logging.Logger, what: str, bug: BaseException) -> None:
    """Log *what* failed, with the kind of *bug* and where it happened."""
    frames = "".join(traceback.format_tb(bug.__traceback__))
    logger.error("%s: %s\n%s", what, type(bug).__name__, frames.rstrip())


def where(bug: BaseException) -> str:
    """The kind of *bug* and where it happened, in a line."""
    frame = traceback.extract_tb(bug.__traceback__)[-1]
    return f"{type(bug).__name__}, {Path(frame.filename).name}:{frame.lineno}"
