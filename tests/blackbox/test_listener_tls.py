# SPDX-License-Identifier: GPL-3.0-or-later
"""Callers speak HTTPS: which certificate they are shown, what may be resumed, and that all the rest is as without TLS."""

import functools
import pathlib
import signal
import ssl
import subprocess
import tempfile

from harness import KIB, MIB, Caller, Nginx, Pair, ScriptedOrigin, Signet, chunks, one_api, pki, refusal_to_start, request
from http_client import TIMEOUT_S, Reader
from test_reload import Log, replace, settings
from test_upgrade import ACCEPT, HANDSHAKE, _echo

VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


@functools.cache
def edge() -> Pair:
    return pki().listener("edge", "DNS:edge.test,DNS:*.edge.test")


@functools.cache
def shop() -> Pair:
    return pki().listener("shop", "DNS:shop.test", rsa=True)


def certificate(pair: Pair, **more) -> dict:
    return {"id": pair.name, "pemFile": str(pair.chain), "keyFile": str(pair.key), **more}


def listening(origin: Nginx | ScriptedOrigin, *pairs: Pair, tls: dict | None = None, **more) -> Signet:
    """Signet in front of the origin's API "api", with these certificates on its listener."""
    config = one_api(origin, **more)
    config["certificates"] += [certificate(pair) for pair in pairs]
    return Signet(config, tls={"certificateIds": [pair.name for pair in pairs], **(tls or {})})


def trusting(version: ssl.TLSVersion | None = None, alpn: list[str] | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(pki().server_root.certificate))
    if version:
        context.minimum_version = context.maximum_version = version
    if alpn:
        context.set_alpn_protocols(alpn)
    return context


class TlsCaller(Caller):
    """A caller who checks the certificate against the name that he asks for."""

    def __init__(self, port: int, name: str = "edge.test", context: ssl.SSLContext | None = None, session: ssl.SSLSession | None = None):
        super().__init__(port)
        self.socket = (context or trusting()).wrap_socket(self.socket, server_hostname=name, session=session)
        self.reader = Reader(self.socket)

    def shown(self) -> bytes | None:
        """DER."""
        return self.socket.getpeercert(binary_form=True)


def test_curl_calls_two_names_and_sees_the_certificate_of_each():
    with Nginx(pki()) as origin, listening(origin, edge(), shop()) as signet:
        for version in ("1.2", "1.3"):
            for name in ("edge.test", "shop.test", "api.edge.test"):
                done = subprocess.run(
                    ["curl", "-sS", f"--tlsv{version}", "--tls-max", version, "--http1.1", "--resolve", f"{name}:{signet.port}:127.0.0.1",
                     "--noproxy", "*", "--cacert", str(pki().server_root.certificate), f"https://{name}:{signet.port}/api/1k"],
                    capture_output=True, timeout=TIMEOUT_S, check=False)
                assert (done.returncode, done.stdout) == (0, KIB), f"{version} {name}: {done.stderr!r}"


def test_the_certificate_goes_by_the_name_and_the_first_is_for_all_others():
    for version in VERSIONS:
        for first, second in ((edge(), shop()), (shop(), edge())):
            anything = trusting(version)
            anything.check_hostname = False
            with Nginx(pki()) as origin, listening(origin, first, second) as signet:
                for name, pair in (("edge.test", edge()), ("www.edge.test", edge()), ("shop.test", shop()), ("unknown.test", first),
                                   ("a.b.edge.test", first), (None, first)):
                    with TlsCaller(signet.port, name, anything) as caller:
                        assert caller.shown() == pair.ders[0], f"{version.name} {name}, first {first.name}"
                        assert caller.call("/api/1k").body == KIB


def test_the_versions_of_tls_are_those_of_the_configuration():
    with Nginx(pki()) as origin:
        for allowed, refused in (VERSIONS, VERSIONS[::-1]):
            name = "1.2" if allowed == ssl.TLSVersion.TLSv1_2 else "1.3"
            with listening(origin, edge(), tls={"minVersion": name, "maxVersion": name}) as signet:
                with TlsCaller(signet.port, context=trusting(allowed)) as caller:
                    assert caller.call("/api/1k").status == 200
                try:
                    with TlsCaller(signet.port, context=trusting(refused)):
                        raise AssertionError(f"{refused.name} was accepted")
                except ssl.SSLError:
                    pass


def test_calls_over_tls_are_calls_like_others():
    for version in VERSIONS:
        with Nginx(pki()) as origin, listening(origin, edge()) as signet, TlsCaller(signet.port, context=trusting(version)) as caller:
            assert caller.call("/api/1m").body == MIB
            assert caller.call("/api/store/length", "PUT", body=MIB).status in (201, 204)
            assert origin.stored("length") == MIB
            caller.send(request("/api/store/chunked", "PUT", {"Transfer-Encoding": "chunked"}) + chunks(MIB))
            assert caller.response().status in (201, 204)
            assert origin.stored("chunked") == MIB
            caller.send(request("/api/1k") + request("/api/1k"))
            assert [caller.response().body for _ in range(2)] == [KIB, KIB]


def test_the_back_end_is_told_that_the_caller_came_by_https():
    with ScriptedOrigin(pki()) as origin, listening(origin, edge(), forwardedHeaders="both") as signet, TlsCaller(signet.port) as caller:
        assert caller.call("/api/x", fields={"X-Forwarded-Proto": "http"}).status == 200
    received, = origin.requests
    assert received.field("X-Forwarded-Proto") == "https"
    assert (received.field("Forwarded") or "").endswith(";proto=https")


def test_a_websocket_is_a_tunnel_over_tls_too():
    for version in VERSIONS:
        with ScriptedOrigin(pki(), script=_echo) as origin, listening(origin, edge()) as signet:
            with TlsCaller(signet.port, context=trusting(version)) as caller:
                response = caller.call("/api/socket", fields=HANDSHAKE)
                assert (response.status, response.field("Sec-WebSocket-Accept")) == (101, ACCEPT)
                for piece in (b"GET / HTTP/1.1\r\n", b"x" * 300_000 + b"\n"):
                    caller.send(piece)
                    assert caller.reader.exactly(len(piece)) == piece.upper()
                caller.send(b"stop\n")
                assert caller.reader.rest() == b"bye", "and ends with close_notify"


def test_a_caller_with_plain_http_is_told_so():
    with Nginx(pki()) as origin, listening(origin, edge()) as signet:
        with Caller(signet.port) as caller:
            response = caller.call("/api/1k")
            assert (response.status, response.keeps_alive()) == (400, False)
            assert b"HTTPS" in response.body
            assert caller.ended()
        with TlsCaller(signet.port) as caller:
            assert caller.call("/api/1k").status == 200
        signet.stop()
        assert len(signet.access_lines()) == 1, "only one of them was a call"


def test_alpn_agrees_on_http_1_1_or_refuses():
    with Nginx(pki()) as origin, listening(origin, edge()) as signet:
        for offered, agreed in ((["h2", "http/1.1"], "http/1.1"), (None, None)):
            with TlsCaller(signet.port, context=trusting(alpn=offered)) as caller:
                assert caller.socket.selected_alpn_protocol() == agreed
                assert caller.call("/api/1k").status == 200
        try:
            with TlsCaller(signet.port, context=trusting(alpn=["h2"])):
                raise AssertionError("a caller that speaks h2 only was accepted")
        except ssl.SSLError as refusal:
            assert "NO_APPLICATION_PROTOCOL" in str(refusal).upper().replace(" ", "_"), refusal


def _resumes(port: int, context: ssl.SSLContext, name: str, session: ssl.SSLSession) -> tuple[bool, bytes | None]:
    with TlsCaller(port, name, context, session) as caller:
        assert caller.call("/api/1k").status == 200
        return bool(caller.socket.session_reused), caller.shown()


def test_a_session_resumes_on_every_shard():
    for version in VERSIONS:
        with Nginx(pki()) as origin, listening(origin, edge(), shop(), shards=4) as signet:
            for name in ("edge.test", "shop.test"):
                context = trusting(version)
                with TlsCaller(signet.port, name, context) as caller:
                    assert caller.call("/api/1k").status == 200  # a ticket of TLS 1.3 comes behind the handshake
                    session = caller.socket.session
                    assert session is not None
                # The kernel spreads the connections over the shards.
                for _ in range(16):
                    resumed, _certificate = _resumes(signet.port, context, name, session)
                    assert resumed, f"{version.name} {name}"


def test_a_session_of_one_name_does_not_open_another():
    for version in VERSIONS:
        with Nginx(pki()) as origin, listening(origin, edge(), shop()) as signet:
            context = trusting(version)
            with TlsCaller(signet.port, "edge.test", context) as caller:
                assert caller.call("/api/1k").status == 200
                session = caller.socket.session
            assert _resumes(signet.port, context, "shop.test", session) == (False, shop().ders[0]), version.name
            assert _resumes(signet.port, context, "api.edge.test", session) == (False, edge().ders[0]), version.name
            assert _resumes(signet.port, context, "edge.test", session)[0], version.name


def test_a_renewed_certificate_is_shown_to_new_connections_and_open_ones_go_on():
    renewed = pki().listener("edge-renewed", "DNS:edge.test")
    with tempfile.TemporaryDirectory(prefix="signet-listener-") as folder:
        chain, key = pathlib.Path(folder) / "tls.crt", pathlib.Path(folder) / "tls.key"
        chain.write_text(edge().chain.read_text())
        key.write_text(edge().key.read_text())
        with Nginx(pki()) as origin:
            config = one_api(origin, watchFiles=False)
            config["certificates"].append({"id": "edge", "pemFile": str(chain), "keyFile": str(key)})
            with Signet(config, tls={"certificateIds": ["edge"]}) as signet, TlsCaller(signet.port) as open_before:
                log, context = Log(signet), trusting()
                assert open_before.call("/api/1k").body == KIB
                with TlsCaller(signet.port, context=context) as caller:
                    assert (caller.call("/api/1k").status, caller.shown()) == (200, edge().ders[0])
                    session = caller.socket.session
                replace(chain, renewed.chain.read_text())
                replace(key, renewed.key.read_text())
                signet.signal(signal.SIGHUP)
                assert "certificates_changed=1 " in log.next("reload applied", "cause=SIGHUP")
                assert open_before.call("/api/1m").body == MIB
                assert _resumes(signet.port, context, "edge.test", session) == (False, renewed.ders[0])


def test_a_reload_without_a_change_keeps_sessions_good():
    with Nginx(pki()) as origin, listening(origin, edge(), watchFiles=False) as signet:
        log, context = Log(signet), trusting()
        with TlsCaller(signet.port, context=context) as caller:
            assert caller.call("/api/1k").status == 200
            session = caller.socket.session
        signet.signal(signal.SIGHUP)
        log.next("reload applied", "cause=SIGHUP")
        assert _resumes(signet.port, context, "edge.test", session)[0]


def _handshakes(signet: Signet, log: Log) -> list[int]:
    """Full, resumed, failed."""
    signet.signal(signal.SIGUSR1)
    told = settings(log.next("status generation="))
    return [int(told[f"handshakes_{kind}"]) for kind in ("full", "resumed", "failed")]


def test_handshakes_are_counted():
    with Nginx(pki()) as origin, listening(origin, edge()) as signet:
        context, log = trusting(ssl.TLSVersion.TLSv1_2), Log(signet)
        with TlsCaller(signet.port, context=context) as caller:
            assert caller.call("/api/1k").status == 200
            session = caller.socket.session
        full, resumed, failed = _handshakes(signet, log)  # somebody has looked whether the port is open: no handshake, that
        assert (full, resumed) == (1, 0)
        assert _resumes(signet.port, context, "edge.test", session)[0]
        with Caller(signet.port) as broken:
            broken.send(b"\x16\x03\x01\x00\x05hello")
            broken.reader.rest()
        assert _handshakes(signet, log) == [1, 1, failed + 1]


def test_a_caller_who_does_not_finish_the_handshake_is_let_go():
    with Nginx(pki()) as origin, listening(origin, edge(), timeouts={"head": "200ms"}) as signet:
        log = Log(signet)
        with Caller(signet.port) as silent:
            assert silent.ended()
        assert _handshakes(signet, log)[2] > 0
        with Caller(signet.port) as slow:
            slow.send(b"\x16\x03\x01\x02\x00\x01")  # a record begins
            assert slow.ended()


def test_what_a_listener_cannot_show_is_refused_at_its_place():
    said = refusal_to_start({"listeners": [{"address": "127.0.0.1:0", "tls": {"certificateIds": ["egde"]}}],
                             "certificates": [certificate(edge())]})
    assert "/listeners/0/tls/certificateIds/0: no certificate has the id \"egde\"" in said and "edge" in said, said
    said = refusal_to_start({"listeners": [{"address": "127.0.0.1:0", "tls": {"certificateIds": []}}]})
    assert "/listeners/0/tls/certificateIds: expected the id of at least one certificate" in said, said


def test_a_certificate_that_callers_will_refuse_is_a_warning():
    expired = pki().listener("edge-expired", "DNS:edge.test", expired=True)
    with Nginx(pki()) as origin:
        config = one_api(origin)
        config["certificates"] += [certificate(expired)]
        with Signet(config, tls={"certificateIds": ["edge-expired", "orders"]}) as signet:
            log = signet.log
    assert "certificate \"edge-expired\"" in log and "expired on 2020-02-01" in log, log
    assert "certificate \"orders\" is not meant for servers" in log, log
    assert "certificate \"orders\" has no subject alternative name" in log, log
    assert "not meant for client authentication" not in log, log
