# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written over REST is in force with the answer, stays after a crash, and costs no call."""

import base64
import contextlib
import os
import pathlib
import resource
import signal
import stat
import subprocess
import tempfile
import threading

from harness import Caller, Nginx, OpensslServer, assert_error, call, may_take, pki
from load import Load, Wrk, check_marks, identities
from management import Managed

AUTHORITY = {"certificateAuthorities": ["test-ca"]}


def _published(api, origin: Nginx | OpensslServer) -> None:
    """API "api" to this origin, as "client"."""
    api.upload("client", pki().orders)
    api.set_backend("api", origin.url, tls=AUTHORITY, credentials={"certificateIds": ["client"]})
    api.set_api("api", backendId="api")


def test_a_write_is_in_force_on_every_shard_when_it_is_answered():
    with Nginx(pki()) as origin, Managed(shards=4) as signet:
        _published(signet.api, origin)
        clients = (pki().billing, pki().orders)
        for turn in range(20):
            signet.api.upload("client", clients[turn % 2])
            for _ in range(8):  # each call on a connection of its own, so that it meets any shard
                assert call(signet.port, "/api/1k").field("X-Client-Sha1") == clients[turn % 2].sha1, turn


def test_an_operation_takes_its_own_certificate():
    with Nginx(pki()) as origin, Managed() as signet:
        _published(signet.api, origin)
        signet.api.upload("other", pki().billing)
        for name in ("one", "two"):
            properties = {"displayName": name, "method": "GET", "urlTemplate": f"/{name}"}
            assert signet.api.put(f"/apis/api/operations/{name}", properties).status == 201
            certificate = '<authentication-certificate certificate-id="other"/>' if name == "two" else ""
            signet.api.set_policy(f"/apis/api/operations/{name}", f'<base/>{certificate}<rewrite-uri template="/1k"/>')
        assert call(signet.port, "/api/one").field("X-Client-Sha1") == pki().orders.sha1
        assert call(signet.port, "/api/two").field("X-Client-Sha1") == pki().billing.sha1
        assert call(signet.port, "/api/three").status == 404


def test_what_was_acknowledged_is_there_after_a_kill():
    with Nginx(pki()) as origin, tempfile.TemporaryDirectory(prefix="signet-state-") as folder:
        state = pathlib.Path(folder) / "state"
        first = Managed(state)
        with first:
            _published(first.api, origin)
            first.api.set_policy("/apis/api", '<base/><set-header name="X-Mark"><value>kept</value></set-header>')
            etags = {path: first.api.get(path).etag for path in ("/certificates/client", "/backends/api", "/apis/api")}
            first.program.kill()
        with Managed(state) as again:
            assert call(again.port, "/api/1k").field("X-Client-Sha1") == pki().orders.sha1
            assert {path: again.api.get(path).etag for path in etags} == etags
            again.api.upload("client", pki().billing)
            assert call(again.port, "/api/1k").field("X-Client-Sha1") == pki().billing.sha1


def test_writes_that_a_limit_of_file_sizes_refuses_end_no_gateway():
    with Nginx(pki()) as origin, Managed() as signet:
        _published(signet.api, origin)
        process, (_, hard) = signet.program.process.pid, resource.prlimit(signet.program.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process, resource.RLIMIT_FSIZE, (64 * 1024, hard))
        before = signet.api.get("/apis/api")
        refused = signet.api.patch("/apis/api", {"description": "x" * 100_000})
        assert refused.status == 507 and refused.error["code"] == "InsufficientStorage", refused
        assert signet.api.get("/apis/api").body == before.body
        assert call(signet.port, "/api/1k").status == 200
        resource.prlimit(process, resource.RLIMIT_FSIZE, (hard, hard))
        assert signet.api.patch("/apis/api", {"description": "fits"}).status == 200


def test_private_keys_and_credentials_are_not_readable_in_the_state_directory():
    with tempfile.TemporaryDirectory(prefix="signet-state-") as folder:
        state = pathlib.Path(folder) / "state"
        with Managed(state) as signet:
            signet.api.upload("client", pki().orders)
            signet.api.set_backend("b", "https://127.0.0.1:1", credentials={"header": {"X-Api-Key": ["open-sesame"]}})
            shown = signet.api.get("/backends/b").body + signet.api.get("/certificates/client").body
            assert b"open-sesame" not in shown and b"PRIVATE" not in shown
        content = b"".join(path.read_bytes() for path in state.iterdir() if path.name.startswith("signet.db"))
        assert b"open-sesame" not in content and b"PRIVATE" not in content and b"X-Client" not in content
        assert stat.S_IMODE(os.stat(state).st_mode) == 0o700
        assert stat.S_IMODE(os.stat(state / "signet.key").st_mode) == 0o600


def test_of_two_writers_with_the_same_etag_one_wins():
    with Managed() as signet:
        signet.api.set_backend("b", "https://127.0.0.1:1")
        etag = signet.api.get("/backends/b").etag
        start = threading.Barrier(8)
        statuses = []

        def write(number: int) -> None:
            start.wait()
            statuses.append(signet.api.patch("/backends/b", {"title": str(number)}, etag).status)

        writers = [threading.Thread(target=write, args=(number,)) for number in range(8)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        assert sorted(statuses) == [200] + [412] * 7, statuses


def test_a_write_that_makes_the_configuration_bad_changes_nothing():
    with Nginx(pki()) as origin, Managed() as signet:
        _published(signet.api, origin)
        before = signet.api.get("/apis/api")
        refused = signet.api.put("/apis/api", {"displayName": "x", "path": "api", "backendId": "nobody"})
        assert refused.status == 400 and refused.error["code"] == "ValidationError", refused
        unknown = "<policies><inbound><frobnicate/></inbound></policies>"
        policy = signet.api.put("/apis/api/policies/policy", {"format": "rawxml", "value": unknown})
        assert policy.status == 400 and "frobnicate" in policy.body.decode() and "line 1" in policy.body.decode(), policy
        after = signet.api.get("/apis/api")
        assert (after.etag, after.body) == (before.etag, before.body)
        assert call(signet.port, "/api/1k").status == 200


def test_objects_of_the_file_are_read_only():
    with Nginx(pki(), verify="optional") as origin:
        backend = {"id": "fixed", "url": origin.url, "tls": AUTHORITY}
        with Managed(backends=[backend], apis=[{"id": "fixed", "path": "fixed", "backendId": "fixed"}]) as signet:
            assert signet.api.get("/backends/fixed").properties["url"] == origin.url
            for answer in (signet.api.patch("/backends/fixed", {"title": "x"}), signet.api.delete("/apis/fixed"),
                           signet.api.put("/apis/fixed", {"displayName": "x", "path": "other", "backendId": "fixed"})):
                assert answer.status == 409 and "configuration file" in answer.body.decode(), answer
            assert call(signet.port, "/fixed/1k").status == 200


def test_the_file_and_the_store_are_read_together_at_a_reload():
    with Nginx(pki()) as origin, Managed() as signet:
        _published(signet.api, origin)
        signet.signal(signal.SIGHUP)
        signet.program.wait_for_log("reload applied")
        assert call(signet.port, "/api/1k").field("X-Client-Sha1") == pki().orders.sha1


def test_a_full_disk_is_507_and_ends_nothing():
    with Nginx(pki()) as origin, tempfile.TemporaryDirectory(prefix="signet-disk-") as folder:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=700", "signet-test", folder], check=False,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
        if not mounted:
            print("no file system may be mounted here: not tried")
            return
        try:
            state = pathlib.Path(folder) / "state"
            with Managed(state) as signet:
                _published(signet.api, origin)
                filler = pathlib.Path(folder) / "filler"
                with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
                    while True:
                        file.write(bytes(4096))
                etag = signet.api.get("/backends/api").etag
                answers = [signet.api.patch("/backends/api", {"description": "x" * 2000, "title": str(turn)}) for turn in range(200)]
                refused = [answer for answer in answers if answer.status != 200]
                assert refused and {answer.status for answer in refused} == {507}, {answer.status for answer in answers}
                assert call(signet.port, "/api/1k").field("X-Client-Sha1") == pki().orders.sha1
                written = [answer for answer in answers if answer.status == 200]
                assert signet.api.get("/backends/api").etag == (written[-1].etag if written else etag)
                filler.unlink()
                assert signet.api.patch("/backends/api", {"title": "there is room again"}).status == 200
            with Managed(state) as again:
                assert again.api.get("/backends/api").properties["title"] == "there is room again"
        finally:
            subprocess.run(["umount", folder], check=True)


def test_a_store_that_cannot_be_written_is_503_and_ends_nothing():
    with Nginx(pki()) as origin, Managed() as signet:
        _published(signet.api, origin)
        files = [str(signet.api.state / name) for name in ("signet.db", "signet.db-wal")]
        if subprocess.run(["chattr", "+i", *files], check=False, stderr=subprocess.DEVNULL).returncode != 0:
            print("no file may be made immutable here: not tried")
            return
        try:
            refused = signet.api.patch("/backends/api", {"title": "never written"})
            assert refused.status == 503 and "signet.db" in refused.error["message"], refused
            assert "title" not in signet.api.get("/backends/api").properties
            assert call(signet.port, "/api/1k").field("X-Client-Sha1") == pki().orders.sha1
        finally:
            subprocess.run(["chattr", "-i", *files], check=True)
        assert signet.api.patch("/backends/api", {"title": "written"}).status == 200


def test_status_and_refusals_tell_what_the_data_plane_did():
    with OpensslServer(pki()) as origin, Managed(shards=2) as signet:
        _published(signet.api, origin)
        signet.api.upload("unknown", pki().stranger_client())
        signet.api.set_api("refused", backendId="api")
        signet.api.set_policy("/apis/refused", '<base/><authentication-certificate certificate-id="unknown"/>')
        for _ in range(3):
            assert call(signet.port, "/api/").status == 200
        assert call(signet.port, "/refused/").status == 500
        status = signet.api.get("/status").json()
        assert (status["shards"], status["calls"], status["callsFailed"]) == (2, 4, 1), status
        assert [(backend["name"], backend["refused"]) for backend in status["backends"]] == [("api", 1)], status
        newest = signet.api.get("/refusals").json()[0]
        assert (newest["apiId"], newest["backendId"], newest["certificateId"]) == ("refused", "api", "unknown"), newest
        assert newest["alertName"] == "unknown_ca" and newest["subject"] == "CN=stranger", newest


def test_the_effective_policy_says_where_each_step_comes_from_and_what_it_comes_to():
    with Managed() as signet:
        signet.api.upload("client", pki().orders)
        signet.api.set_backend("api", "https://127.0.0.1:1")
        signet.api.set_api("api", backendId="api")
        signet.api.set_policy("", '<set-header name="X-All"><value>1</value></set-header>', backend="<forward-request/>")
        for reference in ('certificate-id="client"', f'thumbprint="{pki().orders.sha1}"'):
            signet.api.set_policy("/apis/api", f"<base/><authentication-certificate {reference}/>")
            effective = signet.api.get("/apis/api/effectivePolicy").json()
            steps = [(step["section"], step["element"].split()[0].strip("</>"), step["origin"]) for step in effective["steps"]]
            assert steps == [("inbound", "set-header", "global"), ("inbound", "set-backend-service", "backendId"),
                             ("inbound", "authentication-certificate", "api"), ("backend", "forward-request", "global")], steps
            assert (effective["backendId"], effective["certificateId"]) == ("api", "client"), effective
            assert effective["certificateThumbprint"] == pki().orders.sha1.upper(), effective
            assert effective["certificateExpirationDate"] == signet.api.get("/certificates/client").properties["expirationDate"], effective


@may_take(300)
def test_a_certificate_that_is_put_anew_under_load_loses_no_call_and_leaves_none_behind():
    swaps, clients = 200, identities(40)
    with Nginx(pki(), keepalive_requests=1_000_000) as origin:
        with Managed(shards=2, accessLog="") as signet:
            signet.api.upload("client", clients[0])
            signet.api.set_backend("api", origin.url, tls=AUTHORITY, credentials={"certificateIds": ["client"]})
            signet.api.set_api("api", backendId="api")
            with Wrk(signet.port, "/api/1k", connections=8) as wrk, Load(signet.port, "/api/1k", callers=2) as load:
                with Caller(signet.port) as caller:
                    for swap in range(1, swaps + 1):
                        signet.api.upload("client", clients[swap % len(clients)])
                        wrk.mark(swap)
                        load.mark = str(swap)
                        seen = caller.call("/api/1k", fields={"X-Mark": str(swap)})
                        assert seen.status == 200 and seen.field("X-Client-Sha1") == clients[swap % len(clients)].sha1, (swap, seen)
        origin.stop()
        calls = check_marks(origin, clients, swaps)
    print(f"{calls} calls, {swaps} swaps")
    assert calls > 2 * swaps


def test_no_call_goes_to_the_management_listener_or_to_a_link_local_address_by_whatever_way_it_is_named():
    with Managed() as signet:
        signet.api.set_api("api", serviceUrl="http://127.0.0.1:1/")
        token = {"Authorization": f"Bearer {signet.api.token}"}
        link_local = ".".join(("169", "254", "169", "254"))
        for url in (f"https://localhost:{signet.api.port}", f"https://127.0.0.1:{signet.api.port}", f"http://{link_local}"):
            signet.api.set_policy("/apis/api", f'<base/><set-backend-service base-url="{url}"/>')
            assert_error(call(signet.port, "/api/status", fields=token), 500, "ConfigurationError")
        signet.stop()
        details = [line for line in signet.access_lines() if "allowInternalBackends" in line]
        assert len(details) == 3 and "management listener" in details[0] and "link-local" in details[2], signet.access_lines()


def test_internal_back_ends_are_called_where_the_configuration_allows_them():
    with Managed(allowInternalBackends=["127.0.0.0/8"]) as signet:
        tls = {"validateCertificateChain": False, "validateCertificateName": False}
        signet.api.set_backend("own", f"https://127.0.0.1:{signet.api.port}", tls=tls)
        signet.api.set_api("api", backendId="own")
        assert call(signet.port, "/api/healthz").status == 200


@may_take(60)
def test_an_object_of_very_many_members_is_refused_before_it_costs_time():
    with Managed() as signet:
        many = {f"X-{number}": ["a"] for number in range(100_000)}
        refused = signet.api.put("/backends/b", {"url": "https://127.0.0.1:1", "protocol": "http", "credentials": {"header": many}})
        assert refused.status == 400, refused.body[:300]


def test_ids_may_hold_a_slash():
    with Nginx(pki()) as origin, Managed() as signet:
        signet.api.upload("shop%2Fclient", pki().orders)  # "%" is encoded once more on the way
        for path in ("/certificates/eu%2Fclient", "/backends/eu%2Forders", "/apis/eu%2Forders", "/apis/eu%2Forders/operations/all%2Fof"):
            assert signet.api.get(path).status == 404, path
        data = base64.b64encode(pki().billing.pfx.read_bytes()).decode()
        for path, properties in (
                ("/certificates/eu%2Fclient", {"data": data, "password": pki().billing.password}),
                ("/backends/eu%2Forders", {"url": origin.url, "protocol": "http", "tls": AUTHORITY}),
                ("/apis/eu%2Forders", {"displayName": "orders", "path": "eu", "backendId": "eu/orders"}),
                ("/apis/eu%2Forders/operations/all%2Fof", {"displayName": "all", "method": "GET", "urlTemplate": "/*"})):
            made = signet.api.put(path, properties)
            assert made.status == 201 and made.json()["id"].endswith(path), made
        signet.api.set_policy("/apis/eu%2Forders", '<base/><authentication-certificate certificate-id="eu/client"/>')
        assert call(signet.port, "/eu/1k").field("X-Client-Sha1") == pki().billing.sha1
        assert signet.api.delete("/certificates/eu%2Fclient").status == 409
        bad = signet.api.put("/backends/eu%2Forders", {"url": "ftp://x", "protocol": "http"})
        assert [detail["target"] for detail in bad.error["details"]] == ["url"], bad
        for path in ("/apis/eu%2Forders", "/certificates/eu%2Fclient", "/backends/eu%2Forders"):
            assert signet.api.delete(path).status == 200, path
