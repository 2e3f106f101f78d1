"""Undocumented parts of libraries, which may change with any release: each is used in one module of
ours, and the installed version still has it."""

import ast
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions, version
from importlib.util import find_spec
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "aiserver_tray"

# Our module, the library's module, and what the one uses of the other. The library is only read: it
# may belong to another system.
PARTS = (
    ("engine/registry.py", "docker.auth", "AuthConfig resolve_repository_name encode_header"),
    ("engine/registry.py", "docker.auth", "parse_auth resolve_authconfig get_all_credentials"),
    ("engine/registry.py", "docker.auth", "get_credential_store creds_store cred_helpers"),
    ("engine/registry.py", "urllib.request", "proxy_bypass"),
    ("engine/build.py", "docker.api.build", "process_dockerfile"),
    ("engine/build.py", "docker.utils.build", "tar"),
    ("engine/sdk.py", "docker.api.client", "get_adapter"),
    ("engine/sockets.py", "urllib3.connectionpool", "_get_conn _put_conn _new_conn conn_kw"),
    ("engine/sockets.py", "urllib3.response", "_fp"),
    ("system/ports.py", "psutil._ntuples", "pconn sconn"),
    ("system/windows_owner.py", "multiprocessing.connection", "PipeListener _address _new_handle"),
    ("system/clock.py", "tzlocal.unix", "_get_localzone_name"),
    ("system/clock.py", "tzlocal.win32", "_get_localzone_name"),
    ("tray/gtk.py", "pystray._base", "_icon_valid _mark_ready"),
    ("tray/gtk.py", "pystray._util.gtk", "_create_menu_item _finalize _icon_path _initialize"),
    ("tray/gtk.py", "pystray._util.gtk", "_notifier _remove_fs_icon _update_fs_icon"),
    ("tray/gtk.py", "pystray._gtk", "_menu_handle _show _status_icon _update_icon"),
    ("tray/gtk.py", "pystray._gtk", "_update_menu _update_title"),
    ("tray/gtk.py", "pystray._appindicator", "_finalize _menu_handle _show _update_icon"),
    ("tray/gtk.py", "pystray._appindicator", "_update_menu _update_title"),
    ("tray/mac.py", "pystray._darwin", "_notify"),
    ("tray/windows.py", "pystray._util.win32", "NOTIFYICONDATAW Shell_NotifyIcon"),
    ("tray/windows.py", "pystray._win32", "_assert_icon_handle _hwnd _icon_handle _menu_handle"),
    ("tray/windows.py", "pystray._win32", "_message_handlers _on_display_change _on_notify"),
    ("tray/windows.py", "pystray._win32", "_show _update_menu"),
    ("window/toolkit.py", "webview.window", "gui initial_height initial_width initial_x initial_y"),
    ("window/toolkit.py", "webview.window", "maximized native uid"),
    ("window/toolkit.py", "webview.screen", "height width x y"),
    ("window/toolkit.py", "webview.platforms.gtk", "BrowserView create_file_dialog instances"),
    ("window/toolkit.py", "webview.platforms.gtk", "Gdk get_current_url get_position get_screens"),
    ("window/toolkit.py", "webview.platforms.gtk", "get_size glib gtk renderer webview"),
    ("window/toolkit.py", "webview.platforms.winforms", "browser get_current_url get_position"),
    ("window/toolkit.py", "webview.platforms.winforms", "get_screens get_size renderer windll"),
    ("window/toolkit.py", "webview.platforms.edgechromium", "renderer webview"),
    ("window/toolkit.py", "webview.platforms.cocoa", "get_current_url get_position get_screens"),
    ("window/toolkit.py", "webview.platforms.cocoa", "get_size renderer"),
)

DOCUMENTED = {"_asdict", "_exit", "_fields", "_make", "_replace"}
"""Of named tuples and `os`."""

WINDOWS_OWN = {"gui", "native"}
"""Attributes of pywebview's windows that lead to all its undocumented parts."""


def source(module: str) -> ast.Module:
    """The source of a library's *module*, which is not run."""
    top, *names = module.split(".")
    found = find_spec(top)
    assert found, f"{top} is not installed"
    assert found.origin
    file = Path(found.origin).parent.joinpath(*names).with_suffix(".py")
    return ast.parse(file.read_text(encoding="utf-8")) if file.exists() else ast.Module([], [])


def defined(tree: ast.Module) -> Iterator[str]:
    """The names that *tree* gives to anything: functions, classes, imports, attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.alias):
            yield node.asname or node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def complaint(ours: str, module: str, missing: list[str]) -> str:
    """What must be done because *module* lacks the *missing* parts."""
    libraries = packages_distributions().get(module.partition(".")[0])
    library = (
        f"{libraries[0]} {version(libraries[0])}"
        if libraries
        else f"Python {sys.version.split()[0]}"
    )
    return f"{library} has no {', '.join(missing)} in {module}: adapt aiserver_tray/{ours}"


@pytest.mark.parametrize(("ours", "module", "names"), PARTS)
def test_the_installed_library_has_the_private_parts_that_we_use(
    ours: str, module: str, names: str
) -> None:
    missing = sorted(set(names.split()) - set(defined(source(module))))
    assert not missing, complaint(ours, module, missing)


def test_a_missing_part_is_named_with_the_library_and_our_module() -> None:
    found = f"pystray {version('pystray')} has no _gone in pystray._gtk"
    said = complaint("tray/gtk.py", "pystray._gtk", ["_gone"])
    assert said == f"{found}: adapt aiserver_tray/tray/gtk.py"
    assert "_gone" not in set(defined(source("pystray._gtk")))
    assert not list(defined(source("pystray._no_such_module")))


@pytest.mark.parametrize("module", ["pystray._gtk", "pystray._appindicator"])
def test_pystray_still_wraps_what_we_call_within_its_loop(module: str) -> None:
    """`tray/gtk.py` calls ``_update_icon.__wrapped__``, which `functools.wraps` leaves."""
    functions = [node for node in ast.walk(source(module)) if isinstance(node, ast.FunctionDef)]
    wrapped = {f.name for f in functions if "mainloop" in map(ast.unparse, f.decorator_list)}
    assert {"_update_icon", "_update_menu"} <= wrapped, complaint(
        "tray/gtk.py", module, ["mainloop"]
    )
    (mainloop,) = (
        node
        for node in ast.walk(source("pystray._util.gtk"))
        if isinstance(node, ast.FunctionDef) and node.name == "mainloop"
    )
    assert "functools.wraps" in ast.unparse(mainloop)


def trees() -> Iterator[tuple[str, ast.Module]]:
    for file in PACKAGE.rglob("*.py"):
        yield file.relative_to(PACKAGE).as_posix(), ast.parse(file.read_text(encoding="utf-8"))


def foreign(tree: ast.Module, inherited: set[str]) -> Iterator[str]:
    """Private attributes that *tree* uses, and what it imports from private modules. Its objects
    have the *inherited* attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            is_own = ast.unparse(node.value) == "self" and node.attr in inherited
            is_private = node.attr.startswith("_") and not node.attr.endswith("__")
            if (is_private and not is_own) or node.attr in WINDOWS_OWN:
                yield node.attr
        elif isinstance(node, ast.ImportFrom) and "._" in (node.module or ""):
            yield from (alias.name for alias in node.names)


def test_no_other_module_uses_a_private_part() -> None:
    inherited = {name for _, tree in trees() for name in defined(tree)}
    for file, tree in trees():
        parts = [(module, names) for ours, module, names in PARTS if ours == file]
        listed = {name for _, names in parts for name in names.split()}
        listed |= {module.rpartition(".")[2] for module, _ in parts}
        unlisted = set(foreign(tree, inherited)) - set(defined(tree)) - listed - DOCUMENTED
        assert not unlisted, f"list {unlisted} of aiserver_tray/{file} here, or use an adapter"
