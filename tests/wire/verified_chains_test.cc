// SPDX-License-Identifier: GPL-3.0-or-later
// A chain that was verified once costs a hash the next time, and only then.
#include <wolfssl/wolfcrypt/settings.h>
#include <wolfssl/wolfcrypt/wc_port.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <chrono>
#include <ctime>
#include <string>
#include <vector>

#include "signet/wire/revocation_list.h"
#include "support/tls_test_contexts.h"
#include "wire/tls_context_parts.h"
#include "wire/verified_chains.h"

using namespace signet;
using namespace signet::wire;
using namespace signet::test;

namespace {

std::chrono::seconds ahead{0};

std::time_t moved_time(std::time_t* result) {
  const std::time_t time = std::time(nullptr) + ahead.count();
  if (result != nullptr) {
    *result = time;
  }
  return time;
}

/// As long as it lives, the engines' clock runs ahead, or behind.
struct Moved {
  explicit Moved(std::chrono::seconds by) {
    ahead = by;
    wc_SetTimeCb(moved_time);
  }
  Moved(const Moved&) = delete;
  Moved& operator=(const Moved&) = delete;
  ~Moved() { wc_SetTimeCb(nullptr); }
};

std::optional<ErrorKind> refusal_kind(const std::shared_ptr<TlsContext>& client, const std::shared_ptr<TlsContext>& server) {
  const std::optional<Error> error = refusal(client, server);
  return error ? std::optional(error->kind) : std::nullopt;
}

std::uint64_t found(const std::shared_ptr<TlsContext>& client) {
  return client->parts().verified_chains.found();
}

std::size_t kept(const std::shared_ptr<TlsContext>& client) {
  return client->parts().verified_chains.size();
}

WallTime now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

ByteVector der_of(std::string_view name) {
  return TestPki::instance().certificate(name)->chain_der().front();
}

std::shared_ptr<const Identity> identity(std::vector<ByteVector> revocation_lists = {}) {
  IdentitySettings settings = identity_settings(TlsVersion::tls13);
  settings.revocation_lists = std::move(revocation_lists);
  auto made = Identity::make(std::move(settings));
  REQUIRE(made.has_value());
  return *made;
}

}  // namespace

TEST_CASE("a chain that was verified is not verified again", "[wire][tls]") {
  const auto client = client_context(identity_settings(any_version()));
  const auto server = server_context();
  TlsPair first = connected(client, server);
  CHECK(found(client) == 0);
  CHECK(kept(client) == 1);
  TlsPair second = connected(client, server);
  CHECK(found(client) == 1);
  CHECK(kept(client) == 1);
  CHECK(second.client.peer() == first.client.peer());
  CHECK(second.client.certificate_requested());
  second.client_writes("request");
  CHECK(second.server_reads() == "request");
}

TEST_CASE("a verified chain does not help a server that has not its key", "[wire][tls]") {
  const auto client = client_context(identity_settings(any_version()));
  CHECK_FALSE(refusal_kind(client, server_context(lenient_server())).has_value());
  // The same chain with another key, which the settings would not let through.
  const auto thief = server_context(lenient_server());
  const auto other = TestPki::instance().certificate("client");
  const ByteView key = other->private_key_der();
  REQUIRE(wolfSSL_CTX_use_PrivateKey_buffer(thief->parts().context, reinterpret_cast<const unsigned char*>(key.data()),
                                            static_cast<long>(key.size()), WOLFSSL_FILETYPE_ASN1) == WOLFSSL_SUCCESS);
  TlsPair stolen(client, thief);
  CHECK_FALSE(stolen.handshake());
  CHECK(stolen.client_event == TlsPair::Event::failed);
  CHECK(found(client) == 1);
}

TEST_CASE("a verified chain is none for an identity with other trust anchors, and none for one with another name", "[wire][tls]") {
  const TlsVersion version = any_version();
  const auto server = server_context(lenient_server());
  const auto client = client_context(identity_settings(version));
  CHECK_FALSE(refusal_kind(client, server).has_value());

  IdentitySettings others = identity_settings(version);
  others.authorities = {TestPki::instance().authority("other-root")};
  CHECK(refusal_kind(client_context(others), server) == ErrorKind::tls_untrusted);

  IdentitySettings renamed = identity_settings(version);
  renamed.server_name = "other.internal";
  const auto stranger = client_context(renamed);
  CHECK(refusal_kind(stranger, server) == ErrorKind::tls_name_mismatch);
  CHECK(refusal_kind(stranger, server) == ErrorKind::tls_name_mismatch);
  CHECK(kept(stranger) == 0);
}

TEST_CASE("another leaf below the same intermediate is another chain", "[wire][tls]") {
  const auto client = client_context(identity_settings(any_version()));
  CHECK_FALSE(refusal_kind(client, server_context(lenient_server())).has_value());
  CHECK(refusal_kind(client, server_context(lenient_server("server-expired"))) == ErrorKind::tls_expired);
  CHECK(refusal_kind(client, server_context(lenient_server("server-cn"))) == ErrorKind::tls_name_mismatch);
  CHECK(refusal_kind(client, server_context(lenient_server("server-for-clients"))) == ErrorKind::tls_certificate);
  CHECK(refusal_kind(client, server_context(lenient_server("server", ""))) == ErrorKind::tls_untrusted);
  CHECK(found(client) == 0);
  CHECK_FALSE(refusal_kind(client, server_context(lenient_server("server-rsa"))).has_value());
  CHECK(found(client) == 0);
  CHECK(kept(client) == 2);
}

TEST_CASE("a revocation list that is no part of the verdict makes it another verdict", "[wire][tls]") {
  const TestPki& pki = TestPki::instance();
  const auto server = server_context(lenient_server("server-revoked"));
  const TlsVersion version = any_version();
  const auto unaware = client_context(identity_settings(version));
  CHECK_FALSE(refusal_kind(unaware, server).has_value());
  IdentitySettings settings = identity_settings(version);
  settings.revocation_lists = {pki.bytes("root.crl"), pki.bytes("issuing.crl")};
  const auto aware = client_context(settings);
  CHECK(refusal_kind(aware, server) == ErrorKind::tls_certificate);
  CHECK(kept(aware) == 0);
  const auto good = server_context(lenient_server());
  CHECK_FALSE(refusal_kind(aware, good).has_value());
  CHECK_FALSE(refusal_kind(aware, good).has_value());
  CHECK(found(aware) == 1);
}

TEST_CASE("a verified chain that has expired since is refused", "[wire][tls]") {
  const auto client = client_context(identity_settings(any_version()));
  const auto server = server_context(lenient_server());
  CHECK_FALSE(refusal_kind(client, server).has_value());
  {
    const Moved later(VerifiedChains::lifetime / 2);
    CHECK_FALSE(refusal_kind(client, server).has_value());
    CHECK(found(client) == 1);
  }
  const CertificateInfo leaf = TestPki::instance().certificate("server")->chain().front();
  const Moved later(leaf.not_after - now() + std::chrono::seconds(2));
  CHECK(refusal_kind(client, server) == ErrorKind::tls_expired);
  CHECK(found(client) == 1);
  CHECK(kept(client) == 0);
}

TEST_CASE("a verdict stands for an hour, and not past a date on which it rests", "[wire][tls]") {
  const TestPki& pki = TestPki::instance();
  const ByteVector leaf = der_of("server");
  const std::vector<ByteView> chain = {leaf};
  const auto peer = std::make_shared<TlsPeer>();
  const WallTime start = now();
  const std::chrono::seconds moment{1};
  VerifiedChains chains;
  chains.add(*identity(), chain, peer, start);
  CHECK(chains.find(chain, start) == peer);
  CHECK(chains.find(chain, start + VerifiedChains::lifetime - moment) == peer);
  CHECK(chains.find(chain, start + VerifiedChains::lifetime) == nullptr);
  CHECK(chains.size() == 0);

  chains.add(*identity(), chain, peer, start);
  CHECK(chains.find(chain, start - moment) == nullptr);  // the clock was set back

  const WallTime end = certificate_info(leaf)->not_after;
  chains.add(*identity(), chain, peer, end - 2 * moment);
  CHECK(chains.find(chain, end - moment) == peer);
  CHECK(chains.find(chain, end) == nullptr);
  chains.add(*identity(), chain, peer, end);
  CHECK(chains.size() == 0);

  const ByteVector list = pki.bytes("issuing.crl");
  const WallTime next = *read_revocation_lists(list)->front().next_update;
  chains.add(*identity({list}), chain, peer, next - 2 * moment);
  CHECK(chains.find(chain, next - moment) == peer);
  CHECK(chains.find(chain, next) == nullptr);
  chains.add(*identity({list, pki.bytes("issuing-old.crl")}), chain, peer, start);
  CHECK(chains.size() == 0);
}

TEST_CASE("the chain that was unused for longest makes room", "[wire][tls]") {
  const auto trusting = identity();
  const WallTime start = now();
  const ByteVector first = der_of("server");
  const ByteVector second = der_of("client");
  VerifiedChains chains;
  // Chains of one to many copies of a certificate: lengths make them differ, and nothing else.
  std::vector<std::vector<ByteView>> many;
  for (std::size_t count = 1; count <= VerifiedChains::entries_max; ++count) {
    many.emplace_back(count, first);
    chains.add(*trusting, many.back(), std::make_shared<TlsPeer>(), start);
  }
  CHECK(chains.size() == VerifiedChains::entries_max);
  CHECK(chains.find(many.front(), start) != nullptr);
  const std::vector<ByteView> newest = {second};
  chains.add(*trusting, newest, std::make_shared<TlsPeer>(), start);
  CHECK(chains.size() == VerifiedChains::entries_max);
  CHECK(chains.find(many.front(), start) != nullptr);
  CHECK(chains.find(many[1], start) == nullptr);
  CHECK(chains.find(newest, start) != nullptr);
}

TEST_CASE("where a chain is divided into certificates is part of it", "[wire][tls]") {
  const ByteVector whole = der_of("server");
  VerifiedChains chains;
  const std::vector<ByteView> one = {whole};
  chains.add(*identity(), one, std::make_shared<TlsPeer>(), now());
  const std::vector<ByteView> two = {ByteView(whole).first(10), ByteView(whole).subspan(10)};
  CHECK(chains.find(two, now()) == nullptr);
  CHECK(chains.find(one, now()) != nullptr);
}
