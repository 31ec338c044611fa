// SPDX-License-Identifier: GPL-3.0-or-later
// What the cases need: certificates, a back end that says who called, a gateway, the official client, a caller.

import { ApiManagementClient } from "@azure/arm-apimanagement";
import { execFile, spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

export const PASSWORD = "correct horse battery";
/// Only something that hangs takes as long.
const PATIENCE_MS = 60_000;
const STEP_MS = 20;

// ---- certificates ------------------------------------------------------------

const EXTENSIONS = {
  ca: "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n",
  server: "basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=IP:127.0.0.1,DNS:localhost\n",
  client: "basicConstraints=critical,CA:FALSE\nextendedKeyUsage=clientAuth\n",
};

/// A certificate with its key in `folder`; without an issuer it signs itself.
export async function makeCertificate(folder, name, usage, issuer) {
  const file = (suffix) => join(folder, `${name}.${suffix}`);
  writeFileSync(file("ext"), EXTENSIONS[usage]);
  await run("openssl", ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", file("key")]);
  await run("openssl", ["req", "-new", "-key", file("key"), "-subj", `/O=Contoso/CN=${name}`, "-out", file("csr")]);
  const signer = issuer ? ["-CA", issuer.certificateFile, "-CAkey", issuer.keyFile, "-CAcreateserial"] : ["-signkey", file("key")];
  await run("openssl", ["x509", "-req", "-in", file("csr"), ...signer, "-days", "30", "-extfile", file("ext"), "-out", file("crt")]);
  await run("openssl", [
    "pkcs12",
    "-export",
    "-inkey",
    file("key"),
    "-in",
    file("crt"),
    "-passout",
    `pass:${PASSWORD}`,
    "-out",
    file("pfx"),
  ]);
  const x509 = new X509Certificate(readFileSync(file("crt")));
  return {
    name,
    certificateFile: file("crt"),
    keyFile: file("key"),
    pfx: readFileSync(file("pfx")).toString("base64"),
    thumbprint: x509.fingerprint.replaceAll(":", ""),
    notAfter: new Date(x509.validTo),
  };
}

// ---- back end ------------------------------------------------------------

/// An https server that wants a client certificate and answers with what it has seen, as JSON.
export class BackEnd {
  static async start(certificate) {
    const server = https.createServer(
      {
        cert: readFileSync(certificate.certificateFile),
        key: readFileSync(certificate.keyFile),
        requestCert: true,
        rejectUnauthorized: false,
      },
      (request, response) => {
        const peer = request.socket.getPeerCertificate();
        const seen = {
          method: request.method,
          url: request.url,
          headers: request.headers,
          subject: peer.subject?.CN ?? null,
          thumbprint: peer.fingerprint?.replaceAll(":", "") ?? null,
        };
        response.setHeader("Content-Type", "application/json");
        response.end(JSON.stringify(seen));
      },
    );
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new BackEnd(server);
  }

  constructor(server) {
    this.server = server;
    this.url = `https://127.0.0.1:${server.address().port}`;
  }

  stop() {
    this.server.close();
    this.server.closeAllConnections();
  }
}

// ---- gateway ------------------------------------------------------------

/// Different ones: they are taken at once.
async function freePorts(count) {
  const servers = Array.from({ length: count }, () => net.createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => server.address().port);
  for (const server of servers) server.close();
  await Promise.all(servers.map((server) => once(server, "close")));
  return ports;
}

function isOpen(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1");
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}

/// `signet run` with a management listener and nothing configured but that. What it says goes to a file in `folder`.
export class Gateway {
  static async start(binary, folder, authorityFile) {
    mkdirSync(folder, { recursive: true });
    const gateway = new Gateway(folder, ...(await freePorts(2)));
    const config = {
      shards: 2,
      listeners: [{ address: `127.0.0.1:${gateway.port}` }],
      admin: { address: `127.0.0.1:${gateway.adminPort}` },
      stateDirectory: "state",
    };
    writeFileSync(join(folder, "signet.json"), JSON.stringify(config, null, 2));
    const log = openSync(gateway.logFile, "w");
    // The official client knows no property for trust anchors: back ends are checked against the system's bundle, which is ours here.
    gateway.process = spawn(binary, ["run", join(folder, "signet.json")], {
      cwd: folder,
      env: { ...process.env, SSL_CERT_FILE: authorityFile },
      stdio: ["ignore", log, log],
    });
    gateway.ended = once(gateway.process, "exit");
    process.on("exit", () => gateway.process.kill("SIGKILL"));
    await gateway.waitUntilReady();
    return gateway;
  }

  constructor(folder, port, adminPort) {
    this.port = port;
    this.adminPort = adminPort;
    this.logFile = join(folder, "signet.log");
    this.tokenFile = join(folder, "state", "admin.token");
    this.certificateFile = join(folder, "state", "admin.crt");
  }

  get log() {
    return readFileSync(this.logFile, "utf8");
  }

  async waitUntilReady() {
    const end = Date.now() + PATIENCE_MS;
    while (!(existsSync(this.tokenFile) && (await isOpen(this.adminPort)) && (await isOpen(this.port)))) {
      if (this.process.exitCode !== null || Date.now() > end) {
        this.process.kill("SIGKILL");
        throw new Error(`signet does not listen on its two ports:\n${this.log.slice(-4000)}`);
      }
      await pause(STEP_MS);
    }
  }

  /// Its exit status.
  async stop() {
    const hard = setTimeout(() => this.process.kill("SIGKILL"), PATIENCE_MS);
    this.process.kill("SIGTERM");
    const [status, signal] = await this.ended;
    clearTimeout(hard);
    return signal ?? status;
  }

  /// A call through the data plane: status, header fields, and the body read as JSON where it is some.
  call(path, { method = "GET", headers = {} } = {}) {
    return new Promise((resolve, reject) => {
      const options = { host: "127.0.0.1", port: this.port, path, method, headers, agent: false, timeout: PATIENCE_MS };
      const request = http.request(options, async (response) => {
        let text = "";
        for await (const chunk of response.setEncoding("utf8")) {
          text += chunk;
        }
        const isJson = response.headers["content-type"]?.startsWith("application/json") && text !== "";
        resolve({ status: response.statusCode, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined });
      });
      request.on("timeout", () => request.destroy(new Error("no answer"))).on("error", reject);
      request.end();
    });
  }
}

// ---- client ------------------------------------------------------------

export const SUBSCRIPTION = "00000000-0000-4000-8000-000000000001";
export const GROUP = "rg";
export const SERVICE = "signet";
export const PREFIX = `/subscriptions/${SUBSCRIPTION}/resourceGroups/${GROUP}/providers/Microsoft.ApiManagement/service/${SERVICE}`;

/// The official client, as anybody would set it up for a service that is not Azure's. It tries nothing twice: a second attempt would hide
/// what the first was told.
export function officialClient(gateway, token = readFileSync(gateway.tokenFile, "utf8").trim()) {
  const credential = { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) };
  return new ApiManagementClient(credential, SUBSCRIPTION, {
    endpoint: `https://127.0.0.1:${gateway.adminPort}`,
    tlsOptions: { ca: readFileSync(gateway.certificateFile) },
    retryOptions: { maxRetries: 0 },
  });
}

/// Runs an operation of the client and keeps the last raw answer: what the client hides, and what it may not see.
export async function raw(operation) {
  let answer;
  const value = await operation({ onResponse: (response) => (answer = response) });
  const text = answer.bodyAsText ?? "";
  return { value, status: answer.status, etag: answer.headers.get("etag"), text, body: text === "" ? undefined : JSON.parse(text) };
}

/// The error that an operation of the client ends in: status, code, message, details.
export async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    if (error.statusCode === undefined) {
      throw error;
    }
    const body = error.response?.bodyAsText ? JSON.parse(error.response.bodyAsText) : {};
    return { status: error.statusCode, code: body.error?.code, message: body.error?.message, details: body.error?.details ?? [] };
  }
  throw new Error("expected a refusal, and it was accepted");
}

export async function all(list) {
  const items = [];
  for await (const item of list) {
    items.push(item);
  }
  return items;
}
