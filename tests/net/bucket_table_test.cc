// SPDX-License-Identifier: GPL-3.0-or-later
#include "net/bucket_table.h"

#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <vector>

#include "sim/sim_io.h"

namespace signet::net {

namespace {

/// Identities whose first bytes, of which a hash is made, are one of eight.
PoolKey crowded_key(std::uint32_t number) {
  PoolKey key{.endpoint = *parse_endpoint("127.0.0.1:443"), .identity = {}};
  key.identity.bytes[0] = static_cast<std::byte>(number % 8);
  std::memcpy(key.identity.bytes.data() + 16, &number, sizeof(number));
  return key;
}

/// As a SHA-256 is: any bytes.
PoolKey spread_key(std::uint32_t number) {
  PoolKey key{.endpoint = *parse_endpoint("127.0.0.1:443"), .identity = {}};
  std::mt19937 random(number);
  for (std::byte& byte : key.identity.bytes) {
    byte = static_cast<std::byte>(random());
  }
  return key;
}

class Fixture {
 public:
  Bucket& insert(const PoolKey& key) { return table.insert(std::make_unique<Bucket>(pool_, key, nullptr)); }

 private:
  sim::SimIo io_{1};
  ConnectionPool pool_{io_};

 public:
  BucketTable table;
};

}  // namespace

TEST_CASE("a bucket is found under its own key only", "[net][pool]") {
  Fixture fixture;
  Bucket& bucket = fixture.insert(spread_key(1));
  CHECK(fixture.table.find(spread_key(1)) == &bucket);
  PoolKey other = spread_key(1);
  SECTION("another endpoint") {
    other.endpoint = *parse_endpoint("127.0.0.1:444");
  }
  SECTION("another identity") {
    other.identity.bytes[31] ^= std::byte{1};
  }  // with the same hash
  SECTION("nobody") {
    other.identity = {};
  }
  CHECK(fixture.table.find(other) == nullptr);
}

TEST_CASE("buckets come and go in any order, and none is lost or found twice", "[net][pool]") {
  for (PoolKey (*key)(std::uint32_t) : {crowded_key, spread_key}) {
    Fixture fixture;
    std::map<std::uint32_t, Bucket*> expected;
    std::mt19937 random(7);
    for (int step = 0; step < 4000; ++step) {
      const auto number = static_cast<std::uint32_t>(random() % 300);
      if (const auto known = expected.find(number); known == expected.end()) {
        expected.emplace(number, &fixture.insert(key(number)));
      } else if (random() % 3 != 0) {
        fixture.table.erase(*known->second);
        expected.erase(known);
      }
      if (step % 50 != 0) {
        continue;
      }
      for (std::uint32_t each = 0; each < 300; ++each) {
        const auto known = expected.find(each);
        REQUIRE(fixture.table.find(key(each)) == (known == expected.end() ? nullptr : known->second));
      }
      std::multiset<Bucket*> visited;
      fixture.table.for_each([&visited](Bucket& bucket) { visited.insert(&bucket); });
      std::multiset<Bucket*> all;
      for (const auto& [each, bucket] : expected) {
        all.insert(bucket);
      }
      REQUIRE(visited == all);
    }
  }
}

}  // namespace signet::net
