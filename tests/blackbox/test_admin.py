# SPDX-License-Identifier: GPL-3.0-or-later
"""The management listener as its users meet it: TLS under a certificate of its own, tokens, HTTP, start and end."""

import hashlib
import json
import pathlib
import re
import signal
import socket
import ssl
import stat
import subprocess
import threading

from harness import COMMAND_S, MIB, ScriptedOrigin, Signet, call, free_port, one_api, openssl, pki, refusal_to_start
from processes import START_S

READ_TOKEN = "read-" + "r" * 40


def managed(origin: ScriptedOrigin, port: int, **admin) -> dict:
    return one_api(origin, admin={"address": f"127.0.0.1:{port}", **admin}, stateDirectory="state")


class Managed(Signet):
    """A program with a management listener."""

    def __init__(self, origin: ScriptedOrigin, **admin):
        self.admin_port = free_port()
        tokens = [{"name": "monitor", "role": "read", "sha256": hashlib.sha256(READ_TOKEN.encode()).hexdigest()}]
        super().__init__(managed(origin, self.admin_port, **{"tokens": tokens, **admin}))
        self.state = self.folder / "state"

    def __enter__(self) -> "Managed":
        super().__enter__()
        self.program.wait_until_listening(self.admin_port)
        return self

    @property
    def token(self) -> str:
        return (self.state / "admin.token").read_text().strip()

    def curl(self, path: str, *arguments: str, token: str | None = None, host: str = "127.0.0.1") -> tuple[int, str]:
        """Status and all that curl wrote: heads (-i) and content."""
        credentials = ["-H", f"Authorization: Bearer {token}"] if token else []
        done = subprocess.run(["curl", "-sS", "-i", "--max-time", "20", "--cacert", self.state / "admin.crt", *credentials, *arguments,
                               f"https://{host}:{self.admin_port}{path}"],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=COMMAND_S, check=False)
        assert done.returncode == 0, done.stderr.decode()
        said = done.stdout.decode()
        return int(re.findall(r"^HTTP/1\.1 (\d+)", said, re.M)[-1]), said

    def tls(self) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=self.state / "admin.crt")
        plain = socket.create_connection(("127.0.0.1", self.admin_port), timeout=START_S)
        return context.wrap_socket(plain, server_hostname="127.0.0.1")


def error_code(said: str) -> str:
    return json.loads(said.rsplit("\r\n\r\n", 1)[1])["error"]["code"]


# ---- TLS ---------------------------------------------------------------------------------------------------------------------------------


def test_curl_trusts_the_certificate_under_every_name_of_it():
    with ScriptedOrigin(pki()) as origin, Managed(origin) as signet:
        for host in ("127.0.0.1", "localhost"):
            status, said = signet.curl("/healthz", "-4", host=host)
            assert status == 200 and said.endswith('{"status":"ok"}'), said


def test_openssl_takes_the_certificate_for_a_server_and_nothing_else():
    with ScriptedOrigin(pki()) as origin, Managed(origin) as signet:
        certificate = str(signet.state / "admin.crt")
        for more in (["-verify_hostname", "localhost"], ["-verify_ip", "127.0.0.1"], ["-verify_ip", "::1"]):
            openssl("verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", certificate, *more, certificate)
        text = openssl("x509", "-in", certificate, "-noout", "-text")
        for expected in ("CA:FALSE", "TLS Web Server Authentication", "Digital Signature", "prime256v1", "ecdsa-with-SHA256",
                         "Subject Key Identifier", "DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1"):
            assert expected in text, text


def test_node_trusts_the_certificate():
    program = ("const https=require('https'),fs=require('fs');"
               "https.get({host:'127.0.0.1',port:process.argv[2],path:'/healthz',ca:fs.readFileSync(process.argv[1])},"
               "r=>{console.log(r.statusCode);r.resume()}).on('error',e=>{console.log(e.code)})")
    with ScriptedOrigin(pki()) as origin, Managed(origin) as signet:
        try:
            done = subprocess.run(["node", "-e", program, signet.state / "admin.crt", str(signet.admin_port)], capture_output=True,
                                  timeout=COMMAND_S, check=True)
        except FileNotFoundError:
            print("node is not installed here")
            return
        assert done.stdout.strip() == b"200", done.stdout


def test_tls_1_2_and_1_3_are_spoken_and_nothing_older():
    with ScriptedOrigin(pki()) as origin, Managed(origin) as signet:
        for version in ("TLSv1_2", "TLSv1_3"):
            context = ssl.create_default_context(cafile=signet.state / "admin.crt")
            context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
            context.set_alpn_protocols(["h2", "http/1.1"])
            with context.wrap_socket(socket.create_connection(("127.0.0.1", signet.admin_port)), server_hostname="localhost") as spoken:
                assert spoken.version() == version.replace("_", ".")
                assert spoken.selected_alpn_protocol() == "http/1.1"


def test_a_certificate_of_the_configuration_is_shown_instead():
    with ScriptedOrigin(pki()) as origin, Managed(origin, tls={"certificateId": "orders"}) as signet:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with context.wrap_socket(socket.create_connection(("127.0.0.1", signet.admin_port))) as spoken:
            shown = hashlib.sha1(spoken.getpeercert(binary_form=True)).hexdigest().upper()
        assert shown == pki().orders.sha1.upper()
        assert not (signet.state / "admin.crt").exists()


def test_without_tls_on_loopback():
    with ScriptedOrigin(pki()) as origin, Managed(origin, tls=False) as signet:
        response = call(signet.admin_port, "/healthz")
        assert (response.status, response.body) == (200, b'{"status":"ok"}')
        assert not (signet.state / "admin.crt").exists()


# ---- tokens ------------------------------------------------------------------------------------------------------------------------------


def test_tokens_decide_who_may_do_what():
    with ScriptedOrigin(pki()) as origin, Managed(origin) as signet:
        status, said = signet.curl("/no-such-thing")
        assert status == 401 and error_code(said) == "AuthenticationFailed", said
        assert "WWW-Authenticate: Bearer\r\n" in said
        status, said = signet.curl("/no-such-thing", token="wrong" * 10)
        assert status == 401 and error_code(said) == "AuthenticationFailed", said
        assert signet.curl("/no-such-thing", token=signet.token)[0] == 404
        assert signet.curl("/no-such-thing", token=READ_TOKEN)[0] == 404
        status, said = signet.curl("/no-such-thing", "-X", "DELETE", token=READ_TOKEN)
        assert status == 403 and error_code(said) == "AuthorizationFailed", said
        assert signet.curl("/no-such-thing", "-X", "DELETE", token=signet.token)[0] != 403


def test_wrong_tokens_are_slowed_and_logged_and_a_valid_one_is_neither():
    with ScriptedOrigin(pki()) as origin, Managed(origin) as signet:
        wrong = [threading.Thread(target=signet.curl, args=("/x",), kwargs={"token": "wrong" * 10}) for _ in range(6)]
        for thread in wrong:
            thread.start()
        signet.program.wait_for_log("management: wrong token from 127.0.0.1")
        status, _ = signet.curl("/no-such-thing", token=signet.token)
        assert status == 404
        assert any(thread.is_alive() for thread in wrong), "the answers to wrong tokens were not slower than a valid call"
        for thread in wrong:
            thread.join()
        assert signet.log.count("wrong token") == 1, signet.log


def test_no_token_ever_stands_in_the_log():
    with ScriptedOrigin(pki()) as origin, Managed(origin) as signet:
        token = signet.token
        signet.curl("/no-such-thing", "-X", "PUT", "-H", "Content-Type: application/json", "-d", '{"secret":"in-the-body"}', token=token)
        signet.curl("/no-such-thing", token="wrong" * 10)
        assert "principal=bootstrap peer=127.0.0.1 method=PUT path=\"/no-such-thing\" status=" in signet.log, signet.log
        for secret in (token, "wrongwrong", "in-the-body", READ_TOKEN):
            assert secret not in signet.log, signet.log
        assert str(signet.state.name) + "/admin.token" in signet.log


def test_a_reload_brings_and_takes_tokens():
    with ScriptedOrigin(pki()) as origin, Managed(origin) as signet:
        assert signet.curl("/x", token=READ_TOKEN)[0] == 404
        config = json.loads(signet.config_file.read_text())
        new = "new-" + "n" * 40
        config["admin"]["tokens"] = [{"name": "new", "role": "write", "sha256": hashlib.sha256(new.encode()).hexdigest()}]
        config["watchFiles"] = False
        signet.config_file.write_text(json.dumps(config))
        signet.signal(signal.SIGHUP)
        signet.program.wait_for_log("reload applied")
        assert signet.curl("/x", token=READ_TOKEN)[0] == 401
        assert signet.curl("/x", token=new)[0] == 404
        assert signet.curl("/x", token=signet.token)[0] == 404


# ---- the state directory -----------------------------------------------------------------------------------------------------------------


def _mode(path: pathlib.Path) -> str:
    return oct(stat.S_IMODE(path.stat().st_mode))


def test_what_is_made_is_for_its_owner_and_stays_from_start_to_start():
    with ScriptedOrigin(pki()) as origin:
        signet = Managed(origin)
        with signet:
            assert _mode(signet.state) == "0o700"
            assert _mode(signet.state / "admin.token") == "0o600"
            assert _mode(signet.state / "admin.key") == "0o600"
            assert _mode(signet.state / "admin.crt") == "0o644"
            made = {name: (signet.state / name).read_text() for name in ("admin.token", "admin.key", "admin.crt")}
            assert signet.stop() == 0
            again = Signet.__new__(Managed)
            again.__dict__.update(signet.__dict__)
            again.program = type(signet.program)(signet.program.arguments, signet.folder / "again.log", cwd=signet.folder)
            try:
                again.program.wait_until_listening(signet.admin_port)
                assert again.curl("/no-such-thing", token=made["admin.token"].strip())[0] == 404
            finally:
                assert again.program.stop() == 0
            for name, content in made.items():
                assert (signet.state / name).read_text() == content, name


def test_a_management_listener_that_cannot_start_ends_the_program_with_its_reason():
    with ScriptedOrigin(pki()) as origin, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refusal_to_start(managed(origin, port))
        assert f"127.0.0.1:{port}" in said, said
        said = refusal_to_start(one_api(origin, admin={"address": "127.0.0.1:0"}))
        assert 'expected "stateDirectory" too' in said, said
        said = refusal_to_start(one_api(origin, admin={"address": "127.0.0.1:0"}, stateDirectory="none/state"))
        assert "the folder none/state cannot be made: No such file or directory" in said, said
        said = refusal_to_start(one_api(origin, admin={"address": "127.0.0.1:0", "tls": {"certificateId": "nobody"}}, stateDirectory="s"))
        assert "/admin/tls/certificateId" in said and "nobody" in said, said


def test_without_a_state_directory_nothing_is_written():
    with ScriptedOrigin(pki()) as origin, Signet(one_api(origin)) as signet:
        assert call(signet.port, "/api/x").status == 200
        assert sorted(path.name for path in signet.folder.iterdir()) == ["signet.json", "signet.log"]


# ---- HTTP --------------------------------------------------------------------------------------------------------------------------------


def test_many_requests_go_over_one_connection():
    with ScriptedOrigin(pki()) as origin, Managed(origin) as signet:
        url = f"https://127.0.0.1:{signet.admin_port}/healthz"
        done = subprocess.run(["curl", "-sS", "--cacert", signet.state / "admin.crt", "-w", "%{num_connects} %{http_code}\n",
                               *["-o", "/dev/null", url] * 3], capture_output=True, timeout=COMMAND_S, check=True)
        assert done.stdout.decode().split("\n")[:3] == ["1 200", "0 200", "0 200"], done.stdout


def test_head_has_no_content():
    with ScriptedOrigin(pki()) as origin, Managed(origin) as signet:
        status, said = signet.curl("/no-such-thing", "--head", token=signet.token)
        assert status == 404 and said.endswith("\r\n\r\n"), said
        assert re.search(r"^Content-Length: [1-9]", said, re.M), said


def test_a_body_is_asked_for_with_100_continue():
    with ScriptedOrigin(pki()) as origin, Managed(origin) as signet:
        body = json.dumps({"properties": {"data": "x" * len(MIB)}})
        path = signet.folder / "body.json"
        path.write_text(body)
        status, said = signet.curl("/no-such-thing", "-X", "PUT", "-H", "Content-Type: application/json", "-H", "Expect: 100-continue",
                                   "--data-binary", f"@{path}", token=signet.token)
        assert said.startswith("HTTP/1.1 100 Continue\r\n\r\n") and status == 404, said
        status, said = signet.curl("/no-such-thing", "-X", "PUT", "-H", "Expect: 100-continue", "--data-binary", f"@{path}",
                                   token="wrong" * 10)
        assert "100 Continue" not in said and status == 401, said


def test_a_body_over_8_mib_is_refused():
    with ScriptedOrigin(pki()) as origin, Managed(origin) as signet:
        path = signet.folder / "body.json"
        path.write_bytes(b" " * (8 * len(MIB) + 1))
        json_type = ("-H", "Content-Type: application/json", "-X", "PUT", "--data-binary", f"@{path}")
        for more in ((), ("-H", "Transfer-Encoding: chunked")):
            status, said = signet.curl("/no-such-thing", *json_type, *more, token=signet.token)
            assert status == 413 and error_code(said) == "RequestEntityTooLarge", said


def test_a_body_that_is_not_json_is_refused():
    with ScriptedOrigin(pki()) as origin, Managed(origin) as signet:
        status, said = signet.curl("/no-such-thing", "-X", "PUT", "-d", "a=b", token=signet.token)
        assert status == 415 and error_code(said) == "UnsupportedMediaType", said


def test_connections_without_a_token_cannot_keep_out_one_with():
    with ScriptedOrigin(pki()) as origin, Managed(origin) as signet:
        silent = [socket.create_connection(("127.0.0.1", signet.admin_port)) for _ in range(300)]
        try:
            assert signet.curl("/no-such-thing", token=signet.token)[0] == 404
        finally:
            for each in silent:
                each.close()


def test_nonsense_instead_of_tls_or_http_ends_the_connection_and_nothing_else():
    with ScriptedOrigin(pki()) as origin, Managed(origin) as signet:
        with socket.create_connection(("127.0.0.1", signet.admin_port), timeout=START_S) as plain:
            plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            while plain.recv(4096):
                pass
        with signet.tls() as spoken:
            spoken.sendall(b"nonsense\r\n\r\n")
            said = b""
            while piece := spoken.recv(4096):
                said += piece
        assert said.startswith(b"HTTP/1.1 400 ") and b'{"error":{"code":"BadRequest"' in said, said
        assert signet.curl("/healthz")[0] == 200


# ---- the end -----------------------------------------------------------------------------------------------------------------------------


def test_sigterm_ends_the_listener_with_the_program():
    with ScriptedOrigin(pki()) as origin, Managed(origin) as signet:
        with signet.tls() as idle:
            idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            assert idle.recv(4096).startswith(b"HTTP/1.1 200 ")
            with signet.tls() as half:
                half.sendall(b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n"
                             b"Authorization: Bearer " + signet.token.encode() + b"\r\n\r\n{")
                signet.signal()
                assert signet.wait() == 0
            assert idle.recv(4096) == b""


def test_sigterm_amid_many_requests_cuts_no_answer_short():
    """Every connection sees whole answers and then an orderly end."""
    with ScriptedOrigin(pki()) as origin, Managed(origin) as signet:
        request = (f"DELETE /no-such-thing HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {signet.token}\r\n\r\n").encode()
        started, faults = threading.Barrier(9), []

        def client() -> None:
            try:
                with signet.tls() as spoken:
                    started.wait(START_S)
                    said = b""
                    while True:
                        spoken.sendall(request)
                        piece = spoken.recv(65536)
                        if not piece:
                            break
                        said += piece
            except (ConnectionError, ssl.SSLEOFError):
                pass  # it was sent after the end
            except Exception as fault:  # pylint: disable=broad-except  # shown by the test
                faults.append(repr(fault))
                return
            if said.count(b"HTTP/1.1 ") != said.count(b"}}"):
                faults.append(f"an answer was cut short: {said[-300:]!r}")

        threads = [threading.Thread(target=client) for _ in range(8)]
        for thread in threads:
            thread.start()
        started.wait(START_S)
        signet.signal()
        assert signet.wait() == 0
        for thread in threads:
            thread.join()
        assert not faults, faults
