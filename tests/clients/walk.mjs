// Requests by the clients of Node: node walk.mjs CLIENT. The protocol is described in test_walk.py.
import { createHmac } from "node:crypto";
import { createRequire } from "node:module";
import { stringify } from "node:querystring";
import { createInterface } from "node:readline";

const list = new URL(process.env.BASE_URL + "/api/v1/delivery-configs");

function headers(uri) {
  const timestamp = new Date().toISOString();
  const signature = createHmac("sha256", process.env.PSK).update(`GET${uri}${timestamp}`).digest("hex");
  return { Authorization: `HMAC-SHA256 ${signature}`, "X-API-Timestamp": timestamp };
}

function percentEncoded(pairs) {
  return pairs.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join("&");
}

// RFC 3986 reserves five characters that encodeURIComponent keeps.
function canonical(pairs) {
  const sorted = pairs.toSorted(([a], [b]) => (a < b ? -1 : 1));
  return percentEncoded(sorted).replace(/[!'()*]/g, (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase());
}

// What is signed: the path and query on the wire, the documented form, or the text before any encoding.
function signedUri(signs, pairs, wire) {
  if (signs === "wire") return wire;
  const query = signs === "canonical" ? canonical(pairs) : pairs.map((pair) => pair.join("=")).join("&");
  return `${list.pathname}?${query}`;
}

function urlWith(encoding, pairs) {
  const url = new URL(list);
  url.search = encoding === "library" ? new URLSearchParams(pairs).toString() : percentEncoded(pairs);
  return url;
}

const wireOf = (url) => url.pathname + url.search;

// Packages are installed in a folder of their own.
const load = (name) => import(createRequire(process.env.NODE_FOLDER + "/").resolve(name));

const clients = {
  fetch: async () => async (encoding, signs, pairs) => {
    const url = urlWith(encoding, pairs);
    const response = await fetch(url, { headers: headers(signedUri(signs, pairs, wireOf(url))) });
    return [response.status, await response.text()];
  },

  axios: async () => {
    const { default: axios } = await load("axios");
    return async (encoding, signs, pairs) => {
      const request = { responseType: "text", transformResponse: (text) => text, validateStatus: () => true };
      if (encoding === "library") Object.assign(request, { url: list.href, params: Object.fromEntries(pairs) });
      else request.url = urlWith(encoding, pairs).href;
      const wire = wireOf(new URL(axios.getUri(request)));
      const response = await axios.request({ ...request, headers: headers(signedUri(signs, pairs, wire)) });
      return [response.status, response.data];
    };
  },

  got: async () => {
    const { default: got } = await load("got");
    return async (encoding, signs, pairs) => {
      // A hook that returns something has responded to the request.
      const sign = ({ url, headers: sent }) => void Object.assign(sent, headers(signedUri(signs, pairs, wireOf(url))));
      const options = { throwHttpErrors: false, retry: { limit: 0 }, hooks: { beforeRequest: [sign] } };
      const response =
        encoding === "library"
          ? await got(list, { ...options, searchParams: Object.fromEntries(pairs) })
          : await got(urlWith(encoding, pairs), options);
      return [response.statusCode, response.body];
    };
  },

  undici: async () => {
    const { request } = await load("undici");
    return async (encoding, signs, pairs) => {
      const query = Object.fromEntries(pairs);
      const url = encoding === "library" ? list : urlWith(encoding, pairs);
      const wire = encoding === "library" ? `${list.pathname}?${stringify(query)}` : wireOf(url);
      const options = { headers: headers(signedUri(signs, pairs, wire)) };
      const response = await request(url, encoding === "library" ? { ...options, query } : options);
      return [response.statusCode, await response.body.text()];
    };
  },
};

const send = await clients[process.argv[2]]();
for await (const line of createInterface({ input: process.stdin })) {
  const [encoding, signs, ...values] = line.split("\t");
  const pairs = ["limit", "last_key", "note"].map((name, at) => [name, values[at]]).filter(([, value]) => value);
  const [status, body] = await send(encoding, signs, pairs);
  process.stdout.write(`${status}\t${body}\n`);
}
