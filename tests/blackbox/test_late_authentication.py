# SPDX-License-Identifier: GPL-3.0-or-later
"""Back ends that ask for our certificate only after they have read the call: Apache with SSLVerifyClient in a <Location>, by post-handshake
authentication (TLS 1.3) and renegotiation (TLS 1.2)."""

import functools
import random
import ssl
import threading

from harness import (KIB, MIB, Apache, Caller, Connection, Message, ScriptedOrigin, Signet, answer, assert_error, backend, call, chunks,
                     gateway, pki, request)
from scripted_origin import chain_of

VERSIONS = ("TLSv1.2", "TLSv1.3")
NOBODY = "(null)"  # as Apache calls a client without a certificate
BODY = random.Random(3).randbytes(64 * 1024)
SMALL = BODY[:40 * 1024]  # is sent with the head


def _late(origin: Apache | ScriptedOrigin, **more) -> dict:
    return gateway(backend("api", origin.url, pki().orders, lateAuthentication="allow"), **more)


@functools.cache
def _subject(name: str) -> str:
    return getattr(pki(), name).subject


def _assert_known(response: Message, body: bytes, name: str = "orders") -> None:
    """The call was answered with `body`, and by a back end that knows us as this client; empty: as nobody."""
    assert response.status == 200, f"{response.start_line} {response.body[:300]!r}"
    assert response.field("X-Client-Subject") == (_subject(name) if name else NOBODY), response.fields
    assert response.body == body, f"{len(response.body)} bytes, which are not the {len(body)} that were sent"
    assert not response.interim, "the caller did not ask whether to continue"


def test_a_get_is_answered_after_a_late_certificate():
    for version in VERSIONS:
        with Apache(pki(), protocols=version) as origin, Signet(_late(origin)) as signet, Caller(signet.port) as caller:
            for _ in range(3):
                response = caller.call("/api/late/1k")
                _assert_known(response, KIB)
                assert response.field("X-Tls") == version


def test_a_body_survives_a_late_certificate():
    for version in VERSIONS:
        with Apache(pki(), protocols=version) as origin:
            for body in (SMALL, BODY, MIB):
                for fields, sent in (({}, body), ({"Transfer-Encoding": "chunked"}, chunks(body))):
                    with Signet(_late(origin)) as signet:
                        for _ in range(2):  # on a fresh connection, and on the same once more
                            _assert_known(call(signet.port, "/api/late/echo", "POST", fields, sent), body)


def test_a_connection_stays_with_its_identity_after_a_late_certificate():
    for version in VERSIONS:
        with Apache(pki(), protocols=version) as origin, Signet(_late(origin)) as signet, Caller(signet.port) as caller:
            first = caller.call("/api/1k")
            _assert_known(first, KIB, "")
            for target in ("/api/late/1k", "/api/1k", "/api/late/1k", "/api/late/1k", "/api/1k", "/api/late/1k"):
                response = caller.call(target)
                _assert_known(response, KIB)
                assert response.field("X-Connection") == first.field("X-Connection"), "the pooled connection was not used"


def test_another_identity_never_gets_a_connection_that_was_authenticated_late():
    for version in VERSIONS:
        with Apache(pki(), protocols=version) as origin:
            backends = (backend("orders", origin.url, pki().orders, lateAuthentication="allow"),
                        backend("billing", origin.url, pki().billing, lateAuthentication="allow"),
                        backend("nobody", origin.url, lateAuthentication="allow"))
            with Signet(gateway(*backends)) as signet, Caller(signet.port) as caller:
                for _ in range(3):
                    _assert_known(caller.call("/orders/late/1k"), KIB, "orders")
                    _assert_known(caller.call("/billing/late/1k"), KIB, "billing")
                    _assert_known(caller.call("/nobody/1k"), KIB, "")


def test_a_back_end_may_ask_more_often_than_one_connection_answers():
    with Apache(pki(), protocols="TLSv1.2") as origin, Signet(_late(origin)) as signet, Caller(signet.port) as caller:
        connections = set()
        for _ in range(40):  # Apache forgets the certificate with each call that needs none
            response = caller.call("/api/late/1k")
            _assert_known(response, KIB)
            connections.add(response.field("X-Connection"))
            assert caller.call("/api/1k").status == 200
    assert len(connections) > 1, "none of the connections came to its end"


def test_a_back_end_may_ask_with_every_call_and_its_sessions_are_good_all_the_same():
    shown = []

    def script(connection, _request):
        shown.append(len(chain_of(connection.socket)))
        connection.socket.verify_client_post_handshake()  # leaves with the answer
        connection.send(answer())
        return None if len(shown) == 6 else b""

    with ScriptedOrigin(pki(), script=script, version=ssl.TLSVersion.TLSv1_3, late=True) as origin, Signet(_late(origin)) as signet:
        with Caller(signet.port) as caller:
            for number in range(9):
                response = caller.call(f"/api/{number}")
                assert response.status == 200, f"{number}: {response.body!r} {origin.failures}"
        assert signet.stop() == 0
    assert not origin.failures
    assert [each.resumed for each in origin.connections] == [False, True]
    assert shown[0] == 0 and all(shown[1:6]), f"certificates known when a call came: {shown}"


def test_resumed_sessions_answer_late_requests():
    for version in VERSIONS:
        with Apache(pki(), protocols=version, keep_alive=False) as origin, Signet(_late(origin)) as signet:
            for body in (SMALL, BODY) * 3:
                _assert_known(call(signet.port, "/api/late/echo", "POST", body=body), body)
            signet.stop()
            resumed = [f'tls="{version} resumed"' in line for line in signet.access_lines()]
        assert resumed == [False] + [True] * 5, f"{version}: {resumed}"


def _one_of_many(choose: random.Random, caller: Caller) -> Message:
    name = choose.choice(("orders", "billing"))
    body = choose.randbytes(choose.choice((1, 1000, 30_000, 65_536, 300_000)))
    kind = choose.randrange(4)
    if kind == 0:
        response = caller.call(f"/{name}/1k")
        assert response.body == KIB and response.field("X-Client-Subject") in (NOBODY, _subject(name)), response.fields
    elif kind == 1:
        response = caller.call(f"/{name}/late/1k")
        _assert_known(response, KIB, name)
    else:
        fields, sent = ({}, body) if kind == 2 else ({"Transfer-Encoding": "chunked"}, chunks(body))
        response = caller.call(f"/{name}/late/echo", "POST", fields, sent)
        _assert_known(response, body, name)
    return response


def _many(version: str) -> None:
    """32 callers at once, some calls of which need a certificate, with two identities."""
    faults: list[str] = []

    def run(number: int) -> None:
        choose = random.Random(number)
        caller = Caller(signet.port)
        try:
            for _ in range(40):
                if not _one_of_many(choose, caller).keeps_alive():  # the answer began before all of the body had come
                    caller.socket.close()
                    caller = Caller(signet.port)
        except Exception as fault:  # pylint: disable=broad-except  # a thread has nobody else to tell
            faults.append(f"caller {number}: {type(fault).__name__}: {fault}")
        caller.socket.close()

    with Apache(pki(), protocols=version) as origin:
        backends = (backend("orders", origin.url, pki().orders, lateAuthentication="allow"),
                    backend("billing", origin.url, pki().billing, lateAuthentication="allow"))
        with Signet(gateway(*backends)) as signet:
            callers = [threading.Thread(target=run, args=(number,)) for number in range(32)]
            for thread in callers:
                thread.start()
            for thread in callers:
                thread.join()
            assert not faults, "\n".join(faults[:5])


def test_many_renegotiations_at_once_are_answered_under_the_right_identity():
    _many("TLSv1.2")


def test_many_late_requests_at_once_are_answered_under_the_right_identity():
    _many("TLSv1.3")


def test_a_late_refusal_is_told_apart_and_ends_the_connection():
    for version in VERSIONS:
        with Apache(pki(), protocols=version, authorities=pki().stranger_root.certificate) as origin:
            with Signet(_late(origin)) as signet, Caller(signet.port) as caller:
                for sent in (None, SMALL, None):
                    before = caller.call("/api/1k")
                    assert before.status == 200
                    response = caller.call("/api/late/echo" if sent else "/api/late/1k", "POST" if sent else "GET", body=sent)
                    assert_error(response, 500, "BackendRefusedClientCertificate")
                    after = caller.call("/api/1k")
                    assert after.status == 200, "a refusal of one call must not cost the next"
                    assert before.field("X-Connection") != after.field("X-Connection"), "a refused connection was used again"
                signet.stop()
                refused = [line for line in signet.access_lines() if "/late/" in line]
        assert len(refused) == 3 and all("error=identity_refused" in line and "attempts=1" in line for line in refused), refused


def test_without_the_switch_a_late_request_is_an_error():
    with Apache(pki(), protocols="TLSv1.2") as origin:
        with Signet(gateway(backend("api", origin.url, pki().orders))) as signet, Caller(signet.port) as caller:
            assert caller.call("/api/1k").status == 200
            assert_error(caller.call("/api/late/1k"), 500, "BackendRefusedClientCertificate")
            assert caller.call("/api/1k").status == 200
            signet.stop()
            declined = signet.access_lines()[1]
        assert "tls.lateAuthentication" in declined and "error=identity_refused" in declined, declined


# ---- Expect: 100-continue ----------------------------------------------------------------------------------------------------------------


def _expecting(connection: Connection, received: Message, first: bytes = b"") -> bytes:
    """Answers with what came, and whether it was asked first."""
    connection.send(first)
    return answer(connection.reader.body(received), fields={"X-Expect": received.field("Expect") or "none"})


def test_a_short_body_follows_its_head_at_once():
    with ScriptedOrigin(pki(), script=_expecting, head_only=True) as origin, Signet(_late(origin)) as signet:
        response = call(signet.port, "/api/x", "POST", body=SMALL)
    assert (response.body, response.field("X-Expect")) == (SMALL, "none")


def test_without_late_authentication_no_body_waits():
    with ScriptedOrigin(pki(), script=_expecting, head_only=True) as origin:
        with Signet(gateway(backend("api", origin.url, pki().orders))) as signet:
            response = call(signet.port, "/api/x", "POST", body=MIB)
    assert (response.body, response.field("X-Expect")) == (MIB, "none")


def test_a_long_body_waits_for_100_which_the_caller_does_not_see():
    def script(connection: Connection, received: Message) -> bytes:
        assert connection.reader.buffered == b"", "the body came before it was asked for"
        connection.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        return _expecting(connection, received, b"HTTP/1.1 100 Continue\r\n\r\n")

    with ScriptedOrigin(pki(), script=script, head_only=True) as origin, Signet(_late(origin)) as signet, Caller(signet.port) as caller:
        for fields, sent in (({}, BODY), ({"Transfer-Encoding": "chunked"}, chunks(BODY))):
            response = caller.call("/api/x", "POST", fields, sent)
            assert (response.body, response.field("X-Expect")) == (BODY, "100-continue")
            assert [interim.status for interim in response.interim] == [103]
    assert not origin.failures, origin.failures


def test_a_back_end_that_says_nothing_gets_the_body_all_the_same():
    with ScriptedOrigin(pki(), script=_expecting, head_only=True) as origin, Signet(_late(origin)) as signet:
        response = call(signet.port, "/api/x", "POST", body=BODY)
    assert (response.status, response.body, response.field("X-Expect")) == (200, BODY, "100-continue")


def test_a_caller_that_asks_itself_hears_the_100():
    def script(connection: Connection, received: Message) -> bytes:
        return _expecting(connection, received, b"HTTP/1.1 100 Continue\r\n\r\n")

    with ScriptedOrigin(pki(), script=script, head_only=True) as origin, Signet(_late(origin)) as signet, Caller(signet.port) as caller:
        caller.send(request("/api/x", "POST", {"Expect": "100-continue", "Content-Length": str(len(BODY))}))
        assert caller.reader.head().status == 100
        caller.send(BODY)
        assert caller.response().body == BODY


def test_a_back_end_that_does_not_know_expect_is_called_without_it():
    def script(connection: Connection, received: Message) -> bytes | None:
        if received.field("Expect"):
            connection.send(answer(b"what?", "417 Expectation Failed"))
            return None
        return _expecting(connection, received)

    with ScriptedOrigin(pki(), script=script, head_only=True) as origin, Signet(_late(origin)) as signet, Caller(signet.port) as caller:
        for _ in range(2):
            response = caller.call("/api/x", "POST", body=BODY)
            assert (response.status, response.body, response.field("X-Expect")) == (200, BODY, "none")
    assert len(origin.requests) == 4


def test_a_417_that_comes_after_the_body_is_the_answer():
    def script(connection: Connection, received: Message) -> bytes | None:
        connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        bodies.append(connection.reader.body(received))
        return answer(b"after all", "417 Expectation Failed")

    bodies: list[bytes] = []
    with ScriptedOrigin(pki(), script=script, head_only=True) as origin, Signet(_late(origin)) as signet:
        response = call(signet.port, "/api/x", "POST", body=BODY)
    assert (response.status, response.body) == (417, b"after all"), response.start_line
    assert bodies == [BODY], "the call was sent again, in part"


def test_a_body_that_is_not_wanted_is_not_sent():
    def script(connection: Connection, _: Message) -> bytes | None:
        connection.send(answer(b"no", "403 Forbidden"))
        seen.append(connection.reader.rest())
        return None

    seen: list[bytes] = []
    with ScriptedOrigin(pki(), script=script, head_only=True, version=ssl.TLSVersion.TLSv1_3) as origin, Signet(_late(origin)) as signet:
        response = call(signet.port, "/api/x", "POST", body=MIB)
        assert (response.status, response.body, response.keeps_alive()) == (403, b"no", False)
    assert seen in ([], [b""]), "part of the body came after the refusal"
