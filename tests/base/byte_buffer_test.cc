// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/base/byte_buffer.h"

#include <catch2/catch_test_macros.hpp>
#include <random>
#include <string>

using signet::ByteBuffer;

TEST_CASE("a byte buffer is a queue: what was appended comes out in order, however it is cut", "[base]") {
  std::mt19937 random(7);
  ByteBuffer buffer;
  std::string expected;
  for (int round = 0; round < 4000; ++round) {
    const std::size_t size = random() % 700;
    std::string text;
    for (std::size_t i = 0; i < size; ++i) {
      text.push_back(static_cast<char>('a' + static_cast<char>(random() % 26)));
    }
    buffer.append(text);
    expected += text;
    const std::size_t taken = random() % (expected.size() + 1);
    REQUIRE(buffer.text() == expected);
    buffer.consume(taken);
    expected.erase(0, taken);
  }
  CHECK(buffer.text() == expected);
}

TEST_CASE("prepared room joins the queue only as far as it is committed", "[base]") {
  ByteBuffer buffer;
  buffer.append("ab");
  const signet::MutableByteView room = buffer.prepare(3);
  REQUIRE(room.size() >= 3);
  room[0] = std::byte{'c'};
  room[1] = std::byte{'d'};
  buffer.commit(1);
  CHECK(buffer.text() == "abc");
  buffer.truncate(2);
  CHECK(buffer.text() == "ab");
}

TEST_CASE("a moved-from buffer is empty and usable", "[base]") {
  ByteBuffer first;
  first.append("one");
  ByteBuffer second(std::move(first));
  CHECK(second.text() == "one");
  CHECK(first.empty());  // NOLINT(bugprone-use-after-move): that is the promise
  first.append("two");
  second = std::move(first);
  CHECK(second.text() == "two");
}
