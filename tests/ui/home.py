"""Home as a user of the browser sees and works it."""

from selenium.webdriver import Keys
from selenium.webdriver.remote.webelement import WebElement

from tests.support.page import Page


class HomePage(Page):
    """Home, and the pages that it leads to."""

    def module(self, name: str) -> WebElement:
        return self.wait_for(f"[data-module={name}]")

    def names_of_usable_buttons(self, module: str) -> list[str]:
        """What can be done with *module* itself, by buttons and by its menu."""
        buttons = self.all(f"[data-module={module}] .button:not([aria-disabled])")
        names = [button.accessible_name.partition(":")[0] for button in buttons]
        self._open_menu(_more(module))
        names += [i.text for i in self.all("#menu button.mi:not([aria-disabled])")]
        self.press(Keys.ESCAPE)
        return [name for name in names if name not in ("Logs", "More", "Copy address")]

    def item(self, button: str, name: str) -> WebElement:
        """The item *name* of the menu of the *button* of this selector, which is open then."""

        def found() -> WebElement | None:
            self._open_menu(button)
            return next((i for i in self.all("#menu .mi") if i.text == name), None)

        item: WebElement = self.until(found, name)
        return item

    def item_of(self, module: str, name: str) -> WebElement:
        """The item *name* of the menu of *module*, which is open then."""
        return self.item(_more(module), name)

    def _open_menu(self, button: str) -> None:
        def opened() -> bool:
            """A menu that was closed a moment ago may close the next one, too."""
            if not self.all("#menu:popover-open"):
                seen = "arguments[0].scrollIntoView({block: 'nearest'}); arguments[0].click()"
                self.script(seen, self.wait_for(button))
            return bool(self.all("#menu:popover-open .mi"))

        self.until(opened, f"menu of {button}")


def _more(module: str) -> str:
    return f"[data-module={module}] .button[aria-label^=More]"
