// SPDX-License-Identifier: GPL-3.0-or-later
// Which failures are about our certificate, and what is told of them.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <string>
#include <utility>
#include <vector>

#include "signet/base/identity_refusal.h"
#include "signet/base/limits.h"
#include "openssl_server.h"
#include "support/tls_test_contexts.h"
#include "wire/certificate_request.h"
#include "wire/tls_engine_parts.h"
#include "wire/x509.h"

using namespace signet;
using namespace signet::wire;
using namespace signet::test;
using namespace std::string_literals;
using namespace std::string_view_literals;
using Event = TlsEngine::Event;

namespace {

const std::vector<std::string> demands_certificate = {"-Verify", "3", "-verify_return_error"};

/// What a client with this certificate says of an OpenSSL server that trusts "root".
Error refusal_by_openssl(TlsVersion version, const std::shared_ptr<const Certificate>& certificate) {
  const OpensslServer server(demands_certificate);
  IdentitySettings settings = identity_settings(version);
  settings.certificate = certificate;
  BlockingClient client(server.port(), TlsEngine::client(client_context(settings)));
  if (client.handshake()) {
    CHECK(client.get().empty());
  }
  REQUIRE(client.event() == Event::failed);
  return client.engine().error();
}

/// A fatal alert as it comes before there are keys.
std::string plain_alert(std::uint8_t alert) {
  return std::string("\x15\x03\x03\x00\x02\x02", 6) + static_cast<char>(alert);
}

/// The client's error when the server's first words are an alert.
Error answer_to_hello(const std::shared_ptr<TlsContext>& context, std::uint8_t alert, std::optional<TlsSession> resume = std::nullopt) {
  TlsEngine client = TlsEngine::client(context, std::move(resume));
  ByteView nothing;
  ByteBuffer output;
  REQUIRE(client.handshake(nothing, output) == Event::want_input);
  const std::string record = plain_alert(alert);
  ByteView input = as_bytes(record);
  REQUIRE(client.handshake(input, output) == Event::failed);
  CHECK(client.error().tls_alert == alert);
  return client.error();
}

void append_vector(std::string& out, std::string_view content) {
  out.push_back(static_cast<char>(content.size() >> 8));
  out.push_back(static_cast<char>(content.size() & 0xff));
  out.append(content);
}

std::string bytes_text(ByteView bytes) {
  return std::string(as_text(bytes));
}

const std::vector<std::uint8_t> about_certificates = {42, 43, 44, 45, 46, 48, 49};
const std::vector<std::uint8_t> about_the_server = {10, 20, 22, 41, 47, 50, 70, 71, 80, 86, 109, 110, 112, 120};

}  // namespace

TEST_CASE("a refusal tells everything that is known of our certificate and of what was asked for", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  CAPTURE(to_string(version));
  const auto certificate = TestPki::instance().certificate("other-client", "other-root");
  const Error error = refusal_by_openssl(version, certificate);
  CAPTURE(error.detail);
  CHECK(error.kind == ErrorKind::identity_refused);
  REQUIRE(error.refusal != nullptr);
  const IdentityRefusal& refusal = *error.refusal;
  CHECK(refusal.alert == 48);
  CHECK(refusal.alert == error.tls_alert);
  CHECK(refusal.phase == (version == TlsVersion::tls12 ? RefusalPhase::handshake : RefusalPhase::after_handshake));
  CHECK(refusal.requested);
  CHECK_FALSE(refusal.resumed);
  CHECK(refusal.tls_version == to_string(version));
  CHECK(refusal.subject == certificate->subject());
  CHECK(refusal.issuer == certificate->issuer());
  CHECK(refusal.serial == certificate->serial());
  CHECK(refusal.thumbprint_sha1 == certificate->thumbprint_sha1());
  CHECK(refusal.not_before == certificate->not_before());
  CHECK(refusal.not_after == certificate->not_after());
  CHECK(refusal.chain_sent == 2);
  CHECK(refusal.authorities == std::vector<std::string>{"CN=Contoso Root,O=Contoso"});
  CHECK(refusal.authorities_total == 1);
  CHECK(refusal.issuer_listed == IssuerListed::no);
  for (const std::string& part :
       {certificate->subject(), certificate->thumbprint_sha1(), certificate->serial(), wall_time_text(certificate->not_after()),
        std::string("unknown_ca (48)"), std::string("Contoso Root"), std::string("our issuer \"CN=Other Root,O=Other\" is not")}) {
    CAPTURE(part);
    CHECK(error.detail.find(part) != std::string::npos);
  }
  CHECK(error.detail.find('\n') == std::string::npos);
}

TEST_CASE("the issuer of our intermediate counts as named too", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  const Error expired = refusal_by_openssl(version, TestPki::instance().certificate("client-expired"));
  REQUIRE(expired.refusal != nullptr);
  CHECK(expired.refusal->alert == 45);
  CHECK(expired.refusal->issuer_listed == IssuerListed::yes);
  // Without the intermediate nobody can know.
  const Error alone = refusal_by_openssl(version, TestPki::instance().certificate("client", ""));
  REQUIRE(alone.refusal != nullptr);
  CHECK(alone.refusal->chain_sent == 1);
  CHECK(alone.refusal->issuer_listed == IssuerListed::no);
}

TEST_CASE("a refusal without a certificate says so", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  const Error error = refusal_by_openssl(version, nullptr);
  CAPTURE(error.detail);
  CHECK(error.kind == ErrorKind::identity_refused);
  REQUIRE(error.refusal != nullptr);
  CHECK(error.refusal->subject.empty());
  CHECK(error.refusal->requested);
  CHECK(error.refusal->chain_sent == 0);
  CHECK(error.refusal->authorities_total == 1);
  CHECK(error.refusal->issuer_listed == IssuerListed::not_told);
  CHECK(error.detail.find("none") != std::string::npos);
}

TEST_CASE("a server that did not ask refuses no certificate, whatever its alert, but for certificate_required", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  const auto context = client_context(identity_settings(version));
  for (const auto& alerts : {about_certificates, about_the_server, std::vector<std::uint8_t>{40, 51}}) {
    for (const std::uint8_t alert : alerts) {
      CAPTURE(int{alert});
      const Error error = answer_to_hello(context, alert);
      CHECK(error.kind == ErrorKind::tls_alert);
      CHECK(error.origin == Origin::backend);
      CHECK(error.refusal == nullptr);
    }
  }
  const Error required = answer_to_hello(context, 116);
  CHECK(required.kind == ErrorKind::identity_refused);
  REQUIRE(required.refusal != nullptr);
  CHECK_FALSE(required.refusal->requested);
  CHECK(required.refusal->chain_sent == 0);
  CHECK(required.refusal->tls_version.empty());
  CHECK(required.detail.find("had not asked") != std::string::npos);
}

TEST_CASE("what is said to a session that goes back to a certificate may be about it, but not handshake_failure", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  const bool asked = GENERATE(true, false);
  TlsServerSettings settings = server_settings();
  settings.client_certificate = asked ? ClientCertificate::require : ClientCertificate::none;
  const auto context = client_context(identity_settings(version));
  const auto server = server_context(settings);
  const auto answer = [&](std::uint8_t alert) {
    TlsPair pair = connected(context, server);
    CHECK(pair.client_reads().empty());
    return answer_to_hello(context, alert, pair.client.take_session().value());
  };
  for (const std::uint8_t alert : about_certificates) {
    CAPTURE(int{alert}, asked);
    const Error error = answer(alert);
    CHECK((error.kind == ErrorKind::identity_refused) == asked);
    CHECK((error.refusal != nullptr) == asked);
    CHECK((!asked || (error.refusal->resumed && !error.refusal->requested)));
  }
  for (const std::uint8_t alert : std::vector<std::uint8_t>{40, 51, 47, 80}) {
    CAPTURE(int{alert});
    CHECK(answer(alert).kind == ErrorKind::tls_alert);
  }
}

TEST_CASE("which alerts are about our certificate depends on what came before", "[wire][tls]") {
  using Stage = TlsEngine::Parts::Stage;
  struct Case {
    const char* what;
    TlsVersion version;
    Stage stage;
    bool asked;
    bool asked_late;
    bool answered;
    bool names;    ///< 42-46, 48, 49
    bool failure;  ///< 40, 51
    bool required;
  };
  const Case cases[] = {
      {"TLS 1.2, asked, in the handshake", TlsVersion::tls12, Stage::handshaking, true, false, false, true, true, true},
      {"TLS 1.2, asked, after it", TlsVersion::tls12, Stage::open, true, false, false, true, false, true},
      {"TLS 1.2, asked, answered", TlsVersion::tls12, Stage::open, true, false, true, false, false, false},
      {"TLS 1.2, asked late", TlsVersion::tls12, Stage::open, true, true, true, true, true, true},
      {"TLS 1.2, not asked", TlsVersion::tls12, Stage::open, false, false, false, false, false, true},
      {"TLS 1.3, asked, in the handshake", TlsVersion::tls13, Stage::handshaking, true, false, false, true, true, true},
      {"TLS 1.3, asked, after it", TlsVersion::tls13, Stage::open, true, false, false, true, true, true},
      {"TLS 1.3, asked, answered", TlsVersion::tls13, Stage::open, true, false, true, false, false, false},
      {"TLS 1.3, asked late", TlsVersion::tls13, Stage::open, true, true, true, true, true, true},
      {"TLS 1.3, not asked", TlsVersion::tls13, Stage::open, false, false, false, false, false, true},
  };
  for (const Case& one : cases) {
    CAPTURE(one.what);
    TlsEngine::Parts parts(client_context(identity_settings(one.version)));
    parts.stage = one.stage;
    parts.asked = parts.requested = one.asked;
    parts.asked_late = one.asked_late;
    parts.answered = one.answered;
    for (const std::uint8_t alert : about_certificates) {
      CHECK(parts.is_refusal(alert) == one.names);
    }
    CHECK(parts.is_refusal(40) == one.failure);
    CHECK(parts.is_refusal(51) == one.failure);
    CHECK(parts.is_refusal(116) == one.required);
    for (const std::uint8_t alert : about_the_server) {
      CHECK_FALSE(parts.is_refusal(alert));
    }
  }
}

TEST_CASE("an answer closes the question until the server asks again", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  TlsEngine::Parts parts(client_context(identity_settings(version)));
  parts.stage = TlsEngine::Parts::Stage::open;
  parts.asked = parts.asked_late = true;
  parts.authorities = std::make_shared<const NamedAuthorities>();
  parts.note_answer();
  CHECK_FALSE(parts.is_refusal(42));
  CHECK(parts.authorities == nullptr);
}

TEST_CASE("the authorities of a certificate request are counted, and a few are kept", "[wire]") {
  const auto ours = TestPki::instance().certificate("client");
  const Result<X509> issuing = read_x509(ours->chain_der()[1]);
  REQUIRE(issuing.has_value());
  std::string list;
  for (int at = 0; at < 20; ++at) {
    append_vector(list, bytes_text(issuing->issuer));
  }
  NamedAuthorities many = read_authorities(as_bytes(list), ours.get());
  CHECK(many.total == 20);
  CHECK(many.names == std::vector<std::string>(authorities_kept_max, "CN=Contoso Root,O=Contoso"));
  CHECK(many.issuer_listed == IssuerListed::yes);
  CHECK(read_authorities(as_bytes(list), nullptr).issuer_listed == IssuerListed::not_told);
  CHECK(read_authorities({}, ours.get()).issuer_listed == IssuerListed::not_told);

  // The last of many is found as well.
  std::string last;
  for (int at = 0; at < 20; ++at) {
    append_vector(last, "\x30\x00"sv);
  }
  CHECK(read_authorities(as_bytes(last), ours.get()).issuer_listed == IssuerListed::no);
  append_vector(last, bytes_text(issuing->subject));
  CHECK(read_authorities(as_bytes(last), ours.get()).issuer_listed == IssuerListed::yes);

  // SEQUENCE { SET { SEQUENCE { commonName, UTF8String of 600 octets, two to a character } } }
  std::string name = std::string("\x30\x82\x02\x65\x31\x82\x02\x61\x30\x82\x02\x5d\x06\x03\x55\x04\x03\x0c\x82\x02\x54", 21);
  for (int at = 0; at < 298; ++at) {
    name += "ä";
  }
  std::string wide;
  append_vector(wide, name);
  const NamedAuthorities cut = read_authorities(as_bytes(wide), ours.get());
  REQUIRE(cut.names.size() == 1);
  CHECK(cut.names[0].starts_with("CN=ää"));
  CHECK(cut.names[0].ends_with("ä…"));
  CHECK(cut.names[0].size() <= limits::log_value_bytes_max);
}

TEST_CASE("a certificate request that is cut short or damaged names nobody, or somebody unreadable", "[wire]") {
  std::string names;
  append_vector(names, "\x30\x00"sv);
  std::string tls12 = "\x01\x40"s;
  append_vector(tls12, "\x04\x03"sv);
  append_vector(tls12, names);
  std::string extension;
  append_vector(extension, names);
  std::string extensions("\x00\x0d\x00\x00\x00\x2f"sv);
  append_vector(extensions, extension);
  std::string tls13(1, '\0');
  append_vector(tls13, extensions);
  for (const auto& [version, body] : {std::pair(TlsVersion::tls12, tls12), std::pair(TlsVersion::tls13, tls13)}) {
    CAPTURE(to_string(version));
    CHECK(bytes_text(authorities_list(as_bytes(body), version)) == names);
    for (std::size_t size = 0; size < body.size(); ++size) {
      CHECK(authorities_list(as_bytes(body).first(size), version).empty());
    }
  }
  const std::string damaged("\x00\x03\x30\x05\x00\xff\xff\x01"sv);
  const NamedAuthorities read = read_authorities(as_bytes(damaged), nullptr);
  CHECK(read.total == 2);
  CHECK(read.names[0] == "(not readable)");
}
