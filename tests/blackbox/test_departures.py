# SPDX-License-Identifier: GPL-3.0-or-later
"""Callers and back ends that leave, stop listening or take every place: nobody else pays for it."""

import socket
import threading
import time

from harness import Caller, ScriptedOrigin, Signet, answer, assert_error, backend, call, gateway, one_api, pki, request


def test_a_caller_that_ends_inside_its_request_harms_nobody():
    with ScriptedOrigin(pki()) as origin, Signet(one_api(origin)) as signet:
        for beginning in (b"G", b"GET / HT", b"GET /api/x HTTP/1.1\r\nHost: a\r\n", b"\r\n",
                          b"POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n123",
                          b"POST /api/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12"):
            with Caller(signet.port) as caller:
                caller.send(beginning)
                caller.socket.shutdown(socket.SHUT_WR)
                assert caller.ended(), f"something was answered to {beginning!r}"
        assert call(signet.port, "/api/good").status == 200


def test_empty_lines_between_calls_are_passed_over():
    with ScriptedOrigin(pki()) as origin, Signet(one_api(origin)) as signet, Caller(signet.port) as caller:
        for _ in range(3):
            caller.send(b"\r\n\r\n")
            assert caller.call("/api/x").status == 200


def test_pipelined_refusals_wait_for_a_caller_that_reads():
    with ScriptedOrigin(pki()) as origin, Signet(one_api(origin)) as signet, Caller(signet.port) as caller:
        caller.socket.settimeout(2)
        sent, one = 0, request("/elsewhere")
        try:
            while sent < 200_000_000:
                sent += caller.socket.send(one * 1000)
        except TimeoutError:
            pass
        assert sent < 60_000_000, f"{sent} bytes of requests were taken although no answer was read"
        assert call(signet.port, "/api/good").status == 200


def test_a_download_ends_when_its_caller_has_gone():
    ended = threading.Event()

    def script(connection, _request):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n")
        try:
            for _ in range(100_000):
                connection.send(b"x" * 65536)
        except OSError:
            ended.set()
        return None

    with ScriptedOrigin(pki(), script=script) as origin, Signet(one_api(origin)) as signet:
        with Caller(signet.port) as caller:
            caller.send(request("/api/endless"))
            caller.socket.recv(1000)
        assert ended.wait(20), "the back end was asked for more although nobody listened"


def test_a_call_that_gets_no_connection_is_told_so():
    arrived, release = threading.Event(), threading.Event()

    def script(_connection, _request):
        arrived.set()
        release.wait(30)
        return answer()

    with ScriptedOrigin(pki(), script=script) as origin:
        one = backend("only", origin.url, pki().orders)
        one["connections"] = {"max": 1}
        one["timeouts"] = {"connect": "1s"}
        with Signet(gateway(one)) as signet, Caller(signet.port) as first, Caller(signet.port) as second:
            first.send(request("/only/holds-it"))
            assert arrived.wait(20)
            assert_error(second.call("/only/waits"), 503, "Overloaded")
            release.set()
            assert first.response().status == 200
            assert second.call("/only/again").status == 200


def test_a_connection_that_authenticates_its_caller_serves_nobody_else():
    def script(_connection, incoming):
        if incoming.target.endswith("negotiate") and incoming.field("Authorization") is None:
            return answer(status="401 Unauthorized", fields={"WWW-Authenticate": "Negotiate"})
        return answer()

    with ScriptedOrigin(pki(), script=script) as origin, Signet(one_api(origin)) as signet:
        assert call(signet.port, "/api/plain").status == 200
        assert call(signet.port, "/api/plain").status == 200
        assert origin.accepted == 1, "connections are kept where nothing speaks against it"
        assert call(signet.port, "/api/negotiate").status == 401
        assert call(signet.port, "/api/plain").status == 200
        assert origin.accepted == 2, "the connection of the 401 was used again"
        assert call(signet.port, "/api/x", fields={"Authorization": "NTLM TlRMTVNTUAAB"}).status == 200
        assert call(signet.port, "/api/plain").status == 200
        assert origin.accepted == 3, "the connection of an NTLM exchange was used again"
        assert call(signet.port, "/api/x", fields={"Authorization": "Basic YTpi"}).status == 200
        assert call(signet.port, "/api/plain").status == 200
        assert origin.accepted == 3, "Basic authenticates a call, not a connection"


def test_a_body_that_a_204_announces_never_answers_the_next_call():
    def script(connection, incoming):
        if incoming.target.endswith("/204"):
            connection.send(b"HTTP/1.1 204 No Content\r\nContent-Length: 45\r\n\r\n")
            time.sleep(0.3)
            return b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret"
        return answer()

    with ScriptedOrigin(pki(), script=script) as origin, Signet(one_api(origin)) as signet:
        assert call(signet.port, "/api/204").status == 204
        assert call(signet.port, "/api/next").body == b"fine"
        assert origin.accepted == 2
        origin.failures.clear()  # it could not send its surplus


def test_a_caller_that_takes_nothing_is_cut_off_as_the_caller_it_is():
    def script(connection, _request):
        try:
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n" + b"x" * 100_000_000)
        except OSError:
            pass
        return None

    with ScriptedOrigin(pki(), script=script) as origin:
        with Signet(one_api(origin, timeouts={"body": "1s"})) as signet, Caller(signet.port) as caller:
            caller.send(request("/api/large"))
            signet.program.wait_for_log("the caller does not take the answer")
            assert "error=caller_timeout" in signet.log


def test_a_tunnel_that_takes_nothing_ends():
    def script(connection, _request):
        connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        released.wait(30)
        return None

    released = threading.Event()
    with ScriptedOrigin(pki(), script=script) as origin:
        with Signet(one_api(origin, timeouts={"body": "1s"})) as signet, Caller(signet.port) as caller:
            caller.send(request("/api/ws", fields={"Connection": "Upgrade", "Upgrade": "websocket"}))
            assert caller.response().status == 101
            try:
                caller.socket.settimeout(0.5)
                for _ in range(1000):
                    caller.send(b"w" * 100_000)
            except OSError:
                pass
            caller.socket.close()  # not seen: nothing is read while the other side takes nothing
            signet.program.wait_for_log("one side of the tunnel takes nothing any more")
            released.set()
