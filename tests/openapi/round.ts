// A whole round through a generated client: whatever the document says wrongly does not compile here, or fails when it runs.
import assert from "node:assert/strict";
import createClient, { type Middleware } from "openapi-fetch";
import type { paths } from "./build/api.js";

const [url, slug, key, email, password] = process.argv.slice(2) as [string, string, string, string, string];

const plugin = createClient<paths>({ baseUrl: url, headers: { "x-organization-api-key": key } });

// Node's fetch keeps no cookies.
let cookie = "";
const session: Middleware = {
  onRequest({ request }) {
    request.headers.set("cookie", cookie);
    return request;
  },
  onResponse({ response }) {
    cookie = response.headers.getSetCookie()[0]?.split(";")[0] ?? cookie;
  },
};
const member = createClient<paths>({ baseUrl: url });
member.use(session);

function only<T>(answer: { data?: T; error?: unknown; response: Response }): T {
  assert.ok(answer.data !== undefined, `${answer.response.status} ${JSON.stringify(answer.error)}`);
  return answer.data;
}

const refused = await member.POST("/auth/login", { body: { email, password: "not the password" } });
assert.equal(refused.error?.type, "unauthenticated");
const me = only(await member.POST("/auth/login", { body: { email, password } }));
assert.equal(me.role, "admin");
assert.equal(me.org?.slug, slug);

const chat = only(await plugin.POST("/api/v1/orgs/{slug}/chats", {
  params: { path: { slug }, header: { "Idempotency-Key": "round-1" } },
  body: { title: "Where is my order?", tags: ["round"], metadata: { page: "/orders", depth: { of: [1, "two", null] } } },
}));
assert.deepEqual(chat.metadata, { page: "/orders", depth: { of: [1, "two", null] } });
assert.equal(chat.feedback, null);

const message = only(await plugin.POST("/api/v1/orgs/{slug}/chats/{chatId}/messages", {
  params: { path: { slug, chatId: chat.id } },
  body: { role: "assistant", content: "It is on its way.", latencyMs: 820, model: null },
}));
assert.equal(message.chatId, chat.id);

const batch = only(await plugin.POST("/api/v1/orgs/{slug}/batch", {
  params: { path: { slug } },
  body: {
    items: [
      { type: "chat", ref: "c1", tags: ["round"] },
      { type: "message", chatRef: "c1", role: "user", content: "And mine?" },
      { type: "message", chatRef: "nowhere", role: "user", content: "Lost" },
    ],
  },
}));
assert.deepEqual(batch.results.map((result) => result.status), [201, 201, 404]);
assert.equal(batch.results[2]?.problem?.type, "not-found");

const page = only(await member.GET("/orgs/{org}/chats", { params: { path: { org: "me" }, query: { tag: ["round"], limit: 1 } } }));
assert.equal(page.items.length, 1);
assert.ok(page.nextCursor);
const next = only(await member.GET("/orgs/{org}/chats", { params: { path: { org: "me" }, query: { tag: ["round"], limit: 1, cursor: page.nextCursor } } }));
const read = next.items[0];
assert.equal(read?.id, chat.id);
assert.equal(read?.messageCount, 1);
const head = await member.HEAD("/orgs/{org}/chats", { params: { path: { org: "me" } } });
assert.equal(head.response.status, 200);

const summary = only(await member.GET("/analytics/orgs/{org}/summary", { params: { path: { org: "me" }, query: { tag: ["round"], tz: "Europe/Amsterdam" } } }));
assert.equal(summary.totals.messages, 2);
assert.equal(summary.latency?.maxMs, 820);

// A small file comes at once.
const file = await member.POST("/exports/orgs/{org}", { params: { path: { org: "me" } }, body: { format: "csv", tag: ["round"] }, parseAs: "blob" });
assert.equal(file.response.status, 200);
assert.match(file.response.headers.get("content-disposition") ?? "", /\.csv"$/);
assert.ok(file.data instanceof Blob);
assert.match(await file.data.text(), /It is on its way\./);

// Any other is asked for, and fetched when it is there.
const asked = await member.POST("/exports/orgs/{org}", { params: { path: { org: "me" } }, body: { format: "json", mode: "async", tag: ["round"] } });
assert.equal(asked.response.status, 202);
assert.ok(asked.data && typeof asked.data === "object" && "state" in asked.data);
const { id } = asked.data;
for (;;) {
  const download = await member.GET("/exports/orgs/{org}/{exportId}", { params: { path: { org: "me", exportId: id } }, parseAs: "text" });
  if (download.response.status === 202) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    continue;
  }
  assert.equal(download.response.status, 200);
  assert.ok(typeof download.data === "string");
  assert.equal(JSON.parse(download.data).length, 2);
  break;
}
const missing = await member.GET("/exports/orgs/{org}/{exportId}", { params: { path: { org: "me", exportId: chat.id } } });
assert.equal(missing.error?.type, "not-found");

console.log("The generated client went the whole round.");
