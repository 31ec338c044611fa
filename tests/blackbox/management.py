# SPDX-License-Identifier: GPL-3.0-or-later
"""The management API as a test uses it: a `Signet` with an admin listener, and a client that speaks REST over TLS with its token."""

import base64
import dataclasses
import http.client
import json
import pathlib
import ssl
import tempfile
from urllib.parse import quote

from harness import Client, Signet, free_port, pki

TIMEOUT_S = 30.0


@dataclasses.dataclass(frozen=True)
class Answer:
    status: int
    fields: dict[str, str]
    body: bytes

    def json(self) -> dict:
        return json.loads(self.body)

    @property
    def properties(self) -> dict:
        return self.json()["properties"]

    @property
    def etag(self) -> str:
        return self.fields["etag"]

    @property
    def error(self) -> dict:
        """The error's envelope: code, message, details."""
        return self.json()["error"]


class Management:
    """A client of one gateway's management API; the short addresses (`/certificates/x`). Every call on a connection of its own."""

    def __init__(self, port: int, state: pathlib.Path):
        self.port, self.state = port, state

    @property
    def token(self) -> str:
        return (self.state / "admin.token").read_text().strip()

    def call(self, method: str, path: str, body: dict | None = None, **fields: str) -> Answer:
        """`fields`: header fields, "_" for "-"."""
        context = ssl.create_default_context(cafile=str(self.state / "admin.crt"))
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=TIMEOUT_S, context=context)
        try:
            headers = {"Authorization": f"Bearer {self.token}", **{name.replace("_", "-"): value for name, value in fields.items()}}
            content = None
            if body is not None:
                content = json.dumps(body)
                headers["Content-Type"] = "application/json"
            connection.request(method, path, content, headers)
            response = connection.getresponse()
            return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        return self.call("GET", path)

    def put(self, path: str, properties: dict, **fields: str) -> Answer:
        return self.call("PUT", path, {"properties": properties}, **fields)

    def patch(self, path: str, properties: dict, if_match: str = "*") -> Answer:
        return self.call("PATCH", path, {"properties": properties}, If_Match=if_match)

    def delete(self, path: str, if_match: str = "*") -> Answer:
        return self.call("DELETE", path, If_Match=if_match)

    # ---- what tests do again and again; each is expected to go well

    def upload(self, name: str, client: Client) -> Answer:
        data = base64.b64encode(client.pfx.read_bytes()).decode()
        return self._good(self.put(f"/certificates/{quote(name)}", {"data": data, "password": client.password}))

    def set_backend(self, name: str, url: str, **properties) -> Answer:
        return self._good(self.put(f"/backends/{quote(name)}", {"url": url, "protocol": "http", **properties}))

    def set_api(self, name: str, **properties) -> Answer:
        return self._good(self.put(f"/apis/{quote(name)}", {"displayName": name, "path": name, **properties}))

    def set_policy(self, scope: str, inbound: str, *, backend: str = "<base/>", outbound: str = "<base/>",
                   on_error: str = "<base/>") -> Answer:
        """`scope`: "" for the global one, "/apis/x", "/apis/x/operations/y"."""
        value = (f"<policies><inbound>{inbound}</inbound><backend>{backend}</backend><outbound>{outbound}</outbound>"
                 f"<on-error>{on_error}</on-error></policies>")
        return self._good(self.put(f"{scope}/policies/policy", {"format": "rawxml", "value": value}))

    @staticmethod
    def _good(answer: Answer) -> Answer:
        assert answer.status in (200, 201), f"{answer.status}: {answer.body.decode(errors='replace')}"
        return answer


class Managed(Signet):
    """`signet run` with a management API and an empty store; `api` speaks to it. The authority "test-ca" is in the file. `state`: goes on
    with the state directory of an earlier one."""

    def __init__(self, state: pathlib.Path | None = None, **config):
        self._state_folder = None if state else tempfile.TemporaryDirectory(prefix="signet-state-")
        state = state or pathlib.Path(self._state_folder.name) / "state"
        admin_port = free_port()
        super().__init__({
            "shards": 1,
            "admin": {"address": f"127.0.0.1:{admin_port}"},
            "stateDirectory": str(state),
            "certificateAuthorities": [pki().authority()],
            **config,
        })
        self.api = Management(admin_port, state)

    def __enter__(self) -> "Managed":
        super().__enter__()
        try:
            self.program.wait_until_listening(self.api.port)
        except AssertionError:
            self.__exit__(None)
            raise
        return self

    def __exit__(self, failure, *rest) -> None:
        super().__exit__(failure, *rest)
        if self._state_folder:
            self._state_folder.cleanup()
