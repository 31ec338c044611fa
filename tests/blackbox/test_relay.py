# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls go through unchanged: bodies byte for byte, both framings, both directions; connections are kept on both sides."""

from harness import (KIB, MIB, Caller, Closed, Connection, Message, Nginx, ScriptedOrigin, Signet, answer, assert_error, backend, call,
                     chunks, gateway, one_api, pki, request)


def _through_nginx(protocols: str = "TLSv1.2 TLSv1.3") -> tuple[Nginx, dict]:
    origin = Nginx(pki(), protocols=protocols)
    return origin, one_api(origin)


# ---- answers -----------------------------------------------------------------------------------------------------------------------------


def test_answers_of_1_kib_and_1_mib_arrive_byte_for_byte():
    for protocol in ("TLSv1.2", "TLSv1.3"):
        origin, config = _through_nginx(protocol)
        with origin, Signet(config) as signet, Caller(signet.port) as caller:
            for target, body in (("/api/1k", KIB), ("/api/1m", MIB), ("/api/1k", KIB)):
                response = caller.call(target)
                assert response.status == 200
                assert response.field("Content-Length") == str(len(body))
                assert response.body == body, f"{protocol} {target}: {len(response.body)} bytes, not the same"


def test_a_chunked_answer_of_1_mib_arrives_byte_for_byte():
    origin, config = _through_nginx()
    with origin, Signet(config) as signet, Caller(signet.port) as caller:
        for _ in range(2):
            response = caller.call("/api/chunked/1m")
            assert response.field("Transfer-Encoding") == "chunked"
            assert response.body == MIB


def test_a_chunked_answer_in_odd_pieces_arrives_byte_for_byte():
    def script(connection: Connection, _: Message) -> bytes:
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        return chunks(MIB, (1, 3, 4096, 100_000))

    with ScriptedOrigin(pki(), script=script) as origin, Signet(one_api(origin)) as signet:
        with Caller(signet.port) as caller:
            assert caller.call("/api/x").body == MIB
            assert caller.call("/api/x").body == MIB


def test_an_answer_that_ends_with_its_connection_is_relayed_and_marked_complete():
    def script(connection: Connection, _: Message) -> None:
        connection.send(b"HTTP/1.1 200 OK\r\n\r\n" + MIB)
        connection.socket.unwrap()  # close_notify: the end is authentic

    with ScriptedOrigin(pki(), script=script) as origin, Signet(one_api(origin)) as signet:
        assert call(signet.port, "/api/x").body == MIB


def test_an_answer_that_breaks_off_does_not_look_complete_to_the_caller():
    for head in (b"Content-Length: 1000", b"Transfer-Encoding: chunked"):
        def script(connection: Connection, _: Message, head: bytes = head) -> None:
            connection.send(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n" + (b"64\r\n" if b"chunked" in head else b"") + b"x" * 100)

        with ScriptedOrigin(pki(), script=script) as origin, Signet(one_api(origin)) as signet:
            try:
                response = call(signet.port, "/api/x")
            except (Closed, ConnectionResetError):
                continue  # cut off visibly
            assert response.status == 502, f"{head!r}: a cut answer came as {response.start_line}"


def test_a_server_that_closes_instead_of_answering_is_502():
    with ScriptedOrigin(pki(), script=lambda _connection, _request: None) as origin:
        with Signet(one_api(origin)) as signet:
            assert_error(call(signet.port, "/api/x", "POST", body=b"once"), 502, "BackendConnectionLost")
    assert len(origin.requests) == 1, "a POST was sent twice"


def test_an_answer_that_is_not_http_is_502():
    with ScriptedOrigin(pki(), script=lambda _connection, _request: b"SSH-2.0-OpenSSH_9.2\r\n\r\n") as origin:
        with Signet(one_api(origin)) as signet:
            assert_error(call(signet.port, "/api/x"), 502, "BackendBadResponse")


def test_head_has_the_length_and_no_body():
    origin, config = _through_nginx()
    with origin, Signet(config) as signet, Caller(signet.port) as caller:
        response = caller.call("/api/1m", "HEAD")
        assert response.field("Content-Length") == str(len(MIB))
        # The next answer would begin with what a body has left.
        assert caller.call("/api/1k").body == KIB


def test_204_and_304_have_no_body():
    def script(_: Connection, received: Message) -> bytes:
        status = received.target.rsplit("/", 1)[-1]
        return answer() if status == "200" else f"HTTP/1.1 {status} Fine\r\nETag: \"x\"\r\n\r\n".encode()

    with ScriptedOrigin(pki(), script=script) as origin, Signet(one_api(origin)) as signet:
        with Caller(signet.port) as caller:
            for status in (204, 304, 200):
                response = caller.call(f"/api/{status}")
                assert response.status == status
                assert response.field("ETag") == (None if status == 200 else '"x"')


# ---- uploads -----------------------------------------------------------------------------------------------------------------------------


def test_an_upload_of_1_mib_with_a_length_arrives_byte_for_byte():
    for protocol in ("TLSv1.2", "TLSv1.3"):
        origin, config = _through_nginx(protocol)
        with origin, Signet(config) as signet, Caller(signet.port) as caller:
            assert caller.call("/api/store/a", "PUT", body=MIB).status == 201
            assert origin.stored("a") == MIB
            assert caller.call("/api/store/a").body == MIB


def test_a_chunked_upload_of_1_mib_arrives_byte_for_byte():
    for protocol in ("TLSv1.2", "TLSv1.3"):
        origin, config = _through_nginx(protocol)
        with origin, Signet(config) as signet, Caller(signet.port) as caller:
            response = caller.call("/api/store/a", "PUT", {"Transfer-Encoding": "chunked"}, chunks(MIB))
            assert response.status == 201
            assert origin.stored("a") == MIB
            assert caller.call("/api/1k").body == KIB


def test_an_upload_keeps_its_framing():
    with ScriptedOrigin(pki()) as origin, Signet(one_api(origin)) as signet:
        with Caller(signet.port) as caller:
            caller.call("/api/length", "POST", body=b"abc")
            caller.call("/api/chunked", "POST", {"Transfer-Encoding": "chunked"}, chunks(b"abc"))
            caller.call("/api/empty", "POST", body=b"")
    length, chunked, empty = origin.requests
    assert (length.field("Content-Length"), length.field("Transfer-Encoding"), length.body) == ("3", None, b"abc")
    assert (chunked.field("Content-Length"), chunked.field("Transfer-Encoding"), chunked.body) == (None, "chunked", b"abc")
    assert (empty.field("Content-Length"), empty.field("Transfer-Encoding"), empty.body) == ("0", None, b"")


def test_an_upload_and_a_download_of_1_mib_at_once_do_not_block_each_other():
    def script(connection: Connection, received: Message) -> None:
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(MIB))
        left = int(received.field("Content-Length"))
        while left:  # echoes piece by piece
            piece = connection.reader.exactly(min(left, 16384))
            connection.send(piece)
            left -= len(piece)

    with ScriptedOrigin(pki(), script=script, head_only=True) as origin:
        with Signet(one_api(origin)) as signet, Caller(signet.port) as caller:
            # In steps: the echo of each piece is read before the next is sent, so whoever waits for the whole body hangs.
            caller.send(request("/api/x", "POST", {"Content-Length": str(len(MIB))}))
            caller.send(MIB[:16384])
            head = caller.reader.head()
            echoed = caller.reader.exactly(16384)
            for position in range(16384, len(MIB), 16384):
                caller.send(MIB[position:position + 16384])
                echoed += caller.reader.exactly(16384)
    assert head.status == 200
    assert echoed == MIB


# ---- targets and fields ------------------------------------------------------------------------------------------------------------------


def test_the_path_of_the_api_is_taken_off_and_the_rest_goes_behind_the_url():
    with ScriptedOrigin(pki()) as origin:
        config = gateway(backend("orders", origin.url + "/v2", pki().orders))
        with Signet(config) as signet, Caller(signet.port) as caller:
            for target in ("/orders/7?x=1", "/orders?a=%2F", "/orders/a%2Fb", "/orders/a/../b", "/orders/"):
                assert caller.call(target).status == 200, target
            assert_error(caller.call("/orders2"), 404, "OperationNotFound")
            assert_error(caller.call("/"), 404, "OperationNotFound")
    assert [received.target for received in origin.requests] == ["/v2/7?x=1", "/v2?a=%2F", "/v2/a%2Fb", "/v2/b", "/v2/"]


def test_a_caller_cannot_say_who_it_is_in_the_name_of_a_proxy():
    identity = ("X-ARR-ClientCert", "X-SSL-Client-DN", "Client-Cert", "Client-Cert-Chain", "X-Forwarded-Client-Cert", "X_SSL_Client_DN")
    claims = {"X-Forwarded-For": "192.0.2.9", "Forwarded": "for=192.0.2.9", "X-Forwarded-Proto": "https",
              "X-Forwarded-Host": "bank.example", **{name: "x" for name in identity}}
    with ScriptedOrigin(pki()) as origin, Signet(one_api(origin)) as signet:
        call(signet.port, "/api/x", fields={**claims, "X-Own": "kept"})
    received, = origin.requests
    text = received.raw_head.decode()
    assert received.field("X-Own") == "kept"
    for name in identity:
        assert received.field(name) is None, f"{name} reached the back end"
    assert "192.0.2.9" not in text and "bank.example" not in text, text


def test_fields_of_one_connection_do_not_travel_on():
    def script(_: Connection, __: Message) -> bytes:
        return answer(fields={"Connection": "X-Hop", "X-Hop": "1", "Keep-Alive": "timeout=5", "X-End": "1"})

    with ScriptedOrigin(pki(), script=script) as origin, Signet(one_api(origin)) as signet:
        mine = {"Connection": "X-Mine", "X-Mine": "1", "TE": "gzip", "Proxy-Connection": "keep-alive"}
        response = call(signet.port, "/api/x", fields=mine)
    received, = origin.requests
    for name in ("X-Mine", "Proxy-Connection"):
        assert received.field(name) is None, f"{name} reached the back end"
    assert "gzip" not in (received.field("TE") or "")
    assert response.field("X-Hop") is None and response.field("Keep-Alive") is None
    assert response.field("X-End") == "1"


# ---- connections -------------------------------------------------------------------------------------------------------------------------


def test_one_connection_serves_many_calls_on_both_sides():
    with ScriptedOrigin(pki()) as origin, Signet(one_api(origin)) as signet:
        with Caller(signet.port) as caller:
            for _ in range(50):
                assert caller.call("/api/x").keeps_alive()
    assert origin.accepted == 1, f"50 calls in turn took {origin.accepted} connections to the back end"


def test_connection_close_is_answered_with_the_same():
    with ScriptedOrigin(pki()) as origin, Signet(one_api(origin)) as signet:
        with Caller(signet.port) as caller:
            assert not caller.call("/api/x", fields={"Connection": "close"}).keeps_alive()
            assert caller.ended()
        with Caller(signet.port) as caller:
            caller.send(b"GET /api/x HTTP/1.0\r\nHost: gateway.test\r\n\r\n")
            assert caller.response().body == b"fine"
            assert caller.ended()


def test_a_connection_that_the_back_end_closes_is_not_used_again():
    def script(connection: Connection, _: Message) -> None:
        connection.send(answer(fields={"Connection": "close"}))

    with ScriptedOrigin(pki(), script=script) as origin, Signet(one_api(origin)) as signet:
        with Caller(signet.port) as caller:
            for _ in range(5):
                assert caller.call("/api/x").status == 200
    assert origin.accepted == 5


def test_pipelined_calls_are_answered_in_their_order():
    with ScriptedOrigin(pki(), script=lambda _, received: answer(received.target.encode() + received.body)) as origin:
        with Signet(one_api(origin)) as signet, Caller(signet.port) as caller:
            targets = [f"/{number}" for number in range(20)]
            caller.send(b"".join(request(f"/api{target}", "POST", body=b"+body") if number % 2 else request(f"/api{target}")
                                 for number, target in enumerate(targets)))
            answers = [caller.response().body.decode() for _ in targets]
    assert answers == [target + ("+body" if number % 2 else "") for number, target in enumerate(targets)]


def test_a_request_in_single_bytes_is_understood():
    with ScriptedOrigin(pki()) as origin, Signet(one_api(origin)) as signet:
        with Caller(signet.port) as caller:
            for byte in request("/api/x", "POST", {"Transfer-Encoding": "chunked"}, chunks(b"slowly", (2,))):
                caller.send(bytes([byte]))
            assert caller.response().status == 200
    assert origin.requests[0].body == b"slowly"
