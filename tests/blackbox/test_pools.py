# SPDX-License-Identifier: GPL-3.0-or-later
"""Pools of back ends and circuit breakers: who is called, under which certificate, when somebody is passed over, and how it comes back."""

import contextlib
import ssl
import threading
import time

from harness import Caller, Nginx, ScriptedOrigin, Signet, answer, assert_error, backend, call, gateway, may_take, pki
from load import Load
from management import Managed
from processes import closed_port

AUTHORITY = {"certificateAuthorities": ["test-ca"]}
RECOVERY_S = 20.0


def _plain(**more) -> ScriptedOrigin:
    return ScriptedOrigin(pki(), tls=False, **more)


def _pool(*members: dict | str, name: str = "pool") -> dict:
    return {"id": name, "type": "Pool", "pool": {"services": [{"id": each} if isinstance(each, str) else each for each in members]}}


def _pooled(pool: dict, *backends: dict, **more) -> dict:
    """Every backend as an API of its own, and the pool as API "pool"."""
    config = gateway(*backends, **more)
    config["backends"].append(pool)
    config["apis"].append({"id": pool["id"], "path": pool["id"], "backendId": pool["id"]})
    return config


def _breaker(count: int, trip: str, *, statuses: bool = True, reasons: bool = False, retry_after: bool = False) -> dict:
    condition: dict = {"count": count, "interval": "PT1H"}
    if statuses:
        condition["statusCodeRanges"] = [{"min": 500, "max": 599}]
    if reasons:
        condition["errorReasons"] = ["Server errors"]
    return {"rules": [{"name": "rule", "failureCondition": condition, "tripDuration": trip, "acceptRetryAfter": retry_after}]}


def _counts(*origins: ScriptedOrigin) -> list[int]:
    return [len(origin.requests) for origin in origins]


# ---- who is called -----------------------------------------------------------------------------------------------------------------------


def test_members_are_called_by_their_weights():
    with _plain() as one, _plain() as two, _plain() as three:
        config = _pooled(_pool({"id": "one", "weight": 3}, {"id": "two", "weight": 1}, {"id": "three", "weight": 0}),
                         backend("one", one.url), backend("two", two.url), backend("three", three.url))
        with Signet(config) as signet, Caller(signet.port) as caller:
            for _ in range(40):
                assert caller.call("/pool/x").status == 200
        assert _counts(one, two, three) == [30, 10, 0]


def test_a_lower_priority_is_called_only_when_nobody_above_is_left():
    with _plain() as first, _plain() as spare:
        dead = f"http://127.0.0.1:{closed_port()}"
        members = ({"id": "spare", "priority": 2, "weight": 100}, {"id": "first", "priority": 1}, {"id": "dead", "priority": 1})
        config = _pooled(_pool(*members), backend("first", first.url), backend("spare", spare.url), backend("dead", dead))
        with Signet(config) as signet:
            for _ in range(10):
                assert call(signet.port, "/pool/x", "POST", body=b"whole").status == 200
            assert _counts(first, spare) == [10, 0] and all(seen.body == b"whole" for seen in first.requests)
        config["backends"] = [each | {"url": dead} if each["id"] == "first" else each for each in config["backends"]]
        with Signet(config) as signet:
            for _ in range(4):
                assert call(signet.port, "/pool/x").status == 200
            assert _counts(first, spare) == [10, 4]
            assert_error(call(signet.port, "/dead/x"), 502, "BackendConnectionRefused")


def test_a_call_that_was_sent_goes_to_nobody_else():
    with _plain(script=lambda _connection, _message: None) as first, _plain() as second:
        config = _pooled(_pool({"id": "first", "priority": 0}, {"id": "second", "priority": 1}),
                         backend("first", first.url), backend("second", second.url))
        with Signet(config) as signet:
            for method in ("GET", "POST"):
                assert_error(call(signet.port, "/pool/x", method, body=b"x"), 502, "BackendConnectionLost")
        assert _counts(first, second) == [2, 0]


def test_each_member_of_a_dead_pool_is_tried_and_the_answer_is_one_error():
    members = [backend(f"m{i}", f"http://127.0.0.1:{closed_port()}") for i in range(12)]
    with Signet(_pooled(_pool(*(each["id"] for each in members)), *members)) as signet:
        for _ in range(5):
            assert_error(call(signet.port, "/pool/x", "POST", body=b"x"), 502, "BackendConnectionRefused")


# ---- under which certificate -------------------------------------------------------------------------------------------------------------


@may_take(120)
def test_each_member_is_called_under_its_own_certificate_through_fail_over_too():
    orders, billing, alone = pki().orders, pki().billing, pki().self_signed
    with Nginx(pki()) as one, Nginx(pki()) as two:
        dead = f"https://127.0.0.1:{closed_port()}"
        members = (backend("one", one.url, orders), backend("two", two.url, billing), backend("dead", dead, alone),
                   backend("same", one.url, alone))  # the same place, another identity
        config = _pooled(_pool("dead", "one", "two", "same"), *members)
        with Signet(config) as signet:
            seen = []
            with Caller(signet.port) as caller:
                for turn in range(60):
                    response = caller.call("/pool/1k" if turn % 3 else "/one/1k")
                    assert response.status == 200, response
                    seen.append((turn % 3 != 0, response.field("X-Client-Sha1")))
            assert {sha1 for pooled, sha1 in seen if not pooled} == {orders.sha1}
            assert {sha1 for pooled, sha1 in seen if pooled} == {orders.sha1, billing.sha1, alone.sha1}
        one.stop()
        two.stop()
        by_place = [{line.split(" ")[3] for line in origin.calls()} for origin in (one, two)]
        assert by_place == [{orders.sha1, alone.sha1}, {billing.sha1}], by_place


def test_a_certificate_of_the_policy_is_shown_to_every_member():
    with Nginx(pki()) as one, Nginx(pki()) as two, Managed() as signet:
        api = signet.api
        for name, client in (("orders", pki().orders), ("billing", pki().billing), ("other", pki().self_signed)):
            api.upload(name, client)
        for name, origin, certificate in (("one", one, "orders"), ("two", two, "billing")):
            api.set_backend(name, origin.url, tls=AUTHORITY, credentials={"certificateIds": [certificate]})
        services = [{"id": "/backends/one"}, {"id": "/backends/two"}]
        assert api.put("/backends/pool", {"type": "Pool", "pool": {"services": services}}).status == 201
        for name in ("changed", "plain"):
            api.set_api(name, backendId="pool")
        own = {pki().orders.sha1, pki().billing.sha1}
        for inbound, expected in (("", own), ('<authentication-certificate certificate-id="other"/>', {pki().self_signed.sha1}), ("", own)):
            api.set_policy("/apis/changed", "<base/>" + inbound)
            for name, wanted in (("changed", expected), ("plain", own)):
                assert {call(signet.port, f"/{name}/1k").field("X-Client-Sha1") for _ in range(6)} == wanted, (inbound, name)


def test_credentials_of_one_member_do_not_travel_to_the_next():
    with _plain() as second:
        first = backend("first", f"http://127.0.0.1:{closed_port()}")
        first["credentials"] = {"header": {"X-Key": ["first-secret"]}, "query": {"key": ["first-secret"]},
                                "authorization": {"scheme": "Bearer", "parameter": "first-secret"}}
        other = backend("second", second.url + "/base")
        other["credentials"] = {"header": {"X-Other": ["second"]}}
        with Signet(_pooled(_pool({"id": "first", "priority": 0}, {"id": "second", "priority": 1}), first, other)) as signet:
            assert call(signet.port, "/pool/x?a=1").status == 200
        seen = second.requests[-1]
        assert b"first-secret" not in seen.raw_head and seen.target == "/base/x?a=1" and seen.field("X-Other") == "second", seen.raw_head


@may_take(120)
def test_members_that_change_places_under_load_are_never_shown_each_others_certificate():
    with Nginx(pki(), keepalive_requests=100_000) as one, Nginx(pki(), keepalive_requests=100_000) as two:
        with Managed(shards=2, accessLog="") as signet:
            api = signet.api
            api.upload("orders", pki().orders)
            api.upload("billing", pki().billing)
            for name, origin, certificate in (("one", one, "orders"), ("two", two, "billing")):
                api.set_backend(name, origin.url, tls=AUTHORITY, credentials={"certificateIds": [certificate]})
            services = [{"id": "one"}, {"id": "two"}]
            assert api.put("/backends/pool", {"type": "Pool", "pool": {"services": services}}).status == 201
            api.set_api("api", backendId="pool")
            with Load(signet.port, "/api/1k", callers=4):
                for turn in range(40):
                    if turn % 4 == 3:
                        assert api.call("POST", "/backends/one/reconnect").status == 202
                    services = [{"id": "one", "weight": turn % 3 + 1}, {"id": "two", "priority": turn % 2}][::1 if turn % 2 else -1]
                    assert api.put("/backends/pool", {"type": "Pool", "pool": {"services": services}}).status == 200
                    api.set_policy("/apis/api", f'<base/><set-backend-service backend-id="{("pool", "one", "two")[turn % 3]}"/>')
        for origin, client in ((one, pki().orders), (two, pki().billing)):
            origin.stop()
            assert {line.split(" ")[3] for line in origin.calls()} == {client.sha1}


# ---- breakers ----------------------------------------------------------------------------------------------------------------------------


def test_a_breaker_trips_says_when_to_come_back_and_recovers():
    ill = threading.Event()
    ill.set()
    with _plain(script=lambda _connection, _message: answer(status="500 Ill" if ill.is_set() else "200 OK")) as origin:
        config = gateway(backend("api", origin.url) | {"circuitBreaker": _breaker(3, "PT2S")}, backend("other", origin.url))
        with Signet(config) as signet:
            for _ in range(3):
                assert call(signet.port, "/api/x").status == 500
            tripped = call(signet.port, "/api/x")
            assert_error(tripped, 503, "BackendCircuitOpen")
            assert tripped.field("Retry-After") in ("1", "2"), tripped.fields
            assert len(origin.requests) == 3
            assert call(signet.port, "/other/x").status == 500  # another backend at the same place goes on
            ill.clear()
            deadline = time.monotonic() + RECOVERY_S
            while (response := call(signet.port, "/api/x")).status == 503:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            assert response.status == 200
            assert all(call(signet.port, "/api/x").status == 200 for _ in range(5))


def test_a_breaker_takes_the_back_ends_own_time_when_it_is_told_to():
    with _plain(script=lambda _connection, _message: answer(status="503 Busy", fields={"Retry-After": "2"})) as origin:
        config = gateway(backend("told", origin.url) | {"circuitBreaker": _breaker(1, "PT1H", retry_after=True)},
                         backend("deaf", origin.url) | {"circuitBreaker": _breaker(1, "PT1H")})
        with Signet(config) as signet:
            waits = {}
            for name in ("told", "deaf"):
                assert call(signet.port, f"/{name}/x").field("Retry-After") == "2"
                tripped = call(signet.port, f"/{name}/x")
                assert_error(tripped, 503, "BackendCircuitOpen")
                waits[name] = int(tripped.field("Retry-After"))
    assert 1 <= waits["told"] <= 2 and 3590 <= waits["deaf"] <= 3600, waits


def test_a_tripped_member_is_passed_over_and_a_pool_of_them_says_so():
    ill = threading.Event()
    ill.set()

    def script(_connection, _message):
        return answer(status="500 Ill" if ill.is_set() else "200 OK")

    with _plain(script=script) as one, _plain(script=script) as two, _plain() as spare:
        breaker = {"circuitBreaker": _breaker(2, "PT1H")}
        config = _pooled(_pool("one", "two", {"id": "spare", "priority": 1}), backend("spare", spare.url),
                         backend("one", one.url) | breaker, backend("two", two.url) | breaker)
        with Signet(config) as signet:
            statuses = [call(signet.port, "/pool/x").status for _ in range(10)]
            assert statuses == [500] * 4 + [200] * 6, statuses
            assert _counts(one, two, spare) == [2, 2, 6]
    with _plain(script=script) as one, _plain(script=script) as two:
        config = _pooled(_pool("one", "two"), backend("one", one.url) | {"circuitBreaker": _breaker(1, "PT1H")},
                         backend("two", two.url) | {"circuitBreaker": _breaker(1, "PT30S")})
        with Signet(config) as signet:
            assert [call(signet.port, "/pool/x").status for _ in range(2)] == [500, 500]
            tripped = call(signet.port, "/pool/x")
            assert_error(tripped, 503, "BackendCircuitOpen")
            assert 25 <= int(tripped.field("Retry-After")) <= 30, tripped.fields  # of the member that comes back first
            assert _counts(one, two) == [1, 1]


def test_connections_that_fail_count_when_the_rule_names_errors():
    dead = f"http://127.0.0.1:{closed_port()}"
    with _plain() as origin:
        config = _pooled(_pool({"id": "dead", "priority": 0}, {"id": "live", "priority": 1}), backend("live", origin.url),
                         backend("dead", dead) | {"circuitBreaker": _breaker(2, "PT1H", statuses=False, reasons=True)})
        with Signet(config) as signet:
            assert all(call(signet.port, "/pool/x").status == 200 for _ in range(3))
            assert_error(call(signet.port, "/dead/x"), 503, "BackendCircuitOpen")


def test_a_refused_identity_never_counts_against_the_back_end():
    breaker = _breaker(1, "PT1H", reasons=True)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with ScriptedOrigin(pki(), version=version) as origin:
            # Without a certificate it is refused; with one it is the same backend, and well.
            bare = backend("api", origin.url) | {"circuitBreaker": breaker}
            config = gateway(bare)
            config["certificates"] = [pki().orders.config()]
            config["apis"].append({"id": "named", "path": "named", "backendId": "api", "certificateId": "orders"})
            with Signet(config) as signet:
                for _ in range(8):
                    refused = call(signet.port, "/api/x")
                    assert refused.status in (500, 503) and refused.json()["code"] != "BackendCircuitOpen", refused.body
                    assert call(signet.port, "/named/x").status == 200, version


# ---- reconnect ---------------------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _backends_over_rest(places: dict[str, tuple[str, str]]):
    """name: (URL, certificate), each as an API of its own."""
    with Managed() as signet:
        signet.api.upload("orders", pki().orders)
        signet.api.upload("billing", pki().billing)
        for name, (url, certificate) in places.items():
            signet.api.set_backend(name, url, tls=AUTHORITY, credentials={"certificateIds": [certificate]})
            signet.api.set_api(name, backendId=name)
        yield signet


def test_reconnect_recycles_the_connections_of_that_backend_and_no_other():
    with Nginx(pki()) as one, Nginx(pki()) as two:
        places = {"one": (one.url, "orders"), "same-place": (one.url, "billing"), "two": (two.url, "orders")}
        with _backends_over_rest(places) as signet:
            def connections() -> dict[str, str]:
                return {name: call(signet.port, f"/{name}/1k").field("X-Connection") for name in places}

            before = connections()
            assert connections() == before
            for name in places:
                assert signet.api.call("POST", f"/backends/{name}/reconnect").status == 202
                after = connections()
                assert {each for each in places if after[each] != before[each]} == {name}, (before, after)
                before = after
            assert signet.api.call("POST", "/backends/nobody/reconnect").status == 404
            assert connections() == before


def test_reconnect_finds_connections_by_name_whoever_opened_them():
    with Nginx(pki()) as one:
        by_name = one.url.replace("127.0.0.1", "localhost")
        with _backends_over_rest({"first": (by_name, "orders"), "second": (by_name, "orders")}) as signet:
            opened = call(signet.port, "/first/1k").field("X-Connection")
            assert call(signet.port, "/second/1k").field("X-Connection") == opened
            call(signet.port, "/first/1k")  # the last to use it is the other one
            assert signet.api.call("POST", "/backends/second/reconnect").status == 202
            assert call(signet.port, "/second/1k").field("X-Connection") != opened


def test_a_call_in_flight_finishes_on_the_connection_that_is_recycled():
    arrived, go_on = threading.Event(), threading.Event()

    def script(_connection, message):
        if message.target == "/wait":
            arrived.set()
            go_on.wait(20)
        return answer(str(_connection.number).encode())

    with ScriptedOrigin(pki(), script=script) as origin, _backends_over_rest({"one": (origin.url, "orders")}) as signet:
        with Caller(signet.port) as caller:
            caller.send(b"GET /one/wait HTTP/1.1\r\nHost: h\r\n\r\n")
            assert arrived.wait(20)
            assert signet.api.call("POST", "/backends/one/reconnect").status == 202
            assert call(signet.port, "/one/x").body == b"2"
            go_on.set()
            assert caller.response().body == b"1"
            assert caller.call("/one/x").body == b"2"
