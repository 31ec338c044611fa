# SPDX-License-Identifier: GPL-3.0-or-later
"""Change without a ripple: what a new configuration, or a new certificate in the files of an old one, does to the calls."""

import functools
import json
import os
import pathlib
import shutil
import signal
import tempfile
import threading
import time

from harness import Caller, Client, Nginx, ScriptedOrigin, Signet, answer, backend, call, gateway, may_take, pki, request
from load import Load, Wrk, check_marks, identities, replace

WAIT_S = 15.0  # less than what a scripted back end waits for a caller


class Log:
    """What signet says, line by line, from the moment that this is made."""

    def __init__(self, signet: Signet):
        self._file = signet.program.log_file.open("rb")
        self._file.seek(0, os.SEEK_END)
        self._rest = b""
        self._process = signet.program.process
        self.seen: list[str] = []

    def next(self, *texts: str) -> str:
        """The next line with all of these texts; those before it are passed over."""
        deadline = time.monotonic() + WAIT_S
        while True:
            while b"\n" in self._rest:
                line, self._rest = self._rest.split(b"\n", 1)
                self.seen.append(line.decode(errors="replace"))
                if all(text in self.seen[-1] for text in texts):
                    return self.seen[-1]
            if piece := self._file.read():
                self._rest += piece
                continue
            assert self._process.poll() is None, f"signet ended; it said {self.seen[-20:]}"
            assert time.monotonic() < deadline, f"expected a line with {texts}; signet said {self.seen[-20:]}"
            time.sleep(0.001)


def settings(line: str) -> dict[str, str]:
    """The name=value parts of a log line."""
    return dict(part.split("=", 1) for part in line.split() if "=" in part)


class Files:
    """The files of the identity "api" in a folder of their own, and a configuration that names them."""

    def __init__(self, folder: pathlib.Path, client: Client, kind: str):
        folder.mkdir(exist_ok=True)
        self.folder, self.kind = folder, kind
        self.pfx, self.password, self.pem, self.key = (folder / name for name in ("tls.pfx", "tls.pass", "tls.crt", "tls.key"))
        self.put(client)

    def put(self, client: Client) -> None:
        if self.kind == "pfx":
            shutil.copy(client.password_file, self.password)
            replace(self.pfx, client.pfx.read_bytes())
        else:
            replace(self.pem, client.chain.read_text())
            replace(self.key, client.key.read_text())

    def certificate(self) -> dict:
        if self.kind == "pfx":
            return {"id": "api", "pfxFile": str(self.pfx), "passwordFile": str(self.password)}
        return {"id": "api", "pemFile": str(self.pem), "keyFile": str(self.key)}


class Rotating(Signet):
    """Signet with one API "api" under the identity in `files`. Further backends, and properties, as for `gateway`."""

    def __init__(self, origin: Nginx | ScriptedOrigin, first: Client, *backends: dict, kind: str = "pfx", **more):
        self._own_folder = tempfile.TemporaryDirectory(prefix="signet-rotation-")
        self.files = Files(pathlib.Path(self._own_folder.name) / "tls", first, kind)
        config = gateway(backend("api", origin.url), *backends, **more)
        config["backends"][0]["credentials"] = {"certificateIds": ["api"]}
        config["certificates"].insert(0, self.files.certificate())
        super().__init__(config)
        self.config = json.loads(self.config_file.read_text())

    def __exit__(self, failure, *_) -> None:
        super().__exit__(failure)
        self._own_folder.cleanup()

    def write(self, **changes) -> None:
        """Changes properties of the configuration."""
        self.config = {**self.config, **changes}
        replace(self.config_file, json.dumps(self.config, indent=2))

    def hang_up(self, log: Log) -> str:
        """Asks for a reload, and waits for the answer."""
        self.signal(signal.SIGHUP)
        return log.next("reload ", "cause=SIGHUP")

    def sha1(self, target: str = "/api/1k") -> str | None:
        """Under which certificate a call reaches the back end."""
        response = call(self.port, target)
        assert response.status == 200, (response, self.log[-2000:])
        return response.field("X-Client-Sha1")


@functools.cache
def renewed() -> Client:
    return pki().successor("renewed")


@functools.cache
def outdated() -> Client:
    return pki().successor("outdated", expired=True)


def test_sighup_applies_what_the_file_says_now():
    with Nginx(pki()) as origin, Rotating(origin, pki().orders, watchFiles=False) as signet:
        log = Log(signet)
        assert call(signet.port, "/more/1k").status == 404
        signet.write(apis=[*signet.config["apis"], {"id": "more", "path": "more", "backendId": "api"}])
        assert "reload applied generation=2 " in signet.hang_up(log)
        assert signet.sha1("/more/1k") == pki().orders.sha1
        signet.write(apis=signet.config["apis"][:1])
        assert "reload applied generation=3 " in signet.hang_up(log)
        assert call(signet.port, "/more/1k").status == 404


def test_sighup_without_a_change_is_answered_and_closes_nothing():
    with Nginx(pki()) as origin, Rotating(origin, pki().orders) as signet, Caller(signet.port) as caller:
        log = Log(signet)
        before = caller.call("/api/1k").field("X-Connection")
        answered = settings(signet.hang_up(log))
        assert (answered["certificates_changed"], answered["idle_connections_closed"]) == ("0", "0"), answered
        assert caller.call("/api/1k").field("X-Connection") == before


def test_a_changed_configuration_is_read_without_a_signal():
    with Nginx(pki()) as origin, Rotating(origin, pki().orders) as signet:
        log = Log(signet)
        signet.write(apis=[{"id": "api", "path": "moved", "backendId": "api"}])
        assert "generation=2 " in log.next("reload applied", "cause=files")
        assert signet.sha1("/moved/1k") == pki().orders.sha1
        assert call(signet.port, "/api/1k").status == 404


def test_a_broken_configuration_is_refused_with_its_place_and_the_old_one_serves_on():
    with Nginx(pki()) as origin, Rotating(origin, pki().orders) as signet:
        log = Log(signet)
        replace(signet.config_file, '{\n  "listeners": [\n')
        log.next("error", f"{signet.config_file}:3:1: ")
        assert f"{signet.config_file} cannot be used: 1 error; generation 1 stays in force" in log.next("reload refused:", "cause=files")
        assert signet.sha1() == pki().orders.sha1
        replace(signet.config_file, json.dumps({**signet.config, "shard": 1}, indent=2))
        log.next("error", "/shard: ", "shards")
        log.next("reload refused:", "generation 1 stays in force")
        assert "reload refused:" in signet.hang_up(log), "asked by signal, it has to answer again"
        assert signet.sha1() == pki().orders.sha1
        signet.write()
        assert "generation=2 " in log.next("reload applied", "cause=files")
        assert signet.sha1() == pki().orders.sha1


def test_a_pfx_replaced_by_rename_is_picked_up_without_a_signal():
    with Nginx(pki()) as origin, Rotating(origin, pki().orders) as signet:
        log = Log(signet)
        assert signet.sha1() == pki().orders.sha1
        signet.files.put(renewed())
        answered = settings(log.next("reload applied", "cause=files"))
        assert (answered["generation"], answered["certificates_changed"], answered["idle_connections_closed"]) == ("2", "1", "1"), answered
        assert signet.sha1() == renewed().sha1


def test_a_pfx_that_is_written_in_place_and_in_part_keeps_the_old_certificate_until_it_is_whole():
    with Nginx(pki()) as origin, Rotating(origin, pki().orders) as signet:
        log = Log(signet)
        whole = renewed().pfx.read_bytes()
        signet.files.pfx.write_bytes(whole[:len(whole) // 2])
        warning = log.next("warning", 'certificate "api"', "the certificate read before stays in force")
        assert f"{signet.config_file}:" in warning and "/certificates/0/pfxFile: " in warning and str(signet.files.pfx) in warning, warning
        log.next("reload applied", "certificates_changed=0 idle_connections_closed=0")
        assert signet.sha1() == pki().orders.sha1
        signet.files.pfx.write_bytes(whole)
        log.next("reload applied", "certificates_changed=1")
        assert signet.sha1() == renewed().sha1


def test_what_else_has_changed_is_applied_beside_a_broken_certificate():
    with Nginx(pki()) as origin, Rotating(origin, pki().orders, watchFiles=False) as signet:
        log = Log(signet)
        signet.files.pfx.unlink()
        signet.write(apis=[*signet.config["apis"], {"id": "more", "path": "more", "backendId": "api"}])
        assert "reload applied" in signet.hang_up(log)
        assert any("the certificate read before stays in force" in line for line in log.seen), log.seen
        assert signet.sha1("/more/1k") == pki().orders.sha1


def test_a_new_certificate_that_never_was_good_is_refused():
    with Nginx(pki()) as origin, Rotating(origin, pki().orders, watchFiles=False) as signet:
        log = Log(signet)
        signet.write(certificates=[*signet.config["certificates"], {"id": "new", "pfxFile": "nowhere.pfx"}])
        assert "reload refused:" in signet.hang_up(log)
        assert any("error" in line and 'certificate "new"' in line for line in log.seen), log.seen
        assert signet.sha1() == pki().orders.sha1


def test_a_pair_replaced_file_by_file_is_used_once_both_belong_together():
    with Nginx(pki()) as origin, Rotating(origin, pki().orders, kind="pem") as signet:
        log = Log(signet)
        replace(signet.files.pem, renewed().chain.read_text())
        log.next("warning", 'certificate "api"', "the certificate read before stays in force")
        log.next("reload applied", "certificates_changed=0")
        assert signet.sha1() == pki().orders.sha1
        replace(signet.files.key, renewed().key.read_text())
        log.next("reload applied", "certificates_changed=1")
        assert signet.sha1() == renewed().sha1


def test_an_expired_certificate_does_not_replace_a_valid_one():
    with Nginx(pki()) as origin, Rotating(origin, pki().orders) as signet:
        log = Log(signet)
        signet.files.put(outdated())
        log.next("warning", 'certificate "api"', "expired", "the certificate read before stays in force")
        log.next("reload applied", "certificates_changed=0 idle_connections_closed=0")
        assert signet.sha1() == pki().orders.sha1
        signet.files.put(renewed())
        log.next("reload applied", "certificates_changed=1")
        assert signet.sha1() == renewed().sha1


def test_a_broken_authority_keeps_the_one_before():
    with Nginx(pki()) as origin, Rotating(origin, pki().orders) as signet:
        log = Log(signet)
        own = signet.files.folder / "ca.pem"
        own.write_text(pki().server_root.certificate.read_text())
        signet.write(certificateAuthorities=[{"id": "test-ca", "pemFile": str(own)}])
        log.next("reload applied")
        own.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n")
        log.next("warning", 'certificate authority "test-ca"', "the authority read before stays in force")
        log.next("reload applied", "idle_connections_closed=0")
        assert signet.sha1() == pki().orders.sha1
        own.write_text(pki().stranger_root.certificate.read_text())
        log.next("reload applied")
        assert call(signet.port, "/api/1k").status == 500


def test_a_symlink_swap_as_kubernetes_makes_it_is_picked_up():
    with Nginx(pki()) as origin, Rotating(origin, pki().orders, watchFiles=False) as signet:
        log = Log(signet)
        mount = signet.files.folder / "mount"
        mount.mkdir()

        def publish(version: str, client: Client) -> None:
            (mount / version).mkdir()
            shutil.copy(client.pfx, mount / version / "tls.pfx")
            (mount / "..data_tmp").symlink_to(version)
            (mount / "..data_tmp").rename(mount / "..data")

        publish("..2026_11_24", pki().orders)
        (mount / "tls.pfx").symlink_to("..data/tls.pfx")
        certificate = {**signet.files.certificate(), "pfxFile": str(mount / "tls.pfx")}
        signet.write(certificates=[certificate], watchFiles=True)
        assert "reload applied" in signet.hang_up(log)
        for version, client in (("..2026_11_25", renewed()), ("..2026_11_26", pki().orders)):
            old = (mount / "..data").resolve()
            publish(version, client)
            shutil.rmtree(old)
            log.next("reload applied", "cause=files", "certificates_changed=1")
            assert signet.sha1() == client.sha1


def test_a_retired_identity_loses_its_idle_connections_at_once():
    with ScriptedOrigin(pki()) as origin, Rotating(origin, pki().orders, watchFiles=False) as signet:
        log = Log(signet)
        assert call(signet.port, "/api/x").status == 200
        signet.files.put(renewed())
        assert settings(signet.hang_up(log))["idle_connections_closed"] == "1"
        deadline = time.monotonic() + WAIT_S
        while origin.connections[0].socket.fileno() != -1:
            assert time.monotonic() < deadline, "the back end still has the connection"
            time.sleep(0.01)
        assert call(signet.port, "/api/x").status == 200
        assert [connection.chain for connection in origin.connections] == [pki().orders.ders, renewed().ders]
    assert not origin.failures, origin.failures


def test_an_unchanged_identity_keeps_its_warm_connection():
    with Nginx(pki()) as origin, Rotating(origin, pki().orders, backend("billing", origin.url, pki().billing), watchFiles=False) as signet:
        log = Log(signet)
        with Caller(signet.port) as caller:
            before = [caller.call(target).field("X-Connection") for target in ("/api/1k", "/billing/1k")]
            signet.files.put(renewed())
            assert settings(signet.hang_up(log))["idle_connections_closed"] == "1"
            after = [caller.call(target).field("X-Connection") for target in ("/api/1k", "/billing/1k")]
        assert after[1] == before[1] and after[0] != before[0], (before, after)


def test_a_call_in_flight_ends_under_the_certificate_that_it_started_with():
    arrived, go_on = threading.Event(), threading.Event()

    def script(_connection, request):
        if request.target == "/slow":
            arrived.set()
            go_on.wait(WAIT_S)
        return answer()

    with ScriptedOrigin(pki(), script=script) as origin, Rotating(origin, pki().orders, watchFiles=False) as signet:
        log = Log(signet)
        with Caller(signet.port) as caller:
            caller.send(request("/api/slow"))
            assert arrived.wait(WAIT_S)
            signet.files.put(renewed())
            answered = settings(signet.hang_up(log))
            assert (answered["idle_connections_closed"], answered["connections_finishing"]) == ("0", "1"), answered
            assert call(signet.port, "/api/x").status == 200
            go_on.set()
            assert caller.response().status == 200
            assert caller.call("/api/y").status == 200
        assert [one.target for one in origin.requests] == ["/slow", "/x", "/y"]
        assert [connection.chain for connection in origin.connections] == [pki().orders.ders, renewed().ders]


def test_what_takes_a_restart_is_told_and_everything_else_applied():
    with Nginx(pki()) as origin, Rotating(origin, pki().orders, watchFiles=False, accessLog="") as signet:
        log = Log(signet)
        signet.write(shards=2, listeners=[*signet.config["listeners"], {"address": "127.0.0.1:1"}], accessLog="-",
                     apis=[{"id": "api", "path": "moved", "backendId": "api"}])
        assert "reload applied" in signet.hang_up(log)
        for setting in ("/shards", "/listeners", "/accessLog"):
            assert any(f"{setting}: the change takes a restart" in line for line in log.seen), (setting, log.seen)
        assert signet.sha1("/moved/1k") == pki().orders.sha1


def test_an_access_log_that_was_renamed_is_opened_anew_at_sighup():
    with Nginx(pki()) as origin, Rotating(origin, pki().orders, accessLog="access.log") as signet:
        log = Log(signet)
        lines = signet.folder / "access.log"
        assert call(signet.port, "/api/1k?first").status == 200
        lines.rename(signet.folder / "access.log.1")
        signet.hang_up(log)
        assert call(signet.port, "/api/1k?second").status == 200
        signet.write(accessLog="other.log")
        log.next("reload applied", "cause=files")
        assert call(signet.port, "/api/1k?third").status == 200
        signet.stop()
        texts = [(signet.folder / name).read_text() for name in ("access.log.1", "access.log", "other.log")]
        assert [[word in text for word in ("status=", "second")] for text in texts] == [[True, False], [True, True], [True, False]], texts


def test_without_watch_files_nothing_is_watched():
    with Nginx(pki()) as origin, Rotating(origin, pki().orders) as signet:
        log = Log(signet)

        def watches() -> bool:
            descriptors = pathlib.Path(f"/proc/{signet.program.process.pid}/fd")
            return any("inotify" in os.readlink(descriptor) for descriptor in descriptors.iterdir())

        signet.hang_up(log)
        assert watches()
        signet.write(watchFiles=False)
        signet.hang_up(log)
        assert not watches()


# ---- under load --------------------------------------------------------------------------------------------------------------------------


def test_apis_come_and_go_under_load():
    with Nginx(pki(), keepalive_requests=1_000_000) as origin, Rotating(origin, pki().orders, watchFiles=False, accessLog="") as signet:
        log = Log(signet)
        base = signet.config["apis"]
        more = [{"id": f"more-{number}", "path": f"more/{number}", "backendId": "api"} for number in range(100)]
        with Load(signet.port, "/api/1k", callers=4), Caller(signet.port) as caller:
            for turn in range(50):
                signet.write(apis=[*base, *more] if turn % 2 == 0 else base)
                assert "reload applied" in signet.hang_up(log)
                assert caller.call("/more/99/1k").status == (200 if turn % 2 == 0 else 404)
        assert "idle_connections_closed=0" in log.seen[-1], "no identity has changed"


@may_take(300)
def test_a_thousand_swaps_of_a_certificate_under_full_load_lose_no_call_and_leave_none_behind():
    swaps, clients = 1000, identities(40)
    with Nginx(pki(), keepalive_requests=1_000_000) as origin:
        with Rotating(origin, clients[0], kind="pem", watchFiles=False, accessLog="", shards=2) as signet:
            log = Log(signet)
            certificate = {"id": "api", "pemFile": str(signet.files.pem)}
            both = [client.chain.read_text() + client.key.read_text() for client in clients]
            replace(signet.files.pem, both[0])
            signet.write(certificates=[certificate])
            assert "generation=2 " in signet.hang_up(log)
            with Wrk(signet.port, "/api/1k", connections=8) as wrk, Load(signet.port, "/api/1k", callers=2) as load:
                with Caller(signet.port) as caller:
                    for swap in range(1, swaps + 1):
                        replace(signet.files.pem, both[swap % len(both)])
                        assert f"reload applied generation={swap + 2} " in signet.hang_up(log)
                        assert "certificates_changed=1" in log.seen[-1]
                        wrk.mark(swap)
                        load.mark = str(swap)
                        seen = caller.call("/api/1k", fields={"X-Mark": str(swap)})
                        assert seen.status == 200 and seen.field("X-Client-Sha1") == clients[swap % len(clients)].sha1, (swap, seen)
        origin.stop()
        calls = check_marks(origin, clients, swaps)
    print(f"{calls} calls, {swaps} swaps")
    assert calls > 2 * swaps


@may_take(120)
def test_swaps_that_the_file_watch_sees_under_load_lose_no_call():
    swaps, clients = 20, identities(8)
    with Nginx(pki(), keepalive_requests=1_000_000) as origin:
        with Rotating(origin, clients[0], kind="pem", accessLog="", shards=2) as signet:
            log = Log(signet)
            with Wrk(signet.port, "/api/1k", connections=8) as wrk:
                for swap in range(1, swaps + 1):
                    signet.files.put(clients[swap % len(clients)])  # two files, one after the other
                    log.next("reload applied", "cause=files", "certificates_changed=1")
                    wrk.mark(swap)
                    assert signet.sha1() == clients[swap % len(clients)].sha1
        origin.stop()
        check_marks(origin, clients, swaps)
