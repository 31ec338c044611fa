# SPDX-License-Identifier: GPL-3.0-or-later
"""The management API as far as the command line needs it, without a gateway behind it: resources in a dictionary, entity tags, errors,
pages. What it was asked is in `requests`; a test may make it answer otherwise with `answers`."""

import base64
import http.server
import json
import pathlib
import re
import ssl
import tempfile
import threading
import urllib.parse

from pki import Pair, openssl

TOKEN = "test-token-0123456789"
PREFIX = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/signet/providers/Microsoft.ApiManagement/service/signet"
PAGE = 3  # objects of a list's page: small, so that lists have several
MASK = "********"


class FakeManagement:
    """Listens on a free port from the start of the with block to its end."""

    def __init__(self, pair: Pair):
        self.objects: dict[str, dict] = {}  # "apis/orders" -> properties
        self.fixed: set[str] = set()  # of the gateway's own file
        self.revisions: dict[str, int] = {}
        self.requests: list[tuple[str, str]] = []  # method, "apis/orders"
        self.answers: dict[tuple[str, str], tuple[int, dict]] = {}
        self._revision = 0
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do(self):
                sent = self.rfile.read(int(self.headers["Content-Length"] or 0))
                status, etag, body = fake.answer(self.command, self.path, self.headers, sent)
                self.send_response(status)
                if etag:
                    self.send_header("ETag", etag)
                text = b"" if body is None else json.dumps(body).encode()
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_PUT = do_DELETE = do_POST = do_PATCH = do  # pylint: disable=invalid-name

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.chain, pair.key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.endpoint = f"https://127.0.0.1:{self.port}"

    def __enter__(self) -> "FakeManagement":
        self._thread = threading.Thread(target=self.server.serve_forever)
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()

    def writes(self) -> list[tuple[str, str]]:
        return [(method, path) for method, path in self.requests if method != "GET"]

    # ---- answers -------------------------------------------------------------------------------------------------------------------------

    def answer(self, method: str, target: str, headers, body: bytes) -> tuple[int, str, dict | None]:
        url = urllib.parse.urlsplit(target)
        query = urllib.parse.parse_qs(url.query)
        parts = [urllib.parse.unquote(part) for part in url.path.removeprefix(PREFIX).strip("/").split("/")]
        key = "/".join(parts)
        self.requests.append((method, key))
        if headers["Authorization"] != f"Bearer {TOKEN}":
            return 401, "", error("Unauthorized", "The token is not known.")
        assert query["api-version"] == ["2024-05-01"], target
        if (method, key) in self.answers:
            status, answer = self.answers[method, key]
            return status, "", answer
        if len(parts) == 3 and parts[2] == "reconnect":
            return 202, "", None
        if len(parts) % 2 == 1:
            return 200, "", self.page(key, url.path, int(query.get("$skip", ["0"])[0]))
        if method == "GET":
            if key not in self.objects:
                return 404, "", error("ResourceNotFound", "Not found.")
            return 200, self.etag(key), self.envelope(key)
        return self.write(method, key, headers["If-Match"], json.loads(body or b"{}").get("properties", {}))

    def write(self, method: str, key: str, if_match: str | None, properties: dict) -> tuple[int, str, dict | None]:
        there = key in self.objects
        if key in self.fixed:
            return 409, "", error("Conflict", f"{key} stands in the configuration file: change it there.")
        if method == "DELETE" and not if_match:
            return 400, "", error("ValidationError", "If-Match is missing.")
        if there and if_match not in (None, "*", self.etag(key)):
            return 412, "", error("PreconditionFailed", "Stale.")
        users = self.users(key)
        if method == "DELETE":
            if users:
                details = [{"code": "Conflict", "message": f"'{user}' uses it", "target": f"{PREFIX}/{user}"} for user in users]
                return 409, "", error("Conflict", f"{key} is in use.", details)
            for one in [one for one in self.objects if one == key or one.startswith(key + "/")]:
                del self.objects[one]
            return (200 if there else 204), "", None
        missing = [name for name in self.names(properties) if name not in self.objects]
        if missing:
            detail = {"code": "ValidationError", "message": f"{missing[0]} not found.", "target": "credentials"}
            return 400, "", error("ValidationError", "One or more fields contain incorrect values:", [detail])
        self.put(key, properties)
        return (200 if there else 201), self.etag(key), self.envelope(key)

    def put(self, key: str, properties: dict) -> None:
        if key.startswith("certificates/") and "data" in properties:
            properties = self.certificate(properties)
        self._revision += 1
        self.objects[key] = properties
        self.revisions[key] = self._revision

    def etag(self, key: str) -> str:
        return '"file-1"' if key in self.fixed else f'"{self.revisions.get(key, 0)}"'

    def envelope(self, key: str) -> dict:
        properties = json.loads(json.dumps(self.objects[key]))
        if key.startswith("certificates/"):
            properties["usedBy"] = [f"{PREFIX}/{user}" for user in self.users(key)]
        if re.fullmatch("apis/[^/]+", key):
            properties = {"apiRevision": "1", "isCurrent": True, "protocols": ["http", "https"], "subscriptionRequired": False,
                          **properties}
        headers = properties.get("credentials", {}).get("header", {})
        for name in headers:
            headers[name] = [MASK for _ in headers[name]]
        return {"id": f"{PREFIX}/{key}", "type": "x", "name": key.rsplit("/", 1)[-1], "properties": properties}

    def page(self, key: str, path: str, skip: int) -> dict:
        names = sorted(one for one in self.objects if one.rsplit("/", 1)[0] == key)
        body = {"value": [self.envelope(one) for one in names[skip:skip + PAGE]], "count": len(names)}
        if skip + PAGE < len(names):
            body["nextLink"] = f"https://elsewhere.example{path}?api-version=2024-05-01&$skip={skip + PAGE}"
        return body

    # ---- references ----------------------------------------------------------------------------------------------------------------------

    @staticmethod
    def names(properties: dict) -> list[str]:
        """Objects that these properties name."""
        names = [f"certificates/{one.rsplit('/', 1)[-1]}" for one in properties.get("credentials", {}).get("certificateIds", ())]
        names += [f"backends/{one['id'].rsplit('/', 1)[-1]}" for one in properties.get("pool", {}).get("services", ())]
        names += [f"backends/{properties['backendId']}"] if "backendId" in properties else []
        shown = re.findall('<authentication-certificate certificate-id="([^"]+)"', properties.get("value", ""))
        names += [f"certificates/{one}" for one in shown]
        return names

    def users(self, key: str) -> list[str]:
        return sorted(user for user, properties in self.objects.items() if key in self.names(properties))

    @staticmethod
    def certificate(properties: dict) -> dict:
        """What a gateway says about a PFX."""
        with tempfile.NamedTemporaryFile(suffix=".pfx") as file:
            file.write(base64.b64decode(properties["data"]))
            file.flush()
            pem = openssl("pkcs12", "-in", file.name, "-nokeys", "-clcerts", "-passin", f"pass:{properties.get('password', '')}")
        said = openssl("x509", "-noout", "-subject", "-nameopt", "RFC2253", "-fingerprint", "-sha1", "-enddate", "-dateopt", "iso_8601",
                       text_input=pem)
        values = dict(line.split("=", 1) for line in said.splitlines())
        return {"subject": values["subject"].strip(), "thumbprint": values["sha1 Fingerprint"].replace(":", ""),
                "expirationDate": values["notAfter"].replace(" ", "T", 1), "hasPrivateKey": True}


def error(code: str, message: str, details: list[dict] = ()) -> dict:
    return {"error": {"code": code, "message": message, "details": list(details)}}


def connection(fake: FakeManagement, folder: pathlib.Path, authority: pathlib.Path) -> list[str]:
    """Options of a command that is to talk to it."""
    token = folder / "token"
    token.write_text(TOKEN + "\n")
    token.chmod(0o600)
    return ["--endpoint", fake.endpoint, "--token-file", str(token), "--ca-file", str(authority)]
