// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace signet::app {

struct EchoOptions {
  std::string address = "127.0.0.1:8443";
  std::string certificate_file;  ///< PFX or PEM; empty: plain HTTP
  std::string key_file;          ///< PEM, when the key is not in `certificate_file`
  std::optional<std::string> password;
  std::string client_ca_file;  ///< PEM; empty: any client certificate is taken, and one is demanded all the same
  std::uint32_t shards = 1;    ///< 0: one per core
};

/// `signet echo`: a back end for trying and measuring, which demands a client certificate and answers who called and what it got, as JSON.
/// Two paths answer otherwise: /bytes/N with N bytes, /chunks/N with N bytes in chunks. Serves until SIGTERM or SIGINT. Returns the exit
/// status.
int echo(const EchoOptions& options);

}  // namespace signet::app
