"""What the tests do with the documentation page."""

import os

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

PAGE = os.environ["BASE_URL"] + "/api/v1/docs"
# Several times what it takes on a busy machine: nothing waits this long unless it fails.
SECONDS = 60


def wait(browser, what):
    return WebDriverWait(browser, SECONDS).until(what)


def open_page(browser):
    browser.get(PAGE)
    wait(browser, lambda page: page.find_elements(By.CSS_SELECTOR, ".opblock"))


def look(browser, width, scheme="light"):
    """Opens the page on a screen of this width, in this color scheme. A narrow one is a phone's."""
    feature = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": feature})
    screen = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    open_page(browser)


def operation(browser, operation_id):
    """Unfolds an operation, by the keyboard."""
    block = browser.find_element(By.CSS_SELECTOR, f"[id$='-{operation_id}']")
    if not block.find_elements(By.CSS_SELECTOR, ".opblock-body"):
        block.find_element(By.CSS_SELECTOR, ".opblock-summary-control").send_keys(Keys.ENTER)
    # The page draws the button first, and the rest once it has resolved the operation's references.
    wait(browser, lambda _: block.find_elements(By.CSS_SELECTOR, ".execute"))
    wait(browser, lambda _: not block.find_elements(By.CSS_SELECTOR, ".opblock-loading-animation"))
    wait(browser, lambda _: block.find_elements(By.CSS_SELECTOR, ".responses-table .response"))
    return block


def show(browser, element):
    """Brings an element to the top of the window, below the bar with the key."""
    browser.execute_script("arguments[0].scrollIntoView(); scrollBy(0, -120)", element)


def keep_picture(browser, suffix=""):
    if folder := os.environ.get("SCREENSHOTS"):
        browser.save_screenshot(f"{folder}/documentation-page{suffix}.png")
