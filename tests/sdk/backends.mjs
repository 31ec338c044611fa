// SPDX-License-Identifier: GPL-3.0-or-later
import assert from "node:assert/strict";

import { GROUP, PASSWORD, PREFIX, SERVICE, all, raw, refusal } from "./support.mjs";

const upload = (client, id, certificate) =>
  client.certificate.createOrUpdate(GROUP, SERVICE, id, { data: certificate.pfx, password: PASSWORD });
const put = (client, id, parameters, options) => client.backend.createOrUpdate(GROUP, SERVICE, id, parameters, options);

/// An API that a policy leads to a backend.
async function publish(client, id, backendId) {
  await client.api.beginCreateOrUpdateAndWait(GROUP, SERVICE, id, { displayName: id, path: id, protocols: ["http"] });
  const value = `<policies><inbound><base /><set-backend-service backend-id="${backendId}" /></inbound></policies>`;
  await client.apiPolicy.createOrUpdate(GROUP, SERVICE, id, "policy", { format: "rawxml", value });
}

export const cases = {
  "a backend with credentials is created, read, and in force: the back end sees the certificate and the fields": async ({
    client,
    pki,
    trusted,
    gateway,
  }) => {
    await upload(client, "be-cert", pki.orders);
    const made = await raw((options) =>
      put(
        client,
        "be-a",
        {
          url: `${trusted.url}/base`,
          protocol: "http",
          title: "A",
          description: "first",
          resourceId: "https://management.example/sites/a",
          credentials: {
            certificateIds: [`${PREFIX}/certificates/be-cert`],
            header: { "X-Backend-Key": ["opensesame"] },
            query: { sig: ["a b"] },
            authorization: { scheme: "Basic", parameter: "bWU6c2VjcmV0" },
          },
          tls: { validateCertificateChain: true, validateCertificateName: true },
        },
        options,
      ),
    );
    assert.equal(made.status, 201);
    assert.equal(made.body.id, `${PREFIX}/backends/be-a`);
    assert.equal(made.body.type, "Microsoft.ApiManagement/service/backends");
    for (const secret of ["opensesame", "bWU6c2VjcmV0"]) {
      assert.ok(!made.text.includes(secret));
    }
    const read = await client.backend.get(GROUP, SERVICE, "be-a");
    assert.equal(read.url, `${trusted.url}/base`);
    assert.equal(read.title, "A");
    assert.equal(read.resourceId, "https://management.example/sites/a");
    assert.equal(read.tls.validateCertificateChain, true);
    assert.equal(read.eTag, made.etag);
    assert.equal((await client.backend.getEntityTag(GROUP, SERVICE, "be-a")).eTag, made.etag);
    await publish(client, "be-api", "be-a");
    const seen = await gateway.call("/be-api/7?x=1");
    assert.equal(seen.status, 200, seen.text);
    assert.equal(seen.body.subject, "orders");
    assert.equal(seen.body.thumbprint, pki.orders.thumbprint);
    assert.ok(seen.body.url.startsWith("/base/7?"), seen.body.url);
    assert.equal(new URL(seen.body.url, trusted.url).searchParams.get("sig"), "a b");
    assert.equal(seen.body.headers["x-backend-key"], "opensesame");
    assert.equal(seen.body.headers.authorization, "Basic bWU6c2VjcmV0");
  },

  "a change of a backend leaves what it does not name, takes null for nothing, and asks for the ETag": async ({ client, pki, trusted }) => {
    await upload(client, "be-cert-u", pki.orders);
    const first = await raw((options) =>
      put(
        client,
        "be-u",
        {
          url: trusted.url,
          protocol: "http",
          title: "T",
          description: "D",
          credentials: { certificateIds: ["be-cert-u"], header: { "X-Key": ["k"] } },
        },
        options,
      ),
    );
    const changed = await raw((options) =>
      client.backend.update(GROUP, SERVICE, "be-u", first.etag, { title: "U", description: null }, options),
    );
    assert.equal(changed.status, 200);
    assert.notEqual(changed.etag, first.etag);
    assert.equal(changed.value.title, "U");
    assert.equal(changed.value.description, undefined);
    assert.equal(changed.value.url, trusted.url);
    assert.equal(changed.value.credentials.certificateIds.length, 1);
    const stale = await refusal(client.backend.update(GROUP, SERVICE, "be-u", first.etag, { title: "V" }));
    assert.equal(stale.status, 412);
    assert.equal(stale.code, "PreconditionFailed");
    const detached = await client.backend.update(GROUP, SERVICE, "be-u", "*", { credentials: { certificateIds: [] } });
    assert.deepEqual(detached.credentials?.certificateIds ?? [], []);
  },

  "backends are listed and narrowed by a filter": async ({ client, trusted }) => {
    for (const id of ["list-1", "list-2", "list-3"]) {
      await put(client, id, { url: `${trusted.url}/${id}`, protocol: "http", title: `Title ${id}` });
    }
    const filtered = async (filter, top) =>
      (await all(client.backend.listByService(GROUP, SERVICE, { filter, top }))).map((item) => item.name);
    assert.deepEqual(await filtered("startswith(name,'list-')"), ["list-1", "list-2", "list-3"]);
    assert.deepEqual(await filtered("startswith(name,'list-')", 1), ["list-1", "list-2", "list-3"]);
    assert.deepEqual(await filtered("endswith(url,'list-2')"), ["list-2"]);
    assert.deepEqual(await filtered("contains(title,'title list-') and name ne 'list-2'"), ["list-1", "list-3"]);
  },

  "a backend that cannot be is refused with the property that is at fault": async ({ client, trusted }) => {
    const dangling = await refusal(
      put(client, "be-bad", { url: trusted.url, protocol: "http", credentials: { certificateIds: ["nobody"] } }),
    );
    assert.equal(dangling.status, 400);
    assert.equal(dangling.code, "ValidationError");
    assert.ok(
      dangling.details.some((detail) => detail.target.startsWith("credentials") && detail.message.includes("nobody")),
      JSON.stringify(dangling),
    );
    const url = await refusal(put(client, "be-bad", { url: "ftp://a.example", protocol: "http" }));
    assert.equal(url.status, 400);
    assert.equal(url.details[0].target, "url");
    const proxy = await refusal(
      put(client, "be-bad", { url: trusted.url, protocol: "http", proxy: { url: "http://proxy.example", password: "hunter2" } }),
    );
    assert.equal(proxy.status, 400);
    assert.ok(!JSON.stringify(proxy).includes("hunter2"));
    assert.equal((await refusal(client.backend.get(GROUP, SERVICE, "be-bad"))).status, 404);
  },

  "a circuit breaker and a reconnect are accepted": async ({ client, trusted }) => {
    const rule = {
      name: "r",
      failureCondition: { count: 3, interval: "PT10S", statusCodeRanges: [{ min: 500, max: 599 }], errorReasons: ["timeout"] },
      tripDuration: "PT1M",
      acceptRetryAfter: true,
    };
    await put(client, "be-breaker", { url: trusted.url, protocol: "http", circuitBreaker: { rules: [rule] } });
    assert.deepEqual((await client.backend.get(GROUP, SERVICE, "be-breaker")).circuitBreaker.rules, [rule]);
    assert.equal((await raw((options) => client.backend.reconnect(GROUP, SERVICE, "be-breaker", options))).status, 202);
    const later = await raw((options) =>
      client.backend.reconnect(GROUP, SERVICE, "be-breaker", { ...options, parameters: { after: "PT2S" } }),
    );
    assert.equal(later.status, 202);
    assert.equal((await refusal(client.backend.reconnect(GROUP, SERVICE, "be-nobody"))).status, 404);
  },

  "a pool serves calls through its members, each under its own certificate, and holds them": async ({ client, pki, trusted, gateway }) => {
    await upload(client, "pool-cert-1", pki.orders);
    await upload(client, "pool-cert-2", pki.billing);
    await put(client, "pool-1", { url: `${trusted.url}/one`, protocol: "http", credentials: { certificateIds: ["pool-cert-1"] } });
    await put(client, "pool-2", { url: `${trusted.url}/two`, protocol: "http", credentials: { certificateIds: ["pool-cert-2"] } });
    const made = await raw((options) =>
      put(
        client,
        "pool",
        {
          typePropertiesType: "Pool",
          pool: {
            services: [
              { id: "/backends/pool-1", weight: 1 },
              { id: `${PREFIX}/backends/pool-2`, weight: 1 },
            ],
          },
        },
        options,
      ),
    );
    assert.equal(made.status, 201);
    await publish(client, "pool-api", "pool");
    const seen = new Set();
    for (let i = 0; i < 40; ++i) {
      const answer = await gateway.call("/pool-api/x");
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.body.url, answer.body.subject === "orders" ? "/one/x" : "/two/x");
      seen.add(answer.body.subject);
    }
    assert.deepEqual([...seen].sort(), ["billing", "orders"]);
    const held = await refusal(client.backend.delete(GROUP, SERVICE, "pool-1", "*"));
    assert.equal(held.status, 409);
    assert.ok(
      held.details.some((detail) => detail.target === `${PREFIX}/backends/pool`),
      JSON.stringify(held),
    );
    const nested = await refusal(put(client, "pool-of-pools", { typePropertiesType: "Pool", pool: { services: [{ id: "pool" }] } }));
    assert.equal(nested.status, 400);
  },

  "a backend in use cannot be deleted; once it is free it can": async ({ client, trusted }) => {
    await put(client, "be-d", { url: trusted.url, protocol: "http" });
    await publish(client, "be-d-api", "be-d");
    const held = await refusal(client.backend.delete(GROUP, SERVICE, "be-d", "*"));
    assert.equal(held.status, 409);
    assert.equal(held.code, "Conflict");
    assert.ok(
      held.details.some((detail) => detail.target.startsWith(`${PREFIX}/apis/be-d-api`)),
      JSON.stringify(held),
    );
    await client.api.beginDeleteAndWait(GROUP, SERVICE, "be-d-api", "*", { deleteRevisions: true });
    assert.equal((await raw((options) => client.backend.delete(GROUP, SERVICE, "be-d", "*", options))).status, 200);
    assert.equal((await raw((options) => client.backend.delete(GROUP, SERVICE, "be-d", "*", options))).status, 204);
  },
};
