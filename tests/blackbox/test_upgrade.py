# SPDX-License-Identifier: GPL-3.0-or-later
"""Interim answers and connections that stop being HTTP."""

import base64
import hashlib

from harness import Caller, Connection, Message, Nginx, ScriptedOrigin, Signet, answer, assert_error, call, one_api, pki, request

# RFC 6455 §4.1
KEY = base64.b64encode(b"the sample nonce").decode()
ACCEPT = base64.b64encode(hashlib.sha1((KEY + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
HANDSHAKE = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": KEY, "Sec-WebSocket-Version": "13"}


# ---- 100 Continue ------------------------------------------------------------------------------------------------------------------------


def test_a_body_that_waits_for_100_continue_gets_it_from_the_back_end():
    def script(connection: Connection, received: Message) -> bytes:
        connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        return answer(connection.reader.body(received))

    with ScriptedOrigin(pki(), script=script, head_only=True) as origin, Signet(one_api(origin)) as signet, Caller(signet.port) as caller:
        for _ in range(2):
            caller.send(request("/api/x", "POST", {"Expect": "100-continue", "Content-Length": "4"}))
            assert caller.reader.head().status == 100
            caller.send(b"body")
            response = caller.response()
            assert (response.status, response.body, response.keeps_alive()) == (200, b"body", True)
    assert [received.field("Expect") for received in origin.requests] == ["100-continue"] * 2


def test_a_back_end_may_refuse_before_the_body_is_sent():
    def script(connection: Connection, _: Message) -> None:
        connection.send(answer(b"no", "401 Unauthorized", {"Connection": "close"}))

    with ScriptedOrigin(pki(), script=script, head_only=True) as origin, Signet(one_api(origin)) as signet, Caller(signet.port) as caller:
        caller.send(request("/api/x", "POST", {"Expect": "100-continue", "Content-Length": "4"}))
        response = caller.response()
        assert (response.status, response.body, response.interim) == (401, b"no", [])
        # What comes next cannot be told from the body that was announced.
        assert not response.keeps_alive()
        assert caller.ended()


def test_nginx_is_asked_with_100_continue():
    with Nginx(pki()) as origin, Signet(one_api(origin)) as signet, Caller(signet.port) as caller:
        caller.send(request("/api/store/x", "PUT", {"Expect": "100-continue", "Content-Length": "4"}))
        assert caller.reader.head().status == 100
        caller.send(b"body")
        assert caller.response().status == 201
        assert origin.stored("x") == b"body"


def test_early_hints_are_relayed_and_not_shown_to_http_1_0():
    def script(connection: Connection, _: Message) -> bytes:
        connection.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")
        return answer()

    with ScriptedOrigin(pki(), script=script) as origin, Signet(one_api(origin)) as signet:
        response = call(signet.port, "/api/x")
        assert [(hint.status, hint.field("Link")) for hint in response.interim] == [(103, "</a.css>")]
        with Caller(signet.port) as caller:
            caller.send(b"GET /api/x HTTP/1.0\r\nHost: gateway.test\r\n\r\n")
            assert caller.response().interim == []


def test_another_expectation_is_417():
    with ScriptedOrigin(pki()) as origin, Signet(one_api(origin)) as signet:
        assert_error(call(signet.port, "/api/x", fields={"Expect": "a-miracle"}), 417, "ExpectationFailed")
    assert origin.accepted == 0


# ---- WebSocket ---------------------------------------------------------------------------------------------------------------------------


def _accepts(connection: Connection, received: Message) -> bool:
    if received.field("Upgrade") != "websocket" or "upgrade" not in (received.field("Connection") or "").lower():
        return False
    connection.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    + f"Sec-WebSocket-Accept: {ACCEPT}\r\n\r\n".encode())
    return True


def _echo(connection: Connection, received: Message) -> bytes | None:
    """Shouts back, until it is told to stop, or to break off without close_notify."""
    if not _accepts(connection, received):
        return answer(b"not a WebSocket", "426 Upgrade Required")
    while (piece := connection.reader.until(b"\n")) not in (b"stop\n", b"break off\n"):
        connection.send(piece.upper())
    connection.send(b"bye")
    if piece == b"stop\n":
        connection.socket.unwrap()
    return None


def test_a_websocket_is_a_tunnel_in_both_directions():
    with ScriptedOrigin(pki(), script=_echo) as origin, Signet(one_api(origin)) as signet, Caller(signet.port) as caller:
        response = caller.call("/api/socket", fields=HANDSHAKE)
        assert response.status == 101
        assert (response.field("Upgrade") or "").lower() == "websocket"
        assert response.field("Sec-WebSocket-Accept") == ACCEPT
        # Not HTTP and not text: the tunnel does not look at it.
        for piece in (b"GET / HTTP/1.1\r\n", bytes(range(128, 255)) + b"\n", b"x" * 300_000 + b"\n"):
            caller.send(piece)
            assert caller.reader.exactly(len(piece)) == piece.upper()
        caller.send(b"stop\n")
        assert caller.reader.rest() == b"bye", "the end of the back end's side ends the tunnel, after its last byte"
    received, = origin.requests
    assert received.field("Sec-WebSocket-Key") == KEY and received.field("Sec-WebSocket-Version") == "13"
    assert origin.connections[0].chain == pki().orders.ders


def test_bytes_sent_right_behind_the_handshake_arrive():
    with ScriptedOrigin(pki(), script=_echo) as origin, Signet(one_api(origin)) as signet, Caller(signet.port) as caller:
        caller.send(request("/api/socket", fields=HANDSHAKE) + b"early\nstop\n")
        assert caller.response().status == 101
        assert caller.reader.rest() == b"EARLY\nbye"


def test_what_came_before_a_tunnel_breaks_off_arrives():
    with ScriptedOrigin(pki(), script=_echo) as origin, Signet(one_api(origin)) as signet, Caller(signet.port) as caller:
        assert caller.call("/api/socket", fields=HANDSHAKE).status == 101
        caller.send(b"break off\n")
        try:
            received = caller.reader.rest()
        except ConnectionResetError:
            received = caller.reader.buffered  # it may look like what it is
        assert received == b"bye"


def test_a_caller_that_leaves_ends_the_tunnel_on_the_other_side():
    with ScriptedOrigin(pki(), script=_echo) as origin, Signet(one_api(origin)) as signet:
        with Caller(signet.port) as caller:
            assert caller.call("/api/socket", fields=HANDSHAKE).status == 101
        # The script ends with the connection: leaving this block would hang and fail otherwise.
        assert call(signet.port, "/api/x").status == 426
        assert origin.accepted == 2, "a tunnel's connection must never be used for a call"


def test_a_refused_websocket_is_an_ordinary_answer():
    with ScriptedOrigin(pki()) as origin, Signet(one_api(origin)) as signet, Caller(signet.port) as caller:
        for _ in range(2):
            response = caller.call("/api/socket", fields=HANDSHAKE)
            assert (response.status, response.body, response.keeps_alive()) == (200, b"fine", True)


def test_no_other_protocol_is_asked_for():
    with ScriptedOrigin(pki()) as origin, Signet(one_api(origin)) as signet, Caller(signet.port) as caller:
        caller.call("/api/x", fields={"Upgrade": "h2c", "Connection": "Upgrade, HTTP2-Settings", "HTTP2-Settings": "AAMAAABkAAQAAP__"})
        caller.call("/api/x", fields={"Upgrade": "TLS/1.3", "Connection": "Upgrade"})
        caller.call("/api/x", "POST", HANDSHAKE, b"a WebSocket has no body")
        caller.call("/api/x", fields={"Upgrade": "websocket"})
    for received in origin.requests:
        assert received.field("Upgrade") is None and received.field("HTTP2-Settings") is None, received.raw_head
    assert len(origin.requests) == 4


def test_a_101_that_nobody_asked_for_is_502():
    def script(connection: Connection, _: Message) -> None:
        connection.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nsmuggled")

    with ScriptedOrigin(pki(), script=script) as origin, Signet(one_api(origin)) as signet, Caller(signet.port) as caller:
        response = caller.call("/api/x")
        assert_error(response, 502, "BackendBadResponse")
