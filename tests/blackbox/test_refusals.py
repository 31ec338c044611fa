# SPDX-License-Identifier: GPL-3.0-or-later
"""What two servers could understand differently is refused, and never reaches a back end (RFC 9112 §11.2)."""

from harness import Caller, Message, ScriptedOrigin, Signet, assert_error, backend, call, gateway, one_api, pki, request

HOST = b"Host: gateway.test\r\n"
SMUGGLED = b"GET /api/smuggled HTTP/1.1\r\nHost: gateway.test\r\n\r\n"


def _refused(cases: list[tuple[bytes, int]], config: dict | None = None) -> None:
    """Each case on a connection of its own: its status, Connection: close, no further answer to what was smuggled behind it; and the back
    end has seen no connection. At the end a proper call shows that it could have."""
    with ScriptedOrigin(pki()) as origin, Signet(one_api(origin, **(config or {}))) as signet:
        for data, status in cases:
            with Caller(signet.port) as caller:
                caller.send(data + SMUGGLED)
                try:
                    response = caller.response()
                    assert_error(response, status)
                    assert not response.keeps_alive(), "the answer does not announce the end"
                    assert caller.ended(), "something behind the refused request was answered"
                except Exception as error:
                    raise AssertionError(f"{data[:300]!r}: expected {status} and the end of the connection: {error}") from error
        assert origin.accepted == 0, f"the back end was reached {origin.accepted} times"
        assert call(signet.port, "/api/good").status == 200


def _post(fields: bytes, body: bytes = b"") -> bytes:
    return b"POST /api/x HTTP/1.1\r\n" + HOST + fields + b"\r\n" + body


def _get(fields: bytes) -> bytes:
    return b"GET /api/x HTTP/1.1\r\n" + fields + b"\r\n"


# ---- where does the message end? ---------------------------------------------------------------------------------------------------------


def test_content_length_beside_transfer_encoding_is_refused():
    _refused([
        (_post(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"), 400),
        (_post(b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n"), 400),
        (_post(b"transfer-encoding: Chunked\r\ncontent-length: 0\r\n", b"0\r\n\r\n"), 400),
    ])


def test_several_content_lengths_are_refused():
    _refused([
        (_post(b"Content-Length: 5\r\nContent-Length: 6\r\n", b"12345"), 400),
        (_post(b"Content-Length: 5\r\nContent-Length: 5\r\n", b"12345"), 400),
        (_post(b"Content-Length: 5, 5\r\n", b"12345"), 400),
        (_post(b"Content-Length: 0\r\ncontent-length: 5\r\n", b"12345"), 400),
    ])


def test_a_content_length_that_is_not_digits_is_refused():
    _refused([(_post(b"Content-Length: " + value + b"\r\n"), 400) for value in (
        b"+5", b"-1", b"0x5", b"5 5", b"5.0", b"five", b"99999999999999999999999", b"18446744073709551616", b"5;", b"\x0b5")])


def test_transfer_codings_other_than_one_chunked_are_refused():
    _refused([(_post(b"Transfer-Encoding: " + value + b"\r\n", b"0\r\n\r\n"), 501) for value in (b"gzip", b"identity", b"xchunked")])
    # Here llhttp and we are free to see a broken field or an unknown coding.
    with ScriptedOrigin(pki()) as origin, Signet(one_api(origin)) as signet:
        for value in (b"chunked, gzip", b"gzip, chunked", b"chunked, chunked", b"chunked;x=1", b"\x0bchunked", b"\"chunked\""):
            with Caller(signet.port) as caller:
                caller.send(_post(b"Transfer-Encoding: " + value + b"\r\n", b"0\r\n\r\n") + SMUGGLED)
                response = caller.response()
                assert response.status in (400, 501), (value, response.start_line)
                assert_error(response, response.status)
                assert caller.ended(), value
        assert origin.accepted == 0


def test_transfer_encoding_twice_or_in_http_1_0_is_refused():
    old = b"POST /api/x HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    with ScriptedOrigin(pki()) as origin, Signet(one_api(origin)) as signet:
        for data in (_post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
                     _post(b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"), old):
            with Caller(signet.port) as caller:
                caller.send(data + SMUGGLED)
                assert caller.response().status in (400, 501), data
                assert caller.ended(), data
        assert origin.accepted == 0


def test_damaged_chunks_are_refused_and_no_complete_request_reaches_the_back_end():
    last = b"0\r\n\r\n"
    bodies = (b"5\n12345\r\n" + last, b"0x5\r\n12345\r\n" + last, b"+5\r\n12345\r\n" + last, b"-1\r\n", b"5\r\n1234567\r\n" + last,
              b"\r\n" + last, b"FFFFFFFFFFFFFFFFF\r\n", b"5 \r\n12345\r\n" + last, b"5\r\n12345\n" + last, b"5;a\nb\r\n12345\r\n" + last,
              b"0\r\nbroken trailer\r\n\r\n", b"0\r\n\n", b"5\r\n12345\r" + last)
    with ScriptedOrigin(pki()) as origin, Signet(one_api(origin)) as signet:
        for body in bodies:
            with Caller(signet.port) as caller:
                caller.send(_post(b"Transfer-Encoding: chunked\r\n", body) + SMUGGLED)
                response = caller.response()
                assert response.status == 400, f"{body!r}: {response.start_line}"
                assert caller.ended(), body
        assert not origin.requests, [received.raw_head for received in origin.requests]


# ---- where does a field end? -------------------------------------------------------------------------------------------------------------


def test_folded_fields_are_refused():
    _refused([
        (_get(HOST + b"X-A: b\r\n c\r\n"), 400),
        (_get(HOST + b"X-A: b\r\n\tc\r\n"), 400),
        (_get(b" X-A: b\r\n" + HOST), 400),
        (_post(b"X-A: b\r\n Transfer-Encoding: chunked\r\n", b"0\r\n\r\n"), 400),
    ])


def test_bare_line_ends_and_control_bytes_are_refused():
    _refused([
        (_get(HOST + b"X-A: b\rX-B: c\r\n"), 400),
        (_get(HOST + b"X-A: b\nX-B: c\r\n"), 400),
        (b"GET /api/x HTTP/1.1\n" + HOST + b"\r\n", 400),
        (b"GET /api/x HTTP/1.1\r" + HOST + b"\r\n", 400),
        (_get(HOST + b"X-A: b\0c\r\n"), 400),
        (_get(HOST + b"X-A: b\x01c\r\n"), 400),
        (_get(HOST + b"X-A: b\x7fc\r\n"), 400),
    ])


def test_field_names_that_are_not_tokens_are_refused():
    _refused([
        (_post(b"Content-Length : 5\r\n", b"12345"), 400),
        (_post(b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n"), 400),
        (_get(HOST + b": value\r\n"), 400),
        (_get(HOST + b"no colon here\r\n"), 400),
        (_get(HOST + b"X\0A: b\r\n"), 400),
        (_get(HOST + b"X(A): b\r\n"), 400),
        (_get(HOST + b"X-\xc3\xa4: b\r\n"), 400),
    ])


# ---- who is asked, and how? --------------------------------------------------------------------------------------------------------------


def test_a_missing_or_repeated_or_broken_host_is_refused():
    _refused([(_get(fields), 400) for fields in (
        b"", b"X-Host: a\r\n", HOST + HOST, HOST + b"Host: other.test\r\n", b"host: a\r\nHOST: b\r\n", b"Host: a b\r\n",
        b"Host: user@a\r\n", b"Host: a/b\r\n", b"Host: a, b\r\n", b"Host: a:b\r\n", b"Host: [::1\r\n", b"Host: a\\b\r\n")])


def test_connect_and_trace_are_refused():
    _refused([
        (b"CONNECT 127.0.0.1:22 HTTP/1.1\r\n" + HOST + b"\r\n", 501),
        (b"TRACE /api/x HTTP/1.1\r\n" + HOST + b"\r\n", 501),
    ])


def test_other_versions_of_http_are_refused():
    with ScriptedOrigin(pki()) as origin, Signet(one_api(origin)) as signet:
        for line in (b"GET /api/x HTTP/2.0", b"GET /api/x HTTP/1.2", b"GET /api/x HTTP/0.9", b"GET /api/x", b"GET /api/x http/1.1",
                     b"GET /api/x HTTP/1.1 ", b"GET /api/x HTTP/11", b"GET  /api/x HTTP/1.1", b"GET\t/api/x HTTP/1.1",
                     b"GET /api/x y HTTP/1.1", b"PRI * HTTP/2.0", b"get /api/x HTTP/1.1"):
            with Caller(signet.port) as caller:
                caller.send(line + b"\r\n" + HOST + b"\r\n" + SMUGGLED)
                response = caller.response()
                assert response.status in (400, 501, 505), (line, response.start_line)
                assert_error(response, response.status)
                assert caller.ended(), line
        assert origin.accepted == 0


def test_what_is_not_http_at_all_is_refused():
    client_hello = bytes.fromhex("16030100c8010000c40303") + b"\x11" * 200
    # What begins with a capital letter might be a method, only not one that is relayed.
    _refused([(client_hello, 400), (b"\0\0\0\0\r\n\r\n", 400), (b"{}\r\n\r\n", 400), (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", 501)])


# ---- how much? ---------------------------------------------------------------------------------------------------------------------------


def test_an_oversized_head_is_431():
    _refused([
        (_get(HOST + b"X-A: " + b"a" * 100_000 + b"\r\n"), 431),
        (_get(HOST + b"".join(b"X-%d: %s\r\n" % (number, b"a" * 1000) for number in range(100))), 431),
        (_get(HOST + b"".join(b"X-%d: a\r\n" % number for number in range(2000))), 431),
        (b"GET /api/" + b"a" * 100_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 431),
    ])


def test_a_head_that_never_ends_is_431_and_not_a_place_in_memory():
    with ScriptedOrigin(pki()) as origin, Signet(one_api(origin)) as signet, Caller(signet.port) as caller:
        caller.send(b"GET /api/x HTTP/1.1\r\n" + HOST + b"X-A: ")
        try:
            for _ in range(1000):
                caller.send(b"a" * 10_000)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has stopped listening, as it may
        try:
            assert_error(caller.response(), 431, "RequestHeaderFieldsTooLarge")
        except ConnectionResetError:
            pass  # the answer was lost with the bytes that nobody took
    assert origin.accepted == 0


def test_an_oversized_body_is_413():
    def over(response: Message) -> None:
        assert_error(response, 413, "ContentTooLarge")
        assert not response.keeps_alive()

    with ScriptedOrigin(pki()) as origin:
        config = one_api(origin, limits={"requestBodyBytes": 1000})
        with Signet(config) as signet:
            with Caller(signet.port) as caller:
                caller.send(request("/api/x", "POST", {"Content-Length": "1001"}))
                over(caller.response())
            assert origin.accepted == 0
            with Caller(signet.port) as caller:
                caller.send(_post(b"Transfer-Encoding: chunked\r\n", b"3e9\r\n" + b"a" * 1001 + b"\r\n0\r\n\r\n"))
                over(caller.response())
            assert not origin.requests, "a body over the limit arrived as a complete request"
            assert call(signet.port, "/api/x", "POST", body=b"a" * 1000).status == 200


def test_a_head_that_does_not_come_to_its_end_is_408():
    with ScriptedOrigin(pki()) as origin:
        with Signet(one_api(origin, timeouts={"head": "1s"})) as signet, Caller(signet.port) as caller:
            caller.send(b"GET /api/x HTTP/1.1\r\nHost: gate")
            assert_error(caller.response(), 408, "RequestTimeout")
            assert caller.ended()
    assert origin.accepted == 0


# ---- which resource? ---------------------------------------------------------------------------------------------------------------------


def test_paths_that_climb_above_the_root_or_hide_something_are_400():
    targets = ("/..", "/../api/x", "/api/../../x", "/api/%2e%2e/%2E%2e/x", "/api/.%2e/../x", "/api/x%00", "/%00", "/api/%0d%0aX-A:%20b",
               "/api/%09", "/api/%7f", "/api/..%5c..%5cx", "/api/a\\b", "/api/%", "/api/%4", "/api/%zz", "/api/..;/x", "/api/%2e%2e;a=b/x",
               "*", "api/x", "ftp://a/api/x")
    with ScriptedOrigin(pki()) as origin, Signet(one_api(origin)) as signet:
        for target in targets:
            response = call(signet.port, target)
            assert response.status == 400, f"{target}: {response.start_line}"
            assert_error(response, 400, "BadRequest")
        assert origin.accepted == 0
        assert call(signet.port, "/api/%2e/a/b/%2E%2e/c").status == 200
        assert origin.requests[0].target == "/a/c"


def test_dot_segments_do_not_lead_into_another_api():
    with ScriptedOrigin(pki()) as open_origin, ScriptedOrigin(pki()) as secret_origin:
        config = gateway(backend("open", open_origin.url, pki().orders), backend("secret", secret_origin.url, pki().billing))
        with Signet(config) as signet:
            # Resolved before routing: this is a call of the other API, with that API's own rules and certificate, never of /open.
            assert call(signet.port, "/open/%2e%2e/secret/x").status == 200
    assert open_origin.accepted == 0
    assert secret_origin.requests[0].target == "/x"
    assert secret_origin.connections[0].chain == pki().billing.ders
