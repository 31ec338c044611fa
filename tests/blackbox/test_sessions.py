# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS sessions: who resumes, how often a full handshake is paid, and what the operator is told of it."""

import re
import signal
import ssl
import threading
import time

from harness import Caller, Nginx, OpensslServer, Program, ScriptedOrigin, Signet, backend, call, gateway, one_api, pki
from processes import START_S

NGINX_VERSIONS = ("TLSv1.2", "TLSv1.3")
S_SERVER_VERSIONS = ("-tls1_2", "-tls1_3")
SHARDS = 4


def _reports(signet: Signet) -> int:
    return signet.log.count("status generation=")


def _status(signet: Signet) -> dict[str, dict[str, str]]:
    """Asks for a report: "" is the line about the whole, the others go by back end."""
    before = _reports(signet)
    signet.signal(signal.SIGUSR1)
    deadline = time.monotonic() + START_S
    while _reports(signet) == before or not signet.log.endswith("\n"):
        assert time.monotonic() < deadline, f"no status report:\n{signet.log}"
        time.sleep(0.01)
    names = [each["id"] for each in signet.config["backends"]]
    signet.program.wait_for_log(f"status backend={names[-1]}")
    report = signet.log[signet.log.rindex("status generation="):]
    lines = [dict(re.findall(r"(\w+)=(\S+)", line)) for line in report.splitlines() if "status " in line or "generation" in line]
    return {line.get("backend", ""): line for line in lines}


class _Signet(Signet):
    """One that remembers its configuration."""

    def __init__(self, config: dict):
        self.config = config
        super().__init__(config)


def _restart(origin: Nginx | OpensslServer, log: str) -> None:
    """On the same port, with other ticket keys."""
    origin.program.stop()
    keep_input = origin.program.process.stdin is not None
    origin.program = Program(origin.program.arguments, origin.program.log_file.with_name(log), keep_input=keep_input)
    origin.program.wait_until_listening(origin.port)


def _nginx_reused(port: int) -> bool:
    response = call(port, "/api/1k")
    assert response.status == 200, response
    assert response.field("X-Client-Sha1") == pki().orders.sha1, response.fields
    return response.field("X-Session-Reused") == "r"


def _s_server_reused(port: int) -> bool:
    response = call(port, "/api/")
    assert response.status == 200, response
    reused, new = b"Reused, TLSv1" in response.body, b"New, TLSv1" in response.body
    assert reused != new, response.body
    return reused


def test_a_back_end_that_ends_each_connection_sees_one_full_handshake():
    for version in NGINX_VERSIONS:
        with Nginx(pki(), protocols=version, keepalive_requests=1) as origin, Signet(one_api(origin)) as signet:
            assert [_nginx_reused(signet.port) for _ in range(8)] == [False] + [True] * 7, version


def test_openssl_s_server_sees_one_full_handshake():
    for version in S_SERVER_VERSIONS:
        with OpensslServer(pki(), options=(version,)) as origin, Signet(one_api(origin)) as signet:
            assert [_s_server_reused(signet.port) for _ in range(8)] == [False] + [True] * 7, version


def test_shards_share_what_they_have_to_spare():
    # Calls one after the other, each over a connection of its own, so that they meet all shards. TLS 1.2: the first session serves all.
    # TLS 1.3: nginx gives two tickets with a full handshake and one with a resumed one, so none is lost. A full handshake is made only by
    # a shard that has none while the depot has none: then each of the other three has one at most, which is fewer than two full handshakes
    # have brought.
    for version, full_max in (("TLSv1.2", 1), ("TLSv1.3", 2)):
        with Nginx(pki(), protocols=version, keepalive_requests=1) as origin, _Signet(one_api(origin, shards=SHARDS)) as signet:
            full = sum(not _nginx_reused(signet.port) for _ in range(60))
            status = _status(signet)
        assert full <= full_max, f"{version}: {full} full handshakes"
        assert status["api"]["handshakes_full"] == str(full), status
        assert status["api"]["handshakes_resumed"] == str(60 - full), status
        assert status[""]["shards"] == str(SHARDS), status


def test_callers_at_once_pay_for_no_more_full_handshakes_than_they_are():
    # With C callers at once: of the tickets that there are or will be once the connections under way have theirs, a full handshake adds
    # two; and it is begun only while there are at most one for each other shard, and two for each other caller.
    callers = 8
    full_max = callers + (SHARDS - 1) // 2
    reused: list[bool] = []

    def run(port: int) -> None:
        for _ in range(20):
            reused.append(_nginx_reused(port))

    for version in NGINX_VERSIONS:
        reused.clear()
        with Nginx(pki(), protocols=version, keepalive_requests=1) as origin, Signet(one_api(origin, shards=SHARDS)) as signet:
            threads = [threading.Thread(target=run, args=(signet.port,)) for _ in range(callers)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert len(reused) == callers * 20, "a call failed"
        assert reused.count(False) <= full_max, f"{version}: {reused.count(False)} full handshakes"


def test_a_restarted_back_end_with_other_ticket_keys_costs_no_call():
    for version in NGINX_VERSIONS:
        with Nginx(pki(), protocols=version, keepalive_requests=1) as origin, Signet(one_api(origin)) as signet:
            before = [_nginx_reused(signet.port) for _ in range(4)]
            _restart(origin, "second.log")
            after = [_nginx_reused(signet.port) for _ in range(4)]
        assert before == after == [False, True, True, True], (version, before, after)
    for version in S_SERVER_VERSIONS:
        with OpensslServer(pki(), options=(version,)) as origin, Signet(one_api(origin, shards=SHARDS)) as signet:
            before = [_s_server_reused(signet.port) for _ in range(10)]
            _restart(origin, "second.log")
            after = [_s_server_reused(signet.port) for _ in range(10)]
        assert any(before) and any(after), (version, before, after)


def test_the_status_report_counts_connections_and_calls():
    with Nginx(pki(), verify="optional") as origin:
        config = gateway(backend("idle", origin.url, pki().billing), backend("api", origin.url, pki().orders))
        with _Signet(config) as signet, Caller(signet.port) as caller:
            empty = _status(signet)
            for _ in range(5):
                assert caller.call("/api/1k").status == 200
            status = _status(signet)
    assert list(empty) == ["", "idle", "api"], empty
    for name in ("opened", "reused", "handshakes_full", "connections"):
        assert empty["api"][name] == status["idle"][name] == "0", (name, empty, status)
    expected = {"connections": "1", "idle": "1", "opened": "1", "reused": "4", "failed": "0", "handshakes_full": "1",
                "handshakes_resumed": "0", "refused": "0"}
    assert status["api"] == {**status["api"], **expected}, status
    assert status[""] == {**status[""], "generation": "1", "callers": "1", "calls": "5", "calls_failed": "0"}, status
    assert int(status[""]["tls_sessions"]) == 1 and int(status[""]["tls_sessions_shared"]) >= 1, status


def test_counts_connections_and_sessions_go_on_through_a_reload():
    with Nginx(pki()) as origin, _Signet(one_api(origin)) as signet, Caller(signet.port) as caller:
        assert caller.call("/api/1k").status == 200
        before = _status(signet)
        signet.signal(signal.SIGHUP)
        signet.program.wait_for_log("reload applied generation=2")
        assert caller.call("/api/1k").status == 200
        after = _status(signet)
    assert after[""]["generation"] == "2", after
    assert after["api"] == {**before["api"], "reused": "1"}, (before, after)
    for name in ("tls_sessions", "tls_sessions_shared"):
        assert before[""][name] == after[""][name] != "0", (before, after)


def test_the_status_report_counts_refusals_and_missing_requests():
    with OpensslServer(pki(), options=("-tls1_2", "-CAfile", str(pki().server.certificate))) as refusing, \
            ScriptedOrigin(pki(), demand=ssl.CERT_NONE) as silent:
        config = gateway(backend("refusing", refusing.url, pki().orders),
                         backend("silent", silent.url, pki().orders, requireCertificateRequest=True))
        with _Signet(config) as signet:
            assert call(signet.port, "/refusing/").status == 500
            assert call(signet.port, "/silent/").status == 500
            status = _status(signet)
    assert status["refusing"] == {**status["refusing"], "refused": "1", "handshakes_failed": "1", "opened": "0"}, status
    assert status["silent"] == {**status["silent"], "certificate_not_requested": "1", "refused": "0"}, status
