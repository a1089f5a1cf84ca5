// Shows the description of the API that is served beside this page, and signs what "Execute" sends.
"use strict";

(() => {
  const SCHEME = "HMAC-SHA256";
  const PAGE = "/api/v1/docs";
  const keyField = document.getElementById("key");
  const text = new TextEncoder();

  const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const encode = (part) =>
    encodeURIComponent(part).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

  /** Path and query in the form that the signature scheme recommends. */
  function canonicalUri(url) {
    const pairs = [...url.searchParams].map(([name, value]) => [encode(name), encode(value)]);
    pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    const query = pairs.map((pair) => pair.join("=")).join("&");
    return query ? `${url.pathname}?${query}` : url.pathname;
  }

  async function signatureOf(message) {
    const key = text.encode(keyField.value);
    const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    return hex(await crypto.subtle.sign("HMAC", imported, text.encode(message)));
  }

  async function sign(request) {
    const url = new URL(request.url, location.href);
    if (!keyField.value || url.origin !== location.origin) {
      return request;
    }
    const uri = canonicalUri(url);
    const timestamp = new Date().toISOString();
    const headers = { ...request.headers, "X-API-Timestamp": timestamp };
    let digest = "";
    for (const name of Object.keys(headers)) {
      if (name.toLowerCase() === "x-body-sha256") {
        digest = headers[name];
      }
    }
    if (request.body && !digest) {
      digest = hex(await crypto.subtle.digest("SHA-256", text.encode(request.body)));
      headers["X-Body-SHA256"] = digest;
    }
    headers.Authorization = `${SCHEME} ${await signatureOf(request.method.toUpperCase() + uri + timestamp + digest)}`;
    return Object.assign(request, { url: url.origin + uri, headers });
  }

  function tellState() {
    const state = document.getElementById("state");
    if (!globalThis.crypto?.subtle) {
      state.value = "This page cannot sign: a browser does so only on https or on localhost.";
    } else {
      state.value = keyField.value ? "Requests are signed." : "Requests are not signed.";
    }
  }

  /** The library handles clicks on links within the page by itself and scrolls without moving the focus. */
  function skip(event) {
    const operations = document.querySelector(event.currentTarget.hash);
    if (operations) {
      event.preventDefault();
      event.stopPropagation();
      operations.focus();
    }
  }

  /** What a screen reader calls an element that the library draws without a name. */
  function nameOf(element) {
    const parameter = element.closest("tr[data-param-name]")?.dataset.paramName;
    if (element.matches(".responses-table")) {
      const operation = element.closest(".opblock");
      return `Responses of ${operation?.querySelector(".opblock-summary-path")?.dataset.path ?? ""} ${
        operation?.querySelector(".opblock-summary-method")?.textContent ?? ""
      }`;
    }
    if (element.matches(".body-param__text")) {
      return "Request body";
    }
    if (element.matches(".examples-select-element")) {
      return "Example";
    }
    return element.id === "servers" ? "Server" : parameter;
  }

  /** Gives names to what the library draws without one, and lets the keyboard scroll what the mouse can scroll. */
  function complete(root) {
    for (const element of root.querySelectorAll("select, textarea, table.responses-table")) {
      const name = element.hasAttribute("aria-label") ? "" : nameOf(element);
      if (name) {
        element.setAttribute("aria-label", name);
      }
    }
    for (const [selector, name] of [
      [".information-container", "About this API"],
      [".scheme-container", "Server"],
    ]) {
      const region = root.querySelector(selector);
      region?.setAttribute("role", "region");
      region?.setAttribute("aria-label", name);
    }
    for (const element of root.querySelectorAll("pre.microlight:not([tabindex])")) {
      element.tabIndex = 0;
    }
  }

  function followColorScheme() {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const apply = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
    dark.addEventListener("change", apply);
    apply();
  }

  /** The library fills examples in; a precondition that nobody asked for would be sent. */
  function leaveOptionalFieldsEmpty(spec) {
    for (const parameter of Object.values(spec.components.parameters)) {
      if (!parameter.required) {
        delete parameter.example;
        delete parameter.examples;
      }
    }
  }

  async function show() {
    const spec = await (await fetch("openapi.json")).json();
    const end = location.pathname.lastIndexOf(PAGE);
    // The stage, where the page was opened with one.
    spec.servers = [{ url: location.pathname.slice(0, Math.max(end, 0)) || "/" }];
    leaveOptionalFieldsEmpty(spec);
    // What the service sends cannot be tried out here, and the library shows it without headings.
    delete spec.webhooks;
    // The library shows these in its own dialog for credentials, which is taken out below.
    const { Signature, Timestamp } = spec.components.securitySchemes;
    spec.info.description += `\n\n## Signing\n\n${Signature.description}\n\n\`X-API-Timestamp\`: ${Timestamp.description}`;
    const nothing = () => () => null;
    SwaggerUIBundle({
      spec,
      domNode: description,
      requestInterceptor: sign,
      tryItOutEnabled: true,
      validatorUrl: null,
      defaultModelsExpandDepth: 0,
      // The field for the key is the only way to authorize here.
      plugins: [{ wrapComponents: { authorizeBtn: nothing, authorizeOperationBtn: nothing } }],
    });
  }

  const description = document.getElementById("description");
  new MutationObserver(() => complete(description)).observe(description, { childList: true, subtree: true });
  document.querySelector(".skip").addEventListener("click", skip);
  document.getElementById("signing").addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("show").addEventListener("change", (event) => {
    keyField.type = event.target.checked ? "text" : "password";
  });
  keyField.addEventListener("input", tellState);
  tellState();
  followColorScheme();
  show().catch((error) => {
    description.textContent = `The description cannot be shown: ${error.message}`;
  });
})();
