// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "signet/base/byte_buffer.h"
#include "signet/wire/identity.h"
#include "signet/wire/tls_context.h"
#include "signet/wire/tls_engine.h"
#include "certificates.h"

namespace signet::bench {

/// Shows `certificate` ("client-p256", "client-rsa"), and checks the back end in full: the shipped defaults, but for `version` alone.
inline std::shared_ptr<wire::TlsContext> tls_client(std::string_view certificate, wire::TlsVersion version = wire::TlsVersion::tls13) {
  const Certificates& certificates = Certificates::instance();
  wire::IdentitySettings settings{
      .certificate = certificates.certificate(certificate), .authorities = {certificates.root()}, .server_name = "orders.internal"};
  settings.min_version = settings.max_version = version;
  return wire::TlsContext::client(wire::Identity::make(std::move(settings)).value()).value();
}

/// A back end that demands a client certificate.
inline std::shared_ptr<wire::TlsContext> tls_server() {
  const Certificates& certificates = Certificates::instance();
  wire::TlsServerSettings settings{.certificate = certificates.certificate("server"),
                                   .client_certificate = wire::ClientCertificate::require,
                                   .client_authorities = {certificates.root()}};
  return wire::TlsContext::server(std::move(settings)).value();
}

/// One end of a conversation in memory. Throws where TLS fails: then there is nothing to measure.
class TlsEnd {
 public:
  explicit TlsEnd(wire::TlsEngine engine) : engine_(std::move(engine)) {}

  /// As far as the handshake gets with `in`, which is taken; what is to be sent is appended to `out`.
  void handshake(ByteBuffer& in, ByteBuffer& out) {
    ByteView input = in.view();
    const std::size_t size = input.size();
    const wire::TlsEngine::Event event = engine_.handshake(input, out);
    check(event);
    open_ = event == wire::TlsEngine::Event::handshake_complete;
    in.consume(size - input.size());
  }

  void write(std::string_view text, ByteBuffer& out) {
    if (engine_.write(as_bytes(text), out) != text.size()) {
      throw std::runtime_error("TLS took no data");
    }
  }

  /// Takes all of `in`. Answers the bytes of application data in it.
  std::size_t read(ByteBuffer& in, ByteBuffer& out) {
    MutableByteView input = in.mutable_view();
    wire::TlsEngine::Read read;
    do {
      read = engine_.read(input, plaintext_, std::size_t{16} * 1024, out);
      check(read.event);
    } while (read.event == wire::TlsEngine::Event::data);
    in.clear();
    const std::size_t size = plaintext_.size();
    plaintext_.clear();
    return size;
  }

  [[nodiscard]] bool open() const { return open_; }
  [[nodiscard]] wire::TlsEngine& engine() { return engine_; }

 private:
  void check(wire::TlsEngine::Event event) const {
    if (event == wire::TlsEngine::Event::failed) {
      throw std::runtime_error("TLS failed: " + std::string(engine_.error().detail));
    }
  }

  wire::TlsEngine engine_;
  ByteBuffer plaintext_;
  bool open_ = false;
};

}  // namespace signet::bench
