// SPDX-License-Identifier: GPL-3.0-or-later
import assert from "node:assert/strict";

import { GROUP, PREFIX, SERVICE, all, raw, refusal } from "./support.mjs";

const document = (inbound, base = "<base />") =>
  `<policies><inbound>${base}${inbound}</inbound><backend>${base || "<forward-request />"}</backend><outbound>${base}</outbound>` +
  `<on-error>${base}</on-error></policies>`;
const header = (name, value) => `<set-header name="${name}" exists-action="override"><value>${value}</value></set-header>`;
const policy = (value, format = "rawxml") => ({ value, format });

async function publish(client, id, trusted) {
  await client.api.beginCreateOrUpdateAndWait(GROUP, SERVICE, id, { displayName: id, path: id, serviceUrl: trusted.url });
  await client.apiOperation.createOrUpdate(GROUP, SERVICE, id, "get", {
    displayName: "Get",
    method: "GET",
    urlTemplate: "/{id}",
    templateParameters: [{ name: "id", type: "string", required: true }],
  });
}

export const cases = {
  "policies of all three scopes are in force, the narrower behind the wider": async ({ client, trusted, gateway }) => {
    await publish(client, "pol-a", trusted);
    const made = await raw((options) =>
      client.policy.createOrUpdate(
        GROUP,
        SERVICE,
        "policy",
        policy(document(header("X-Global", "g") + header("X-Last", "global"), "")),
        options,
      ),
    );
    assert.ok([200, 201].includes(made.status));
    assert.equal(made.body.id, `${PREFIX}/policies/policy`);
    assert.equal(made.body.type, "Microsoft.ApiManagement/service/policies");
    const ofApi = await raw((options) =>
      client.apiPolicy.createOrUpdate(
        GROUP,
        SERVICE,
        "pol-a",
        "policy",
        policy(document(header("X-Api", "a") + header("X-Last", "api"))),
        options,
      ),
    );
    assert.equal(ofApi.status, 201);
    assert.equal(ofApi.body.id, `${PREFIX}/apis/pol-a/policies/policy`);
    const ofOperation = await raw((options) =>
      client.apiOperationPolicy.createOrUpdate(
        GROUP,
        SERVICE,
        "pol-a",
        "get",
        "policy",
        policy(document(header("X-Operation", "o") + header("X-Last", "operation"))),
        options,
      ),
    );
    assert.equal(ofOperation.status, 201);
    assert.equal(ofOperation.body.id, `${PREFIX}/apis/pol-a/operations/get/policies/policy`);
    const seen = (await gateway.call("/pol-a/7")).body.headers;
    assert.equal(seen["x-global"], "g");
    assert.equal(seen["x-api"], "a");
    assert.equal(seen["x-operation"], "o");
    assert.equal(seen["x-last"], "operation");
    await client.apiOperationPolicy.delete(GROUP, SERVICE, "pol-a", "get", "policy", "*");
    assert.equal((await gateway.call("/pol-a/7")).body.headers["x-last"], "api");
    await client.apiPolicy.delete(GROUP, SERVICE, "pol-a", "policy", "*");
    assert.equal((await gateway.call("/pol-a/7")).body.headers["x-last"], "global");
    await client.policy.delete(GROUP, SERVICE, "policy", "*");
    assert.equal((await gateway.call("/pol-a/7")).body.headers["x-last"], undefined);
  },

  "a policy is read as it was written, listed, and has an ETag at each scope": async ({ client, trusted }) => {
    await publish(client, "pol-b", trusted);
    const value = document(header("X-B", "b"));
    const whole = document(header("X-B", "b"), "");
    const scopes = [
      { operations: client.policy, scope: [], list: client.policy.listByService(GROUP, SERVICE), text: whole },
      { operations: client.apiPolicy, scope: ["pol-b"], list: null, text: value },
      { operations: client.apiOperationPolicy, scope: ["pol-b", "get"], list: null, text: value },
    ];
    for (const { operations, scope, text } of scopes) {
      const made = await raw((options) => operations.createOrUpdate(GROUP, SERVICE, ...scope, "policy", policy(text), options));
      const read = await raw((options) => operations.get(GROUP, SERVICE, ...scope, "policy", { ...options, format: "rawxml" }));
      assert.equal(read.value.value?.trim(), text, `value at scope ${scope.join("/") || "global"}`);
      assert.equal(read.body.properties.value.trim(), text);
      assert.equal(read.body.name, "policy");
      assert.equal(read.etag, made.etag);
      assert.equal((await operations.getEntityTag(GROUP, SERVICE, ...scope, "policy")).eTag, made.etag);
      const again = await raw((options) =>
        operations.createOrUpdate(GROUP, SERVICE, ...scope, "policy", policy(text), { ...options, ifMatch: made.etag }),
      );
      assert.equal(again.status, 200);
      assert.equal(
        (await refusal(operations.createOrUpdate(GROUP, SERVICE, ...scope, "policy", policy(text), { ifMatch: '"stale"' }))).status,
        412,
      );
      assert.equal((await refusal(operations.delete(GROUP, SERVICE, ...scope, "policy", '"stale"'))).status, 412);
    }
    assert.deepEqual(
      (await all(scopes[0].list)).map((item) => item.name),
      ["policy"],
    );
    assert.equal((await client.apiPolicy.listByApi(GROUP, SERVICE, "pol-b")).value.length, 1);
    assert.equal((await client.apiOperationPolicy.listByOperation(GROUP, SERVICE, "pol-b", "get")).value.length, 1);
    for (const { operations, scope } of scopes.reverse()) {
      assert.equal((await raw((options) => operations.delete(GROUP, SERVICE, ...scope, "policy", "*", options))).status, 200);
      assert.equal((await raw((options) => operations.delete(GROUP, SERVICE, ...scope, "policy", "*", options))).status, 204);
    }
    assert.equal((await refusal(client.apiPolicy.get(GROUP, SERVICE, "pol-b", "policy"))).status, 404);
  },

  "a policy that cannot be is refused with line and element, and nothing changes": async ({ client, trusted, gateway }) => {
    await publish(client, "pol-c", trusted);
    await client.apiPolicy.createOrUpdate(GROUP, SERVICE, "pol-c", "policy", policy(document(header("X-C", "good"))));
    const refused = async (inbound) => {
      const told = await refusal(client.apiPolicy.createOrUpdate(GROUP, SERVICE, "pol-c", "policy", policy(document(inbound))));
      assert.equal(told.status, 400, inbound);
      assert.equal(told.code, "ValidationError");
      assert.equal(told.details[0].target, "representation");
      return told.details[0].message;
    };
    assert.match(await refused("\n<no-such-element />"), /Error in element 'no-such-element' on line 2, column \d+: /);
    assert.match(await refused('<authentication-certificate certificate-id="nobody" />'), /nobody/);
    assert.match(await refused('<set-backend-service backend-id="nobody" />'), /nobody/);
    assert.match(await refused(header("X-C", "@(context.Request.Url)")), /@\(/);
    await refused("<set-header");
    assert.equal((await gateway.call("/pol-c/7")).body.headers["x-c"], "good");
  },

  "a policy's answer stands in for the back end, and its limits hold": async ({ client, trusted, gateway }) => {
    await publish(client, "pol-d", trusted);
    const put = (inbound) => client.apiPolicy.createOrUpdate(GROUP, SERVICE, "pol-d", "policy", policy(document(inbound)));
    await put('<return-response><set-status code="418" reason="Teapot" /><set-body>short and stout</set-body></return-response>');
    const answer = await gateway.call("/pol-d/7");
    assert.equal(answer.status, 418);
    assert.equal(answer.text, "short and stout");
    await put('<ip-filter action="forbid"><address>127.0.0.1</address></ip-filter>');
    assert.equal((await gateway.call("/pol-d/7")).status, 403);
    await put('<rate-limit calls="1" renewal-period="300" />');
    const statuses = [];
    for (let i = 0; i < 3; ++i) {
      statuses.push((await gateway.call("/pol-d/7")).status);
    }
    assert.ok(statuses[0] === 200 && statuses.includes(429), statuses.join());
  },
};
