# SPDX-License-Identifier: GPL-3.0-or-later
"""NTLM and Negotiate prove who the caller is once per connection: the connection to the back end must be his, and nobody else's."""

import queue
import signal
import threading
import time

from harness import Caller, Connection, Message, ScriptedOrigin, Signet, answer, backend, gateway, one_api, pki, request
from processes import START_S

HELLO = "NTLM hello"


class _Ntlm:
    """The script of a back end with NTLM in three legs: 401, challenge, proof. A challenge is good on its own connection only, and whatever
    comes on a connection after a proof counts as said by the one who gave it. /last is the last call of its connection; what arrives then,
    and the end, go to `ends`."""

    def __init__(self, scheme: str = "NTLM"):
        self.scheme = scheme
        self.ends: queue.Queue[bytes] = queue.Queue()
        self.may_speak = threading.Event()
        self._challenged: set[int] = set()
        self._users: dict[int, str] = {}

    def __call__(self, connection: Connection, received: Message) -> bytes | None:
        response = self._answer(connection, received)
        if received.target in ("/last", "/babble", "/end"):
            connection.send(response)
            if received.target == "/babble":
                self.may_speak.wait(20)
                connection.send(answer(b"nobody asked"))
            if received.target != "/end":
                try:
                    self.ends.put(connection.reader.rest())
                except ConnectionResetError:
                    self.ends.put(b"")
            return None
        return response

    def _answer(self, connection: Connection, received: Message) -> bytes:
        scheme, _, said = (received.field("Authorization") or "").partition(" ")
        if scheme == self.scheme and said == "hello":
            self._challenged.add(connection.number)
            return answer(b"", "401 Unauthorized", {"WWW-Authenticate": f"{self.scheme} challenge-{connection.number}"})
        if scheme == self.scheme:
            user, _, challenge = said.partition(":")
            if connection.number not in self._challenged or challenge != f"challenge-{connection.number}":
                return answer(b"a proof for another connection", "400 Bad Request")
            self._users[connection.number] = user
        if connection.number in self._users:
            return answer(self._users[connection.number].encode(), fields={"X-Connection": str(connection.number)})
        return answer(b"", "401 Unauthorized", {"WWW-Authenticate": self.scheme})


def _challenge(caller: Caller, target: str = "/api/x", scheme: str = "NTLM") -> str:
    """The first two legs."""
    for authorization in ({}, {"Authorization": f"{scheme} hello"}):
        response = caller.call(target, fields=authorization)
        assert response.status == 401 and response.keeps_alive(), response.start_line
    return (response.field("WWW-Authenticate") or "").removeprefix(f"{scheme} ")


def _prove(caller: Caller, user: str, challenge: str, target: str = "/api/x", scheme: str = "NTLM") -> str:
    """The third. The connection that it took."""
    response = caller.call(target, fields={"Authorization": f"{scheme} {user}:{challenge}"})
    assert (response.status, response.body) == (200, user.encode()), f"{response.start_line} {response.body!r}"
    return response.field("X-Connection") or ""


def _wait_for_calls(signet: Signet, count: int) -> None:
    """Until so many calls have arrived; the program says so on request."""
    deadline = time.monotonic() + START_S
    while f" calls={count} " not in signet.log:
        assert time.monotonic() < deadline, f"expected {count} calls:\n{signet.log}"
        signet.signal(signal.SIGUSR1)
        time.sleep(0.01)


def test_all_legs_and_all_further_calls_of_a_caller_take_one_connection():
    for tls in (True, False):
        for scheme in ("NTLM", "Negotiate"):
            with ScriptedOrigin(pki(), script=_Ntlm(scheme), tls=tls) as origin:
                config = gateway(backend("api", origin.url, pki().orders if tls else None))
                with Signet(config) as signet, Caller(signet.port) as caller:
                    taken = _prove(caller, "ann", _challenge(caller, scheme=scheme), scheme=scheme)
                    for _ in range(5):
                        response = caller.call("/api/x")
                        assert (response.body, response.field("X-Connection")) == (b"ann", taken)
            assert not origin.failures, origin.failures


def test_callers_never_share_a_connection_however_their_calls_mix():
    with ScriptedOrigin(pki(), script=_Ntlm()) as origin, Signet(one_api(origin)) as signet:
        callers = {name: Caller(signet.port) for name in ("ann", "bob", "cid", "dan")}
        challenges = {name: _challenge(caller) for name, caller in callers.items()}
        taken = {name: _prove(caller, name, challenges[name]) for name, caller in callers.items()}
        assert len(set(taken.values())) == len(callers), taken
        for _ in range(5):
            for name, caller in callers.items():
                response = caller.call("/api/x")
                assert (response.body, response.field("X-Connection")) == (name.encode(), taken[name])
            with Caller(signet.port) as stranger:
                assert stranger.call("/api/x").status == 401, "a stranger is taken for somebody"
        callers.pop("ann").socket.close()
        for _ in range(5):
            with Caller(signet.port) as stranger:
                assert stranger.call("/api/x").status == 401, "a stranger got the connection of one who has left"
        for caller in callers.values():
            caller.socket.close()


def test_many_callers_at_once_each_stay_themselves():
    faults: list[str] = []

    def run(name: str) -> None:
        try:
            for _ in range(5):
                with Caller(signet.port) as caller:
                    taken = _prove(caller, name, _challenge(caller))
                    for _ in range(5):
                        response = caller.call("/api/x")
                        assert (response.body, response.field("X-Connection")) == (name.encode(), taken), response.body
        except Exception as fault:  # pylint: disable=broad-except  # a thread has nobody else to tell
            faults.append(f"{name}: {type(fault).__name__}: {fault}")

    with ScriptedOrigin(pki(), script=_Ntlm()) as origin, Signet(one_api(origin)) as signet:
        threads = [threading.Thread(target=run, args=(f"user-{number}",)) for number in range(24)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not faults, faults[:3]


def test_the_connection_of_a_caller_who_leaves_ends():
    ntlm = _Ntlm()
    with ScriptedOrigin(pki(), script=ntlm) as origin, Signet(one_api(origin)) as signet:
        with Caller(signet.port) as caller:
            _prove(caller, "ann", _challenge(caller))
            assert caller.call("/api/last").body == b"ann"
            assert ntlm.ends.empty()
        assert ntlm.ends.get(timeout=20) == b""


def test_the_connection_of_a_caller_who_announces_his_end_is_not_kept():
    ntlm = _Ntlm()
    with ScriptedOrigin(pki(), script=ntlm) as origin, Signet(one_api(origin)) as signet, Caller(signet.port) as caller:
        _prove(caller, "ann", _challenge(caller))
        assert caller.call("/api/last", fields={"Connection": "close"}).body == b"ann"
        assert ntlm.ends.get(timeout=20) == b""


def test_a_back_end_that_ends_the_connection_is_called_on_another():
    with ScriptedOrigin(pki(), script=_Ntlm()) as origin, Signet(one_api(origin)) as signet, Caller(signet.port) as caller:
        for _ in range(3):
            _prove(caller, "ann", _challenge(caller))
            assert caller.call("/api/end").body == b"ann"
        assert origin.accepted == 3


def test_a_back_end_that_speaks_between_calls_loses_the_connection():
    ntlm = _Ntlm()
    with ScriptedOrigin(pki(), script=ntlm) as origin, Signet(one_api(origin)) as signet, Caller(signet.port) as caller:
        _prove(caller, "ann", _challenge(caller))
        assert caller.call("/api/babble").body == b"ann"
        ntlm.may_speak.set()
        assert ntlm.ends.get(timeout=20) == b""
        assert caller.call("/api/x").status == 401, "what nobody asked for became an answer"


def test_a_call_under_another_identity_does_not_take_the_connection():
    ntlm, leaves = _Ntlm(), {}

    def script(connection: Connection, received: Message) -> bytes | None:
        leaves[connection.number] = connection.socket.getpeercert(binary_form=True)
        return ntlm(connection, received)

    with ScriptedOrigin(pki(), script=script) as origin:
        config = gateway(backend("orders", origin.url, pki().orders), backend("billing", origin.url, pki().billing))
        with Signet(config) as signet, Caller(signet.port) as caller:
            for _ in range(3):
                _prove(caller, "ann", _challenge(caller, "/orders/x"), "/orders/x")
                assert caller.call("/billing/x").status == 401
    # A 401 keeps a connection too: each change of the identity ends one.
    seen = [leaves[number] for number in sorted(leaves)]
    assert seen == [pki().orders.ders[0], pki().billing.ders[0]] * 3


def test_calls_to_other_back_ends_do_not_cost_the_connection():
    with ScriptedOrigin(pki(), script=_Ntlm()) as origin, ScriptedOrigin(pki()) as other:
        config = gateway(backend("api", origin.url, pki().orders), backend("other", other.url, pki().orders))
        with Signet(config) as signet, Caller(signet.port) as caller:
            taken = _prove(caller, "ann", _challenge(caller))
            for _ in range(3):
                assert caller.call("/other/x").body == b"fine"
                assert caller.call("/api/x").field("X-Connection") == taken


def test_of_two_back_ends_with_such_a_scheme_the_latest_is_kept():
    first_script = _Ntlm()
    with ScriptedOrigin(pki(), script=first_script) as first, ScriptedOrigin(pki(), script=_Ntlm()) as second:
        config = gateway(backend("first", first.url, pki().orders), backend("second", second.url, pki().orders))
        with Signet(config) as signet, Caller(signet.port) as caller:
            _prove(caller, "ann", _challenge(caller, "/first/x"), "/first/x")
            assert caller.call("/first/last").body == b"ann"
            _prove(caller, "bob", _challenge(caller, "/second/x"), "/second/x")
            assert first_script.ends.get(timeout=20) == b""
            assert caller.call("/second/x").body == b"bob"


def test_a_caller_who_may_never_call_again_does_not_keep_others_waiting():
    with ScriptedOrigin(pki(), script=_Ntlm()) as origin:
        narrow = {**backend("api", origin.url, pki().orders), "connections": {"max": 1}}
        with Signet(gateway(narrow)) as signet, Caller(signet.port) as ann, Caller(signet.port) as bob:
            _prove(ann, "ann", _challenge(ann))
            _prove(bob, "bob", _challenge(bob))
            assert ann.call("/api/x").status == 401


def test_a_call_that_waits_gets_the_place_of_a_connection_that_is_kept_meanwhile():
    ntlm, arrived, go_on = _Ntlm(), threading.Event(), threading.Event()

    def script(connection: Connection, received: Message) -> bytes | None:
        if received.target == "/slow":
            arrived.set()
            go_on.wait(20)
        return ntlm(connection, received)

    with ScriptedOrigin(pki(), script=script) as origin:
        narrow = {**backend("api", origin.url, pki().orders), "connections": {"max": 1}}
        with Signet(gateway(narrow)) as signet, Caller(signet.port) as ann, Caller(signet.port) as bob:
            _prove(ann, "ann", _challenge(ann))
            ann.send(request("/api/slow"))
            assert arrived.wait(20)
            bob.send(request("/api/x"))
            _wait_for_calls(signet, 5)
            go_on.set()
            assert ann.response().body == b"ann"
            assert bob.response().status == 401


def test_a_kept_connection_does_not_hold_up_the_end():
    ntlm = _Ntlm()
    with ScriptedOrigin(pki(), script=ntlm) as origin, Signet(one_api(origin)) as signet, Caller(signet.port) as caller:
        _prove(caller, "ann", _challenge(caller))
        assert caller.call("/api/last").body == b"ann"
        signet.signal(signal.SIGTERM)
        assert ntlm.ends.get(timeout=20) == b""
        assert signet.wait() == 0
