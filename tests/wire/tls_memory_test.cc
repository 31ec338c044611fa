// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/wire/tls_memory.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include <wolfssl/wolfcrypt/memory.h>
#include <wolfssl/wolfcrypt/settings.h>

#include "support/tls_test_contexts.h"

using namespace signet::test;
using signet::wire::tls_memory_statistics;

TEST_CASE("a freed block is used again without asking the system", "[wire]") {
  for (const std::size_t size :
       {std::size_t{1}, std::size_t{48}, std::size_t{49}, std::size_t{5000}, std::size_t{16709}, std::size_t{49136}}) {
    CAPTURE(size);
    wolfSSL_Free(wolfSSL_Malloc(size));
    const auto before = tls_memory_statistics();
    void* block = wolfSSL_Malloc(size);
    REQUIRE(block != nullptr);
    CHECK(reinterpret_cast<std::uintptr_t>(block) % 16 == 0);
    std::memset(block, 0x5a, size);
    CHECK(tls_memory_statistics().bytes_in_use >= before.bytes_in_use + static_cast<std::int64_t>(size));
    wolfSSL_Free(block);
    CHECK(tls_memory_statistics().system_allocations == before.system_allocations);
    CHECK(tls_memory_statistics().bytes_in_use == before.bytes_in_use);
    CHECK(tls_memory_statistics().bytes_kept == before.bytes_kept);
  }
}

TEST_CASE("a block that grows keeps its bytes", "[wire]") {
  auto* block = static_cast<unsigned char*>(wolfSSL_Malloc(10));
  for (unsigned char at = 0; at < 10; ++at) {
    block[at] = at;
  }
  for (const std::size_t size : {std::size_t{48}, std::size_t{49}, std::size_t{10'000}, std::size_t{100'000}, std::size_t{200'000}}) {
    block = static_cast<unsigned char*>(wolfSSL_Realloc(block, size));
    REQUIRE(block != nullptr);
    for (unsigned char at = 0; at < 10; ++at) {
      CHECK(block[at] == at);
    }
    std::memset(block + 10, 0xff, size - 10);
  }
  wolfSSL_Free(block);
}

TEST_CASE("large blocks are not kept, and the kept ones have a limit", "[wire]") {
  const auto before = tls_memory_statistics();
  wolfSSL_Free(wolfSSL_Malloc(49'137));
  CHECK(tls_memory_statistics().bytes_kept == before.bytes_kept);
  std::vector<void*> blocks;
  for (int count = 0; count < 1000; ++count) {
    blocks.push_back(wolfSSL_Malloc(20'000));
  }
  for (void* block : blocks) {
    wolfSSL_Free(block);
  }
  CHECK(tls_memory_statistics().bytes_kept <= std::size_t{8} << 20);
  CHECK(tls_memory_statistics().bytes_in_use == before.bytes_in_use);
}

TEST_CASE("a block may be freed on another thread than the one that made it", "[wire]") {
  void* block = nullptr;
  std::int64_t made = 0;
  std::thread maker([&] {
    block = wolfSSL_Malloc(100);
    made = tls_memory_statistics().bytes_in_use;
  });
  maker.join();
  CHECK(made > 100);
  const auto before = tls_memory_statistics();
  wolfSSL_Free(block);
  CHECK(tls_memory_statistics().bytes_in_use == before.bytes_in_use - made);
}

TEST_CASE("an idle connection to a back end holds less than 8 KiB of TLS memory, or 9 where late authentication is allowed",
          "[wire][tls]") {
  const signet::wire::TlsVersion version = GENERATE(signet::wire::TlsVersion::tls12, signet::wire::TlsVersion::tls13);
  const signet::wire::LateAuthentication late = GENERATE(signet::wire::LateAuthentication::off, signet::wire::LateAuthentication::allow);
  CAPTURE(to_string(version), late == signet::wire::LateAuthentication::allow);
  signet::wire::IdentitySettings settings = identity_settings(version);
  settings.min_version = signet::wire::TlsVersion::tls12;  // what is offered costs as well
  settings.late_authentication = late;
  const auto context = client_context(settings);
  signet::wire::TlsServerSettings server = server_settings();
  server.max_version = version;
  TlsPair pair = connected(context, server_context(server));
  pair.client_writes("request");
  CHECK(pair.server_reads() == "request");
  pair.server_writes("answer");
  CHECK(pair.client_reads() == "answer");
  while (pair.client.take_session()) {
  }
  const std::int64_t before = tls_memory_statistics().bytes_in_use;
  {
    const signet::wire::TlsEngine gone = std::move(pair.client);
  }
  const std::int64_t idle = before - tls_memory_statistics().bytes_in_use;
  CAPTURE(idle);
  CHECK(idle < (late == signet::wire::LateAuthentication::allow ? 9 : 8) * 1024);
}
