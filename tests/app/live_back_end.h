// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <future>
#include <memory>
#include <type_traits>
#include <utility>

#include "signet/base/endpoint.h"
#include "signet/io/shard.h"
#include "app/echo_connection.h"
#include "support/test_pki.h"

namespace signet::app {

/// Makes `call` on the shard and waits for it.
template <typename Call>
auto on(io::Shard& shard, Call call) {
  std::promise<decltype(call())> answer;
  shard.post([&] {
    if constexpr (std::is_void_v<decltype(call())>) {
      call();
      answer.set_value();
    } else {
      answer.set_value(call());
    }
  });
  return answer.get_future().get();
}

inline std::unique_ptr<io::Shard> start_shard() {
  Result<std::unique_ptr<io::Shard>> shard = io::Shard::start({});
  REQUIRE(shard);
  return std::move(*shard);
}

/// The echo back end on a shard of its own; demands a certificate.
class BackEnd {
 public:
  BackEnd() : shard_(start_shard()) {
    const test::TestPki& pki = test::TestPki::instance();
    wire::TlsServerSettings settings{.certificate = pki.certificate("server"),
                                     .client_certificate = wire::ClientCertificate::require,
                                     .client_authorities = {pki.authority(), pki.authority("issuing")}};
    const Result<void> opened = on(*shard_, [&] {
      server_ = std::make_unique<EchoServer>(shard_->io(), settings);
      return server_->open(*parse_endpoint("127.0.0.1:0"));
    });
    REQUIRE(opened);
    port_ = on(*shard_, [&] { return server_->address().port; });
  }
  ~BackEnd() {
    std::promise<void> stopped;
    shard_->post([&] {
      server_->stop([&] {
        server_.reset();
        stopped.set_value();
      });
    });
    stopped.get_future().wait();
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  std::unique_ptr<io::Shard> shard_;
  std::unique_ptr<EchoServer> server_;
  std::uint16_t port_ = 0;
};

}  // namespace signet::app
