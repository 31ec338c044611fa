# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line against a real gateway: the guide step by step, and that what it says is in force when it returns."""

import contextlib
import json
import pathlib

from harness import Nginx, call, pki, signet
from management import Managed


class Gateway(Managed):
    """With nothing to serve but what its file has: an API that goes nowhere."""

    def __init__(self):
        super().__init__(backends=[{"id": "fixed", "url": "http://127.0.0.1:1"}],
                         apis=[{"id": "fixed", "path": "fixed", "backendId": "fixed"}])

    def command(self, *arguments: str | pathlib.Path, status: int = 0) -> str:
        """What signet says, on standard output and standard error."""
        ended, said = signet(*arguments, "--state-directory", self.api.state, "--endpoint", f"https://127.0.0.1:{self.api.port}")
        assert ended == status, f"{arguments}: {ended}\n{said}"
        return said

    def file(self, name: str, content: str) -> str:
        (self.folder / name).write_text(content)
        return str(self.folder / name)


@contextlib.contextmanager
def managed(origin_certificate=None):
    with Nginx(pki(), origin_certificate) as origin, Gateway() as gateway:
        yield origin, gateway


def add_orders(gateway: Gateway) -> str:
    return gateway.command("cert", "add", "orders", pki().orders.pfx, "--password-file", pki().orders.password_file)


def test_the_guide_step_by_step():
    with managed(pki().server_untrusted) as (origin, gateway):
        # Upload a certificate, look at it.
        assert "certificate orders added" in add_orders(gateway)
        assert pki().orders.sha1.upper() in gateway.command("cert", "list")
        # Give it to an API.
        gateway.command("backend", "set", "orders", "--url", origin.url, "--ca", "test-ca")
        gateway.command("api", "set", "orders", "--path", "orders", "--backend", "orders", "--cert", "orders")
        assert 'authentication-certificate certificate-id="orders"' in gateway.command("api", "policy", "get", "orders")
        # The back end's certificate is self-signed, so to say: 500, until its chain is not validated any more.
        assert call(gateway.port, "/orders/1k").status == 500
        gateway.command("backend", "set", "orders", "--skip-certificate-chain-validation")
        response = call(gateway.port, "/orders/1k")
        assert response.status == 200 and response.field("X-Client-Sha1") == pki().orders.sha1, response
        # It is in use: it stays, and whoever uses it is named.
        said = gateway.command("cert", "remove", "orders", status=4)
        assert "API 'orders' uses it in its policy" in said, said
        assert "apis/orders" in gateway.command("cert", "list")
        assert call(gateway.port, "/orders/1k").status == 200
        # Taken away from the API it can go.
        gateway.command("api", "set", "orders", "--no-cert")
        assert call(gateway.port, "/orders/1k").field("X-Client-Sha1") != pki().orders.sha1
        gateway.command("cert", "remove", "orders")
        assert "orders" not in gateway.command("cert", "list")


def test_a_certificate_of_the_backend_and_one_of_the_api():
    with managed() as (origin, gateway):
        add_orders(gateway)
        gateway.command("cert", "add", "billing", pki().billing.pfx, "--password-file", pki().billing.password_file)
        gateway.command("backend", "set", "orders", "--url", origin.url, "--ca", "test-ca", "--cert", "orders")
        gateway.command("api", "set", "a", "--path", "a", "--backend", "orders")
        assert call(gateway.port, "/a/1k").field("X-Client-Sha1") == pki().orders.sha1
        gateway.command("api", "set", "a", "--cert", "billing")
        assert call(gateway.port, "/a/1k").field("X-Client-Sha1") == pki().billing.sha1
        gateway.command("backend", "reconnect", "orders")
        gateway.command("backend", "remove", "orders", status=4)
        for what in ("status", "refusals"):
            gateway.command(what)


def test_what_is_refused_says_why_and_what_the_file_defines_stays():
    with managed() as (_, gateway):
        said = gateway.command("backend", "set", "x", "--url", "https://x.example", "--cert", "missing", status=2)
        assert "missing" in said, said
        said = gateway.command("backend", "set", "fixed", "--title", "x", status=4)
        assert "configuration file" in said, said
        gateway.command("api", "remove", "fixed", status=4)
        gateway.command("api", "set", "x", "--path", "x", "--service-url", "http://127.0.0.1:1")
        policy = gateway.file("bad.xml", "<policies><inbound><nonsense /></inbound></policies>")
        said = gateway.command("api", "policy", "set", "x", policy, status=2)
        assert "Error in element 'nonsense'" in said, said


def test_apply_export_and_prune():
    with managed() as (origin, gateway):
        wanted = {
            "certificates": [{"id": "orders", "pfxFile": str(pki().orders.pfx), "passwordFile": str(pki().orders.password_file)}],
            "backends": [{"id": "orders", "url": origin.url, "tls": {"certificateAuthorities": ["test-ca"]},
                          "credentials": {"certificateIds": ["orders"], "header": {"X-Key": ["hidden"]}}, "timeouts": {"connect": "3s"},
                          "circuitBreaker": {"rules": [{"name": "r", "tripDuration": "PT10S", "failureCondition": {
                              "count": 100, "interval": "PT1M", "statusCodeRanges": [{"min": 500, "max": 599}]}}]}},
                         {"id": "pool", "type": "Pool", "pool": {"services": [{"id": "orders"}]}}],
            "apis": [{"id": "orders", "path": "orders", "backendId": "pool", "policyFile": "orders.xml",
                      "operations": [{"id": "get", "method": "GET", "urlTemplate": "/1k",
                                      "policy": "<policies><inbound><base /></inbound></policies>"}]}],
            "policy": "<policies><backend><forward-request /></backend></policies>",
        }
        gateway.file("orders.xml", "<policies>\n  <inbound>\n    <base />\n    <set-header name=\"X-From\">\n      <value>file</value>\n"
                                   "    </set-header>\n  </inbound>\n</policies>\n")
        file = gateway.file("want.json", json.dumps(wanted))
        assert "8 to add" in gateway.command("apply", "-f", file)
        assert call(gateway.port, "/orders/1k").field("X-Client-Sha1") == pki().orders.sha1
        assert call(gateway.port, "/orders/1m").status == 404
        assert gateway.command("apply", "-f", file, "--prune") == "no changes\n"
        exported = gateway.command("export")
        exported = exported[exported.index("{"):exported.rindex("}") + 1]
        assert "hidden" not in exported
        assert gateway.command("apply", "-f", gateway.file("exported.json", exported), "--prune") == "no changes\n"
        # Only what is not the gateway's own file's goes.
        said = gateway.command("apply", "-f", gateway.file("none.json", "{}"), "--prune")
        assert "5 to remove" in said, said
        assert call(gateway.port, "/orders/1k").status == 404
        assert "fixed" in gateway.command("api", "list") and "orders" not in gateway.command("api", "list")


def test_import_of_an_arm_template():
    with managed() as (origin, gateway):
        add_orders(gateway)
        kind = "Microsoft.ApiManagement/service"
        policy = "<policies><inbound><base /><authentication-certificate certificate-id=\"orders\" /></inbound></policies>"
        template = {"parameters": {"service": {"type": "string"}}, "resources": [
            {"type": f"{kind}/backends", "name": "[concat(parameters('service'), '/orders')]", "properties": {
                "url": origin.url, "protocol": "http", "tls": {"validateCertificateChain": False, "validateCertificateName": True}}},
            {"type": f"{kind}/apis", "name": "[concat(parameters('service'), '/orders')]", "properties": {
                "displayName": "Orders", "path": "orders", "protocols": ["http", "https"], "serviceUrl": origin.url,
                "subscriptionRequired": True},
             "resources": [{"type": "policies", "name": "policy", "properties": {"format": "rawxml", "value": policy}},
                           {"type": "operations", "name": "get", "properties": {
                               "displayName": "Get", "method": "GET", "urlTemplate": "/{name}",
                               "templateParameters": [{"name": "name", "type": "string", "required": True}]}}]},
            {"type": f"{kind}/apis", "name": "[concat(parameters('service'), '/jwt')]", "properties": {
                "displayName": "JWT", "path": "jwt", "serviceUrl": "https://x.example"},
             "resources": [{"type": "policies", "name": "policy", "properties": {
                 "format": "xml", "value": "<policies><inbound><validate-jwt header-name=\"A\" /></inbound></policies>"}}]},
        ]}
        said = gateway.command("import", gateway.file("template.json", json.dumps(template)), status=7)
        assert "policy of API jwt: is not carried over: Error in element 'validate-jwt'" in said, said
        assert "subscription key" in said, said
        response = call(gateway.port, "/orders/1k")
        assert response.status == 200 and response.field("X-Client-Sha1") == pki().orders.sha1, response
