// SPDX-License-Identifier: GPL-3.0-or-later
import assert from "node:assert/strict";

import { GROUP, PASSWORD, PREFIX, SERVICE, all, raw, refusal } from "./support.mjs";

const put = (client, id, certificate, options) =>
  client.certificate.createOrUpdate(GROUP, SERVICE, id, { data: certificate.pfx, password: PASSWORD }, options);

export const cases = {
  "a certificate is created from a PFX, described in full, and its secrets never come back": async ({ client, pki }) => {
    const made = await raw((options) => put(client, "cert-a", pki.orders, options));
    assert.equal(made.status, 201);
    assert.equal(made.body.id, `${PREFIX}/certificates/cert-a`);
    assert.equal(made.body.type, "Microsoft.ApiManagement/service/certificates");
    assert.equal(made.body.name, "cert-a");
    assert.equal(made.value.thumbprint, pki.orders.thumbprint);
    assert.equal(made.value.expirationDate.getTime(), pki.orders.notAfter.getTime());
    assert.match(made.value.subject, /CN=orders/);
    assert.equal(made.body.properties.hasPrivateKey, true);
    for (const secret of [pki.orders.pfx, PASSWORD, "PRIVATE KEY"]) {
      assert.ok(!made.text.includes(secret));
    }
    assert.deepEqual(
      Object.keys(made.body.properties).filter((name) => ["data", "password"].includes(name)),
      [],
    );
  },

  "GET and HEAD of a certificate agree with what was created, ETag included": async ({ client, pki }) => {
    const made = await raw((options) => put(client, "cert-b", pki.orders, options));
    const read = await raw((options) => client.certificate.get(GROUP, SERVICE, "cert-b", options));
    const head = await client.certificate.getEntityTag(GROUP, SERVICE, "cert-b");
    assert.deepEqual(read.body, made.body);
    assert.match(made.etag, /^"[^"]+"$/);
    assert.equal(read.etag, made.etag);
    assert.equal(head.eTag, made.etag);
    assert.equal(read.value.thumbprint, pki.orders.thumbprint);
  },

  "a certificate is replaced under its id, and its ETag changes": async ({ client, pki }) => {
    const first = await raw((options) => put(client, "cert-c", pki.orders, options));
    const second = await raw((options) => put(client, "cert-c", pki.billing, { ...options, ifMatch: first.etag }));
    assert.equal(second.status, 200);
    assert.notEqual(second.etag, first.etag);
    assert.equal((await client.certificate.get(GROUP, SERVICE, "cert-c")).thumbprint, pki.billing.thumbprint);
    const stale = await refusal(put(client, "cert-c", pki.orders, { ifMatch: first.etag }));
    assert.equal(stale.status, 412);
    assert.equal(stale.code, "PreconditionFailed");
    assert.equal((await client.certificate.get(GROUP, SERVICE, "cert-c")).thumbprint, pki.billing.thumbprint);
  },

  "certificates are listed, page after page, and narrowed by a filter": async ({ client, pki }) => {
    const ids = ["page-1", "page-2", "page-3", "page-4", "page-5"];
    for (const id of ids) {
      await put(client, id, id === "page-5" ? pki.billing : pki.orders);
    }
    const named = (items) => items.map((item) => item.name).filter((name) => name.startsWith("page-"));
    assert.deepEqual(named(await all(client.certificate.listByService(GROUP, SERVICE))), ids);
    const pages = await all(client.certificate.listByService(GROUP, SERVICE, { top: 2, filter: "startswith(name,'page-')" }).byPage());
    assert.deepEqual(
      pages.map((page) => page.length),
      [2, 2, 1],
    );
    assert.deepEqual(
      pages.flat().map((item) => item.name),
      ids,
    );
    const filtered = async (filter) => named(await all(client.certificate.listByService(GROUP, SERVICE, { filter })));
    assert.deepEqual(await filtered(`thumbprint eq '${pki.billing.thumbprint}' and startswith(name,'page-')`), ["page-5"]);
    assert.deepEqual(await filtered("name ge 'page-2' and name lt 'page-4'"), ["page-2", "page-3"]);
    assert.deepEqual(await filtered("expirationDate gt datetime'2020-01-01' and substringof('ge-1',name)"), ["page-1"]);
    assert.deepEqual(await filtered("expirationDate lt 2020-01-01"), []);
    assert.equal((await refusal(all(client.certificate.listByService(GROUP, SERVICE, { filter: "colour eq 'x'" })))).status, 400);
  },

  "a wrong password, a file that is no PFX: each is told apart": async ({ client, pki }) => {
    const attempt = (data, password) => refusal(client.certificate.createOrUpdate(GROUP, SERVICE, "cert-bad", { data, password }));
    const password = await attempt(pki.orders.pfx, "wrong horse");
    assert.equal(password.status, 400);
    assert.equal(password.code, "ValidationError");
    assert.equal(password.details[0].target, "password");
    const data = await attempt(Buffer.from("no PFX at all").toString("base64"), PASSWORD);
    assert.equal(data.status, 400);
    assert.equal(data.details[0].target, "data");
    assert.ok(!JSON.stringify([password, data]).includes(PASSWORD));
    assert.equal((await refusal(client.certificate.get(GROUP, SERVICE, "cert-bad"))).code, "ResourceNotFound");
  },

  "a certificate is deleted under its ETag, and then it is not there": async ({ client, pki }) => {
    const first = await raw((options) => put(client, "cert-d", pki.orders, options));
    const second = await raw((options) => put(client, "cert-d", pki.billing, options));
    assert.equal((await refusal(client.certificate.delete(GROUP, SERVICE, "cert-d", first.etag))).status, 412);
    assert.equal((await raw((options) => client.certificate.delete(GROUP, SERVICE, "cert-d", second.etag, options))).status, 200);
    assert.equal((await raw((options) => client.certificate.delete(GROUP, SERVICE, "cert-d", "*", options))).status, 204);
    const gone = await refusal(client.certificate.get(GROUP, SERVICE, "cert-d"));
    assert.equal(gone.status, 404);
    assert.equal(gone.code, "ResourceNotFound");
    assert.equal((await refusal(client.certificate.getEntityTag(GROUP, SERVICE, "cert-d"))).status, 404);
  },
};
