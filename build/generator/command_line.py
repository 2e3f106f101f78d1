"""Writes what documentation tells of the commands, from their declarations for click."""

import inspect
from collections.abc import Iterator, Sequence

import click

from generator.pages import table


def commands(root: click.Command, name: str) -> str:
    """A section for each command, with its arguments, its help and its own options. The options
    of the root belong to every command, and come first."""
    context = click.Context(root, info_name=name)
    common = [option for option in _options(root) if option.name not in ("version", "help")]
    shared = {option.name for option in common}
    parts = [table(("option of every command", "meaning"), map(_row, common))]
    for within, command in _tree(root, context):
        own = [option for option in _options(command) if option.name not in shared]
        parts.append(_section(within, command, own))
    return "\n".join(parts)


def _tree(
    group: click.Command, context: click.Context
) -> Iterator[tuple[click.Context, click.Command]]:
    """The commands of *group* that can be run, each with its context."""
    if not isinstance(group, click.Group):
        return
    for word in group.list_commands(context):
        command = group.get_command(context, word)
        if command is None or command.hidden:
            continue
        within = click.Context(command, parent=context, info_name=word)
        if isinstance(command, click.Group):
            yield from _tree(command, within)
        else:
            yield within, command


def _section(
    context: click.Context, command: click.Command, options: Sequence[click.Option]
) -> str:
    arguments = (p.make_metavar(context) for p in command.params if isinstance(p, click.Argument))
    usage = " ".join((context.command_path, *arguments))
    title = context.command_path.partition(" ")[2]
    parts = [f"### {title}", f"`{usage}`", *_paragraphs(command.help or "")]
    section = "\n\n".join(parts) + "\n"
    return f"{section}\n{table(('option', 'meaning'), map(_row, options))}" if options else section


def _paragraphs(help_text: str) -> Iterator[str]:
    """The help as paragraphs. Click leaves one that begins with ``\\b`` as it is written."""
    for paragraph in inspect.cleandoc(help_text).split("\n\n"):
        is_verbatim = paragraph.lstrip().startswith("\b")
        text = paragraph.replace("\b", "").strip("\n")
        yield f"```text\n{text}\n```" if is_verbatim else text.strip()


def _options(command: click.Command) -> list[click.Option]:
    return [p for p in command.params if isinstance(p, click.Option) and not p.hidden]


def _row(option: click.Option) -> tuple[str, str]:
    names = ", ".join(f"`{name}`" for name in option.opts)
    value = "" if option.is_flag else f" {_value(option)}"
    return names + value, (option.help or "").replace("|", "\\|")


def _value(option: click.Option) -> str:
    if isinstance(option.type, click.Choice):
        return ", ".join(f"`{choice}`" for choice in option.type.choices)
    return option.metavar or (option.name or "").removesuffix("s").replace("_", "-").upper()
