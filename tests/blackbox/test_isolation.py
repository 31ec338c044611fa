# SPDX-License-Identifier: GPL-3.0-or-later
"""No call ever travels under another API's certificate: the scenarios of scripts/identity-isolation, over 10,000 calls in all, and the
proof that the method sees identities bleed where they do."""

import hashlib
import pathlib
import ssl
import sys

from harness import Caller, OpensslServer, pki

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "isolation"))
# pylint: disable=wrong-import-position
import isolation  # noqa: E402
from gateways import SignetGateway  # noqa: E402

CALLS = 1200  # in each of nine scenarios
CONTROL_CALLS = 400


def _run(gateway: str, calls: int, protocol: str, calls_per_connection: int) -> list[isolation.Outcome]:
    wanted = [each for each in isolation.SCENARIOS if (each.protocol, each.calls_per_connection) == (protocol, calls_per_connection)]
    assert wanted
    isolation.print_heading(gateway)
    outcomes = []
    for scenario in wanted:
        outcomes.append(isolation.run(scenario, gateway, calls))
        isolation.print_outcome(outcomes[-1])
    return outcomes


def _hold(protocol: str, calls_per_connection: int) -> None:
    outcomes = _run("signet", CALLS, protocol, calls_per_connection)
    assert not any(outcome.findings() for outcome in outcomes), "see the table"


def test_every_call_over_pooled_tls_1_2_connections_has_its_own_identity():
    _hold("TLSv1.2", isolation.POOLED)


def test_every_call_over_pooled_tls_1_3_connections_has_its_own_identity():
    _hold("TLSv1.3", isolation.POOLED)


def test_every_call_over_resumed_tls_1_2_sessions_has_its_own_identity():
    _hold("TLSv1.2", isolation.ONE)


def test_every_call_over_resumed_tls_1_3_sessions_has_its_own_identity():
    _hold("TLSv1.3", isolation.ONE)


def test_every_call_over_short_lived_tls_1_2_connections_has_its_own_identity():
    _hold("TLSv1.2", isolation.FEW)


def test_every_call_over_short_lived_tls_1_3_connections_has_its_own_identity():
    _hold("TLSv1.3", isolation.FEW)


def test_the_method_sees_identities_bleed_through_resumed_sessions():
    for protocol in ("TLSv1.2", "TLSv1.3"):
        for outcome in _run("nginx", CONTROL_CALLS, protocol, isolation.ONE):
            assert outcome.mismatches > 0 and outcome.failed == 0, (outcome.scenario, outcome.findings())


def test_the_method_sees_identities_bleed_through_pooled_connections():
    for outcome in _run("nginx", CONTROL_CALLS, "TLSv1.3", isolation.POOLED):
        assert outcome.mismatches > 0 and outcome.failed == 0, (outcome.scenario, outcome.findings())


def _certificate_on(page: bytes) -> str | None:
    """SHA-1 of the caller's certificate on a page of `openssl s_server -www`."""
    begin, end = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"
    if begin not in page:
        assert b"no client certificate available" in page, page
        return None
    pem = begin + page.split(begin)[1].split(end)[0] + end
    return hashlib.sha1(ssl.PEM_cert_to_DER_cert(pem.decode())).hexdigest()


def test_openssl_s_server_sees_every_call_under_its_own_identity():
    for option in ("-tls1_2", "-tls1_3"):
        resumed = 0
        optional = (option, "-verify", "4")
        with OpensslServer(pki(), options=optional) as origin, SignetGateway(origin) as gateway, Caller(gateway.port) as caller:
            for _ in range(6):
                for api, identity in gateway.expected.items():
                    response = caller.call(f"/{api}/")
                    assert response.status == 200, (option, api, response)
                    assert _certificate_on(response.body) == identity.sha1, (option, api, response.body)
                    resumed += b"\nReused, TLSv1" in response.body
        assert resumed > 0, f"{option}: no session was resumed, so nothing was shown"
