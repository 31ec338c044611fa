# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom Signet accepts as a back end, and what the caller is told when it does not. The codes are part of the interface."""

import signal
import ssl

from harness import Caller, Message, Nginx, Pair, Pki, ScriptedOrigin, Signet, assert_error, backend, call, gateway, one_api, pki
from processes import closed_port

UNTRUSTED = "BackendCertificateUntrusted"
EXPIRED = "BackendCertificateExpired"
WRONG_NAME = "BackendCertificateNameMismatch"
FINE = None


def _judge(server: Pair, expected: str | None, **tls) -> None:
    """Calls a back end that has this certificate; the outcome must be the same over TLS 1.2 and 1.3."""
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with ScriptedOrigin(pki(), server, version=version) as origin:
            with Signet(gateway(backend("api", origin.url, pki().orders, **tls))) as signet:
                response = call(signet.port, "/api/x")
        if expected is FINE:
            assert response.status == 200, f"{version.name}: {response.start_line} {response.body!r}"
        else:
            assert_error(response, 500, expected)
            assert "error=tls_certificate_error" in response.field("Proxy-Status")
            assert not origin.requests, f"{version.name}: the call reached a back end that is not trusted"


def test_every_usual_kind_of_server_key_is_accepted():
    for server in (pki().server, pki().server_rsa, pki().server_p384):
        _judge(server, FINE)


def test_an_untrusted_server_is_refused():
    _judge(pki().server_untrusted, UNTRUSTED)


def test_an_expired_server_certificate_is_refused():
    _judge(pki().server_expired, EXPIRED)


def test_a_server_with_another_name_is_refused():
    _judge(pki().server_wrong_name, WRONG_NAME)


def test_a_server_with_the_wrong_name_of_its_url_is_accepted_under_its_server_name():
    _judge(pki().server_wrong_name, FINE, serverName="other.example")


def test_without_the_chain_check_an_untrusted_server_is_accepted():
    _judge(pki().server_untrusted, FINE, validateCertificateChain=False)


def test_without_the_chain_check_the_dates_do_not_matter():
    _judge(pki().server_expired, FINE, validateCertificateChain=False)


def test_without_the_chain_check_the_name_is_still_checked():
    _judge(pki().server_wrong_name, WRONG_NAME, validateCertificateChain=False)
    _judge(pki().server_untrusted_wrong_name, WRONG_NAME, validateCertificateChain=False)


def test_without_the_name_check_another_name_is_accepted():
    _judge(pki().server_wrong_name, FINE, validateCertificateName=False)


def test_without_the_name_check_the_chain_is_still_checked():
    _judge(pki().server_untrusted, UNTRUSTED, validateCertificateName=False)
    _judge(pki().server_untrusted_wrong_name, UNTRUSTED, validateCertificateName=False)


def test_without_the_name_check_the_dates_are_still_checked():
    _judge(pki().server_expired, EXPIRED, validateCertificateName=False)


def test_without_both_checks_anyone_is_accepted():
    _judge(pki().server_untrusted_wrong_name, FINE, validateCertificateChain=False, validateCertificateName=False)


def test_switches_of_one_backend_do_not_touch_another():
    with Nginx(pki(), pki().server_untrusted) as origin:
        loose = backend("loose", origin.url, pki().orders, validateCertificateChain=False)
        with Signet(gateway(loose, backend("strict", origin.url, pki().orders))) as signet, Caller(signet.port) as caller:
            for _ in range(3):
                assert caller.call("/loose/1k").status == 200
                assert_error(caller.call("/strict/1k"), 500, UNTRUSTED)


def test_the_status_of_tls_failures_may_be_502():
    with Nginx(pki(), pki().server_untrusted) as origin:
        with Signet(one_api(origin, errors={"backendTlsStatus": 502})) as signet:
            assert_error(call(signet.port, "/api/1k"), 502, UNTRUSTED)


def test_details_of_the_back_end_go_to_the_log_and_not_to_the_caller():
    with Nginx(pki(), pki().server_wrong_name) as origin:
        with Signet(one_api(origin)) as signet:
            response = call(signet.port, "/api/1k")
            signet.stop()
            line, = [line for line in signet.access_lines() if "/api/1k" in line]
    assert_error(response, 500, WRONG_NAME)
    for detail in (b"127.0.0.1", b"other.example", str(origin.port).encode()):
        assert detail not in response.raw_head + response.body, f"the caller is told {detail!r}"
    assert "error=tls_name_mismatch" in line and f"endpoint=127.0.0.1:{origin.port}" in line, line
    assert response.json()["activityId"] in line, line


# ---- the back end's verdict on us --------------------------------------------------------------------------------------------------------


def _refused_by_the_back_end(response: Message) -> None:
    assert_error(response, 500, "BackendRefusedClientCertificate")
    assert "error=tls_alert_received; alert-id=" in response.field("Proxy-Status"), response.fields


def test_a_back_end_that_does_not_know_our_certificate_is_told_apart():
    with_strangers = _PkiOfStrangers(pki())
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with ScriptedOrigin(with_strangers, pki().server, version=version) as origin:
            with Signet(one_api(origin)) as signet:
                _refused_by_the_back_end(call(signet.port, "/api/x"))
                assert not origin.requests


def test_a_certificate_that_is_refused_again_and_again_is_not_shown_for_a_while_and_the_others_go_on():
    orders, welcome = pki().orders, pki().self_signed
    for version, phase in ((ssl.TLSVersion.TLSv1_2, "handshake"), (ssl.TLSVersion.TLSv1_3, "after handshake")):
        with ScriptedOrigin(_PkiOfStrangers(pki(), welcome), pki().server, version=version) as origin:
            apis = gateway(backend("refused", origin.url, orders), backend("welcome", origin.url, welcome))
            with Signet(apis) as signet, Caller(signet.port) as caller:
                for _ in range(5):
                    _refused_by_the_back_end(caller.call("/refused/x"))
                suspended = caller.call("/refused/x")
                assert caller.call("/welcome/x").status == 200
                signet.signal(signal.SIGUSR1)
                signet.program.wait_for_log("refusal time=")
                signet.stop()
                calls = signet.access_lines()
                told = [line for line in signet.log.splitlines() if "refusal time=" in line]
        assert_error(suspended, 503, "BackendClientCertificateSuspended")
        assert 1 <= int(suspended.field("Retry-After")) <= 30, suspended.fields
        assert sum("error=identity_refused" in line for line in calls) == 5 and "error=identity_suspended" in calls[5], calls
        assert len(told) == 5, told
        for wanted in ("api=refused", "backend=refused", f"certificate={orders.name}", "alert=48", f'phase="{phase}"', "requested=true",
                       f"thumbprint={orders.sha1.upper()}", f"endpoint=127.0.0.1:{origin.port}"):
            assert all(wanted in line for line in told), (wanted, told)
        if phase == "after handshake":
            assert 'tls="TLSv1.3 full"' in calls[0] and "connection=0" not in calls[0], calls[0]
        assert "unknown_ca (48)" in calls[0] and orders.sha1.upper() in calls[0], calls[0]


def test_a_back_end_that_demands_a_certificate_where_none_is_configured_is_told_apart():
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with ScriptedOrigin(pki(), version=version) as origin, Signet(gateway(backend("api", origin.url))) as signet:
            response = call(signet.port, "/api/x")
        assert_error(response, 500)
        assert response.json()["code"] in ("BackendRefusedClientCertificate", "BackendTlsAlert"), response.json()


def test_a_back_end_that_stopped_asking_is_noticed_where_that_is_wanted():
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with ScriptedOrigin(pki(), version=version, demand=ssl.CERT_NONE) as origin:
            strict = backend("strict", origin.url, pki().orders, requireCertificateRequest=True)
            with Signet(gateway(strict, backend("easy", origin.url, pki().orders))) as signet:
                assert_error(call(signet.port, "/strict/x"), 500, "BackendDidNotRequestCertificate")
                assert call(signet.port, "/easy/x").status == 200


# ---- connections that come to nothing ----------------------------------------------------------------------------------------------------


def test_a_port_where_nobody_listens_is_502():
    with Signet(gateway(backend("api", f"https://127.0.0.1:{closed_port()}", pki().orders))) as signet:
        assert_error(call(signet.port, "/api/x"), 502, "BackendConnectionRefused")


def test_a_back_end_without_tls_is_told_apart():
    with Nginx(pki(), tls=False) as origin, Signet(one_api(origin)) as signet:
        assert_error(call(signet.port, "/api/1k"), 500, "BackendTlsFailure")


def test_no_common_tls_version_is_told_apart():
    with Nginx(pki(), protocols="TLSv1.2") as origin:
        with Signet(gateway(backend("api", origin.url, pki().orders, minVersion="1.3"))) as signet:
            response = call(signet.port, "/api/1k")
    assert_error(response, 500)
    assert response.json()["code"] in ("BackendTlsAlert", "BackendTlsFailure"), response.json()


class _PkiOfStrangers:
    """For a back end that knows only other authorities."""

    def __init__(self, known: Pki, authority: Pair | None = None):
        self.server = known.server
        self.client_authorities = (authority or known.stranger_root).certificate
