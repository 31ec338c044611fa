# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP/1.1 on a bare socket: the tests decide about every byte that is sent and see every byte that comes back."""

import dataclasses
import json
import socket

TIMEOUT_S = 20.0


class Closed(Exception):
    """The peer ended the connection where more was due."""


@dataclasses.dataclass
class Message:
    """A request or a response as it was read."""

    start_line: str
    fields: list[tuple[str, str]]
    raw_head: bytes
    body: bytes = b""
    interim: list["Message"] = dataclasses.field(default_factory=list)  # 1xx answers that came before

    @property
    def status(self) -> int:
        return int(self.start_line.split(" ")[1])

    @property
    def method(self) -> str:
        return self.start_line.split(" ")[0]

    @property
    def target(self) -> str:
        return self.start_line.split(" ")[1]

    def all(self, name: str) -> list[str]:
        return [value for field, value in self.fields if field.lower() == name.lower()]

    def field(self, name: str) -> str | None:
        """The only value; None when there is none. Several are an error of the test's subject."""
        values = self.all(name)
        assert len(values) < 2, f"several {name} fields: {values}"
        return values[0] if values else None

    def json(self) -> dict:
        return json.loads(self.body)

    def keeps_alive(self) -> bool:
        return "close" not in (self.field("Connection") or "").lower()


class Reader:
    """Takes messages off a socket, strictly: what is malformed fails the test."""

    def __init__(self, connection: socket.socket):
        self._socket = connection
        self.buffered = b""

    def _more(self) -> None:
        data = self._socket.recv(65536)
        if not data:
            raise Closed(f"the connection ended; unread were {self.buffered[:200]!r}")
        self.buffered += data

    def until(self, end: bytes) -> bytes:
        while end not in self.buffered:
            self._more()
        taken, self.buffered = self.buffered.split(end, 1)
        return taken + end

    def exactly(self, size: int) -> bytes:
        pieces, got = [self.buffered[:size]], min(size, len(self.buffered))
        self.buffered = self.buffered[size:]
        while got < size:
            data = self._socket.recv(min(1 << 20, size - got))
            if not data:
                raise Closed(f"the connection ended after {got} of {size} bytes")
            pieces.append(data)
            got += len(data)
        return b"".join(pieces)

    def rest(self) -> bytes:
        """Everything to the end of the connection."""
        while True:
            try:
                self._more()
            except Closed:
                rest, self.buffered = self.buffered, b""
                return rest

    def head(self) -> Message:
        raw = self.until(b"\r\n\r\n")
        lines = raw[:-4].decode("latin-1").split("\r\n")
        assert not any("\n" in line or "\r" in line for line in lines), f"a bare line end in {raw!r}"
        fields = []
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            assert colon and name and name == name.strip(), f"not a field line: {line!r}"
            fields.append((name, value.strip(" \t")))
        return Message(lines[0], fields, raw)

    def chunked(self) -> bytes:
        pieces = []
        while size := int(self.until(b"\r\n")[:-2].split(b";")[0], 16):
            pieces.append(self.exactly(size))
            assert self.exactly(2) == b"\r\n", "a chunk is longer than it says"
        while self.until(b"\r\n") != b"\r\n":
            pass  # trailer fields
        return b"".join(pieces)

    def body(self, message: Message) -> bytes:
        coding, length = message.field("Transfer-Encoding"), message.field("Content-Length")
        assert not (coding and length), "both Transfer-Encoding and Content-Length"
        if coding:
            assert coding.lower() == "chunked", f"unknown transfer coding {coding}"
            return self.chunked()
        return self.exactly(int(length)) if length else b""

    def request(self) -> Message:
        message = self.head()
        message.body = self.body(message)
        return message

    def response(self, method: str = "GET") -> Message:
        """The next final response; interim ones are kept in it. 101 counts as final."""
        interim = []
        while (message := self.head()).status < 200 and message.status != 101:
            interim.append(message)
        message.interim = interim
        framed = message.field("Transfer-Encoding") or message.field("Content-Length")
        if method != "HEAD" and message.status not in (101, 204, 304):
            message.body = self.body(message) if framed else self.rest()
        return message


class Caller:
    """One connection to Signet (or to anything else on loopback that speaks HTTP without TLS)."""

    def __init__(self, port: int, timeout_s: float = TIMEOUT_S):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = Reader(self.socket)

    def __enter__(self) -> "Caller":
        return self

    def __exit__(self, *_) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def response(self, method: str = "GET") -> Message:
        return self.reader.response(method)

    def call(self, target: str, method: str = "GET", fields: dict[str, str] | None = None, body: bytes | None = None) -> Message:
        self.send(request(target, method, fields, body))
        return self.response(method)

    def ended(self) -> bool:
        """Waits for the peer to end the connection; False if it says something instead."""
        try:
            return self.reader.rest() == b""
        except ConnectionResetError:
            return True


def request(target: str, method: str = "GET", fields: dict[str, str] | None = None, body: bytes | None = None) -> bytes:
    """The bytes of a proper request. Host may be replaced."""
    all_fields = {"Host": "gateway.test", **(fields or {})}
    if body is not None and "Transfer-Encoding" not in all_fields:
        all_fields["Content-Length"] = str(len(body))
    head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in all_fields.items()) + "\r\n"
    return head.encode("latin-1") + (body or b"")


def chunks(body: bytes, sizes: tuple[int, ...] = (1, 7, 1000, 16384, 65536)) -> bytes:
    """`body` in chunked coding, in pieces of these sizes in turn."""
    out, position, turn = [], 0, 0
    while position < len(body):
        piece = body[position:position + sizes[turn % len(sizes)]]
        out.append(b"%x\r\n%s\r\n" % (len(piece), piece))
        position, turn = position + len(piece), turn + 1
    return b"".join(out) + b"0\r\n\r\n"


def call(port: int, target: str, method: str = "GET", fields: dict[str, str] | None = None, body: bytes | None = None) -> Message:
    """One call on a connection of its own."""
    with Caller(port) as caller:
        return caller.call(target, method, fields, body)
