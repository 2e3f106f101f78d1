"""Stack traces: which lines begin one, and which lines belong to the entry above. Pure."""

import re

_CLASS = r"(?:[A-Za-z_][\w$]*\.){0,12}[A-Z][\w$]{0,80}(?:Error|Exception)"

HEAD = re.compile(
    rf"""Traceback\ \(most\ recent\ call\ last\):              # Python
    | (?:panic|fatal\ error):\ |goroutine\ \d+\ \[            # Go
    | thread\ '[^']{{0,80}}'(?:\ \(\d+\))?\ panicked\ at        # Rust
    | (?:Uncaught\ )?{_CLASS}(?:\ \[\w+\])?(?::\ |$)           # Java, Node, .NET
    | Exception\ in\ thread\ |Unhandled\ exception""",
    re.VERBOSE,
)
"""The first line of a trace, which is an error of its own unless an entry with a level is above."""

FRAMES = re.compile(r"Traceback |goroutine \d|thread '|The above |During ")
"""Lines after which, or after whose frames, a line belongs to the trace in any form: Python ends a
trace with the exception, Go and Rust have lines without an indent."""

INNER = re.compile(
    r"""Caused\ by:\ |Suppressed:\ |\.\.\.\ \d+\ (?:more|common)                # Java
    | During\ handling\ of\ the\ above|The\ above\ exception\ was             # Python
    | \[SQL:\ |\[parameters:\ |\(Background\ on\ this\ error                     # SQLAlchemy
    | goroutine\ \d+\ \[|created\ by\ |\[signal\ |\[recovered|exit\ status\ \d    # Go
    | Node\.js\ v\d|\(Use\ `node\ --trace|\(Use\ `[\w./-]+\ --trace            # Node
    | \[stacktrace\]|\#\d+\ (?:/|\[internal|\{main\})                          # PHP
    | note:\ run\ with\ |stack\ backtrace:                                     # Rust""",
    re.VERBOSE,
)
"""Lines of traces without an indent that belong to the entry above."""

GO_FUNCTION = re.compile(r"(?=.{1,300}$)[\w./*()\[\]{}-]{1,200}(?:\(.*\)|\.[\w.()*]{1,80})$")
"""A function in a trace of Go, which has its place on the next line."""
