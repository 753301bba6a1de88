"""A page of the explorer, opened in a browser."""

from pathlib import Path
from typing import Any

AXE = Path(__file__).parents[3] / "tools/js/node_modules/axe-core/axe.min.js"


class Opened:
    """The page, with shorthands for what tests do on it.

    Whatever goes wrong on it is kept: console errors and warnings, errors of the page, and requests
    to anywhere else.
    """

    def __init__(self, browser: Any, size: tuple[int, int] = (1280, 800), **options: Any) -> None:
        viewport = {"width": size[0], "height": size[1]}
        self.context = browser.new_context(viewport=viewport, accept_downloads=True, **options)
        self.context.set_default_timeout(15_000)
        self.page = self.context.new_page()
        self.wrong: list[str] = []
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", self._requested)

    def go(self, url: str) -> None:
        """Show a page, anew even if it is the present one."""
        self.page.emulate_media(media="screen")
        self.page.goto("about:blank")
        self.page.goto(url)
        self.page.wait_for_selector("#explorer[data-ready]", timeout=60_000)

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(message.text)

    def _requested(self, request: Any) -> None:
        if request.url.partition(":")[0] not in ("file", "data", "blob", "about"):
            self.wrong.append(f"asked for {request.url}")

    def done(self) -> None:
        """Fail if anything was wrong since the last time."""
        wrong, self.wrong = self.wrong, []
        assert not wrong

    def close(self) -> None:
        """Close it, and fail if anything was wrong."""
        self.context.close()
        self.done()

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def text(self, selector: str) -> str:
        """The text of the first element that a selector finds."""
        return (self.page.locator(selector).first.text_content() or "").strip()

    def count(self, selector: str) -> int:
        """How many elements a selector finds."""
        found: int = self.page.locator(selector).count()
        return found

    def tell(self, expression: str, given: Any = None) -> Any:
        """What JavaScript gives; the page's own object is `explorer`."""
        return self.page.evaluate(expression, given)

    def wait(self, condition: str) -> None:
        """Until JavaScript gives true; the page's policy lets nothing else wait within it."""
        for _ in range(600):
            if self.tell(condition):
                return
            self.page.wait_for_timeout(20)
        raise AssertionError(f"{condition} did not come true")

    def click(self, name: str, role: str = "button") -> None:
        """Click what has a role and a name."""
        self.page.get_by_role(role, name=name, exact=True).first.click()

    def axe(self, *rules: str) -> list[str]:
        """What axe-core finds by these rules, or by all of them."""
        if not self.tell("typeof axe === 'object'"):
            text = AXE.read_text(encoding="utf-8")
            self.tell(f"() => {{ {text}; return true; }}")
        found: list[str] = self.tell(
            """rules => axe.run(rules.length ? {runOnly: rules} : {}).then(({violations}) =>
            violations.map((v) =>
              `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 120)).join(' | ')}`))""",
            list(rules),
        )
        return found

    def downloaded(self, name: str) -> bytes:
        """The file that a button of the panel "Export" gives."""
        self.click("Export", "tab")
        with self.page.expect_download() as download:
            self.click(name)
        return Path(download.value.path()).read_bytes()

    @property
    def formula(self) -> list[str]:
        """What the present step says: symbols, numbers, note."""
        return [self.text(f".formula .{part}") for part in ("symbols", "numbers", "note")]

    def data(self) -> dict[str, float]:
        """All numbers by name, as the page computes with them."""
        return self._column("data")

    def grads(self) -> dict[str, float]:
        """All gradients by name."""
        return self._column("grad")

    def _column(self, which: str) -> dict[str, float]:
        found: dict[str, float] = self.tell(
            "which => Object.fromEntries([...explorer.engine[which]].map("
            "(x, k) => [explorer.tape.name(k), x]))",
            which,
        )
        return found
