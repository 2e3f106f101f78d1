"""The icon on a light and on a dark task bar."""

from contextlib import closing

from PIL import Image

from aiserver_tray.system.desktop import Theme
from aiserver_tray.tray.icons import draw
from aiserver_tray.tray.view import IconSpec
from tests.desktop.xsettings import StyleManager
from tests.support.desktop.applet import STOPPED, Applet
from tests.support.desktop.desktop import Desktop
from tests.support.desktop.hurried import in_a_hurry
from tests.support.installation import Installation
from tests.support.waiting import eventually


def test_it_stands_out_from_a_task_bar_that_is_dark_at_first_and_light_later(
    applet: Applet,
) -> None:
    with closing(StyleManager(applet.desktop)) as styles:
        style(applet, "dark")
        styles.choose("Adwaita-dark")
        applet.start()
        is_for("dark", applet)
        style(applet, "light")
        styles.choose("Adwaita")
        is_for("light", applet)
        applet.quit()


def test_it_stands_out_from_a_task_bar_that_became_dark_while_the_machine_slept(
    screen: Desktop, shop: Installation
) -> None:
    """A process that is stopped for a while looks like a machine that slept."""
    with closing(Applet(screen, shop, in_a_hurry("sleep"))) as applet:
        style(applet, "light")
        applet.start()
        is_for("light", applet)
        eventually(lambda: applet.item.offers("Modules", "Shop", "Start"), "the whole of it")
        with applet.asleep():
            style(applet, "dark")
        is_for("dark", applet)
        applet.quit()


def style(applet: Applet, theme: Theme) -> None:
    """Let the desktop's style be *theme*, as KDE keeps it."""
    applet.desktop.environment["XDG_CURRENT_DESKTOP"] = "KDE"
    file = applet.desktop.path("XDG_CONFIG_HOME") / "kdeglobals"
    file.write_text(f"[General]\nColorScheme=Breeze{theme.title()}\n", encoding="utf-8")


def is_for(theme: Theme, applet: Applet) -> None:
    """Wait until the icon is the one for a task bar of *theme*."""

    def is_shown() -> bool:
        picture = applet.shows(STOPPED)
        return picture.tobytes() == wanted(theme, picture).tobytes()

    eventually(is_shown, f"icon for a {theme} task bar")


def wanted(theme: Theme, picture: Image.Image) -> Image.Image:
    """The one for a task bar of *theme*, in the size of *picture*."""
    return draw(IconSpec("stopped"), picture.width, theme)
