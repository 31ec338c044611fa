# SPDX-License-Identifier: GPL-3.0-or-later
"""A back end whose every byte a test decides: TLS by Python's ssl module, one thread per connection."""

import collections.abc
import dataclasses
import socket
import ssl
import threading

from http_client import TIMEOUT_S, Closed, Message, Reader
from pki import Pair, Pki


def answer(body: bytes = b"fine", status: str = "200 OK", fields: dict[str, str] | None = None) -> bytes:
    more = "".join(f"{name}: {value}\r\n" for name, value in (fields or {}).items())
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{more}"
    return head.encode("latin-1") + b"\r\n" + body


@dataclasses.dataclass
class Connection:
    """One connection after its handshake, as a script sees it."""

    number: int
    socket: ssl.SSLSocket | socket.socket
    reader: Reader
    chain: list[bytes]  # what the client sent, DER, leaf first
    version: str
    resumed: bool

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)


def chain_of(connection: ssl.SSLSocket) -> list[bytes]:
    # Public from Python 3.13 on; before that the same call one level down.
    if hasattr(connection, "get_unverified_chain"):
        return list(connection.get_unverified_chain())
    certificates = connection._sslobj.get_unverified_chain() or []
    # Without a certificate, CPython lists None for the leaf.
    return [ssl.PEM_cert_to_DER_cert(certificate.public_bytes()) for certificate in certificates if certificate]


Script = collections.abc.Callable[[Connection, Message], bytes | None]


class ScriptedOrigin:
    """Reads proper requests and answers each with what `script(connection, request)` returns; None ends the connection. A script may read
    and write on the connection itself. With `head_only` it is called before the body has been read. With `late` (TLS 1.3) the certificate
    is asked for when the script says so: `connection.socket.verify_client_post_handshake()`.

    Keeps `requests` in the order of arrival, `connections` with what their handshakes showed, and `accepted`, which counts TCP connections:
    a test that says "the back end is not reached" asserts on the last."""

    def __init__(self, pki: Pki, certificate: Pair | None = None, *, script: Script = lambda _connection, _request: answer(),
                 tls: bool = True, version: ssl.TLSVersion | None = None, head_only: bool = False,
                 demand: ssl.VerifyMode = ssl.CERT_REQUIRED, late: bool = False):
        certificate = certificate or pki.server
        self.requests: list[Message] = []
        self.connections: list[Connection] = []
        self.accepted = 0
        self.failures: list[str] = []  # handshakes that failed, malformed requests, faults of the script
        self._script, self._head_only = script, head_only
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._context = None
        if tls:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate.chain, certificate.key)
            self._context.load_verify_locations(pki.client_authorities)
            self._context.verify_mode = demand
            self._context.post_handshake_auth = late
            if version:
                self._context.minimum_version = self._context.maximum_version = version
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return  # closed by __exit__
            with self._lock:
                self.accepted += 1
                number = self.accepted
                self._open.add(accepted)
            thread = threading.Thread(target=self._serve, args=(accepted, number), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, plain: socket.socket, number: int) -> None:
        plain.settimeout(TIMEOUT_S)
        stream: ssl.SSLSocket | socket.socket = plain
        try:
            if self._context:
                stream = self._context.wrap_socket(plain, server_side=True)
                with self._lock:
                    self._open.discard(plain)
                    self._open.add(stream)
                chain, version = chain_of(stream), stream.version() or ""
                connection = Connection(number, stream, Reader(stream), chain, version, bool(stream.session_reused))
            else:
                connection = Connection(number, stream, Reader(stream), [], "", False)
            with self._lock:
                self.connections.append(connection)
            while self._one_call(connection):
                pass
        except Closed:
            pass  # the usual end of a kept connection
        except Exception as error:  # pylint: disable=broad-except  # a thread has nobody else to tell
            self.failures.append(f"connection {number}: {type(error).__name__}: {error}")
        finally:
            with self._lock:
                self._open -= {plain, stream}
            stream.close()

    def _one_call(self, connection: Connection) -> bool:
        request = connection.reader.head()
        if not self._head_only:
            request.body = connection.reader.body(request)
        with self._lock:
            self.requests.append(request)
        response = self._script(connection, request)
        if response is None:
            return False
        connection.send(response)
        return True

    def __enter__(self) -> "ScriptedOrigin":
        return self

    def __exit__(self, failure, *_) -> None:
        if failure and self.failures:
            print("---- the back end says:", *self.failures, sep="\n")
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            still_open = list(self._open)
        for connection in still_open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # gone already
        for thread in self._threads:
            thread.join(timeout=TIMEOUT_S)
