"""The documentation page on a phone, in the dark, by the keyboard and for a screen reader."""

import json
import os
from pathlib import Path

import pytest
from page import SECONDS, keep_picture, look, operation, show
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

WIDTHS = (320, 768, 1280, 1920)
# One of each kind: a body with examples of two types, parameters in the query, a body of changes.
OPERATIONS = ("createDeliveryConfig", "listDeliveryConfigs", "patchDeliveryConfig")
# Findings in what Swagger UI draws and page.js and page.css cannot fix, as "rule: selector".
UPSTREAM: frozenset[str] = frozenset()


def open_operations(browser, names=OPERATIONS):
    for name in names:
        operation(browser, name)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_of_ours(browser, width, scheme):
    look(browser, width, scheme)
    open_operations(browser)
    assert not set(axe(browser)) - UPSTREAM


def test_axe_finds_what_is_wrong(browser):
    look(browser, 1280)
    browser.execute_script("document.querySelector('#operations').append(document.createElement('textarea'))")
    assert [finding for finding in axe(browser) if finding.startswith("label: ")]


def axe(browser):
    """Everything that axe finds, as "rule: selector"."""
    if "AXE" not in os.environ:
        pytest.skip("AXE does not name axe-core's script")
    browser.set_script_timeout(6 * SECONDS)
    browser.execute_script(Path(os.environ["AXE"]).read_text())
    return browser.execute_async_script(
        """
        const done = arguments[arguments.length - 1];
        const names = ({ violations }) =>
          violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(" ")}`));
        axe.run(document, { resultTypes: ["violations"] }).then(names, (error) => [`axe: ${error}`]).then(done);
        """
    )


def test_no_sideways_scrolling_with_every_operation_open(browser):
    look(browser, 320)
    names = [
        block.get_attribute("id").rsplit("-", 1)[1] for block in browser.find_elements(By.CSS_SELECTOR, ".opblock")
    ]
    assert len(names) > 10
    # The more are open, the longer the next one takes. The webhooks of a tenant look like those of all.
    open_operations(browser, [name for name in names if "TenantWebhook" not in name])
    assert page_width(browser) == 320
    # And the measure is one that grows.
    browser.execute_script("document.querySelector('.opblock-body pre').style.cssText = 'min-width: 400px'")
    assert page_width(browser) > 320


def page_width(browser):
    """Not `innerWidth`: that of a phone grows with the page."""
    return browser.execute_script("return document.documentElement.scrollWidth")


def test_descriptions_of_tags_are_readable_on_a_phone(browser):
    look(browser, 320)
    descriptions = browser.find_elements(By.CSS_SELECTOR, ".opblock-tag small")
    document = json.loads((Path(__file__).parents[2] / "docs/openapi.json").read_text())
    assert len(descriptions) == len(document["tags"]) >= 3
    for description in descriptions:
        assert description.text
        assert description.size["width"] > 200


def test_skip_link_moves_the_focus(browser):
    look(browser, 1280)
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    focused = browser.switch_to.active_element
    assert focused.text == "Skip to the operations"
    focused.send_keys(Keys.ENTER)
    focused = browser.switch_to.active_element
    assert (focused.tag_name, focused.get_attribute("id")) == ("main", "operations")


def test_page_is_dark_where_the_system_is(browser):
    look(browser, 390, "dark")
    block = operation(browser, "createDeliveryConfig")
    assert browser.execute_script("return document.documentElement.classList.contains('dark-mode')")
    background, ink = browser.execute_script(
        "const style = getComputedStyle(document.body); return [style.backgroundColor, style.color]"
    )
    assert brightness(background) < 80 < 180 < brightness(ink)
    show(browser, block)
    keep_picture(browser, "-phone")


def brightness(color):
    red, green, blue = (int(part) for part in color.strip("rgba()").split(",")[:3])
    return (red + green + blue) / 3
