// SPDX-License-Identifier: GPL-3.0-or-later
// Records are lent to wolfSSL, or copied to it where they came in part; which, is decided by how the bytes fell and by what the reader asks
// for. Whatever it was, what is read is what was written.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cstddef>
#include <random>
#include <string>
#include <utility>

#include "signet/wire/tls_engine.h"
#include "support/tls_test_contexts.h"

using namespace signet;
using namespace signet::wire;
using namespace signet::test;
using Event = TlsEngine::Event;

namespace {

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(engine_() % bound); }
  bool one_in(std::size_t times) { return below(times) == 0; }
  std::string text(std::size_t size) {
    std::string text(size, '\0');
    std::generate(text.begin(), text.end(), [this] { return static_cast<char>(engine_()); });
    return text;
  }
  /// Of what is written at once: small, about a record, several.
  std::size_t write_size() {
    const std::size_t kind = below(3);
    return kind == 0 ? 1 + below(100) : kind == 1 ? 16'380 + below(10) : 1 + below(40'000);
  }

 private:
  std::mt19937_64 engine_;
};

/// One direction of a connection: what was written, and what of it was read.
struct Direction {
  static constexpr std::byte ours{0xaa};

  TlsEngine& writer;
  TlsEngine& reader;
  ByteBuffer& wire;  ///< to the reader
  ByteBuffer& back;  ///< to the writer
  std::string written{};
  std::string read{};
  ByteVector received{};
  ByteBuffer plaintext{};
  ByteBuffer given{};  ///< what was read before, with its new owner, who has written into it; the engine must not
  Event event = Event::want_input;

  void write(Random& random) {
    const std::string text = random.text(random.write_size());
    REQUIRE(writer.write(as_bytes(text), wire) == text.size());
    written += text;
    if (random.one_in(4)) {
      writer.update_keys(wire);
    }
  }

  /// Some of what is on its way comes, in memory that is as large as that and goes afterwards.
  void receive(Random& random) {
    const std::size_t size = std::min(wire.size(), random.one_in(3) ? 1 + random.below(30) : 1 + random.below(70'000));
    received.insert(received.end(), wire.view().begin(), wire.view().begin() + static_cast<std::ptrdiff_t>(size));
    wire.consume(size);
    ByteVector memory(received.begin(), received.end());
    MutableByteView input(memory);
    const std::size_t max = random.one_in(4) ? 1 + random.below(16'000) : 16'384 + random.below(20'000);
    do {
      event = reader.read(input, plaintext, max, back).event;
      if (random.one_in(3)) {
        take(random);
      }
    } while (event == Event::data);
    received.assign(input.begin(), input.end());
    take(random);
  }

  void take(Random& random) {
    CHECK(std::ranges::all_of(given.view(), [](std::byte byte) { return byte == ours; }));
    read += plaintext.text();
    given.clear();
    plaintext.swap(given);
    std::ranges::fill(given.mutable_view(), ours);
    if (random.one_in(2)) {
      given = ByteBuffer();
      plaintext.release_if_empty();
    }
  }

  void receive_all(Random& random) {
    while (event == Event::want_input && !wire.empty()) {
      receive(random);
    }
  }
};

}  // namespace

TEST_CASE("what is read is what was written, however it was cut, taken and answered", "[wire][tls]") {
  const TlsVersion version = any_version();
  const auto client = client_context(identity_settings(version));
  const auto server = server_context();
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(to_string(version), seed);
    Random random(seed);
    TlsPair pair = connected(client, server);
    Direction down{.writer = pair.server, .reader = pair.client, .wire = pair.to_client, .back = pair.to_server};
    Direction up{.writer = pair.client, .reader = pair.server, .wire = pair.to_server, .back = pair.to_client};
    for (int step = 0; step < 40; ++step) {
      Direction& direction = random.one_in(3) ? up : down;
      if (random.one_in(3)) {
        direction.write(random);
      } else {
        direction.receive(random);
      }
      while (random.one_in(2) && pair.client.take_session()) {
      }
    }
    up.receive_all(random);
    down.receive_all(random);
    up.receive_all(random);
    CHECK((up.read == up.written));
    CHECK((down.read == down.written));
    REQUIRE(up.event == Event::want_input);
    REQUIRE(down.event == Event::want_input);

    down.write(random);
    const bool broken = random.one_in(2);
    if (broken) {
      down.wire.mutable_view()[down.wire.size() - 1 - random.below(16)] ^= std::byte{1};
    } else {
      pair.server.close_notify(down.wire);
    }
    down.receive_all(random);
    CHECK(down.event == (broken ? Event::failed : Event::close_notify));
    CHECK(down.written.starts_with(down.read));
    CHECK((broken || down.read == down.written));
  }
}

TEST_CASE("the middle of a record that looks like the beginning of one is taken for what it is", "[wire][tls]") {
  const TlsVersion version = any_version();
  CAPTURE(to_string(version));
  TlsPair pair = connected(client_context(identity_settings(version)), server_context());
  CHECK(pair.client_reads().empty());
  // The last byte of its length is the type of application data, and what follows would be a length that is there.
  const std::string first(version == TlsVersion::tls13 ? 0x117 - 17 : 0x117 - 24, 'f');
  pair.server_writes(first);
  REQUIRE(pair.to_client.view()[4] == std::byte{23});
  const std::string rest(100'000, 'r');
  pair.server_writes(rest);

  ByteVector memory(pair.to_client.view().begin(), pair.to_client.view().end());
  MutableByteView begin(memory.data(), 4);
  MutableByteView middle(memory.data() + 4, memory.size() - 4);
  ByteBuffer plaintext;
  CHECK(pair.client.read(begin, plaintext, 16'384, pair.to_server).event == Event::want_input);
  while (pair.client.read(middle, plaintext, 16'384, pair.to_server).event == Event::data) {
  }
  CHECK(plaintext.text() == first + rest);
}
