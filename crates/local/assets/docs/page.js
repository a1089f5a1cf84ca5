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
    // The library shows these in its own dialog for credentials, which is taken out below.
    const { Signature, Timestamp } = spec.components.securitySchemes;
    spec.info.description += `\n\n## Signing\n\n${Signature.description}\n\n\`X-API-Timestamp\`: ${Timestamp.description}`;
    const nothing = () => () => null;
    SwaggerUIBundle({
      spec,
      domNode: document.getElementById("description"),
      requestInterceptor: sign,
      tryItOutEnabled: true,
      validatorUrl: null,
      defaultModelsExpandDepth: 0,
      // The field for the key is the only way to authorize here.
      plugins: [{ wrapComponents: { authorizeBtn: nothing, authorizeOperationBtn: nothing } }],
    });
  }

  document.getElementById("signing").addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("show").addEventListener("change", (event) => {
    keyField.type = event.target.checked ? "text" : "password";
  });
  keyField.addEventListener("input", tellState);
  tellState();
  followColorScheme();
  show().catch((error) => {
    document.getElementById("description").textContent = `The description cannot be shown: ${error.message}`;
  });
})();
