# SPDX-License-Identifier: GPL-3.0-or-later
"""How the program starts, refuses to start, and ends; and its commands that end by themselves."""

import json
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time

from harness import (PASSWORD, ROOT, Caller, Connection, Message, ScriptedOrigin, Signet, answer, backend, binary, call, free_port,
                     gateway,
                     one_api, pki, refusal_to_start, request, signet as run_signet)
from processes import START_S

# ---- the end -----------------------------------------------------------------------------------------------------------------------------


class _Gate:
    """A back end's script that holds its answer until the test says so."""

    def __init__(self):
        self.arrived = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, _: Connection, __: Message) -> bytes:
        self.arrived.set()
        assert self.go_on.wait(START_S)
        return answer()

    def wait_for_call(self) -> None:
        assert self.arrived.wait(START_S), "the call did not reach the back end"


def _wait_until_refused(port: int) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return
        time.sleep(0.01)
    raise AssertionError("connections are still accepted")


def _drains_on(number: signal.Signals) -> None:
    gate = _Gate()
    with ScriptedOrigin(pki(), script=gate) as origin, Signet(one_api(origin)) as signet:
        with Caller(signet.port) as busy, Caller(signet.port) as idle:
            gate.go_on.set()
            assert idle.call("/api/x").status == 200
            gate.go_on.clear()
            gate.arrived.clear()
            busy.send(request("/api/x"))
            gate.wait_for_call()
            signet.signal(number)
            _wait_until_refused(signet.port)
            assert idle.ended(), "a connection without a call was kept"
            assert signet.program.process.poll() is None, "ended with a call in flight"
            gate.go_on.set()
            response = busy.response()
            assert (response.status, response.body) == (200, b"fine")
            assert not response.keeps_alive(), "the answer promises a further call"
            assert busy.ended()
        assert signet.wait() == 0


def test_sigterm_lets_the_call_in_flight_finish_and_ends_with_0():
    _drains_on(signal.SIGTERM)


def test_sigint_does_the_same():
    _drains_on(signal.SIGINT)


def test_sigterm_without_calls_ends_with_0():
    with ScriptedOrigin(pki()) as origin, Signet(one_api(origin, shards=2)) as signet:
        assert call(signet.port, "/api/x").status == 200
        signet.signal()
        assert signet.wait() == 0


def test_a_second_sigterm_cuts_off_what_is_in_flight():
    gate = _Gate()
    with ScriptedOrigin(pki(), script=gate) as origin, Signet(one_api(origin, drainTimeout="1h")) as signet, Caller(signet.port) as caller:
        try:
            caller.send(request("/api/x"))
            gate.wait_for_call()
            signet.signal()
            _wait_until_refused(signet.port)
            signet.signal()
            assert caller.ended(), "the cut call was answered"
            assert signet.wait() == 2
        finally:
            gate.go_on.set()


def test_the_drain_timeout_cuts_off_what_is_in_flight():
    gate = _Gate()
    with ScriptedOrigin(pki(), script=gate) as origin, Signet(one_api(origin, drainTimeout="1s")) as signet, Caller(signet.port) as caller:
        try:
            caller.send(request("/api/x"))
            gate.wait_for_call()
            signet.signal()
            assert caller.ended()
            assert signet.wait() == 2
        finally:
            gate.go_on.set()


# ---- the start ---------------------------------------------------------------------------------------------------------------------------


def test_a_head_that_is_not_complete_does_not_hold_up_the_end():
    with ScriptedOrigin(pki()) as origin, Signet(one_api(origin)) as signet, Caller(signet.port) as caller:
        caller.send(b"GET /api/x HTTP/1.1\r\nHost: a\r\n")
        time.sleep(0.2)
        signet.signal()
        assert caller.response().status == 503
        assert signet.wait() == 0


def test_a_second_program_on_the_same_address_is_refused():
    with ScriptedOrigin(pki()) as origin, Signet(one_api(origin)) as signet:
        taken = refusal_to_start({**one_api(origin), "listeners": [{"address": f"127.0.0.1:{signet.port}"}]})
        assert f"listen on 127.0.0.1:{signet.port}: Address already in use" in taken, taken


def test_sighup_ends_nothing():
    with ScriptedOrigin(pki()) as origin, Signet(one_api(origin)) as signet:
        signet.signal(signal.SIGHUP)
        signet.program.wait_for_log("cause=SIGHUP")
        assert call(signet.port, "/api/x").status == 200


def test_a_full_pipe_costs_lines_and_no_calls():
    port = free_port()
    with ScriptedOrigin(pki()) as origin, tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "signet.json"
        file.write_text(json.dumps({"listeners": [{"address": f"127.0.0.1:{port}"}], **one_api(origin)}))
        # Nobody reads its standard output.
        program = subprocess.Popen([str(binary()), "run", str(file)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + START_S
            while socket.socket().connect_ex(("127.0.0.1", port)) != 0:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            with Caller(port) as caller:
                for _ in range(1500):
                    assert caller.call("/api/" + "x" * 300).status == 200
            program.terminate()
            assert program.wait(START_S) == 0
        finally:
            program.kill()
            lines = program.stdout.read().decode().splitlines()
            program.stdout.close()
        assert 10 < len(lines) < 1500, f"{len(lines)} lines: the pipe was not full, or nothing was written"


def test_every_shard_serves():
    with ScriptedOrigin(pki()) as origin, Signet(one_api(origin, shards=4)) as signet:
        # The kernel spreads connections over the shards' listeners by their ports; 64 of them leave none out.
        for _ in range(64):
            assert call(signet.port, "/api/x").status == 200


def test_an_unknown_key_is_refused_with_its_place_and_a_suggestion():
    said = refusal_to_start('{\n  "listeners": [{ "address": "127.0.0.1:1" }],\n  "apis": [\n'
                            '    { "id": "a", "path": "a", "backendID": "x" }\n  ]\n}\n')
    assert re.search(r"signet\.json:4:\d+: /apis/0", said), said
    assert "backendID" in said and '"backendId"' in said, said


def test_a_value_of_the_wrong_kind_is_refused_with_its_place():
    said = refusal_to_start('{\n  "listeners": [{ "address": "127.0.0.1:1" }],\n  "shards": "two"\n}\n')
    assert re.search(r"signet\.json:3:\d+: /shards: expected", said), said


def test_broken_json_is_refused_with_its_place():
    said = refusal_to_start('{\n  "listeners": [{ "address": "127.0.0.1:1" }],\n  "shards": 1,,\n}\n')
    assert re.search(r"signet\.json:3:\d+", said), said


def test_all_errors_of_a_file_are_told_at_once():
    said = refusal_to_start('{\n  "listeners": [{ "address": "nonsense" }],\n  "shards": -1,\n  "colour": "red"\n}\n')
    for line in (2, 3, 4):
        assert re.search(rf"signet\.json:{line}:\d+", said), f"line {line} is missing: {said}"


def test_a_reference_to_nothing_is_refused_with_its_place():
    config = gateway(backend("api", "https://127.0.0.1:1", pki().orders))
    config["apis"][0]["backendId"] = "elsewhere"
    said = refusal_to_start(config)
    assert re.search(r"signet\.json:\d+:\d+: /apis/0/backendId", said) and "elsewhere" in said, said


def test_a_missing_configuration_file_is_refused():
    status, said = run_signet("run", "/nonexistent/signet.json")
    assert status == 1 and "/nonexistent/signet.json" in said and "No such file" in said, said


def test_an_address_that_is_taken_is_refused():
    with socket.create_server(("127.0.0.1", 0)) as other, ScriptedOrigin(pki()) as origin:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        said = refusal_to_start({**one_api(origin), "listeners": [{"address": address}]})
    assert address in said and "in use" in said, said


def _with_certificate(certificate: dict) -> str:
    config = gateway(backend("api", "https://127.0.0.1:1", pki().orders))
    config["certificates"] = [{"id": "orders", **certificate}]
    said = refusal_to_start(config)
    assert re.search(r"signet\.json:\d+:\d+: /certificates/0", said), said
    assert PASSWORD not in said, "the log shows a password"
    return said


def test_a_wrong_pfx_password_is_told_apart_from_a_damaged_file():
    with tempfile.TemporaryDirectory(prefix="signet-pfx-") as folder:
        wrong, damaged, empty = (pathlib.Path(folder) / name for name in ("wrong.pass", "damaged.pfx", "empty.pfx"))
        wrong.write_text("not this one\n")
        content = pki().orders.pfx.read_bytes()
        damaged.write_bytes(content[:len(content) // 2])
        empty.write_bytes(b"")
        password = str(pki().orders.password_file)
        with_wrong = _with_certificate({"pfxFile": str(pki().orders.pfx), "passwordFile": str(wrong)})
        assert "password" in with_wrong.lower() and "wrong" in with_wrong.lower(), with_wrong
        assert "not this one" not in with_wrong, "the log shows a password"
        for path in (damaged, empty):
            said = _with_certificate({"pfxFile": str(path), "passwordFile": password})
            assert "wrong password" not in said.lower() and "password is wrong" not in said.lower(), said


def test_files_that_are_not_there_are_named():
    said = _with_certificate({"pfxFile": "/nonexistent/orders.pfx"})
    assert "/nonexistent/orders.pfx" in said and "No such file" in said, said
    said = _with_certificate({"pfxFile": str(pki().orders.pfx), "passwordFile": "/nonexistent/orders.pass"})
    assert "/nonexistent/orders.pass" in said, said


def test_a_key_of_another_certificate_is_refused():
    _with_certificate({"pemFile": str(pki().orders.chain), "keyFile": str(pki().billing.key)})


def test_pem_files_are_as_good_as_a_pfx():
    with ScriptedOrigin(pki()) as origin:
        config = one_api(origin)
        config["certificates"] = [{"id": "orders", "pemFile": str(pki().orders.chain), "keyFile": str(pki().orders.key)}]
        with Signet(config) as signet:
            assert call(signet.port, "/api/x").status == 200
    assert origin.connections[0].chain == pki().orders.ders


def test_files_are_looked_for_beside_the_configuration():
    with tempfile.TemporaryDirectory(prefix="signet-beside-") as folder:
        place = pathlib.Path(folder)
        (place / "orders.pfx").write_bytes(pki().orders.pfx.read_bytes())
        (place / "orders.pass").write_text(PASSWORD)  # without a newline, which is as good
        config = gateway(backend("api", "https://127.0.0.1:1", pki().orders), listeners=[{"address": "127.0.0.1:1"}])
        config["certificates"] = [{"id": "orders", "pfxFile": "orders.pfx", "passwordFile": "orders.pass"}]
        (place / "signet.json").write_text(json.dumps(config))
        status, said = run_signet("check", place / "signet.json", cwd=pathlib.Path("/"))
    assert status == 0, said


# ---- commands ----------------------------------------------------------------------------------------------------------------------------


def _check(config: dict) -> tuple[int, str]:
    with tempfile.TemporaryDirectory(prefix="signet-check-") as folder:
        path = pathlib.Path(folder) / "signet.json"
        path.write_text(json.dumps({"listeners": [{"address": f"127.0.0.1:{free_port()}"}], **config}, indent=2))
        return run_signet("check", path)


def test_check_says_where_each_api_goes_and_as_whom():
    orders = backend("orders", "https://orders.internal:8443/v2", pki().orders)
    status, said = _check(gateway(orders, backend("plain", "https://plain.internal")))
    assert status == 0, said
    line, = [line for line in said.splitlines() if "/orders" in line]
    assert "https://orders.internal:8443/v2" in line and pki().orders.sha1.upper() in line, line


def test_check_names_the_certificate_that_each_api_chose():
    orders = backend("orders", "https://orders.internal", pki().orders)
    config = gateway(orders, backend("other", "https://other.internal", pki().billing))
    config["apis"].append({"id": "reports", "path": "reports", "backendId": "orders", "certificateId": "billing"})
    config["apis"].append({"id": "legacy", "path": "legacy", "serviceUrl": "https://other.internal/v1", "certificateId": "orders"})
    status, said = _check(config)
    assert status == 0, said
    lines = {line.split()[1]: line for line in said.splitlines() if line.startswith("API ")}
    for api, goes_to, client in (("orders", "backend orders", pki().orders), ("reports", "backend orders", pki().billing),
                                 ("legacy", "serviceUrl", pki().orders)):
        assert goes_to in lines[api] and client.sha1.upper() in lines[api], lines[api]


def test_check_refuses_what_run_refuses():
    config = gateway(backend("orders", "https://orders.internal", pki().orders))
    config["backends"][0]["credentials"]["certificateIds"] = ["nobody"]
    status, said = _check(config)
    assert status == 1 and re.search(r"signet\.json:\d+:\d+: /backends/0/credentials/certificateIds", said) and "nobody" in said, said
    plain = gateway(backend("orders", "http://orders.internal", pki().orders))
    status, said = _check(plain)
    assert status == 1 and re.search(r"signet\.json:\d+:\d+: /backends/0", said), "a certificate for a back end without TLS was taken"


def test_cert_inspect_shows_the_chain_and_never_the_key():
    for client in (pki().orders, pki().billing, pki().self_signed):
        status, said = run_signet("cert", "inspect", client.pfx, "--password-file", client.password_file)
        assert status == 0, said
        assert client.subject in said and client.sha1.upper() in said and client.sha256.upper() in said, said
        assert "PRIVATE KEY" not in said and PASSWORD not in said
    status, said = run_signet("cert", "inspect", pki().orders.chain, "--key", pki().orders.key)
    assert status == 0, said
    assert "client-issuing" in said and "client-policy" in said, said


def test_cert_inspect_explains_a_wrong_password():
    status, said = run_signet("cert", "inspect", pki().orders.pfx, "--password", "not this one")
    assert status == 1 and "password" in said.lower(), said
    assert "not this one" not in said, said


def test_version_is_the_project_s():
    version = re.search(r"version: '([^']+)'", (ROOT / "meson.build").read_text())
    status, said = run_signet("--version")
    assert status == 0
    assert said.splitlines()[0] == f"signet {version[1]}", said


def test_a_command_that_does_not_exist_is_refused():
    for arguments in (("fly",), (), ("run",), ("cert", "inspect")):
        status, _ = run_signet(*arguments)
        assert status not in (0, -6, -11), arguments
