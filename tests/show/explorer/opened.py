"""A page of the explorer, opened in a browser."""

from typing import Any


class Opened:
    """The page, with shorthands for what tests do on it."""

    def __init__(
        self, browser: Any, url: str, size: tuple[int, int] = (1280, 800), **options: Any
    ) -> None:
        viewport = {"width": size[0], "height": size[1]}
        self.context = browser.new_context(viewport=viewport, accept_downloads=True, **options)
        self.context.set_default_timeout(15_000)
        self.page = self.context.new_page()
        self.wrong: list[str] = []
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", self._requested)
        self.page.goto(url)
        self.page.wait_for_selector("#explorer[data-ready]", timeout=60_000)

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(message.text)

    def _requested(self, request: Any) -> None:
        if request.url.partition(":")[0] not in ("file", "data", "blob"):
            self.wrong.append(f"asked for {request.url}")

    def close(self) -> None:
        """Close it, and fail if anything was wrong."""
        self.context.close()
        assert not self.wrong

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
