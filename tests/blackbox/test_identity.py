# SPDX-License-Identifier: GPL-3.0-or-later
"""The right identity, always: which certificate a back end sees."""

import ssl

from harness import MIB, Caller, Client, Nginx, OpensslServer, ScriptedOrigin, Signet, backend, call, gateway, one_api, pki

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def _whole_chain_is_sent(client: Client, version: str) -> None:
    with ScriptedOrigin(pki(), version=VERSIONS[version]) as origin, Signet(gateway(backend("api", origin.url, client))) as signet:
        response = call(signet.port, "/api/x")
    assert response.status == 200, response
    connection, = origin.connections
    assert connection.version == f"TLSv{version}"
    assert connection.chain == client.ders, f"{len(connection.chain)} certificates were sent, {len(client.ders)} expected, leaf first"


def test_an_rsa_identity_is_shown_with_its_whole_chain_over_tls_1_2():
    _whole_chain_is_sent(pki().orders, "1.2")


def test_an_rsa_identity_is_shown_with_its_whole_chain_over_tls_1_3():
    _whole_chain_is_sent(pki().orders, "1.3")


def test_an_ec_identity_is_shown_with_its_whole_chain_over_tls_1_2():
    _whole_chain_is_sent(pki().billing, "1.2")


def test_an_ec_identity_is_shown_with_its_whole_chain_over_tls_1_3():
    _whole_chain_is_sent(pki().billing, "1.3")


def test_self_signed_identities_are_shown_alone():
    for client in (pki().self_signed, pki().self_signed_rsa):
        for version in VERSIONS:
            _whole_chain_is_sent(client, version)


def _nginx_accepts(protocols: str, expected: str) -> None:
    client = pki().orders
    with Nginx(pki(), protocols=protocols) as origin, Signet(gateway(backend("api", origin.url, client))) as signet:
        response = call(signet.port, "/api/1k")
    assert response.status == 200, response
    assert response.field("X-Tls") == expected
    assert response.field("X-Client-Verify") == "SUCCESS"
    assert response.field("X-Client-Subject") == client.subject
    assert response.field("X-Client-Sha1") == client.sha1


def test_nginx_accepts_the_identity_over_tls_1_2():
    _nginx_accepts("TLSv1.2", "TLSv1.2")


def test_nginx_accepts_the_identity_over_tls_1_3():
    _nginx_accepts("TLSv1.3", "TLSv1.3")


def test_openssl_s_server_accepts_the_identity_over_both_versions():
    for option in ("-tls1_2", "-tls1_3"):
        with OpensslServer(pki(), options=(option,)) as origin, Signet(gateway(backend("api", origin.url, pki().billing))) as signet:
            response = call(signet.port, "/api/")
        assert response.status == 200, (option, response, origin.log)
        leaf_pem = pki().billing.certificate.read_text().split("-----")[2].strip().encode()
        assert leaf_pem in response.body, f"{option}: the page does not show the certificate"


def test_a_server_with_an_rsa_certificate_is_reached_over_both_versions():
    for protocol in ("TLSv1.2", "TLSv1.3"):
        with Nginx(pki(), pki().server_rsa, protocols=protocol) as origin, Signet(one_api(origin)) as signet:
            assert call(signet.port, "/api/1k").field("X-Client-Sha1") == pki().orders.sha1


def test_the_highest_common_version_is_used():
    with Nginx(pki()) as origin, Signet(one_api(origin)) as signet:
        assert call(signet.port, "/api/1k").field("X-Tls") == "TLSv1.3"


def test_a_backend_may_be_limited_to_tls_1_2():
    with Nginx(pki()) as origin, Signet(gateway(backend("api", origin.url, pki().orders, maxVersion="1.2"))) as signet:
        assert call(signet.port, "/api/1k").field("X-Tls") == "TLSv1.2"


def test_two_apis_on_one_server_never_share_an_identity():
    orders, billing = pki().orders, pki().billing
    with Nginx(pki()) as origin:
        with Signet(gateway(backend("orders", origin.url, orders), backend("billing", origin.url, billing))) as signet:
            with Caller(signet.port) as caller:
                # In turn over one caller's connection: each call finds the other API's connection and session idle.
                for _ in range(20):
                    for client in (orders, billing):
                        response = caller.call(f"/{client.name}/1k")
                        assert response.status == 200, response
                        seen = response.field("X-Client-Subject")
                        assert response.field("X-Client-Sha1") == client.sha1, f"/{client.name} went out as {seen}"


def test_two_apis_on_one_server_never_share_an_identity_when_every_call_needs_a_handshake():
    orders, billing = pki().orders, pki().billing
    for protocol in ("TLSv1.2", "TLSv1.3"):
        # The server ends each connection after one call, so that sessions are resumed: the session must be the identity's own.
        with Nginx(pki(), protocols=protocol, keepalive_requests=1) as origin:
            backends = [backend(client.name, origin.url, client) for client in (orders, billing)]
            with Signet(gateway(*backends)) as signet, Caller(signet.port) as caller:
                resumed = 0
                for _ in range(5):
                    for client in (orders, billing):
                        response = caller.call(f"/{client.name}/1k")
                        assert response.field("X-Client-Sha1") == client.sha1, (protocol, response.fields)
                        resumed += response.field("X-Session-Reused") == "r"
                assert resumed > 0, f"{protocol}: no session was resumed, so nothing was shown"


def test_two_apis_of_one_backend_go_out_under_the_certificates_that_they_chose():
    orders, billing = pki().orders, pki().billing
    for keepalive in (1000, 1):  # pooled connections, and resumed sessions
        with Nginx(pki(), keepalive_requests=keepalive) as origin:
            config = gateway(backend("one", origin.url, orders))
            config["certificates"] = [orders.config(), billing.config()]
            config["apis"] = [{"id": "own", "path": "own", "backendId": "one"},
                              {"id": "chosen", "path": "chosen", "backendId": "one", "certificateId": billing.name},
                              {"id": "service", "path": "service", "serviceUrl": origin.url, "certificateId": billing.name}]
            with Signet(config) as signet, Caller(signet.port) as caller:
                for _ in range(10):
                    for api, client in (("own", orders), ("chosen", billing), ("service", billing)):
                        response = caller.call(f"/{api}/1k")
                        assert response.status == 200, response
                        assert response.field("X-Client-Sha1") == client.sha1, (api, keepalive, response.fields)


def test_an_api_without_a_certificate_shows_none():
    with ScriptedOrigin(pki(), demand=ssl.CERT_OPTIONAL) as origin:
        config = gateway(backend("orders", origin.url, pki().orders), backend("plain", origin.url))
        with Signet(config) as signet, Caller(signet.port) as caller:
            assert caller.call("/orders/x").status == 200
            assert caller.call("/plain/x").status == 200
    with_certificate, without = origin.connections
    assert with_certificate.chain == pki().orders.ders
    assert without.chain == []


def test_a_kept_connection_is_used_again_under_its_own_identity():
    with Nginx(pki()) as origin, Signet(one_api(origin)) as signet, Caller(signet.port) as caller:
        connections = {caller.call("/api/1k").field("X-Connection") for _ in range(10)}
        assert caller.call("/api/1m").body == MIB
    assert len(connections) == 1, f"ten calls in turn took {len(connections)} connections"


def test_the_server_name_is_sent_for_names_and_never_for_addresses():
    with Nginx(pki()) as origin:
        by_name = origin.url.replace("127.0.0.1", "localhost")
        with Signet(gateway(backend("name", by_name, pki().orders), backend("address", origin.url, pki().orders),
                            backend("given", origin.url, pki().orders, serverName="localhost"))) as signet:
            assert call(signet.port, "/name/1k").field("X-Sni") == "localhost"
            assert not call(signet.port, "/address/1k").field("X-Sni")
            assert call(signet.port, "/given/1k").field("X-Sni") == "localhost"
