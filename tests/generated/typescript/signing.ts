import { createHash, createHmac } from "node:crypto";
import type { Middleware, RequestContext } from "./client/index.js";

/** Signs every request of the generated client. */
export function signing(key: string): Middleware {
  return {
    async pre({ url, init }: RequestContext) {
      const body = typeof init.body === "string" ? init.body : "";
      const digest = body && createHash("sha256").update(body).digest("hex");
      const timestamp = new Date().toISOString();
      const message = `${init.method}${canonical(new URL(url))}${timestamp}${digest}`;
      const headers = new Headers(init.headers);
      headers.set("Authorization", `HMAC-SHA256 ${createHmac("sha256", key).update(message).digest("hex")}`);
      headers.set("X-API-Timestamp", timestamp);
      if (digest) {
        headers.set("X-Body-SHA256", digest);
      }
      return { url, init: { ...init, headers } };
    },
  };
}

function canonical(url: URL): string {
  const query = [...url.searchParams].map(([name, value]) => `${encode(name)}=${encode(value)}`).sort().join("&");
  return query ? `${url.pathname}?${query}` : url.pathname;
}

function encode(part: string): string {
  return encodeURIComponent(part).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
