"""The manual page, made from the command line's own help."""

import re
from collections.abc import Iterator

import click

from aiserver_tray.cli import root

NAME = "aiserver-tray"
_COMMON = ("home", "catalogs", "host")
"""Options of every command, which are explained once."""

_HEAD = r"""
.TH AISERVER-TRAY 1 "" "aiserver-tray {version}" "User Commands"
.SH NAME
aiserver-tray \- system tray applet that runs a local AI stack in Docker
.SH SYNOPSIS
.B aiserver-tray
[\fIOPTIONS\fR] [\fICOMMAND\fR [\fIARGUMENTS\fR]]
.SH DESCRIPTION
"""

_TAIL = r"""
.SH EXIT STATUS
0 success, 1 failure (with a code and a fix on standard error), 2 wrong usage, 130 cancelled.
.B doctor
and
.B catalog check
exit with 1 if they print a problem,
.B exec
with the status of its command.
.SH ENVIRONMENT
.TP
.B AISERVER_HOME
The folder for settings, secrets and state.
.TP
.B DOCKER_HOST
The address of the Docker engine.
.SH FILES
.TP
.I ~/.local/share/aiserver-tray
The folder for settings, secrets and state, unless another one is given.
.SH SEE ALSO
.BR docker (1)
"""


def manual(version: str) -> str:
    """The manual page of *version*, for ``man``."""
    with click.Context(root, info_name=NAME) as context:
        common = [param for param in root.params if not getattr(param, "hidden", False)]
        parts = [_HEAD.format(version=version), _text(root.help or "")]
        parts += [".SH OPTIONS\n", *_options(context, common)]
        parts += [".SH COMMANDS\n", *_commands(root, context)]
    return "".join([*parts, _TAIL]).strip().replace("\n\n", "\n") + "\n"


def _commands(group: click.Group, context: click.Context) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command
        with click.Context(command, info_name=name, parent=context) as own:
            if isinstance(command, click.Group):
                yield from _commands(command, own)
                continue
            words = " ".join(_escaped(word) for word in command.collect_usage_pieces(own))
            path = own.command_path.removeprefix(f"{NAME} ")
            yield f".SS \\fB{_escaped(path)}\\fR {words}\n{_text(command.help or '')}"
            params = [param for param in command.params if param.name not in _COMMON]
            yield from _options(own, params)


def _options(context: click.Context, params: list[click.Parameter]) -> Iterator[str]:
    for param in params:
        if record := param.get_help_record(context):
            names, text = record
            yield f".TP\n.B {_escaped(names)}\n{_escaped(text)}\n"


def _text(words: str) -> str:
    """Paragraphs; click leaves one that begins with a backspace as it is."""
    parts = []
    for paragraph in re.split(r"\n\s*\n", words.strip()):
        lines = [_escaped(line) for line in paragraph.splitlines()]
        if lines[0] == "\b":
            parts += [".PP\n.nf\n", *(f"{line}\n" for line in lines[1:]), ".fi\n"]
        else:
            parts += [".PP\n", *(f"{line.strip()}\n" for line in lines)]
    return "".join(parts)


def _escaped(text: str) -> str:
    """*text* so that it means itself to ``man``."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return f"\\&{text}" if text.startswith(".") else text
