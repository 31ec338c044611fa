# SPDX-License-Identifier: GPL-3.0-or-later
"""The back end of all gateways: one nginx, TLS 1.3 with a client certificate demanded, and plain HTTP for the floor."""

import pathlib
import random

import nginx
from peers import machine
from pki import Pki
from processes import Program, free_port

SIZES = {"150": 150, "10k": 10 * 1024, "1m": 1024 * 1024, "slow": 150}
CIPHER = "TLS_AES_128_GCM_SHA256"
# Answers to /slow come at this rate whatever the calls' rate: with more calls than that, the number in flight grows steadily.
SLOW_PER_S = 200

_CONFIG = """
  default_type application/octet-stream;
  open_file_cache max=100;
  client_max_body_size 0;
  client_body_buffer_size 256k;
  keepalive_timeout 600;
  keepalive_requests 1000000000;
  keepalive_time 24h;
  limit_req_zone $server_name zone=slow:64k rate={slow}r/s;
  ssl_certificate {server.chain};
  ssl_certificate_key {server.key};
  ssl_protocols TLSv1.3;
  ssl_conf_command Ciphersuites {cipher};
  ssl_verify_client on;
  ssl_client_certificate {authorities};
  # Takes the body of an upload away; the location in front has read all of it by then.
  server {{
    listen unix:{folder}/inner;
    location / {{ return 204; }}
  }}
  upstream inner {{ server unix:{folder}/inner; keepalive 64; }}
{servers}
"""

_SERVER = """
  server {{
    listen 127.0.0.1:{port}{ssl} backlog=4096;
    server_name {name};
    {lines}
    add_header X-Client $ssl_client_s_dn always;
    add_header X-Session $ssl_session_reused always;
    location ~ /150$ {{ return 200 "{small}"; }}
    location ~ /(10k|1m)$ {{ alias {folder}/files/$1; }}
    location ~ /slow$ {{ limit_req zone=slow burst=100000; alias {folder}/files/slow; }}
    location ~ /upload$ {{
      proxy_pass http://inner;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Content-Length "";
      proxy_pass_request_body off;
      add_header X-Received $request_length always;
    }}
    location ~ /probe$ {{
      add_header X-Client $ssl_client_s_dn always;
      add_header X-Tls "$ssl_protocol $ssl_cipher" always;
      add_header X-Group $ssl_curve always;
      add_header X-Sni $ssl_server_name always;
      return 200 "probe";
    }}
  }}
"""

# Its clients' sessions can be resumed unless said otherwise: by tickets, as is nginx' default.
_SERVERS = {
    "pooled": "",
    "single": "keepalive_timeout 0;",
    "full": "keepalive_timeout 0; ssl_session_tickets off; ssl_session_cache off;",
    "plain": "",
    "plain-single": "keepalive_timeout 0;",
}


class Origin:
    """`ports[NAME]`: "pooled" keeps connections; "single" closes after each call; "full" does that and resumes no session; "plain" and
    "plain-single" are without TLS. Any path serves that ends with one of SIZES, /upload (POST), or /probe (tells what it saw)."""

    def __init__(self, program: str, pki: Pki, folder: pathlib.Path, cpus: set[int]):
        self.ports = {name: free_port() for name in _SERVERS}
        folder.mkdir(parents=True)
        (folder / "files").mkdir()
        source = random.Random(1)
        self.bodies = {name: "".join(source.choices("abcdefgh", k=size)).encode() for name, size in SIZES.items()}
        for name, body in self.bodies.items():
            (folder / "files" / name).write_bytes(body)
        servers = "".join(
            _SERVER.format(port=self.ports[name], name=name, lines=lines, folder=folder, small=self.bodies["150"].decode(),
                           ssl="" if name.startswith("plain") else " ssl")
            for name, lines in _SERVERS.items())
        http = _CONFIG.format(folder=folder, servers=servers, server=pki.server, authorities=pki.client_authorities, cipher=CIPHER,
                              slow=SLOW_PER_S)
        command = nginx.command(folder, http, program=program, workers=max(1, len(cpus) - 1), connections=8192)
        with machine.on_cpus(cpus):
            self.program = Program(command, folder / "output.log")

    def __enter__(self) -> "Origin":
        self.program.wait_until_listening(*self.ports.values())
        return self

    def __exit__(self, *_) -> None:
        self.program.stop()
