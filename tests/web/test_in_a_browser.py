"""Real Chromium walks every page: narrow and wide, light and dark, in each language; axe-core looks for what keeps
people out. Needs playwright, Chromium, and axe-core, which NEWSFLOW_TEST_AXE names (`npm install axe-core`)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.web.test_pages import OPEN, OPERATORS, WHOLE, at
from tests.web.world import ALL, Client, World

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: no browser looks at pages")
CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
AXE = Path(os.environ.get("NEWSFLOW_TEST_AXE", "node_modules/axe-core/axe.min.js"))
PICTURES = os.environ.get("NEWSFLOW_TEST_PICTURES")
"""A folder for pictures of the pages."""
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: no browser looks at pages"),
    pytest.mark.skipif(
        not AXE.exists(), reason=f"axe-core is not at {AXE} (NEWSFLOW_TEST_AXE): no browser looks at pages"
    ),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def opened(browser: Any, base: str, token: str = ALL, **settings: Any) -> tuple[Any, list[str]]:
    """A page of a reader who sees everything, and what went wrong on it."""
    context = browser.new_context(http_credentials={"username": "x", "password": token, "send": "always"}, **settings)
    page, wrong = context.new_page(), list[str]()
    page.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(base) else wrong.append(f"asked {asked.url}"))
    return page, wrong


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_every_page_in_a_real_browser(browser: Any, base: str, world: World, width: int, scheme: str) -> None:
    page, wrong = opened(browser, base, viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
    client = Client(base)
    for number, path in enumerate((*OPEN, *WHOLE, *OPERATORS)):
        page.goto(base + at(path, world, client))
        page.add_script_tag(path=str(AXE))
        found = page.evaluate(
            "() => axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})"
        )
        said = [(each["id"], each["nodes"][0]["html"][:200]) for each in found["violations"]]
        assert said == [], path
        beyond = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert beyond <= 0, f"{path} is wider than the screen"
        if PICTURES:
            page.screenshot(path=f"{PICTURES}/{number:02}-{width}-{scheme}.png")
    assert wrong == []
    page.context.close()


def test_the_policy_stops_what_should_not_be_there(browser: Any, base: str, world: World) -> None:
    page, wrong = opened(browser, base)
    for path in ("/", "/articles/{hostile}", "/topics/syria", "/search?q=script"):
        page.goto(base + path.format(**world.ids))
        page.wait_for_load_state("load")
    assert wrong == []
    page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s) }"
    )
    assert page.evaluate("() => window.ran") is None
    assert any("Content Security Policy" in each for each in wrong)
    page.context.close()


def test_by_keyboard_alone(browser: Any, base: str) -> None:
    page, _ = opened(browser, base)
    page.goto(base + "/")
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.className") == "skip"
    reached = set()
    for _ in range(200):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "() => { const e = document.activeElement; return e.getAttribute('href') || e.name || e.tagName }"
            )
        )
    there = page.evaluate(
        "() => [...document.querySelectorAll('main a, nav a')].map(each => each.getAttribute('href'))"
    )
    assert set(there) <= reached
    page.goto(base + "/search")
    page.focus("#q")
    page.keyboard.type("ferry")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=ferry*")
    assert "Ferry Ostrovanka" in page.inner_text("main")
    page.context.close()


def test_what_comes_in_is_said_without_a_reload(browser: Any, base: str, world: World) -> None:
    page, wrong = opened(browser, base)
    with page.expect_request("**/v1/stream*"):
        page.goto(base + "/")
    page.wait_for_timeout(500)  # the stream begins with what comes after it was opened
    body = " ".join(f"tide{at}" for at in range(30))
    world.publish("live", world.wire.publish("https://live.example/1", body, title="Tide", source="live"), "russia")
    page.wait_for_selector("[data-live] a")
    assert "1 new article" in page.inner_text("[data-live]")
    assert wrong == []
    page.context.close()
