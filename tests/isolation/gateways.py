# SPDX-License-Identifier: GPL-3.0-or-later
"""The gateways under test, each with the same APIs on one and the same back-end address: the class says which identity each API has."""

import pathlib
import tempfile

import nginx
from harness import Nginx, OpensslServer, Pair, Program, Signet, free_port, gateway, pki
from identities import NOBODY, Identity, namesake, renewed


_POLICY = """<policies><inbound><base/><authentication-certificate certificate-id="{name}"/><rewrite-uri template="/1k"/></inbound>
<backend><base/></backend><outbound><base/></outbound><on-error><base/></on-error></policies>"""


class SignetGateway:
    """APIs whose certificate comes from their backend, APIs that choose one for themselves, operations of one API that choose each their
    own by policy, and APIs without."""

    def __init__(self, origin: Nginx | OpensslServer, shards: int = 1):
        orders, billing = pki().orders, pki().billing
        clients = [orders, billing, renewed(), namesake()]
        backends = [self._backend("orders", origin.url, orders), self._backend("billing", origin.url, billing),
                    self._backend("plain", origin.url), self._backend("shared", origin.url, renewed()),
                    self._backend("service", origin.url + "/service")]
        config = gateway(*backends, shards=shards, certificates=[client.config() for client in clients], accessLog="/dev/null")
        config["apis"] += [
            {"id": "shared-chosen", "path": "shared-chosen", "backendId": "shared", "certificateId": namesake().name},
            {"id": "plain-chosen", "path": "plain-chosen", "backendId": "plain", "certificateId": billing.name},
            {"id": "service-chosen", "path": "service-chosen", "serviceUrl": origin.url + "/service", "certificateId": orders.name},
        ]
        self._policies = tempfile.TemporaryDirectory(prefix="signet-policies-")
        by_operation = {"orders": orders, "billing": billing, "namesake": namesake()}
        config["apis"].append({"id": "ops", "path": "ops", "backendId": "shared",
                               "operations": [self._operation(name, client) for name, client in by_operation.items()]})
        chosen = {f"ops/{name}": client for name, client in by_operation.items()}
        chosen |= {"orders": orders, "billing": billing, "shared": renewed(), "shared-chosen": namesake(), "plain-chosen": billing,
                   "service-chosen": orders}
        self.expected = {api: Identity.of(client) for api, client in chosen.items()} | {"plain": NOBODY, "service": NOBODY}
        self._signet = Signet(config)
        self.port = self._signet.port

    def _operation(self, name: str, client: Pair) -> dict:
        policy = pathlib.Path(self._policies.name) / f"{name}.xml"
        policy.write_text(_POLICY.format(name=client.name))
        return {"id": name, "displayName": name, "method": "GET", "urlTemplate": f"/{name}/*", "policyFile": str(policy)}

    @staticmethod
    def _backend(name: str, url: str, client: Pair | None = None) -> dict:
        made = {"id": name, "url": url, "tls": {"certificateAuthorities": ["test-ca"]}}
        return {**made, "credentials": {"certificateIds": [client.name]}} if client else made

    def __enter__(self) -> "SignetGateway":
        self._signet.__enter__()
        return self

    def __exit__(self, *failure) -> None:
        self._signet.__exit__(*failure)
        self._policies.cleanup()


_NGINX = """
  {upstream}
  server {{
    listen 127.0.0.1:{port};
    keepalive_requests 1000000;  # of callers
    proxy_ssl_trusted_certificate {authority};
    proxy_ssl_verify on;
    proxy_ssl_verify_depth 4;
    proxy_ssl_name localhost;
    proxy_ssl_protocols TLSv1.2 TLSv1.3;
    {pooled}
    location /orders/ {{
      proxy_pass https://{target}/;
      proxy_ssl_certificate {orders.chain};
      proxy_ssl_certificate_key {orders.key};
    }}
    location /billing/ {{
      proxy_pass https://{target}/;
      proxy_ssl_certificate {billing.chain};
      proxy_ssl_certificate_key {billing.key};
    }}
    location /plain/ {{ proxy_pass https://{target}/; }}
  }}
"""


class NginxGateway:
    """nginx with one location per API. What decides about sessions is left as it comes: `proxy_ssl_session_reuse` is not set.
    `pooled`: the locations share an upstream block that keeps connections."""

    def __init__(self, origin: Nginx | OpensslServer, *, pooled: bool = False, workers: int = 1):
        self.expected = {"orders": Identity.of(pki().orders), "billing": Identity.of(pki().billing), "plain": NOBODY}
        self.port = free_port()
        self._folder = tempfile.TemporaryDirectory(prefix="signet-nginx-gateway-")
        folder = pathlib.Path(self._folder.name)
        address = f"127.0.0.1:{origin.port}"
        http = _NGINX.format(
            port=self.port, orders=pki().orders, billing=pki().billing, authority=pki().server_root.certificate,
            target="origin" if pooled else address,
            upstream=f"upstream origin {{ server {address}; keepalive 64; }}" if pooled else "",
            pooled='proxy_http_version 1.1; proxy_set_header Connection "";' if pooled else "")
        self._program = Program(nginx.command(folder, http, workers=workers), folder / "output.log")

    def __enter__(self) -> "NginxGateway":
        self._program.wait_until_listening(self.port)
        return self

    def __exit__(self, *_) -> None:
        self._program.stop()
        self._folder.cleanup()
