# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide "Secure back-end services using client certificate authentication", step for step, over REST."""

import base64

from harness import Nginx, assert_error, call, pki
from management import Managed


def test_the_guide_can_be_walked_through_over_rest():
    # A back end with a self-signed certificate, which demands a certificate from us.
    with Nginx(pki(), certificate=pki().server_untrusted) as origin, Managed() as signet:
        api = signet.api
        api.set_backend("orders", origin.url)
        api.set_api("orders", serviceUrl=origin.url)
        # Upload a certificate: a .pfx with its password.
        added = api.upload("orders-client", pki().orders)
        assert added.status == 201, added
        # It shows among the certificates, with its thumbprint.
        listed = api.get("/certificates").json()
        shown = [(each["name"], each["properties"]["thumbprint"]) for each in listed["value"]]
        assert shown == [("orders-client", pki().orders.sha1.upper())]
        assert listed["count"] == 1 and "nextLink" not in listed
        # Give it to the API: gateway credentials, client certificate.
        api.set_policy("/apis/orders", '<base/><authentication-certificate certificate-id="orders-client"/>')
        assert "authentication-certificate" in api.get("/apis/orders/policies/policy").properties["value"]
        # The chain of a self-signed back end cannot be validated: 500.
        assert_error(call(signet.port, "/orders/1k"), 500, "BackendCertificateUntrusted")
        # -SkipCertificateChainValidation for the backend with that URL: in force with the answer.
        backend = api.get("/backends/orders")
        assert api.patch("/backends/orders", {"tls": {"validateCertificateChain": False}}, backend.etag).status == 200
        seen = call(signet.port, "/orders/1k")
        assert seen.status == 200 and seen.field("X-Client-Sha1") == pki().orders.sha1, seen
        # A certificate in use is not deleted: a warning says who uses it.
        refused = api.delete("/certificates/orders-client")
        assert refused.status == 409 and refused.error["code"] == "Conflict", refused
        assert any("'orders'" in detail["message"] and "/apis/orders" in detail["target"] for detail in refused.error["details"]), refused
        assert call(signet.port, "/orders/1k").status == 200
        # Detached, it can be deleted.
        assert api.delete("/apis/orders/policies/policy").status == 200
        assert call(signet.port, "/orders/1k").field("X-Client-Sha1") is None
        assert api.delete("/certificates/orders-client").status == 200
        assert api.get("/certificates").json()["value"] == []
        assert api.get("/certificates/orders-client").status == 404


def test_a_self_signed_certificate_can_be_uploaded_and_used():
    with Nginx(pki()) as origin, Managed() as signet:
        signet.api.upload("self", pki().self_signed)
        signet.api.set_backend("orders", origin.url, tls={"certificateAuthorities": ["test-ca"]})
        signet.api.set_api("orders", backendId="orders")
        signet.api.set_policy("/apis/orders", '<base/><authentication-certificate certificate-id="self"/>')
        assert call(signet.port, "/orders/1k").field("X-Client-Sha1") == pki().self_signed.sha1


def test_a_wrong_password_is_told_apart_from_a_file_that_is_no_pfx():
    with Managed() as signet:
        data = base64.b64encode(pki().orders.pfx.read_bytes()).decode()
        wrong = signet.api.put("/certificates/x", {"data": data, "password": "wrong"})
        assert wrong.status == 400 and wrong.error["code"] == "ValidationError", wrong
        assert [detail["target"] for detail in wrong.error["details"]] == ["password"], wrong
        no_pfx = signet.api.put("/certificates/x", {"data": base64.b64encode(b"no certificate").decode(), "password": "x"})
        assert no_pfx.status == 400 and [detail["target"] for detail in no_pfx.error["details"]] == ["data"], no_pfx
        assert signet.api.get("/certificates/x").status == 404
