# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies as back ends and callers see them: by file at three scopes, over REST in force with the answer, and never at another API."""

import contextlib
import json
import pathlib
import tempfile
import threading

from harness import (KIB, Caller, Nginx, ScriptedOrigin, Signet, answer, assert_error, backend, call, chunks, gateway, may_take, pki,
                     request, signet as run_signet)
from load import Load
from management import Managed

AUTHORITY = {"certificateAuthorities": ["test-ca"]}


def _document(inbound: str = "<base/>", *, backend_section: str = "<base/>", outbound: str = "<base/>", on_error: str = "<base/>") -> str:
    return (f"<policies><inbound>{inbound}</inbound><backend>{backend_section}</backend><outbound>{outbound}</outbound>"
            f"<on-error>{on_error}</on-error></policies>")


def _header(name: str, *values: str, action: str = "override") -> str:
    return f'<set-header name="{name}" exists-action="{action}">' + "".join(f"<value>{value}</value>" for value in values) + "</set-header>"


def _query(name: str, *values: str, action: str = "override") -> str:
    inner = "".join(f"<value>{value}</value>" for value in values)
    return f'<set-query-parameter name="{name}" exists-action="{action}">{inner}</set-query-parameter>'


@contextlib.contextmanager
def _files(**documents: str):
    """Each document in a file of its own; yields their paths."""
    with tempfile.TemporaryDirectory(prefix="signet-policies-") as folder:
        paths = {name: pathlib.Path(folder) / f"{name}.xml" for name in documents}
        for name, path in paths.items():
            path.write_text(documents[name])
        yield {name: str(path) for name, path in paths.items()}


def _plain(**more) -> ScriptedOrigin:
    return ScriptedOrigin(pki(), tls=False, **more)


@contextlib.contextmanager
def _two_apis(origin: ScriptedOrigin, **config):
    """A gateway with the APIs "changed" and "other" at the same back end."""
    with Managed(**config) as signet:
        signet.api.set_backend("b", origin.url)
        for name in ("changed", "other"):
            signet.api.set_api(name, backendId="b")
        yield signet


# ---- scopes ------------------------------------------------------------------------------------------------------------------------------


def test_files_of_three_scopes_run_from_the_outside_in():
    documents = {
        "everywhere": _document(_header("X-Scope", "global", action="append"), backend_section="<forward-request/>",
                                outbound=_header("X-Answer", "global", action="append")),
        "api": _document("<base/>" + _header("X-Scope", "api", action="append"),
                         outbound="<base/>" + _header("X-Answer", "api", action="append")),
        "operation": _document(_header("X-Scope", "before", action="append") + "<base/>" + _header("X-Scope", "after", action="append"),
                               outbound="<base/>" + _header("X-Answer", "operation", action="append")),
        "alone": _document(_header("X-Scope", "alone", action="append") + '<set-backend-service backend-id="api"/>', outbound=""),
    }
    with _files(**documents) as files, _plain() as origin:
        config = gateway(backend("api", origin.url), backend("plain", origin.url), policyFile=files["everywhere"])
        config["apis"][0]["policyFile"] = files["api"]
        config["apis"][0]["operations"] = [
            {"id": "o", "method": "GET", "urlTemplate": "/o", "policyFile": files["operation"]},
            {"id": "alone", "method": "GET", "urlTemplate": "/alone", "policyFile": files["alone"]},
            {"id": "none", "method": "GET", "urlTemplate": "/none"},
        ]
        with Signet(config) as signet:
            seen = {}
            for target in ("/api/o", "/api/alone", "/api/none", "/plain/x"):
                response = call(signet.port, target)
                assert response.status == 200, response
                seen[target] = (origin.requests[-1].all("X-Scope"), response.all("X-Answer"))
    assert seen == {
        "/api/o": (["before", "global", "api", "after"], ["global", "api", "operation"]),
        "/api/alone": (["alone"], []),
        "/api/none": (["global", "api"], ["global", "api"]),
        "/plain/x": (["global"], ["global"]),
    }, seen


def test_documents_over_rest_at_three_scopes_are_in_force_with_the_answer():
    with _plain() as origin, _two_apis(origin) as signet:
        api = signet.api
        api.put("/apis/changed/operations/o", {"displayName": "o", "method": "GET", "urlTemplate": "/o"})

        def scopes(target: str) -> list[str]:
            assert call(signet.port, target).status == 200
            return origin.requests[-1].all("X-Scope")

        assert scopes("/changed/o") == []
        for turn in range(5):
            api.set_policy("", _header("X-Scope", f"global{turn}", action="append"), backend="<forward-request/>", outbound="", on_error="")
            assert scopes("/changed/o") == [f"global{turn}"] == scopes("/other/x")
            api.set_policy("/apis/changed", "<base/>" + _header("X-Scope", "api", action="append"))
            assert scopes("/changed/o") == [f"global{turn}", "api"] and scopes("/other/x") == [f"global{turn}"]
            api.set_policy("/apis/changed/operations/o", _header("X-Scope", "first", action="append") + "<base/>")
            assert scopes("/changed/o") == ["first", f"global{turn}", "api"] and scopes("/other/x") == [f"global{turn}"]
            for scope in ("/apis/changed/operations/o", "/apis/changed", ""):
                assert api.delete(f"{scope}/policies/policy").status == 200
            assert scopes("/changed/o") == [] == scopes("/other/x")


# ---- elements ----------------------------------------------------------------------------------------------------------------------------


# What is sent, what stands in inbound, the request's line at the back end, and fields there (None: must be absent).
_CASES = (
    ("/x?a=1", '<authentication-basic username="Aladdin" password="open sesame"/>', "GET /x?a=1",
     {"Authorization": "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}),
    ("/x", _header("X-Mine", "policy"), "GET /x", {"X-Mine": "policy"}),
    ("/x", _header("X-Mine", "policy", action="skip"), "GET /x", {"X-Mine": "caller"}),
    ("/x", _header("X-New", "policy", action="skip"), "GET /x", {"X-New": "policy"}),
    ("/x", _header("X-Mine", action="delete"), "GET /x", {"X-Mine": None}),
    ("/x", _header("Host", "back.example:81"), "GET /x", {"Host": "back.example:81"}),
    ("/x?a=1&b=2", _query("b", "3"), "GET /x?a=1&b=3", {}),
    ("/x?a=1", _query("a", action="delete"), "GET /x", {}),
    ("/x?a=1", _query("a", "2", action="skip"), "GET /x?a=1", {}),
    ("/x?a=1", _query("a", "2", action="append"), "GET /x?a=1&a=2", {}),
    ("/x", _query("a b", "1&amp;c=2\r\nX: y"), "GET /x?a%20b=1%26c%3D2", {}),
    ("/x/y?a=1", '<rewrite-uri template="/new?z=9"/>', "GET /new?z=9&a=1", {}),
    ("/x/y?a=1", '<rewrite-uri template="/new" copy-unmatched-params="false"/>', "GET /new", {}),
    ("/x", "<set-method>DELETE</set-method>", "DELETE /x", {}),
)


@may_take(120)
def test_each_element_of_inbound_is_seen_by_the_back_end_and_only_at_its_api():
    with _plain() as origin, _two_apis(origin) as signet:
        def head(target: str) -> bytes:
            assert call(signet.port, target, fields={"X-Mine": "caller"}).status == 200
            return origin.requests[-1].raw_head

        untouched = head("/other/x?a=1")
        assert head("/changed/x?a=1") == untouched
        for target, inbound, line, fields in _CASES:
            answered = signet.api.put("/apis/changed/policies/policy", {"format": "rawxml", "value": _document("<base/>" + inbound)})
            if "\r\n" in inbound and answered.status == 400:
                continue  # a line break in a value: refused is as good as encoded
            assert answered.status in (200, 201), (inbound, answered.body)
            head("/changed" + target)
            seen = origin.requests[-1]
            assert seen.start_line.startswith(line), (inbound, seen.start_line)
            assert seen.start_line == f"{line} HTTP/1.1" or "\r\n" in inbound, (inbound, seen.start_line)
            for name, value in fields.items():
                assert seen.field(name) == value, (inbound, seen.fields)
            assert head("/other/x?a=1") == untouched, inbound
        assert signet.api.delete("/apis/changed/policies/policy").status == 200
        assert head("/changed/x?a=1") == untouched


def test_set_backend_service_sends_calls_elsewhere_by_id_and_by_url():
    with _plain() as first, _plain() as second, _two_apis(first) as signet:
        signet.api.set_backend("second", second.url + "/base")
        for where, line in (('backend-id="second"', "GET /base/x HTTP/1.1"), (f'base-url="{second.url}/url"', "GET /url/x HTTP/1.1")):
            before = len(first.requests)
            signet.api.set_policy("/apis/changed", f"<base/><set-backend-service {where}/>")
            assert call(signet.port, "/changed/x").status == 200
            assert second.requests[-1].start_line == line and len(first.requests) == before
            assert call(signet.port, "/other/x").status == 200
            assert len(first.requests) == before + 1


def test_a_rewrite_puts_parameters_in_and_lets_none_climb():
    with _plain() as origin, _two_apis(origin) as signet:
        api = signet.api
        api.put("/apis/changed/operations/o", {
            "displayName": "o", "method": "GET", "urlTemplate": "/o/{id}/{*rest}",
            "templateParameters": [{"name": "id", "type": "string"}, {"name": "*rest", "type": "string"}]})
        api.set_policy("/apis/changed/operations/o", '<base/><rewrite-uri template="/v2/{*rest}?id={id}"/>')
        for target, line in (
                ("/changed/o/7/a/b?x=1", "/v2/a/b?id=7&x=1"),
                ("/changed/o/a%26admin=1/b", "/v2/b?id=a%26admin=1"),
                ("/changed/o/a&admin=1;b/c", "/v2/c?id=a%26admin%3D1%3Bb"),
                ("/changed/%6f/%37/%61", "/v2/a?id=7"),
                ("/changed/o/a%3Fb/c%23d", "/v2/c%23d?id=a%3Fb"),
                ("/changed/o/7//evil.example/", "/v2//evil.example/?id=7")):
            response = call(signet.port, target)
            assert response.status == 200, (target, response)
            seen = origin.requests[-1].target
            assert seen == line or (target.startswith("/changed/o/a%26") and seen == "/v2/b?id=a%26admin%3D1"), (target, seen)
        count = len(origin.requests)
        for target, status in (("/changed/o/7/..%2F..%2Fadmin", 400), ("/changed/o/..%2f/x", 400), ("/changed/o/..;/x", 400),
                               ("/changed/o/7/%5c..%5cadmin", 400), ("/changed/o/7/%2e%2e/%2e%2e/%2e%2e/%2e%2e/x", 400),
                               ("/changed/o/../p/x", 404), ("/changed/o%2F7/x", 404), ("/changed/o/7%0d%0aX:y/x", 400)):
            assert call(signet.port, target).status == status, target
        assert len(origin.requests) == count, origin.requests[count:]


# ---- certificates ------------------------------------------------------------------------------------------------------------------------


@may_take(120)
def test_a_certificate_of_the_policy_wins_in_either_order_and_stays_with_its_api():
    with Nginx(pki(), server_lines="rewrite ^/c/(.*)$ /$1;") as origin, Managed() as signet:
        api, orders, billing, other = signet.api, pki().orders, pki().billing, pki().self_signed
        thumbprint = api.upload("billing", billing).properties["thumbprint"]
        sha256 = api.get("/certificates/billing").properties["thumbprintSha256"]
        api.upload("orders", orders)
        api.upload("other", other)
        api.set_backend("b", origin.url, tls=AUTHORITY, credentials={"certificateIds": ["orders"]})
        api.set_backend("c", origin.url + "/c", tls=AUTHORITY, credentials={"certificateIds": ["other"]})
        for name in ("changed", "same", "elsewhere"):
            api.set_api(name, backendId="c" if name == "elsewhere" else "b")
        to_c = '<set-backend-service backend-id="c"/>'
        to_url = f'<set-backend-service base-url="{origin.url}"/>'
        by_id, by_sha1, by_sha256 = (f'<authentication-certificate {how}/>' for how in (
            'certificate-id="billing"', f'thumbprint="{thumbprint}"', f'thumbprint="{sha256.lower()}"'))
        for inbound, sha1 in ((by_id, billing.sha1), (by_sha1, billing.sha1), (by_sha256, billing.sha1), (to_c, other.sha1),
                              (to_c + by_id, billing.sha1), (by_id + to_c, billing.sha1), (to_url + by_sha1, billing.sha1),
                              (by_sha256 + to_url, billing.sha1),
                              (by_id + '<authentication-certificate certificate-id="other"/>', other.sha1)):
            api.set_policy("/apis/changed", "<base/>" + inbound)
            with Caller(signet.port) as caller:  # pooled connections of all three lie about
                for _ in range(3):
                    for name, expected in (("changed", sha1), ("same", orders.sha1), ("elsewhere", other.sha1)):
                        assert caller.call(f"/{name}/1k").field("X-Client-Sha1") == expected, (inbound, name)
        api.delete("/apis/changed/policies/policy")
        assert call(signet.port, "/changed/1k").field("X-Client-Sha1") == orders.sha1
        # Without credentials of its own a URL is called under no certificate, whatever the backend at that place has.
        api.set_policy("/apis/changed", "<base/>" + to_url)
        refused = call(signet.port, "/changed/1k")
        assert refused.status == 400 and refused.field("X-Client-Sha1") is None, refused


def test_a_certificate_for_a_back_end_without_tls_is_refused_when_the_policy_is_written():
    with _plain() as origin, _two_apis(origin) as signet:
        signet.api.upload("client", pki().orders)
        refused = signet.api.put("/apis/changed/policies/policy", {
            "format": "rawxml", "value": _document('<base/><authentication-certificate certificate-id="client"/>')})
        assert refused.status == 400 and "authentication-certificate" in refused.body.decode(), refused
        assert call(signet.port, "/changed/x").status == 200


# ---- callers against the policy ----------------------------------------------------------------------------------------------------------


def test_a_caller_can_neither_take_away_nor_add_to_what_the_policy_sets():
    with _plain() as origin, _two_apis(origin) as signet:
        signet.api.set_policy("/apis/changed", "<base/>" + _header("X-Added", "policy") + _query("key", "secret"))
        attempts = (
            b"GET /changed/x HTTP/1.1\r\nHost: h\r\nConnection: X-Added, keep-alive\r\n\r\n",
            b"GET /changed/x HTTP/1.1\r\nHost: h\r\nX-Added: evil\r\nx-added: evil\r\nX_Added: evil\r\n\r\n",
            b"GET /changed/x HTTP/1.1\r\nHost: h\r\nConnection: x-added\r\nX-Added: evil\r\n\r\n",
            b"GET /changed/x?key=evil&k%65y=evil&KEY=evil&%6Bey HTTP/1.1\r\nHost: h\r\n\r\n",
            b"GET /changed/x?a=1;key=evil HTTP/1.1\r\nHost: h\r\n\r\n",
            b"GET http://h/changed/x HTTP/1.1\r\nHost: h\r\nX-Added: evil\r\n\r\n",
            b"GET /changed/x HTTP/1.0\r\nX-Added: evil\r\n\r\n",
            b"HEAD /changed/x HTTP/1.1\r\nHost: h\r\nX-Added: evil\r\n\r\n",
            b"POST /changed/x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X-Added\r\n\r\n1\r\na\r\n0\r\nX-Added: evil\r\n"
            b"X_Added: evil\r\n\r\n",
        )
        for attempt in attempts:
            with Caller(signet.port) as caller:
                caller.send(attempt)
                assert caller.response(attempt.split(b" ")[0].decode()).status == 200, attempt
            seen = origin.requests[-1]
            assert seen.all("X-Added") == ["policy"] and not seen.all("X_Added"), (attempt, seen.fields)
            assert "evil" not in seen.target and seen.target.count("key=") == 1, (attempt, seen.target)


def test_trailers_do_not_bring_what_the_policy_sets():
    trailers = []

    def script(connection, _message):
        while (size := int(connection.reader.until(b"\r\n")[:-2], 16)) != 0:
            connection.reader.exactly(size + 2)
        while (line := connection.reader.until(b"\r\n")) != b"\r\n":
            trailers.append(line)
        return answer()

    with _plain(script=script, head_only=True) as origin, _two_apis(origin) as signet:
        signet.api.set_policy("/apis/changed", "<base/>" + _header("X-Added", "policy") + _header("X-Gone", action="delete"))
        with Caller(signet.port) as caller:
            caller.send(b"POST /changed/x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Added: evil\r\n"
                        b"X_Gone: evil\r\nX-Kept: fine\r\n\r\n")
            assert caller.response().status == 200
    assert trailers == [b"X-Kept: fine\r\n"], trailers


def test_a_changed_method_keeps_bodies_and_connections_in_step():
    def script(_connection, message):
        return answer(b"" if message.method == "HEAD" else message.method.encode() + b" " + message.body)

    with _plain(script=script) as origin, _two_apis(origin) as signet, Caller(signet.port) as caller:
        signet.api.set_policy("/apis/changed", "<base/><set-method>GET</set-method>")
        assert caller.call("/changed/x", "POST", body=b"abc").body == b"GET abc"
        assert caller.call("/changed/x", "HEAD").body == b""
        caller.send(request("/changed/x", "POST", {"Transfer-Encoding": "chunked"}) + chunks(b"abc"))
        assert caller.response().body == b"GET abc"
        signet.api.set_policy("/apis/changed", "<base/><set-method>POST</set-method>")
        assert caller.call("/changed/x").body == b"POST "
        assert origin.requests[-1].field("Content-Length") == "0"
        caller.send(request("/changed/x", "HEAD"))
        assert caller.response("HEAD").status == 200
        signet.api.set_policy("/apis/changed", "<base/><set-method>HEAD</set-method>")
        assert caller.call("/changed/x").body == b""
        assert caller.call("/other/x").body == b"GET "


# ---- answers without the back end --------------------------------------------------------------------------------------------------------


def test_return_response_answers_alone_and_keeps_the_connection_in_step():
    teapot = ('<return-response><set-status code="418" reason="Short and stout"/><set-header name="X-Kind"><value>tea</value></set-header>'
              "<set-body>no coffee</set-body></return-response>")
    smuggled = b"GET /changed/smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
    with _plain() as origin, _two_apis(origin) as signet:
        signet.api.set_policy("/apis/changed", teapot + "<base/>")
        with Caller(signet.port) as caller:
            for _ in range(3):
                response = caller.call("/changed/x")
                assert (response.status, response.body, response.field("X-Kind")) == (418, b"no coffee", "tea"), response
            assert caller.call("/changed/x", "HEAD").status == 418
            caller.send(request("/other/x"))
            assert caller.response().body == b"fine"
        for body in (request("/changed/x", "POST", body=smuggled), request("/changed/x", "POST", {"Transfer-Encoding": "chunked"}) +
                     chunks(smuggled), request("/changed/x", "POST", {"Expect": "100-continue", "Content-Length": "5"})):
            with Caller(signet.port) as caller:
                caller.send(body + (request("/other/y") if not body.endswith(b"\r\n\r\n") else b""))
                first = caller.response()
                assert first.status == 418, first
                rest = caller.reader.rest() if not first.keeps_alive() else b""
                assert b"no coffee" not in rest, rest
        assert all("smuggled" not in seen.target for seen in origin.requests)
        with Caller(signet.port) as caller:
            caller.send(b"GET /changed/x HTTP/1.0\r\n\r\n")
            assert caller.response().body == b"no coffee" and caller.ended()


def test_a_policy_without_forward_request_reaches_no_back_end():
    with _plain() as origin, _two_apis(origin) as signet:
        signet.api.set_policy("/apis/changed", "<base/>", backend="", outbound=_header("X-Empty", "yes"))
        response = call(signet.port, "/changed/x")
        assert (response.status, response.body, response.field("X-Empty")) == (200, b"", "yes"), response
        assert origin.accepted == 0


def _stream(over: threading.Event, piece: bytes, pause_s: float):
    """A script whose answers have no end: pieces of a chunked body until the connection is gone."""
    def script(connection, _message):
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Secret: yes\r\n\r\n")
        try:
            while not over.wait(pause_s):
                connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        except OSError:
            gone.release()
        return None

    gone = threading.Semaphore(0)
    return script, gone


def test_return_response_in_outbound_does_not_wait_for_a_back_end_that_streams():
    for piece, pause_s in ((b"s" * 4096, 0), (b"tick", 0.1)):
        over = threading.Event()
        script, gone = _stream(over, piece, pause_s)
        with _plain(script=script) as origin, _two_apis(origin) as signet:
            signet.api.set_policy("/apis/changed", "<base/>", outbound=(
                '<return-response><set-status code="203"/><set-body>instead</set-body></return-response>'))
            with Caller(signet.port) as caller:
                for _ in range(3):
                    response = caller.call("/changed/x")
                    assert (response.status, response.body, response.field("X-Secret")) == (203, b"instead", None), response
                    assert gone.acquire(timeout=20)  # pylint: disable=consider-using-with
            over.set()


def test_head_with_another_method_for_the_back_end_does_not_read_a_body_without_end():
    for piece, pause_s in ((b"s" * 4096, 0), (b"tick", 0.1)):
        over = threading.Event()
        script, gone = _stream(over, piece, pause_s)
        with _plain(script=script) as origin, _two_apis(origin) as signet:
            signet.api.set_policy("/apis/changed", "<base/><set-method>GET</set-method>")
            with Caller(signet.port) as caller:
                for _ in range(3):
                    caller.send(request("/changed/x", "HEAD"))
                    assert caller.response("HEAD").status == 200
                    assert gone.acquire(timeout=20)  # pylint: disable=consider-using-with
            over.set()


def test_ip_filter_lets_in_whom_it_names():
    with _plain() as origin, _two_apis(origin) as signet:
        for inner, action, status in (("<address>127.0.0.1</address>", "allow", 200), ("<address>127.0.0.1</address>", "forbid", 403),
                                      ('<address-range from="127.0.0.0" to="127.0.0.9"/>', "forbid", 403),
                                      ("<address>10.0.0.0/8</address>", "allow", 403), ("<address>::/0</address>", "allow", 403),
                                      ("<address>::ffff:127.0.0.1</address>", "allow", 200)):
            signet.api.set_policy("/apis/changed", f'<ip-filter action="{action}">{inner}</ip-filter><base/>')
            before = len(origin.requests)
            response = call(signet.port, "/changed/x", fields={"X-Forwarded-For": "10.0.0.1"})
            assert response.status == status, (inner, action, response)
            assert len(origin.requests) == before + (status == 200)
            assert call(signet.port, "/other/x").status == 200


def test_rate_limit_counts_each_call_once_and_for_its_api_alone():
    with _plain() as origin, _two_apis(origin, shards=2) as signet:
        signet.api.set_policy("/apis/changed", '<base/><rate-limit calls="7" renewal-period="300"/>')
        statuses = []
        while 429 not in statuses:
            response = call(signet.port, "/changed/x")
            statuses.append(response.status)
            assert len(statuses) < 20, statuses
        assert statuses.count(200) in range(7, 15) and len(origin.requests) == statuses.count(200), statuses  # 14: a new window began
        assert_error(response, 429, "RateLimitExceeded")
        assert 1 <= int(response.field("Retry-After") or "0") <= 300
        assert all(call(signet.port, "/other/x").status == 200 for _ in range(10))
        # A write elsewhere does not open the limit again.
        signet.api.set_backend("c", origin.url)
        assert call(signet.port, "/changed/x").status == 429


# ---- errors and time ---------------------------------------------------------------------------------------------------------------------


def test_forward_request_has_a_timeout_and_on_error_speaks_of_it():
    release = threading.Event()

    def script(_connection, message):
        if message.target == "/slow":
            release.wait(20)
        return answer(status="503 Busy" if message.target == "/busy" else "200 OK")

    with _plain(script=script) as origin, _two_apis(origin) as signet:
        signet.api.set_policy("/apis/changed", "<base/>", backend='<forward-request timeout-ms="300" fail-on-error-status-code="true"/>',
                              outbound=_header("X-Out", "yes"), on_error="<base/>" + _header("X-Error", "yes"))
        slow, busy, good = (call(signet.port, f"/changed/{name}") for name in ("slow", "busy", "good"))
        assert_error(slow, 504, "BackendTimeout")
        assert_error(busy, 502, "BackendErrorStatus")
        marks = [(each.field("X-Error"), each.field("X-Out")) for each in (slow, busy, good)]
        assert marks == [("yes", None), ("yes", None), (None, "yes")], marks
        passed = call(signet.port, "/other/busy")
        assert passed.status == 503 and passed.field("X-Error") is None, passed
        signet.api.set_policy("/apis/changed", "<base/>", backend='<forward-request fail-on-error-status-code="true"/>', on_error=(
            '<return-response><set-status code="299"/><set-body>sorry</set-body></return-response>'))
        replaced = call(signet.port, "/changed/busy")
        assert (replaced.status, replaced.body) == (299, b"sorry"), replaced
        release.set()


def test_a_web_socket_passes_policies_and_may_be_refused_by_them():
    def script(connection, message):
        if message.field("Upgrade") is None:
            return answer()
        connection.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n")
        connection.send(connection.reader.exactly(4))
        return None

    asks = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": "a2V5", "Sec-WebSocket-Version": "13"}
    with _plain(script=script) as origin, _two_apis(origin) as signet:
        signet.api.set_policy("/apis/changed", "<base/>" + _header("X-Added", "policy"), outbound=(
            _header("X-Out", "yes") + _header("Sec-WebSocket-Accept", "forged")))
        with Caller(signet.port) as caller:
            opened = caller.call("/changed/x", fields=asks)
            assert opened.status == 101 and opened.field("X-Out") == "yes" and "x" in opened.all("Sec-WebSocket-Accept"), opened
            assert origin.requests[-1].field("X-Added") == "policy"
            caller.send(b"ping")
            assert caller.reader.exactly(4) == b"ping" and caller.ended()
        signet.api.set_policy("/apis/changed", "<base/>", outbound='<return-response><set-status code="403"/></return-response>')
        assert call(signet.port, "/changed/x", fields=asks).status == 403
        signet.api.set_policy("/apis/changed", "<base/><set-method>POST</set-method>")
        assert call(signet.port, "/changed/x", fields=asks).status == 200
        assert origin.requests[-1].field("Upgrade") is None


def test_check_describes_configurations_whose_apis_have_no_single_back_end():
    documents = {
        "canned": _document("<return-response/>"),
        "unforwarded": _document("<base/>", backend_section=""),
        "pooled": _document('<base/><set-backend-service backend-id="pool"/>'),
        "limited": _document('<base/><rate-limit calls="1" renewal-period="1"/>'),
    }
    with _files(**documents) as files, tempfile.TemporaryDirectory(prefix="signet-check-") as folder:
        config = gateway(backend("single", "https://127.0.0.1:1", pki().orders), backend("second", "https://127.0.0.1:2", pki().billing))
        config["backends"].append({"id": "pool", "type": "Pool", "pool": {"services": [{"id": "single"}, {"id": "second"}]}})
        config["apis"] += [{"id": name, "path": name, "backendId": "single", "policyFile": path} for name, path in files.items()]
        config["apis"] += [{"id": "nowhere", "path": "nowhere", "policyFile": files["limited"]},
                           {"id": "whole", "path": "whole", "backendId": "single", "operations": [
                               {"id": "o", "method": "GET", "urlTemplate": "/o", "policyFile": files["canned"]}]}]
        listener = pki().listener("check-listener", "DNS:localhost")
        config["certificates"].append({"id": "tls", "pemFile": str(listener.chain), "keyFile": str(listener.key)})
        config["listeners"] = [{"address": "127.0.0.1:0", "tls": {"certificateIds": ["tls"]}}]

        file = pathlib.Path(folder) / "signet.json"
        file.write_text(json.dumps(config))
        status, said = run_signet("check", file)
    assert status == 0 and said.rstrip().endswith("good"), (status, said)
    for text in ("API canned", "API unforwarded", "API nowhere", "pool", "single", "second"):
        assert text in said, said


def test_policies_that_change_under_load_lose_no_call():
    with Nginx(pki()) as origin, Managed(shards=2, accessLog="") as signet:

        api = signet.api
        for name, client in (("orders", pki().orders), ("billing", pki().billing)):
            api.upload(name, client)
        api.set_backend("b", origin.url, tls=AUTHORITY, credentials={"certificateIds": ["orders"]})
        for name in ("changed", "other"):
            api.set_api(name, backendId="b")
        with Load(signet.port, "/changed/1k", callers=3), Load(signet.port, "/other/1k", callers=1):
            for turn in range(60):
                name, sha1 = (("billing", pki().billing.sha1), ("orders", pki().orders.sha1))[turn % 2]
                api.set_policy("/apis/changed", f'<base/><authentication-certificate certificate-id="{name}"/>')
                response = call(signet.port, "/changed/1k")
                assert response.field("X-Client-Sha1") == sha1 and response.body == KIB, turn
                assert call(signet.port, "/other/1k").field("X-Client-Sha1") == pki().orders.sha1, turn
