// SPDX-License-Identifier: GPL-3.0-or-later
import assert from "node:assert/strict";

import { GROUP, PREFIX, SERVICE, all, raw, refusal } from "./support.mjs";

const put = (client, id, parameters, options) => client.api.beginCreateOrUpdateAndWait(GROUP, SERVICE, id, parameters, options);
const putOperation = (client, api, id, parameters, options) =>
  client.apiOperation.createOrUpdate(GROUP, SERVICE, api, id, parameters, options);
const putPolicy = (client, api, inbound) =>
  client.apiPolicy.createOrUpdate(GROUP, SERVICE, api, "policy", {
    format: "rawxml",
    value: `<policies><inbound><base />${inbound}</inbound><backend><base /></backend><outbound><base /></outbound></policies>`,
  });

export const cases = {
  "an API is created at once, described, and takes calls before the answer has come": async ({ client, trusted, gateway }) => {
    assert.equal((await gateway.call("/api-a/7")).status, 404);
    const made = await raw((options) =>
      put(
        client,
        "api-a",
        { displayName: "A", path: "api-a", serviceUrl: `${trusted.url}/v2`, protocols: ["http", "https"], subscriptionRequired: false },
        options,
      ),
    );
    assert.equal(made.status, 201);
    assert.equal(made.body.id, `${PREFIX}/apis/api-a`);
    assert.equal(made.body.type, "Microsoft.ApiManagement/service/apis");
    assert.equal(made.value.apiRevision, "1");
    assert.equal(made.value.isCurrent, true);
    const seen = await gateway.call("/api-a/7?x=1");
    assert.equal(seen.status, 200, seen.text);
    assert.equal(seen.body.url, "/v2/7?x=1");
    assert.equal(seen.body.subject, null);
    const read = await client.api.get(GROUP, SERVICE, "api-a");
    assert.equal(read.displayName, "A");
    assert.equal(read.path, "api-a");
    assert.equal(read.serviceUrl, `${trusted.url}/v2`);
    assert.equal(read.eTag, made.etag);
    assert.equal((await client.api.getEntityTag(GROUP, SERVICE, "api-a")).eTag, made.etag);
  },

  "what was read of an API can be written back": async ({ client, trusted }) => {
    await put(client, "api-b", { displayName: "B", path: "api-b", serviceUrl: trusted.url });
    const read = await client.api.get(GROUP, SERVICE, "api-b");
    const written = await raw((options) => put(client, "api-b", { ...read, displayName: "B2" }, { ...options, ifMatch: read.eTag }));
    assert.equal(written.status, 200);
    assert.equal(written.value.displayName, "B2");
  },

  "a change of an API is in force at once, and asks for the ETag": async ({ client, trusted, gateway }) => {
    const made = await raw((options) => put(client, "api-c", { displayName: "C", path: "api-c", serviceUrl: trusted.url }, options));
    const changed = await raw((options) => client.api.update(GROUP, SERVICE, "api-c", made.etag, { path: "api-c/moved" }, options));
    assert.equal(changed.status, 200);
    assert.equal(changed.value.displayName, "C");
    assert.equal((await gateway.call("/api-c/x")).status, 404);
    assert.equal((await gateway.call("/api-c/moved/x")).status, 200);
    assert.equal((await refusal(client.api.update(GROUP, SERVICE, "api-c", made.etag, { path: "api-c" }))).status, 412);
  },

  "an API that cannot be is refused with the property that is at fault": async ({ client, trusted }) => {
    const refused = async (parameters) => {
      const told = await refusal(put(client, "api-bad", { displayName: "Bad", path: "api-bad", ...parameters }));
      assert.equal(told.status, 400);
      assert.equal(told.code, "ValidationError");
      return told.details.map((detail) => detail.target);
    };
    assert.deepEqual(await refused({ subscriptionRequired: true }), ["subscriptionRequired"]);
    assert.deepEqual(await refused({ path: "a/../b" }), ["path"]);
    assert.deepEqual(await refused({ serviceUrl: "ftp://a.example" }), ["serviceUrl"]);
    assert.deepEqual(await refused({ apiType: "soap" }), ["type"]);
    await put(client, "api-first", { displayName: "First", path: "api-same", serviceUrl: trusted.url });
    const twice = await refusal(put(client, "api-second", { displayName: "Second", path: "api-same", serviceUrl: trusted.url }));
    assert.ok([400, 409].includes(twice.status));
    assert.ok(JSON.stringify(twice).includes("api-first"), JSON.stringify(twice));
    assert.equal((await refusal(client.api.get(GROUP, SERVICE, "api-second"))).status, 404);
  },

  "APIs are listed, page after page, and narrowed by a filter": async ({ client, trusted }) => {
    for (const id of ["many-1", "many-2", "many-3"]) {
      await put(client, id, { displayName: `Many ${id}`, path: `many/${id}`, serviceUrl: trusted.url });
    }
    const filtered = async (filter, top) => (await all(client.api.listByService(GROUP, SERVICE, { filter, top }))).map((item) => item.name);
    assert.deepEqual(await filtered("startswith(path,'many/')", 2), ["many-1", "many-2", "many-3"]);
    assert.deepEqual(await filtered("properties/displayName eq 'Many many-2'"), ["many-2"]);
    assert.deepEqual(await filtered(`serviceUrl eq '${trusted.url}' and contains(name,'any-') and not (name eq 'many-1')`), [
      "many-2",
      "many-3",
    ]);
  },

  "operations decide which calls an API takes": async ({ client, trusted, gateway }) => {
    await put(client, "ops", { displayName: "Ops", path: "ops", serviceUrl: trusted.url });
    assert.equal((await gateway.call("/ops/anything")).status, 200);
    const template = { method: "GET", urlTemplate: "/orders/{id}", templateParameters: [{ name: "id", type: "string", required: true }] };
    const made = await raw((options) => putOperation(client, "ops", "get-order", { displayName: "Get", ...template }, options));
    assert.equal(made.status, 201);
    assert.equal(made.body.id, `${PREFIX}/apis/ops/operations/get-order`);
    assert.equal(made.body.type, "Microsoft.ApiManagement/service/apis/operations");
    assert.equal((await gateway.call("/ops/orders/7")).status, 200);
    assert.equal((await gateway.call("/ops/orders/7", { method: "DELETE" })).status, 404);
    assert.equal((await gateway.call("/ops/anything")).status, 404);
    const read = await client.apiOperation.get(GROUP, SERVICE, "ops", "get-order");
    assert.equal(read.urlTemplate, "/orders/{id}");
    assert.equal(read.templateParameters[0].name, "id");
    assert.equal((await client.apiOperation.getEntityTag(GROUP, SERVICE, "ops", "get-order")).eTag, made.etag);
    const changed = await client.apiOperation.update(GROUP, SERVICE, "ops", "get-order", made.etag, { method: "DELETE" });
    assert.equal(changed.displayName, "Get");
    assert.equal((await gateway.call("/ops/orders/7", { method: "DELETE" })).status, 200);
    assert.equal((await gateway.call("/ops/orders/7")).status, 404);
    await putOperation(client, "ops", "list-orders", { displayName: "List", method: "GET", urlTemplate: "/orders" });
    const names = (await all(client.apiOperation.listByApi(GROUP, SERVICE, "ops"))).map((item) => item.name);
    assert.deepEqual(names.sort(), ["get-order", "list-orders"]);
    assert.equal((await refusal(client.apiOperation.delete(GROUP, SERVICE, "ops", "get-order", made.etag))).status, 412);
    for (const id of names) {
      assert.equal((await raw((options) => client.apiOperation.delete(GROUP, SERVICE, "ops", id, "*", options))).status, 200);
    }
    assert.equal((await raw((options) => client.apiOperation.delete(GROUP, SERVICE, "ops", "get-order", "*", options))).status, 204);
    assert.equal((await gateway.call("/ops/anything")).status, 200);
    const bad = await refusal(putOperation(client, "ops", "bad", { displayName: "Bad", method: "GET", urlTemplate: "/{a" }));
    assert.equal(bad.status, 400);
    assert.equal(bad.details[0].target, "urlTemplate");
    assert.equal(
      (await refusal(putOperation(client, "no-such-api", "x", { displayName: "X", method: "GET", urlTemplate: "/" }))).status,
      404,
    );
  },

  "an API goes with its operations and its policy": async ({ client, trusted, gateway }) => {
    const made = await raw((options) => put(client, "gone", { displayName: "Gone", path: "gone", serviceUrl: trusted.url }, options));
    await putOperation(client, "gone", "get", { displayName: "Get", method: "GET", urlTemplate: "/" });
    await putPolicy(client, "gone", "");
    assert.equal((await refusal(client.api.beginDeleteAndWait(GROUP, SERVICE, "gone", '"stale"'))).status, 412);
    await client.api.beginDeleteAndWait(GROUP, SERVICE, "gone", made.etag, { deleteRevisions: true });
    assert.equal((await gateway.call("/gone/")).status, 404);
    assert.equal((await refusal(client.api.get(GROUP, SERVICE, "gone"))).status, 404);
    await client.api.beginDeleteAndWait(GROUP, SERVICE, "gone", "*");
    await put(client, "gone", { displayName: "Again", path: "gone", serviceUrl: trusted.url });
    assert.deepEqual(await all(client.apiOperation.listByApi(GROUP, SERVICE, "gone")), []);
  },
};
