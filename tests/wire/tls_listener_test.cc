// SPDX-License-Identifier: GPL-3.0-or-later
// What a listener with several certificates shows, and whom its tickets admit.
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/wolfcrypt/asn_public.h>

#include "support/tls_test_contexts.h"
#include "wire/ticket_keys_parts.h"

using namespace signet;
using namespace signet::wire;
using namespace signet::test;
using Event = TlsEngine::Event;
using std::chrono_literals::operator""s;

namespace {

/// Self-signed certificates: edge (edge.test, *.edge.test), shop (www.edge.test, shop.test), rsa (rsa.test; RSA), bare (no name).
class ListenerCertificates {
 public:
  static const ListenerCertificates& instance() {
    static const ListenerCertificates made;
    return made;
  }
  ListenerCertificates(const ListenerCertificates&) = delete;
  ListenerCertificates& operator=(const ListenerCertificates&) = delete;
  ~ListenerCertificates() { std::filesystem::remove_all(directory_); }

  [[nodiscard]] std::shared_ptr<const Certificate> get(const std::string& name) const {
    auto read = Certificate::from_pem(text(name + ".pem"), text(name + ".key"));
    REQUIRE(read.has_value());
    return *read;
  }

 private:
  ListenerCertificates() {
    std::string pattern = (std::filesystem::temp_directory_path() / "signet-listener-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    directory_ = pattern;
    make_certificates(directory_, R"(
make() { name=$1; shift; openssl req -x509 -nodes -days 30 -keyout $name.key -out $name.pem -subj /CN=$name "$@"; }
ec="-newkey ec -pkeyopt ec_paramgen_curve:P-256"
make edge $ec -addext subjectAltName=DNS:edge.test,DNS:*.edge.test
make shop $ec -addext subjectAltName=DNS:www.edge.test,DNS:shop.test
make rsa -newkey rsa:2048 -addext subjectAltName=DNS:rsa.test
make bare $ec
)");
  }
  [[nodiscard]] std::string text(const std::string& name) const {
    std::ifstream file(directory_ / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::filesystem::path directory_;
};

std::shared_ptr<TlsContext> listener(const std::vector<std::string>& names, std::shared_ptr<TicketKeys> keys = nullptr) {
  TlsServerSettings settings{.certificate = ListenerCertificates::instance().get(names.front()), .ticket_keys = std::move(keys)};
  for (std::size_t at = 1; at < names.size(); ++at) {
    settings.further_certificates.push_back(ListenerCertificates::instance().get(names[at]));
  }
  return server_context(std::move(settings));
}

/// Takes whatever certificate it is shown.
std::shared_ptr<TlsContext> caller(const std::string& server_name, TlsVersion version) {
  return client_context({.validate_chain = Check::off,
                         .validate_name = Check::off,
                         .server_name = server_name,
                         .min_version = version,
                         .max_version = version});
}

std::string shown_to(const std::string& server_name, TlsVersion version, const std::shared_ptr<TlsContext>& server) {
  const TlsPair pair = connected(caller(server_name, version), server);
  return pair.client.peer()->leaf.subject;
}

TlsSession session_of(const std::shared_ptr<TlsContext>& client, const std::shared_ptr<TlsContext>& server) {
  TlsPair pair = connected(client, server);
  CHECK(pair.client_reads().empty());
  std::optional<TlsSession> session = pair.client.take_session();
  REQUIRE(session.has_value());
  return std::move(*session);
}

std::time_t ahead_s = 0;
std::time_t later(std::time_t* result) {
  const std::time_t time = std::time(nullptr) + ahead_s;
  if (result != nullptr) {
    *result = time;
  }
  return time;
}

/// As long as it lives, the engines' clock is `ahead_s` ahead.
struct Later {
  Later() { wc_SetTimeCb(later); }
  Later(const Later&) = delete;
  Later& operator=(const Later&) = delete;
  ~Later() { wc_SetTimeCb(nullptr); }
};

struct Ticket {
  std::array<std::byte, 16> name{};
  std::array<std::byte, 16> nonce{};
  std::array<std::byte, 32> tag{};
  std::array<std::byte, 100> content{};

  bool seal(TicketKeys& keys, WallTime now, TicketScope scope) { return keys.parts().seal(now, scope, envelope(), content); }
  /// And holds what was sealed.
  bool open(TicketKeys& keys, WallTime now, TicketScope scope) {
    return keys.parts().open(now, scope, envelope(), content) && content == Ticket().content;
  }

 private:
  TicketEnvelope envelope() { return {.key_name = name, .nonce = nonce, .tag = tag}; }
};

}  // namespace

TEST_CASE("a listener shows the certificate for the name that the caller asks for", "[wire][tls][listener]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  CAPTURE(to_string(version));
  const auto server = listener({"bare", "edge", "shop", "rsa"});
  CHECK(shown_to("edge.test", version, server) == "CN=edge");
  CHECK(shown_to("EDGE.test", version, server) == "CN=edge");
  CHECK(shown_to("shop.test", version, server) == "CN=shop");
  CHECK(shown_to("rsa.test", version, server) == "CN=rsa");
}

TEST_CASE("a wildcard stands for one label, and gives way to the name itself", "[wire][tls][listener]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  CAPTURE(to_string(version));
  const auto server = listener({"bare", "edge", "shop"});
  CHECK(shown_to("api.edge.test", version, server) == "CN=edge");
  CHECK(shown_to("www.edge.test", version, server) == "CN=shop");
  CHECK(shown_to("a.b.edge.test", version, server) == "CN=bare");
}

TEST_CASE("a listener shows its first certificate to whoever asks for none that it has", "[wire][tls][listener]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  CAPTURE(to_string(version));
  for (const char* first : {"bare", "rsa", "edge"}) {
    CAPTURE(first);
    const auto server = listener({first, "shop", "rsa"});
    const std::string subject = std::string("CN=") + first;
    CHECK(shown_to("unknown.test", version, server) == subject);
    CHECK(shown_to("127.0.0.1", version, server) == subject);  // no server name is sent for an address
    CHECK(shown_to("bare", version, server) == subject);       // a common name is no name
  }
}

TEST_CASE("keys of either kind may stand in any order", "[wire][tls][listener]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  CAPTURE(to_string(version));
  for (const std::vector<std::string>& order : {std::vector<std::string>{"edge", "rsa"}, std::vector<std::string>{"rsa", "edge"}}) {
    const auto server = listener(order);
    CHECK(shown_to("edge.test", version, server) == "CN=edge");
    CHECK(shown_to("rsa.test", version, server) == "CN=rsa");
    CHECK(shown_to("unknown.test", version, server) == "CN=" + order.front());
  }
}

TEST_CASE("a ticket is good in every context that shares the keys and the certificates", "[wire][tls][listener]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  CAPTURE(to_string(version));
  const auto keys = std::make_shared<TicketKeys>();
  const auto first = listener({"edge", "shop"}, keys);
  const auto second = listener({"edge", "shop"}, keys);
  for (const char* name : {"edge.test", "shop.test", "unknown.test"}) {
    CAPTURE(name);
    const auto client = caller(name, version);
    CHECK(connected(client, second, session_of(client, first)).server.resumed());
    CHECK_FALSE(connected(client, listener({"edge", "shop"}, std::make_shared<TicketKeys>()), session_of(client, first)).server.resumed());
  }
}

TEST_CASE("a ticket is void once the listener has other certificates", "[wire][tls][listener]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  CAPTURE(to_string(version));
  const auto keys = std::make_shared<TicketKeys>();
  const auto client = caller("edge.test", version);
  TlsPair pair = connected(client, listener({"edge", "rsa"}, keys), session_of(client, listener({"edge", "shop"}, keys)));
  CHECK_FALSE(pair.server.resumed());
  CHECK(pair.client.peer()->leaf.subject == "CN=edge");
}

TEST_CASE("a resumption under the key before the last one", "[wire][tls][listener]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  CAPTURE(to_string(version));
  const auto server = listener({"edge"}, std::make_shared<TicketKeys>());
  const auto client = caller("edge.test", version);
  connected(client, server);  // the key begins its life
  ahead_s = 3500;
  const Later clock;
  std::optional<TlsSession> session = session_of(client, server);
  ahead_s = 3700;
  CHECK_FALSE(connected(client, server).server.resumed());  // seals with a new key
  CHECK(connected(client, server, std::move(session)).server.resumed());
}

TEST_CASE("a key seals for its lifetime, and opens until its last ticket has ended", "[wire][listener]") {
  TicketKeys keys;
  const std::array<std::byte, ticket_scope_bytes> scope{};
  const std::array<std::byte, ticket_scope_bytes> other_scope{std::byte{1}};
  const WallTime begin(std::chrono::hours(500'000));
  Ticket first;
  Ticket last;
  Ticket next;
  REQUIRE(first.seal(keys, begin, scope));
  REQUIRE(last.seal(keys, begin + ticket_key_lifetime - 1s, scope));
  REQUIRE(next.seal(keys, begin + ticket_key_lifetime, scope));
  CHECK(first.name == last.name);
  CHECK(first.name != next.name);
  CHECK(first.nonce != last.nonce);
  CHECK(first.content != Ticket().content);

  CHECK(Ticket(last).open(keys, begin + ticket_key_lifetime + ticket_lifetime - 1s, scope));
  CHECK_FALSE(Ticket(last).open(keys, begin + ticket_key_lifetime, other_scope));
  Ticket changed(last);
  changed.content.front() ^= std::byte{1};
  CHECK_FALSE(changed.open(keys, begin + ticket_key_lifetime, scope));
  TicketKeys others;
  CHECK_FALSE(Ticket(last).open(others, begin, scope));

  CHECK_FALSE(Ticket(last).open(keys, begin + ticket_key_lifetime + ticket_lifetime, scope));
  CHECK(Ticket(next).open(keys, begin + ticket_key_lifetime + ticket_lifetime, scope));
}

TEST_CASE("a clock that was set back does not lengthen a key's life", "[wire][listener]") {
  TicketKeys keys;
  const std::array<std::byte, ticket_scope_bytes> scope{};
  const WallTime begin(std::chrono::hours(500'000));
  Ticket before;
  Ticket after;
  REQUIRE(before.seal(keys, begin, scope));
  REQUIRE(after.seal(keys, begin - 1s, scope));
  CHECK(before.name != after.name);
}

TEST_CASE("a caller who speaks no TLS is told so in his own words", "[wire][tls][listener]") {
  TlsServerSettings settings{.certificate = ListenerCertificates::instance().get("edge")};
  settings.answer_to_plain_text = "HTTP/1.1 400 Bad Request\r\n\r\n";
  TlsEngine engine = TlsEngine::server(server_context(std::move(settings)));
  ByteBuffer output;
  ByteView nothing;
  CHECK(engine.handshake(nothing, output) == Event::want_input);
  ByteView input = as_bytes("GET / HTTP/1.1\r\n\r\n");
  CHECK(engine.handshake(input, output) == Event::failed);
  CHECK(output.text() == "HTTP/1.1 400 Bad Request\r\n\r\n");
  CHECK(engine.error().origin == Origin::caller);
}

TEST_CASE("a caller who offers other protocols only is refused by no_application_protocol", "[wire][tls][listener]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  CAPTURE(to_string(version));
  const auto server = server_context({.certificate = ListenerCertificates::instance().get("edge"), .alpn = {"http/1.1"}});
  const auto offering = [&](std::vector<std::string> protocols) {
    return client_context({.validate_chain = Check::off,
                           .validate_name = Check::off,
                           .server_name = "edge.test",
                           .min_version = version,
                           .max_version = version,
                           .alpn = std::move(protocols)});
  };
  TlsPair refused(offering({"h2"}), server);
  CHECK_FALSE(refused.handshake());
  CHECK(refused.client.error().tls_alert == 120);
  CHECK(connected(offering({"h2", "http/1.1"}), server).server.alpn() == "http/1.1");
  CHECK(connected(offering({}), server).server.alpn().empty());
}
