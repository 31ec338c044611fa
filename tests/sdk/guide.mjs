// SPDX-License-Identifier: GPL-3.0-or-later
// "How to secure back-end services using client certificate authentication", step by step, and who may do it at all.
import assert from "node:assert/strict";
import http from "node:http";
import { once } from "node:events";

import { GROUP, PASSWORD, PREFIX, SERVICE, all, officialClient, raw, refusal } from "./support.mjs";

const policy = (inbound) => ({ format: "rawxml", value: `<policies><inbound><base />${inbound}</inbound></policies>` });

export const cases = {
  "the guide, from the upload of a certificate to its removal": async ({ client, pki, selfSigned, gateway }) => {
    // Upload a certificate.
    await client.certificate.createOrUpdate(GROUP, SERVICE, "guide-cert", { data: pki.guide.pfx, password: PASSWORD });
    // It is listed with its thumbprint.
    const listed = (await all(client.certificate.listByService(GROUP, SERVICE))).find((item) => item.name === "guide-cert");
    assert.equal(listed.thumbprint, pki.guide.thumbprint);
    // Configure an API to use it for gateway authentication: it becomes part of the API's policy.
    await client.api.beginCreateOrUpdateAndWait(GROUP, SERVICE, "guide", {
      displayName: "Guide",
      path: "guide",
      serviceUrl: `${selfSigned.url}/v1`,
    });
    await client.apiPolicy.createOrUpdate(
      GROUP,
      SERVICE,
      "guide",
      "policy",
      policy(`<authentication-certificate thumbprint="${listed.thumbprint}" />`),
    );
    const shown = await client.apiPolicy.get(GROUP, SERVICE, "guide", "policy", { format: "rawxml" });
    assert.ok(shown.value.includes(listed.thumbprint));
    // The back end's own certificate is self-signed: 500, as the guide says.
    const failed = await gateway.call("/guide/orders");
    assert.equal(failed.status, 500, failed.text);
    assert.equal(failed.body.statusCode, 500);
    // Switch the check of the chain off, as New-AzApiManagementBackend -SkipCertificateChainValidation does.
    await client.backend.createOrUpdate(GROUP, SERVICE, "guide-backend", {
      url: selfSigned.url,
      protocol: "http",
      tls: { validateCertificateChain: false, validateCertificateName: true },
    });
    const passed = await gateway.call("/guide/orders");
    assert.equal(passed.status, 200, passed.text);
    assert.equal(passed.body.url, "/v1/orders");
    assert.equal(passed.body.subject, "guide");
    assert.equal(passed.body.thumbprint, pki.guide.thumbprint);
    // In use by an API: it cannot be deleted, and the API is named.
    const held = await refusal(client.certificate.delete(GROUP, SERVICE, "guide-cert", "*"));
    assert.equal(held.status, 409);
    assert.equal(held.code, "Conflict");
    assert.equal(held.details.length, 1);
    assert.ok(held.details[0].target.startsWith(`${PREFIX}/apis/guide`), JSON.stringify(held));
    assert.match(held.details[0].message, /API 'guide' uses it/);
    assert.equal((await gateway.call("/guide/orders")).body.thumbprint, pki.guide.thumbprint);
    // Remove it from the API; then it can be.
    await client.apiPolicy.createOrUpdate(GROUP, SERVICE, "guide", "policy", policy(""));
    assert.equal((await gateway.call("/guide/orders")).body.subject, null);
    assert.equal((await raw((options) => client.certificate.delete(GROUP, SERVICE, "guide-cert", "*", options))).status, 200);
    assert.equal((await refusal(client.certificate.get(GROUP, SERVICE, "guide-cert"))).status, 404);
  },

  "a certificate that an API uses by id is replaced under it, and the next call shows the new one": async ({
    client,
    pki,
    trusted,
    gateway,
  }) => {
    const upload = (certificate) =>
      client.certificate.createOrUpdate(GROUP, SERVICE, "rotating", { data: certificate.pfx, password: PASSWORD });
    await upload(pki.orders);
    await client.api.beginCreateOrUpdateAndWait(GROUP, SERVICE, "rotating", {
      displayName: "Rotating",
      path: "rotating",
      serviceUrl: trusted.url,
    });
    await client.apiPolicy.createOrUpdate(
      GROUP,
      SERVICE,
      "rotating",
      "policy",
      policy('<authentication-certificate certificate-id="rotating" />'),
    );
    for (const certificate of [pki.orders, pki.billing, pki.orders, pki.billing]) {
      await upload(certificate);
      for (let i = 0; i < 5; ++i) {
        assert.equal((await gateway.call("/rotating/x")).body.thumbprint, certificate.thumbprint);
      }
    }
  },

  "nobody gets in with a wrong token, and the right one goes on": async ({ client, gateway }) => {
    const stranger = officialClient(gateway, "not-the-token");
    for (let i = 0; i < 5; ++i) {
      assert.equal((await refusal(stranger.certificate.get(GROUP, SERVICE, "x"))).status, 401);
    }
    assert.equal((await refusal(client.certificate.get(GROUP, SERVICE, "x"))).status, 404);
  },

  "the management listener speaks TLS and nothing else": async ({ gateway }) => {
    const request = http.get({ host: "127.0.0.1", port: gateway.adminPort, path: "/certificates?api-version=2024-05-01", agent: false });
    const outcome = await once(request, "response").then(
      ([response]) => response.resume() && response.statusCode,
      () => "closed",
    );
    assert.ok(outcome === "closed" || outcome >= 400, `${outcome}`);
  },
};
