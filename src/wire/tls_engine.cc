// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/wire/tls_engine.h"

#include <fmt/core.h>
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <algorithm>
#include <climits>
#include <cstddef>
#include <utility>

#include "signet/base/check.h"
#include "signet/base/limits.h"
#include "tls_engine_parts.h"
#include "wolfssl_bytes.h"
#include "wolfssl_error.h"

namespace signet::wire {

namespace {

/// Lends an engine its buffers for the time of one call.
class Call {
 public:
  Call(TlsEngine::Parts& parts, ByteBuffer& output, ByteView* input = nullptr) : parts_(parts) {
    parts_.input = input;
    parts_.output = &output;
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call() {
    parts_.input = nullptr;
    parts_.output = nullptr;
  }

 private:
  TlsEngine::Parts& parts_;
};

bool wants_input(int code) {
  return code == WOLFSSL_ERROR_WANT_READ || code == WANT_READ;
}

/// The size of the record of application data that `input` begins with, 0 if it begins with another or with less (RFC 8446 §5.1).
std::size_t whole_data_record(ByteView input) {
  constexpr std::size_t header_bytes = 5;
  constexpr std::byte application_data{23};
  if (input.size() < header_bytes || input[0] != application_data) {
    return 0;
  }
  const std::size_t size = header_bytes + (std::to_integer<std::size_t>(input[3]) << 8 | std::to_integer<std::size_t>(input[4]));
  return size <= input.size() ? size : 0;
}

}  // namespace

// ---- Parts

TlsEngine::Parts::Parts(std::shared_ptr<TlsContext> shared_context)
    : context(std::move(shared_context)), ssl(wolfSSL_new(context->parts().context)) {
  SIGNET_CHECK(ssl != nullptr);
  wolfSSL_SetIOReadCtx(ssl, this);
  wolfSSL_SetIOWriteCtx(ssl, this);
  wolfSSL_SetCertCbCtx(ssl, this);
  TlsContext::Parts& common = shared();
  shown = common.context_certificate;
  late_authentication = common.late_authentication;
  if (!common.alpn.empty()) {
    // RFC 7301 §3.2: a server without a protocol in common refuses; a client goes on without.
    const auto mismatch = client() ? WOLFSSL_ALPN_CONTINUE_ON_MISMATCH : WOLFSSL_ALPN_FAILED_ON_MISMATCH;
    SIGNET_CHECK(wolfSSL_UseALPN(ssl, common.alpn.data(), static_cast<unsigned int>(common.alpn.size()), mismatch) == WOLFSSL_SUCCESS);
  }
  if (common.late_authentication == LateAuthentication::off) {
    // wolfSSL lets every peer renegotiate that speaks RFC 5746 otherwise.
    wolfSSL_set_options(ssl, WOLFSSL_OP_NO_RENEGOTIATION);
  }
}

void TlsEngine::Parts::offer(TlsSession session) {
  SIGNET_CHECK(session.identity_key_ == shared().identity->key());
  if (wolfSSL_set_session(ssl, session.session_.get()) != WOLFSSL_SUCCESS) {
    return;  // a full handshake, then
  }
  offered = true;
  offered_requested = session.certificate_requested_;
  offered_peer = std::move(session.peer_);
  offered_authenticated_at = session.authenticated_at_;
}

TlsEngine::Event TlsEngine::Parts::complete_handshake() {
  stage = Stage::open;
  resumed = wolfSSL_session_reused(ssl) != 0;
  if (resumed) {
    requested = requested || offered_requested;
    peer = std::move(offered_peer);
    authenticated_at = offered_authenticated_at;
  } else {
    authenticated_at = wall_now();
  }
  char* protocol = nullptr;
  std::uint16_t size = 0;
  if (!shared().alpn.empty() && wolfSSL_ALPN_GetProtocol(ssl, &protocol, &size) == WOLFSSL_SUCCESS) {
    alpn.assign(protocol, size);
  }
  if (!client()) {
    if (shown != shared().context_certificate) {
      wolfSSL_UnloadCertsKeys(ssl);  // its own copies of what the context has
    }
    return Event::handshake_complete;
  }
  // Whatever wolfSSL thinks: without a checked leaf, or a session that one stands behind, there is no connection.
  if (resumed ? !offered : !accepted) {
    return fail(Error{.detail = "the TLS handshake ended without a check of the server's certificate"});
  }
  const IdentitySettings& settings = shared().identity->settings();
  if (settings.require_certificate_request == Check::on && !requested) {
    wolfSSL_shutdown(ssl);
    return fail(Error{.kind = ErrorKind::certificate_not_requested,
                      .origin = Origin::identity,
                      .detail = "the server did not ask for our certificate, and it must"});
  }
  if (wolfSSL_version(ssl) == TLS1_2_VERSION) {
    keep_session(wolfSSL_SESSION_dup(wolfSSL_get_session(ssl)), TlsVersion::tls12);
  }
  return Event::handshake_complete;
}

void TlsEngine::Parts::after_input() {
  if (judged || stage != Stage::open) {
    // What a peer sent must not help the next one.
    wolfSSL_CertManagerUnloadIntermediateCerts(wolfSSL_CTX_GetCertManager(shared().context));
  }
  if (std::exchange(alert_sent, false)) {
    note_alert_sent();
  }
  if (judged && stage == Stage::open && client() && wolfSSL_version(ssl) == TLS1_2_VERSION) {
    ++renegotiations;
  }
  judged = false;
  if (renegotiations >= limits::late_requests_max && !refuses_renegotiation && wolfSSL_SSL_renegotiate_pending(ssl) == 0) {
    refuses_renegotiation = true;
    wolfSSL_set_options(ssl, WOLFSSL_OP_NO_RENEGOTIATION);
  }
}

/// A record of TLS begins with its type, a small number.
bool TlsEngine::Parts::speaks_plain_text(ByteView begin) const {
  const auto first = static_cast<char>(begin.front());
  return !shared().server.answer_to_plain_text.empty() && first >= 'A' && first <= 'Z';
}

TlsEngine::Event TlsEngine::Parts::fail(Error why) {
  if (stage != Stage::failed) {
    error = std::move(why);
    stage = Stage::failed;
    sessions.clear();
  }
  return Event::failed;
}

TlsEngine::Event TlsEngine::Parts::fail(int code) {
  return fail(explain(code));
}

// ---- TlsEngine

TlsEngine::TlsEngine(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
TlsEngine::TlsEngine(TlsEngine&& other) noexcept = default;
TlsEngine& TlsEngine::operator=(TlsEngine&& other) noexcept = default;
TlsEngine::~TlsEngine() = default;

TlsEngine TlsEngine::client(std::shared_ptr<TlsContext> context, std::optional<TlsSession> resume) {
  SIGNET_CHECK(context != nullptr && context->parts().side == Side::client);
  auto parts = std::make_unique<Parts>(std::move(context));
  if (resume) {
    parts->offer(std::move(*resume));
  }
  return TlsEngine(std::move(parts));
}

TlsEngine TlsEngine::server(std::shared_ptr<TlsContext> context) {
  SIGNET_CHECK(context != nullptr && context->parts().side == Side::server);
  return TlsEngine(std::make_unique<Parts>(std::move(context)));
}

TlsEngine::Event TlsEngine::handshake(ByteView& input, ByteBuffer& output) {
  Parts& parts = *parts_;
  if (parts.stage == Parts::Stage::failed) {
    return Event::failed;
  }
  SIGNET_CHECK(parts.stage == Parts::Stage::handshaking);
  if (!parts.client() && !input.empty() && !std::exchange(parts.heard, true) && parts.speaks_plain_text(input)) {
    output.append(parts.shared().server.answer_to_plain_text);
    return parts.fail(Error{.kind = ErrorKind::tls_protocol, .origin = Origin::caller, .detail = "the caller does not speak TLS"});
  }
  const Call call(parts, output, &input);
  const int result = parts.client() ? wolfSSL_connect(parts.ssl) : wolfSSL_accept(parts.ssl);
  const int code = result == WOLFSSL_SUCCESS ? 0 : wolfSSL_get_error(parts.ssl, result);
  parts.after_input();
  if (code == 0) {
    return parts.complete_handshake();
  }
  if (wants_input(code)) {
    return Event::want_input;
  }
  return code == WOLFSSL_ERROR_ZERO_RETURN ? parts.fail(parts.explain_truncation()) : parts.fail(code);
}

/// The size of the record that `received` begins with, if `read` can lend it to wolfSSL, else 0. A lent record is decrypted without copies
/// of wolfSSL's own, and has to be read in one call: not while data may come in the middle of a renegotiation.
std::size_t TlsEngine::Parts::lendable_record(ByteView received, std::size_t max) const {
  constexpr std::size_t plaintext_bytes_max = 16'384;  // RFC 8446 §5.1
  return max < plaintext_bytes_max || late_authentication != LateAuthentication::off ? 0 : whole_data_record(received);
}

TlsEngine::Read TlsEngine::read(MutableByteView& input, ByteBuffer& plaintext, std::size_t max, ByteBuffer& output) {
  Parts& parts = *parts_;
  if (parts.stage == Parts::Stage::failed) {
    return {Event::failed, 0};
  }
  SIGNET_CHECK(parts.stage == Parts::Stage::open && max != 0);
  if (parts.peer_closed) {
    input = {};  // RFC 8446 §6.1: whatever follows close_notify is ignored
    return {Event::close_notify, 0};
  }
  while (true) {
    const std::size_t record = parts.lendable_record(input, max);
    const MutableByteView area = plaintext.prepare(std::min<std::size_t>(std::max(max, record), INT_MAX));
    const bool lent = record != 0 && wolfSSL_lend_record(parts.ssl, reinterpret_cast<unsigned char*>(input.data()),
                                                         static_cast<unsigned int>(record), area.data()) == WOLFSSL_SUCCESS;
    ByteView copied;
    if (lent) {
      input = input.subspan(record);
    } else {
      copied = input;
    }
    const Call call(parts, output, &copied);
    const int size = wolfSSL_read(parts.ssl, area.data(), static_cast<int>(std::min<std::size_t>(max, INT_MAX)));
    const int code = size > 0 ? 0 : wolfSSL_get_error(parts.ssl, size);
    parts.after_input();
    if (!lent) {
      input = input.last(copied.size());
    } else if (wolfSSL_take_back_record(parts.ssl) != WOLFSSL_SUCCESS && (size > 0 || wants_input(code))) {
      return {parts.fail(Error{.detail = "a TLS record was read in part"}), 0};
    }
    if (size > 0) {
      parts.note_answer();
      plaintext.commit(static_cast<std::size_t>(size));
      return {Event::data, static_cast<std::size_t>(size)};
    }
    if (code == APP_DATA_READY) {
      continue;  // data in the middle of a renegotiation: the next turn delivers it
    }
    if (wants_input(code)) {
      if (lent && !input.empty()) {
        continue;  // the record held no data, a ticket perhaps
      }
      return {Event::want_input, 0};
    }
    if (code == WOLFSSL_ERROR_ZERO_RETURN) {
      if (parts.declined_late) {
        return {parts.fail(parts.refused_late(0)), 0};
      }
      parts.peer_closed = true;
      input = {};
      return {Event::close_notify, 0};
    }
    return {parts.fail(code), 0};
  }
}

Result<std::size_t> TlsEngine::write(ByteView plaintext, ByteBuffer& output) {
  Parts& parts = *parts_;
  if (parts.stage == Parts::Stage::failed) {
    return std::unexpected(*parts.error);
  }
  SIGNET_CHECK(parts.stage == Parts::Stage::open && !parts.closed);
  if (plaintext.empty()) {
    return 0;
  }
  const Call call(parts, output);
  const int size = wolfSSL_write(parts.ssl, plaintext.data(), static_cast<int>(wolfssl_size(plaintext)));
  if (size > 0) {
    parts.awaiting = true;
    return static_cast<std::size_t>(size);
  }
  const int code = wolfSSL_get_error(parts.ssl, size);
  if (wants_input(code) || code == APP_DATA_READY) {
    return 0;
  }
  parts.fail(code);
  return std::unexpected(*parts.error);
}

void TlsEngine::close_notify(ByteBuffer& output) {
  Parts& parts = *parts_;
  if (parts.stage == Parts::Stage::failed || std::exchange(parts.closed, true)) {
    return;
  }
  const Call call(parts, output);
  wolfSSL_shutdown(parts.ssl);
}

TlsEngine::Event TlsEngine::end_of_stream() {
  Parts& parts = *parts_;
  if (parts.stage == Parts::Stage::failed) {
    return Event::failed;
  }
  if (parts.peer_closed) {
    return Event::close_notify;
  }
  return parts.fail(parts.explain_truncation());
}

std::size_t TlsEngine::pending() const {
  return static_cast<std::size_t>(std::max(0, wolfSSL_pending(parts_->ssl)));
}

void TlsEngine::update_keys(ByteBuffer& output) {
  Parts& parts = *parts_;
  if (parts.stage != Parts::Stage::open || parts.closed || version() != TlsVersion::tls13) {
    return;
  }
  const Call call(parts, output);
  wolfSSL_update_keys(parts.ssl);
}

Result<void> TlsEngine::request_certificate(ByteBuffer& output) {
  Parts& parts = *parts_;
  if (parts.stage == Parts::Stage::failed) {
    return std::unexpected(*parts.error);
  }
  SIGNET_CHECK(!parts.client() && parts.stage == Parts::Stage::open && !parts.closed);
  SIGNET_CHECK(parts.shared().late_authentication == LateAuthentication::allow);
  const Call call(parts, output);
  require_certificate(parts.ssl);
  int code = 0;
  if (version() == TlsVersion::tls13) {
    code = wolfSSL_request_certificate(parts.ssl);
  } else {
    code = wolfSSL_Rehandshake(parts.ssl);
    if (const int inner = wolfSSL_get_error(parts.ssl, code); code != WOLFSSL_SUCCESS && inner != 0) {
      code = wants_input(inner) ? WOLFSSL_SUCCESS : inner;
    }
  }
  if (code != WOLFSSL_SUCCESS) {
    return signet::fail(ErrorKind::tls_protocol, Origin::caller,
                        fmt::format("a certificate cannot be asked for now: {}", wolfssl_reason(code)));
  }
  return {};
}

const Error& TlsEngine::error() const {
  SIGNET_CHECK(parts_->error.has_value());
  return *parts_->error;
}

TlsVersion TlsEngine::version() const {
  return wolfSSL_version(parts_->ssl) == TLS1_3_VERSION ? TlsVersion::tls13 : TlsVersion::tls12;
}

std::string_view TlsEngine::cipher() const {
  const int suite = wolfSSL_get_current_cipher_suite(parts_->ssl);
  const char* const name = suite <= 0 ? nullptr
                                      : wolfSSL_get_cipher_name_iana_from_suite(static_cast<unsigned char>(suite >> 8),
                                                                                static_cast<unsigned char>(suite & 0xff));
  return name == nullptr ? std::string_view() : std::string_view(name);
}

std::string_view TlsEngine::group() const {
  const char* const name = wolfSSL_get_curve_name(parts_->ssl);
  const std::string_view found = name == nullptr ? std::string_view() : std::string_view(name);
  if (found == "SECP256R1") {
    return to_string(TlsGroup::secp256r1);
  }
  if (found == "SECP384R1") {
    return to_string(TlsGroup::secp384r1);
  }
  return found;
}

std::string_view TlsEngine::alpn() const {
  return parts_->alpn;
}

bool TlsEngine::resumed() const {
  return parts_->resumed;
}

bool TlsEngine::answers_late_requests() const {
  return !parts_->refuses_renegotiation && parts_->late_requests < limits::late_requests_max;
}

bool TlsEngine::certificate_requested() const {
  return parts_->requested;
}

bool TlsEngine::certificate_sent() const {
  return parts_->requested && parts_->shared().certificate != nullptr;
}

bool TlsEngine::late_request_declined() const {
  return parts_->declined;
}

const std::shared_ptr<const TlsPeer>& TlsEngine::peer() const {
  return parts_->peer;
}

bool TlsEngine::has_session() const {
  return !parts_->sessions.empty();
}

std::optional<TlsSession> TlsEngine::take_session() {
  std::vector<TlsSession>& sessions = parts_->sessions;
  if (sessions.empty()) {
    return std::nullopt;
  }
  std::optional<TlsSession> session = std::move(sessions.front());
  sessions.erase(sessions.begin());
  if (sessions.empty()) {
    sessions.shrink_to_fit();  // most connections get theirs once
  }
  if (parts_->stage == Parts::Stage::open && parts_->shared().late_authentication == LateAuthentication::off) {
    // wolfSSL's own copy of the ticket, a kilobyte and more where it holds our certificate: nothing will offer it. Only a ticket that fits
    // into the session makes it free the block.
    constexpr unsigned char none = 0;
    wolfSSL_set_SessionTicket(parts_->ssl, &none, sizeof(none));
    wolfSSL_set_SessionTicket(parts_->ssl, nullptr, 0);
  }
  return session;
}

}  // namespace signet::wire
