"""The documentation page, as a person uses it: with a key, in a browser that can reach this server only."""

import json
import os
import uuid

from page import PAGE, keep_picture, open_page, operation, show, wait
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select


def enter_key(browser):
    browser.find_element(By.ID, "key").send_keys(os.environ["PSK"])
    assert browser.find_element(By.ID, "state").text == "Requests are signed."


def field_of(browser, block, selector):
    return wait(browser, lambda _: block.find_elements(By.CSS_SELECTOR, selector))[0]


def fill(browser, block, parameter, value):
    row = f"tr[data-param-name='{parameter}']"
    field = field_of(browser, block, f"{row} select, {row} input")
    if field.tag_name == "select":
        Select(field).select_by_value(value)
    else:
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(value)


def execute(browser, block):
    """The status and the body that come back."""
    block.find_element(By.CSS_SELECTOR, ".execute").click()
    row = ".live-responses-table .response"
    wait(browser, lambda _: block.find_elements(By.CSS_SELECTOR, f"{row} .microlight"))
    status = block.find_element(By.CSS_SELECTOR, f"{row} .response-col_status").text.split()[0]
    return int(status), block.find_element(By.CSS_SELECTOR, f"{row} .microlight").text


def test_create_and_get_through_the_page(browser):
    tenant_id = f"browser-{uuid.uuid4().hex[:8]}"
    open_page(browser)
    enter_key(browser)

    create = operation(browser, "createDeliveryConfig")
    fill(browser, create, "tenant_id", tenant_id)
    body = field_of(browser, create, ".body-param__text")
    body.send_keys(Keys.CONTROL, "a")
    new = {"tenant_id": tenant_id, "type": "s3", "bucket_name": "browser-logs", "desired_logs": ["ünï-cödé"]}
    body.send_keys(json.dumps(new, ensure_ascii=False))
    status, text = execute(browser, create)
    assert status == 201, text

    read = operation(browser, "getDeliveryConfig")
    fill(browser, read, "tenant_id", tenant_id)
    fill(browser, read, "type", "s3")
    status, text = execute(browser, read)
    assert status == 200, text
    assert json.loads(text)["data"]["desired_logs"] == new["desired_logs"]

    listing = operation(browser, "listDeliveryConfigs")
    fill(browser, listing, "last_key", f"{tenant_id}#cloudwatch")
    status, text = execute(browser, listing)
    assert status == 200, text

    show(browser, read.find_element(By.CSS_SELECTOR, ".execute-wrapper, .btn-group"))
    keep_picture(browser)
    assert_key_stayed_in_the_page(browser)
    assert_nothing_was_blocked(browser)


def test_the_signature_is_explained(browser):
    open_page(browser)
    text = browser.find_element(By.CSS_SELECTOR, ".info").text
    assert "HMAC-SHA256(key, METHOD + URI + TIMESTAMP + BODY_SHA256)" in text


def test_request_without_a_key_is_rejected_by_the_gateway(browser):
    open_page(browser)
    listing = operation(browser, "listDeliveryConfigs")
    assert execute(browser, listing)[0] == 401


def assert_key_stayed_in_the_page(browser):
    key = os.environ["PSK"]
    stored = browser.execute_script("return JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert key not in stored
    messages = [entry["message"] for entry in browser.get_log("performance")]
    assert not [message for message in messages if key in message]
    events = [json.loads(message)["message"] for message in messages]
    asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    assert f"{PAGE}/page.js" in asked
    # The browser's own first tab asks for chrome: URLs.
    assert not [
        url for url in asked if not url.startswith((os.environ["ORIGIN"], "data:", "chrome:", "chrome-untrusted:"))
    ]


def assert_nothing_was_blocked(browser):
    complaints = [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert not complaints
