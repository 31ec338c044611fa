// SPDX-License-Identifier: GPL-3.0-or-later
// What TLS costs a call to a back end that demands a client certificate, by how much of an earlier call is reused: nothing (a full mutual
// handshake), the session (a resumed handshake), the connection (pooled). Each call sends 150 bytes and gets 150 back, under TLS 1.3 with
// X25519. "client" is our side alone, that of the gateway; "both" has the back end's work in it, done by the same engine.
#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "measured.h"
#include "tls_conversation.h"

namespace {

using namespace signet;
using bench::TlsEnd;

const std::string payload(150, 'x');
constexpr std::size_t batch = 16;

enum class Side : std::uint8_t { client, both };

/// The client and the server of one connection, in turns. The client's work is measured apart.
struct Conversation {
  Conversation(const std::shared_ptr<wire::TlsContext>& client_context, const std::shared_ptr<wire::TlsContext>& server_context)
      : client_context_(client_context), server_context_(server_context) {}

  void connect(std::optional<wire::TlsSession> session) {
    bench::measured(client_s, [&] {
      client_.emplace(wire::TlsEngine::client(client_context_, std::move(session)));
      client_->handshake(to_client_, to_server_);
    });
    server_.emplace(wire::TlsEngine::server(server_context_));
    server_->handshake(to_server_, to_client_);
    bench::measured(client_s, [&] { client_->handshake(to_client_, to_server_); });
    server_->handshake(to_server_, to_client_);
    if (!client_->open() || !server_->open()) {
      throw std::runtime_error("the handshake took another course than expected");
    }
  }

  /// Calls one after the other, at most `batch`, with the client's work on them put together: reading the clock would be a good part of a
  /// single call's. The last step also reads the session tickets of a new connection.
  void call(std::size_t calls) {
    bench::measured(client_s, [&] {
      for (std::size_t at = 0; at < calls; ++at) {
        client_->write(payload, requests_[at]);
      }
    });
    for (std::size_t at = 0; at < calls; ++at) {
      server_->read(requests_[at], to_client_);
      server_->write(payload, to_client_);
      answers_[at].swap(to_client_);
    }
    bench::measured(client_s, [&] {
      for (std::size_t at = 0; at < calls; ++at) {
        if (client_->read(answers_[at], to_server_) != payload.size()) {
          throw std::runtime_error("the answer is not what was sent");
        }
      }
      if (std::optional<wire::TlsSession> session = client_->engine().take_session()) {
        session_ = std::move(session);
      }
    });
  }

  void close() {
    bench::measured(client_s, [&] {
      client_->engine().close_notify(to_server_);
      client_.reset();
    });
    server_.reset();
    to_server_.clear();
    to_client_.clear();
  }

  [[nodiscard]] std::optional<wire::TlsSession> take_session() { return std::exchange(session_, std::nullopt); }
  [[nodiscard]] bool resumed() { return client_->engine().resumed(); }

  double client_s = 0;  ///< CPU time of the client so far

 private:
  std::shared_ptr<wire::TlsContext> client_context_;
  std::shared_ptr<wire::TlsContext> server_context_;
  std::optional<TlsEnd> client_;
  std::optional<TlsEnd> server_;
  ByteBuffer to_client_;
  ByteBuffer to_server_;
  std::array<ByteBuffer, batch> requests_;
  std::array<ByteBuffer, batch> answers_;
  std::optional<wire::TlsSession> session_;
};

/// Runs `step` as often as the benchmark wants; for `Side::client` the time is that of the client.
template <typename Step>
void repeat(benchmark::State& state, Side side, Conversation& conversation, Step step) {
  for (auto _ : state) {
    conversation.client_s = 0;
    step();
    if (side == Side::client) {
      state.SetIterationTime(conversation.client_s);
    }
  }
}

void full(benchmark::State& state, std::string_view key, Side side) {
  Conversation conversation(bench::tls_client(key), bench::tls_server());
  const auto step = [&] {
    conversation.connect(std::nullopt);
    conversation.call(1);
    conversation.close();
  };
  step();  // from here on the back end's chain is known
  repeat(state, side, conversation, step);
}

void resumed(benchmark::State& state, std::string_view key, Side side) {
  Conversation conversation(bench::tls_client(key), bench::tls_server());
  conversation.connect(std::nullopt);
  conversation.call(1);
  conversation.close();
  repeat(state, side, conversation, [&] {
    conversation.connect(conversation.take_session());
    if (!conversation.resumed()) {
      throw std::runtime_error("the session was not resumed");
    }
    conversation.call(1);
    conversation.close();
  });
}

void pooled(benchmark::State& state, std::string_view key, Side side) {
  Conversation conversation(bench::tls_client(key), bench::tls_server());
  conversation.connect(std::nullopt);
  conversation.call(1);
  while (state.KeepRunningBatch(batch)) {
    conversation.client_s = 0;
    conversation.call(batch);
    if (side == Side::client) {
      state.SetIterationTime(conversation.client_s);
    }
  }
}

void add(const std::string& name, void (*function)(benchmark::State&, std::string_view, Side), std::string_view key) {
  benchmark::RegisterBenchmark("handshake/" + name + "/client", function, key, Side::client)->UseManualTime();
  benchmark::RegisterBenchmark("handshake/" + name + "/both", function, key, Side::both);
}

const int registered = [] {
  add("full_p256", full, "client-p256");
  add("full_rsa2048", full, "client-rsa");
  add("resumed", resumed, "client-p256");
  add("pooled", pooled, "client-p256");
  return 0;
}();

}  // namespace
