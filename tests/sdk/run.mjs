#!/usr/bin/env node
// SPDX-License-Identifier: GPL-3.0-or-later
//
// The management API under the official client of Azure API Management, which is not changed in any way: its package, pinned by hash, talks
// over TLS to `signet run`, and calls through the data plane show that what it has configured is in force.
//
//   tests/sdk/run.mjs [--signet PROGRAM] [WORD…]     only cases whose name has one of the words
//
// Needs `npm ci` in this folder (scripts/fetch-dependencies test does it). Ends with "N passed, N failed"; exit status 1 when one failed.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import * as apis from "./apis.mjs";
import * as backends from "./backends.mjs";
import * as certificates from "./certificates.mjs";
import * as guide from "./guide.mjs";
import * as policies from "./policies.mjs";
import { BackEnd, Gateway, makeCertificate, officialClient } from "./support.mjs";

const CASE_MS_MAX = 120_000;
const LOG_SHOWN = 6000;

const root = resolve(fileURLToPath(import.meta.url), "../../..");
const { values, positionals } = parseArgs({
  options: { signet: { type: "string", default: join(root, "build/release/src/signet") } },
  allowPositionals: true,
});

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => process.exit(1)); // which takes the gateway along
}

async function surroundings(folder) {
  const authority = await makeCertificate(folder, "authority", "ca");
  const pki = {
    orders: await makeCertificate(folder, "orders", "client", authority),
    guide: await makeCertificate(folder, "guide", "client", authority),
    billing: await makeCertificate(folder, "billing", "client", authority),
  };
  const trusted = await BackEnd.start(await makeCertificate(folder, "server", "server", authority));
  const selfSigned = await BackEnd.start(await makeCertificate(folder, "self-signed", "server"));
  const gateway = await Gateway.start(resolve(values.signet), join(folder, "gateway"), authority.certificateFile);
  return { pki, trusted, selfSigned, gateway, client: officialClient(gateway) };
}

async function within(limit, work) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not over after ${limit} ms`)), limit);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function runCases(context) {
  const counts = { passed: 0, failed: 0 };
  for (const [name, run] of Object.entries({
    ...certificates.cases,
    ...backends.cases,
    ...apis.cases,
    ...policies.cases,
    ...guide.cases,
  })) {
    if (positionals.length !== 0 && !positionals.some((word) => name.includes(word))) {
      continue;
    }
    try {
      await within(CASE_MS_MAX, run(context));
      counts.passed += 1;
      console.log(`passed  ${name}`);
    } catch (error) {
      counts.failed += 1;
      console.log(`failed  ${name}\n${error.stack ?? error}`.replaceAll("\n", "\n        "));
    }
  }
  return counts;
}

const folder = mkdtempSync(join(tmpdir(), "signet-sdk-"));
let counts = { passed: 0, failed: 1 };
try {
  const context = await surroundings(folder);
  counts = await runCases(context);
  const status = await context.gateway.stop();
  context.trusted.stop();
  context.selfSigned.stop();
  if (status !== 0) {
    counts.failed += 1;
    console.log(`failed  signet ends well: it ended with ${status}`);
  }
  if (counts.failed !== 0) {
    console.log(`---- end of signet's log:\n${context.gateway.log.slice(-LOG_SHOWN)}`);
  }
} catch (error) {
  console.log(`failed  the surroundings of the cases\n${error.stack ?? error}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exit(counts.failed === 0 ? 0 : 1);
