"""A timeline in a browser, as a reader uses it."""

import json
from pathlib import Path
from typing import Any

from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.actions.wheel_input import ScrollOrigin
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from s3leader_cli.timeline.page import render_page

PATIENCE = 60  # seconds, for a machine that is busy
READY = "return document.documentElement.dataset.ready === 'yes'"
# Two frames after its dataflow has run, the page shows what it was asked for.
SETTLED = """
const done = arguments[0];
const frames = () => requestAnimationFrame(() => requestAnimationFrame(done));
setTimeout(() => view.runAsync().then(frames), 0);
"""


class TimelinePage:
    """Opens a page, points, presses keys, and says what is shown."""

    def __init__(self, browser: Chrome) -> None:
        self.browser = browser
        browser.set_script_timeout(PATIENCE)

    def open(self, data: dict[str, Any], folder: Path, *, theme: str = "light") -> None:
        file = folder / "timeline.html"
        file.write_text(render_page(data), encoding="utf-8")
        self.visit(file.as_uri(), theme=theme)

    def visit(self, address: str, *, theme: str = "light") -> None:
        self.set_theme(theme)
        for log in ("browser", "performance"):
            self.log(log)
        self.browser.get(address)
        self.until(READY)

    def until(self, script: str) -> None:
        WebDriverWait(self.browser, PATIENCE, poll_frequency=0.05).until(
            lambda browser: browser.execute_script(script)
        )

    def set_theme(self, theme: str) -> None:
        features = [{"name": "prefers-color-scheme", "value": theme}]
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def press(self, *keys: str) -> None:
        for key in keys:
            self.element("chart").send_keys(key)
            self.settle()

    def click(self, css: str) -> None:
        self.browser.find_element(By.CSS_SELECTOR, css).click()
        self.settle()

    def scroll(self, dy: int, dx: int = 0) -> None:
        origin = ScrollOrigin.from_element(self.element("chart"), 0, -30)
        ActionChains(self.browser).scroll_from_origin(origin, dx, dy).perform()
        self.settle()

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag between two points, in pixels from the upper left corner of the chart."""
        chart = self.element("chart")
        (x0, y0), (x1, y1) = (self._from_middle(chart, point) for point in (start, end))
        steps = ActionChains(self.browser).move_to_element_with_offset(chart, x0, y0)
        steps.click_and_hold().move_by_offset(x1 - x0, y1 - y0).release().perform()
        self.settle()

    def point_at(self, point: tuple[float, float]) -> None:
        chart = self.element("chart")
        x, y = self._from_middle(chart, point)
        ActionChains(self.browser).move_to_element_with_offset(chart, x, y).perform()
        self.settle()

    def _from_middle(self, chart: WebElement, point: tuple[float, float]) -> tuple[int, int]:
        size = chart.size
        return round(point[0] - size["width"] / 2), round(point[1] - size["height"] / 2)

    def place(self, number: int) -> tuple[float, float]:
        """Return where the middle of a term's bar is."""
        script = """
            const term = drawn.find((each) => each.t === arguments[0]);
            const value = (name) => view.signal(name);
            const middle = (term.s + term.e) / 2 - value("domain")[0];
            const x = value("left") + middle * value("per_ms");
            return [x, value("lanes_y") + (term.g + 0.63) * value("lane")];
        """
        x, y = self.browser.execute_script(script, number)
        return x, y

    def settle(self) -> None:
        self.browser.execute_async_script(SETTLED)

    def element(self, name: str) -> WebElement:
        return self.browser.find_element(By.ID, name)

    def text(self, name: str) -> str:
        return self.element(name).text

    def signal(self, name: str) -> Any:
        return self.browser.execute_script("return view.signal(arguments[0])", name)

    @property
    def section(self) -> float:
        """The length of what is shown, in milliseconds."""
        start, end = self.signal("domain")
        return float(end - start)

    def bars(self) -> list[int]:
        """Return the terms that have bars."""
        script = """
            const drawn = [...view.data("bars"), ...view.data("alarms")];
            return drawn.map((term) => term.t).sort((one, other) => one - other);
        """
        found: list[int] = self.browser.execute_script(script)
        return found

    def pixels(self, colour: str) -> int:
        """Return how many pixels of the chart have a colour."""
        script = """
            const canvas = document.querySelector("#chart canvas"), { width, height } = canvas;
            const pixels = canvas.getContext("2d").getImageData(0, 0, width, height).data;
            let count = 0;
            for (let at = 0; at < pixels.length; at += 4)
              if (arguments[0].every((part, i) => Math.abs(pixels[at + i] - part) <= 1)) count += 1;
            return count;
        """
        parts = [int(colour[start : start + 2], 16) for start in (1, 3, 5)]
        return int(self.browser.execute_script(script, parts))

    def requests(self) -> list[str]:
        """Return the addresses that the browser asked for since the page was opened."""
        messages = [json.loads(entry["message"])["message"] for entry in self.log("performance")]
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]

    def complaints(self) -> list[str]:
        """Return what the page or the browser wrote to the console."""
        return [entry["message"] for entry in self.log("browser")]

    def log(self, name: str) -> list[dict[str, Any]]:
        """Return what one of the browser's logs has got since this was called last."""
        entries: list[dict[str, Any]] = self.browser.get_log(name)  # type: ignore[no-untyped-call]
        return entries
