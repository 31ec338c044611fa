# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line over the management API, against a management API without a gateway."""

import contextlib
import functools
import json
import os
import pathlib
import pty
import subprocess
import tempfile

from fake_management import MASK, TOKEN, FakeManagement, connection
from harness import COMMAND_S, PASSWORD, binary, pki

POLICY = ("<policies><inbound><base /></inbound><backend><base /></backend><outbound><base /></outbound>"
          "<on-error><base /></on-error></policies>")


class Bench:
    """A gateway's management API and a folder. `run` calls signet with the options that lead there."""

    def __init__(self, fake: FakeManagement, folder: pathlib.Path):
        self.fake = fake
        self.folder = folder
        self.options = connection(fake, folder, pki().server_root.certificate)

    def run(self, *arguments, status: int = 0, text_input: str = "") -> str:
        """Standard output; standard error is in `said`."""
        return self.bare(*arguments, *self.options, status=status, text_input=text_input)

    def bare(self, *arguments, status: int = 0, text_input: str = "", environment: dict | None = None) -> str:
        plain = {name: value for name, value in os.environ.items() if not name.startswith("SIGNET_")}
        plain |= {"HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder / "config"), **(environment or {})}
        done = subprocess.run([binary(), *map(str, arguments)], input=text_input, capture_output=True, text=True, timeout=COMMAND_S,
                              env=plain, cwd=self.folder, check=False, start_new_session=True)
        self.said = done.stderr
        assert TOKEN not in done.stdout + done.stderr and PASSWORD not in done.stdout + done.stderr, done.stdout + done.stderr
        assert done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def file(self, name: str, content: dict | list | str) -> str:
        (self.folder / name).write_text(content if isinstance(content, str) else json.dumps(content))
        return str(self.folder / name)

    def add_certificate(self, name: str = "orders") -> None:
        self.run("cert", "add", name, pki().orders.pfx, "--password-file", pki().orders.password_file)


@contextlib.contextmanager
def bench():
    with tempfile.TemporaryDirectory(prefix="signet-cli-") as folder, FakeManagement(pki().server) as fake:
        yield Bench(fake, pathlib.Path(folder))


def with_bench(test):
    @functools.wraps(test)
    def run():
        with bench() as made:
            test(made)
    del run.__wrapped__  # the runner looks at the signature
    return run


# ---- certificates ------------------------------------------------------------------------------------------------------------------------


@with_bench
def test_a_certificate_is_uploaded_listed_and_removed(it: Bench):
    told = it.run("cert", "add", "orders", pki().orders.pfx, "--password-file", pki().orders.password_file)
    assert "certificate orders added" in told and pki().orders.sha1.upper() in told, told
    told = it.run("cert", "add", "orders", pki().orders.pfx, "--password-file", pki().orders.password_file)
    assert "certificate orders replaced" in told, told
    head, row = it.run("cert", "list").splitlines()
    assert head.split() == ["ID", "SUBJECT", "THUMBPRINT", "EXPIRES", "EXPIRES", "IN", "USED", "BY"], head
    assert row.startswith("orders  CN=orders,O=Contoso  ") and " days" in row, row
    assert "CN=orders" in it.run("cert", "show", "orders")
    assert it.run("cert", "remove", "orders") == "certificate orders removed\n"
    assert it.fake.objects == {}
    it.run("cert", "remove", "orders", status=3)
    assert "there is no certificate orders" in it.said


@with_bench
def test_a_certificate_in_use_is_not_removed_and_its_users_are_told_one_per_line(it: Bench):
    it.add_certificate()
    for name in ("one", "two"):
        it.fake.put(f"backends/{name}", {"url": "https://x.example/", "credentials": {"certificateIds": ["orders"]}})
    it.run("cert", "remove", "orders", status=4)
    lines = it.said.splitlines()
    assert lines[1:] == ["  'backends/one' uses it (backends/one)", "  'backends/two' uses it (backends/two)"], it.said
    assert "certificates/orders" in it.fake.objects
    assert it.run("cert", "list").rstrip().endswith("backends/one, backends/two")


@with_bench
def test_an_expired_certificate_is_told_as_such(it: Bench):
    it.fake.put("certificates/old", {"subject": "CN=old", "thumbprint": "AB", "expirationDate": "2020-02-01T00:00:00Z"})
    assert "EXPIRED" in it.run("cert", "list")


@with_bench
def test_faults_of_a_pfx_are_told_before_anything_is_sent(it: Bench):
    wrong = it.file("wrong.pass", "wrong")
    it.run("cert", "add", "x", pki().orders.pfx, "--password-file", wrong, status=1)
    assert "password is wrong" in it.said, it.said
    it.run("cert", "add", "x", pki().orders.certificate, status=1)
    assert "this one is PEM" in it.said and "openssl pkcs12 -export" in it.said, it.said
    it.run("cert", "add", "x", pki().orders.pfx, status=1)  # no terminal, no password
    it.run("cert", "add", "x", pki().orders.pfx, "--password", "x", status=1)  # there is no such option
    assert it.fake.requests == []


@with_bench
def test_the_password_may_come_from_standard_input_or_a_variable(it: Bench):
    it.run("cert", "add", "one", pki().orders.pfx, "--password-file", "-", text_input=PASSWORD + "\n")
    it.bare("cert", "add", "two", pki().orders.pfx, "--password-env", "PFX", *it.options, environment={"PFX": PASSWORD})
    assert set(it.fake.objects) == {"certificates/one", "certificates/two"}


@with_bench
def test_the_password_is_asked_for_without_echo(it: Bench):
    child, terminal = pty.fork()
    if child == 0:
        os.execv(binary(), [str(binary()), "cert", "add", "orders", str(pki().orders.pfx), *it.options])
    output = b""
    while b"Password of" not in output or not output.rstrip().endswith(b":"):
        output += os.read(terminal, 1000)
    os.write(terminal, PASSWORD.encode() + b"\n")
    with contextlib.suppress(OSError):  # the end of a terminal
        while more := os.read(terminal, 1000):
            output += more
    status = os.waitpid(child, 0)[1]
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0, output
    assert b"certificate orders added" in output and PASSWORD.encode() not in output, output


# ---- backends and APIs -------------------------------------------------------------------------------------------------------------------


@with_bench
def test_a_backend_keeps_the_settings_that_are_not_named(it: Bench):
    it.add_certificate()
    told = it.run("backend", "set", "orders", "--url", "https://orders.internal/v2", "--cert", "orders",
                  "--skip-certificate-chain-validation")
    assert "backend orders added" in told and "NOT chain, name" in told, told
    it.fake.objects["backends/orders"]["timeouts"] = {"connect": "3s"}
    told = it.run("backend", "set", "orders", "--validate-certificate-chain", "--skip-certificate-name-validation", "--title", "Orders")
    assert "backend orders changed" in told and "chain, NOT name" in told, told
    assert it.fake.objects["backends/orders"] == {
        "url": "https://orders.internal/v2", "protocol": "http", "title": "Orders", "timeouts": {"connect": "3s"},
        "credentials": {"certificateIds": ["orders"]}, "tls": {"validateCertificateChain": True, "validateCertificateName": False}}
    row = it.run("backend", "list").splitlines()[1]
    assert row.split() == ["orders", "https://orders.internal/v2", "orders", "chain,", "NOT", "name", "Orders"], row
    assert "timeouts.connect" in it.run("backend", "show", "orders")
    it.run("backend", "reconnect", "orders", "--after", "PT2M")
    assert it.fake.requests[-1] == ("POST", "backends/orders/reconnect")
    it.run("backend", "remove", "orders")
    it.run("backend", "set", "new", status=1)
    assert "expected --url" in it.said


@with_bench
def test_a_write_that_the_gateway_refuses_says_why(it: Bench):
    it.run("backend", "set", "orders", "--url", "https://orders.internal", "--cert", "missing", status=2)
    assert "One or more fields" in it.said and "certificates/missing not found. (credentials)" in it.said, it.said


@with_bench
def test_an_api_gets_its_certificate_in_its_policy_and_loses_it_again(it: Bench):
    it.add_certificate()
    it.run("backend", "set", "orders", "--url", "https://orders.internal")
    it.run("api", "set", "orders", "--backend", "orders", status=1)
    assert "expected --path" in it.said
    it.run("api", "set", "orders", "--path", "shop/orders", "--backend", "orders", "--cert", "missing", status=3)
    assert "apis/orders" not in it.fake.objects
    told = it.run("api", "set", "orders", "--path", "shop/orders", "--backend", "orders", "--cert", "orders")
    assert told == "API orders added: /shop/orders -> backend orders, under certificate orders\n", told
    assert '<authentication-certificate certificate-id="orders"' in it.run("api", "policy", "get", "orders")
    row = it.run("api", "list").splitlines()[1]
    assert row.split() == ["orders", "/shop/orders", "backend", "orders", "orders", "orders"], row
    it.run("cert", "remove", "orders", status=4)
    it.run("api", "set", "orders", "--no-cert", "--service-url", "https://elsewhere.example")
    assert it.fake.objects["apis/orders"] == {"path": "shop/orders", "displayName": "orders", "serviceUrl": "https://elsewhere.example",
                                              "protocols": ["http", "https"], "subscriptionRequired": False}
    it.run("cert", "remove", "orders")
    it.run("api", "remove", "orders")
    assert "apis/orders/policies/policy" not in it.fake.objects


@with_bench
def test_policies_are_read_and_written_as_they_are(it: Bench):
    it.fake.put("apis/a", {"path": "a"})
    it.fake.put("apis/a/operations/get", {"method": "GET", "urlTemplate": "/"})
    it.run("api", "policy", "set", "a", it.file("a.xml", POLICY))
    it.run("api", "policy", "set", "a", "--operation", "get", "-", text_input=POLICY)
    it.run("policy", "set", it.file("global.xml", POLICY))
    for scope in (["api", "policy", "get", "a"], ["api", "policy", "get", "a", "--operation", "get"], ["policy", "get"]):
        assert it.run(*scope) == POLICY + "\n"
    it.run("policy", "remove")
    it.run("policy", "get", status=3)
    it.run("api", "policy", "get", "none", status=3)


# ---- who and where -----------------------------------------------------------------------------------------------------------------------


@with_bench
def test_what_stands_between_us_and_the_gateway_is_told(it: Bench):
    it.bare("cert", "list", *it.options[:4], status=6)  # the system's authorities do not know it
    assert "not trusted" in it.said and "--ca-file" in it.said and "admin.crt" in it.said, it.said
    other = it.file("other-token", "another")
    it.bare("cert", "list", *it.options[:2], *it.options[4:], "--token-file", other, status=5)
    assert "is not accepted" in it.said and other in it.said, it.said
    assert "chmod 600" in it.said, it.said  # others may read it
    it.bare("cert", "list", "--endpoint", "http://192.0.2.1:9443", *it.options[2:], status=1)
    assert "expected https" in it.said
    it.bare("cert", "list", status=5)
    assert "no token" in it.said


@with_bench
def test_endpoint_and_token_come_from_environment_file_or_state_directory(it: Bench):
    endpoint, token, authority = it.options[1::2]
    it.bare("cert", "list", environment={"SIGNET_ENDPOINT": endpoint, "SIGNET_TOKEN": TOKEN, "SIGNET_CA_FILE": authority})
    it.bare("cert", "list", environment={"SIGNET_ENDPOINT": endpoint, "SIGNET_TOKEN_FILE": token, "SIGNET_CA_FILE": authority})
    (it.folder / "config/signet").mkdir(parents=True)
    user_file = it.folder / "config/signet/config.json"
    user_file.write_text(json.dumps({"endpoint": endpoint, "tokenFile": "../../token", "caFile": authority}))
    it.bare("cert", "list")
    user_file.write_text(json.dumps({"endpiont": endpoint}))
    it.bare("cert", "list", status=1)
    assert "endpiont" in it.said
    (it.folder / "state").mkdir()
    (it.folder / "state/admin.token").write_text(TOKEN + "\n")
    (it.folder / "state/admin.crt").write_text(pki().server_root.certificate.read_text())
    it.bare("cert", "list", "--state-directory", "state", "--endpoint", endpoint)
    # Its token is not sent to where the environment leads.
    it.bare("cert", "list", "--state-directory", "state", environment={"SIGNET_ENDPOINT": endpoint}, status=6)


@with_bench
def test_lists_are_read_to_their_last_page_from_the_endpoint_alone(it: Bench):
    for number in range(8):
        it.fake.put(f"backends/b{number}", {"url": "https://x.example"})
    assert [each["name"] for each in json.loads(it.run("backend", "list", "--output", "json"))] == [f"b{number}" for number in range(8)]


@with_bench
def test_control_characters_of_an_answer_do_not_reach_the_terminal(it: Bench):
    it.fake.put("backends/b", {"url": "https://x.example", "title": "a\x1b[2J\u0085é"})
    assert "a\\x1b[2J\\xc2\\x85é" in it.run("backend", "list")


# ---- apply, export -----------------------------------------------------------------------------------------------------------------------


def wanted(**more) -> dict:
    return {
        "certificates": [{"id": "orders", "pfxFile": str(pki().orders.pfx), "passwordFile": str(pki().orders.password_file)}],
        "backends": [{"id": "all", "type": "Pool", "pool": {"services": [{"id": "orders"}]}},
                     {"id": "orders", "url": "https://orders.internal",
                      "credentials": {"certificateIds": ["orders"], "header": {"X-Key": ["v"]}}}],
        "apis": [{"id": "orders", "path": "orders", "backendId": "all", "policy": POLICY,
                  "operations": [{"id": "get", "method": "GET", "urlTemplate": "/{id}", "policy": POLICY}]}],
        **more,
    }


@with_bench
def test_apply_writes_in_an_order_in_which_references_resolve_and_twice_changes_nothing(it: Bench):
    file = it.file("want.json", wanted())
    told = it.run("apply", "-f", file, "--dry-run")
    assert "+ certificate orders" in told and "7 to add" in told and "dry run" in told, told
    assert it.fake.writes() == []
    told = it.run("apply", "-f", file)
    assert [path for _, path in it.fake.writes()] == ["certificates/orders", "backends/orders", "backends/all", "apis/orders",
                                                      "apis/orders/operations/get", "apis/orders/policies/policy",
                                                      "apis/orders/operations/get/policies/policy"], it.fake.writes()
    before = len(it.fake.writes())
    assert it.run("apply", "-f", file, "--prune") == "no changes\n"
    assert len(it.fake.writes()) == before


@with_bench
def test_apply_shows_and_writes_only_what_differs(it: Bench):
    it.run("apply", "-f", it.file("want.json", wanted()))
    del it.fake.requests[:]
    changed = wanted()
    changed["backends"][1] |= {"url": "https://orders.internal/v2", "tls": {"validateCertificateChain": False}}
    told = it.run("apply", "-f", it.file("want.json", changed))
    assert told.splitlines() == ["~ backend orders", "    + tls: {\"validateCertificateChain\":false}",
                                 "    ~ url: \"https://orders.internal\" → \"https://orders.internal/v2\"",
                                 "plan: 0 to add, 1 to change, 0 to remove", "applied"], told
    assert it.fake.writes() == [("PUT", "backends/orders")]
    assert it.fake.objects["backends/orders"]["credentials"]["header"] == {"X-Key": ["v"]}
    told = it.run("apply", "-f", it.file("want.json", changed), "--rewrite-secrets")
    assert "(secret)" in told and it.fake.writes()[1:] == [("PUT", "backends/orders")], told


@with_bench
def test_apply_removes_only_with_prune_and_never_what_the_gateways_file_defines(it: Bench):
    it.run("apply", "-f", it.file("want.json", wanted()))
    for name in ("apis/file", "backends/file", "apis/file/operations/get"):
        it.fake.put(name, {"url": "https://x.example", "path": "file"})
        it.fake.fixed.add(name)
    less = it.file("less.json", {"certificates": wanted()["certificates"]})
    del it.fake.requests[:]
    assert it.run("apply", "-f", less) == "no changes\n"
    told = it.run("apply", "-f", less, "--prune")
    assert it.fake.writes() == [("DELETE", "apis/orders"), ("DELETE", "backends/all"), ("DELETE", "backends/orders")], told
    assert "− API orders" in told and "file" not in told, told


@with_bench
def test_apply_that_is_refused_says_where_it_stopped(it: Bench):
    bad = wanted()
    bad["backends"][1]["credentials"]["certificateIds"] = ["missing"]
    it.run("apply", "-f", it.file("want.json", bad), status=2)
    assert "backend orders: " in it.said and "1 of 7 steps are done" in it.said, it.said


@with_bench
def test_apply_does_not_overwrite_what_has_changed_meanwhile(it: Bench):
    it.run("apply", "-f", it.file("want.json", wanted()))
    changed = wanted()
    changed["backends"][1]["url"] = "https://new.internal"
    it.fake.answers["PUT", "backends/orders"] = (412, {"error": {"code": "PreconditionFailed", "message": "Stale."}})
    it.run("apply", "-f", it.file("want.json", changed), status=4)
    assert "somebody else has changed it" in it.said


@with_bench
def test_faults_of_the_file_are_told_with_their_place(it: Bench):
    for content, expected in (
            ({"listeners": []}, "/listeners: expected $schema, certificates, backends"),
            ({"apis": {}}, "/apis: expected a list"),
            ({"apis": [{"path": "x"}]}, "/apis/0: expected an object with an id"),
            ({"backends": [{"id": "a"}, {"id": "a"}]}, "/backends/1: backend a stands in the file twice"),
            ({"certificates": [{"id": "a"}]}, "/certificates/0: expected one of pfxFile, keyVault"),
            ({"certificates": [{"id": "a", "thumbprint": "AB"}]}, "certificate a with thumbprint AB is not on the gateway"),
            ("{\"apis\": [\n  x]}", "not JSON: at line 2"),
    ):
        it.run("apply", "-f", it.file("bad.json", content), status=1)
        assert expected in it.said, it.said
    assert it.fake.writes() == []


@with_bench
def test_an_export_is_what_apply_takes_without_changes_and_has_no_secrets(it: Bench):
    it.run("apply", "-f", it.file("want.json", wanted(policy=POLICY)))
    exported = it.run("export")
    assert "private key stays on the gateway" in it.said and "credentials are shown as" in it.said, it.said
    assert json.loads(exported)["backends"][1]["credentials"]["header"] == {"X-Key": [MASK]}
    assert json.loads(exported)["policy"] == POLICY
    assert it.run("apply", "-f", it.file("exported.json", exported), "--prune") == "no changes\n"


# ---- import ------------------------------------------------------------------------------------------------------------------------------


def arm(kind: str, name: str, **properties) -> dict:
    return {"type": f"Microsoft.ApiManagement/service/{kind}", "name": f"[concat(parameters('service'), '/{name}')]",
            "apiVersion": "2024-05-01", "properties": properties}


@with_bench
def test_an_arm_template_is_imported_and_what_is_left_out_is_told(it: Bench):
    it.add_certificate()
    certificate = "[resourceId('Microsoft.ApiManagement/service/certificates', parameters('service'), 'orders')]"
    template = {
        "parameters": {"service": {"type": "string"}, "url": {"type": "string", "defaultValue": "https://orders.internal"}},
        "resources": [
            arm("certificates", "orders", keyVault={"secretIdentifier": "https://vault.example/secrets/orders"}),
            arm("certificates", "other", keyVault={"secretIdentifier": "https://vault.example/secrets/other"}),
            arm("backends", "orders", url="[parameters('url')]", protocol="http", proxy={"url": "http://proxy.example"},
                credentials={"certificateIds": [certificate]}),
            arm("apis", "orders", displayName="Orders", path="orders", protocols=["https"], subscriptionRequired=True, apiRevision="1"),
            arm("apis/operations", "orders/get", displayName="Get", method="GET", urlTemplate="/{id}"),
            arm("apis/policies", "orders/policy", format="rawxml", value=POLICY.replace("{{", "")),
            arm("products", "starter", displayName="Starter"),
        ],
    }
    file = it.file("template.json", template)
    told = it.run("import", file, "--dry-run", status=7)
    assert "4 to add" in told and it.fake.writes() == [("PUT", "certificates/orders")], told
    told = it.run("import", file, status=7)
    for part in ("products/starter: is not carried over", "API orders: asks for a subscription key",
                 "backend orders: its proxy is not carried over",
                 "certificate other: its key is not in the file but in https://vault.example/secrets/other"):
        assert part in told, told
    assert "certificate orders: " not in told, told
    assert it.fake.objects["backends/orders"]["credentials"] == {"certificateIds": ["orders"]}
    assert it.fake.objects["apis/orders"] == {"displayName": "Orders", "path": "orders", "protocols": ["https"]}
    assert set(it.fake.objects) >= {"apis/orders/operations/get", "apis/orders/policies/policy"}


@with_bench
def test_an_import_goes_on_behind_what_the_gateway_refuses(it: Bench):
    it.fake.answers["PUT", "apis/one"] = (400, {"error": {"code": "ValidationError", "message": "No."}})
    prefix = "/subscriptions/x/resourceGroups/g/providers/Microsoft.ApiManagement/service/s"
    listed = [{"id": f"{prefix}/apis/{name}", "name": name, "path": name, "displayName": name, "serviceUrl": "https://x.example",
               "isCurrent": True, "type": "Microsoft.ApiManagement/service/apis"} for name in ("one", "two")]
    listed.append({"id": f"{prefix}/apis/one/operations/get", "name": "get", "method": "GET", "urlTemplate": "/"})
    told = it.run("import", it.file("apis.json", listed), status=7)
    assert "API one: the gateway refused it: No." in told and "operation one/get: is not carried over" in told, told
    assert set(it.fake.objects) == {"apis/two"}
    told = it.run("import", it.file("two.json", {"value": listed[1:2]}))
    assert told == "no changes\n", told
    it.run("import", it.file("none.json", {"x": 1}), status=1)


# ---- completion --------------------------------------------------------------------------------------------------------------------------


def complete(script: str, *words: str) -> set[str]:
    """What bash would offer for the last word."""
    line = " ".join(f"'{word}'" for word in words)
    commands = f'COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _signet; printf "%s\\n" "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", f"{script}\n{commands}"], capture_output=True, text=True, timeout=COMMAND_S, check=True)
    return set(done.stdout.split())


@with_bench
def test_completion_offers_commands_options_and_values(it: Bench):
    script = it.bare("completion", "bash")
    assert {"cert", "backend", "api", "apply", "import", "run"} <= complete(script, "signet", "")
    assert complete(script, "signet", "cert", "re") == {"remove"}
    assert complete(script, "signet", "api", "policy", "g") == {"get"}
    assert complete(script, "signet", "backend", "set", "orders", "--skip-certificate-c") == {"--skip-certificate-chain-validation"}
    assert complete(script, "signet", "cert", "list", "--output", "") == {"table", "json"}
    assert it.bare("completion", "zsh").startswith("#compdef signet")
    assert "complete -c signet" in it.bare("completion", "fish")
    it.bare("completion", "csh", status=1)
