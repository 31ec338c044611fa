// SPDX-License-Identifier: GPL-3.0-or-later
// What wolfSSL calls. No exception may leave these functions: there are C frames below them.
#include <fmt/core.h>
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/settings.h>
#include <wolfssl/wolfio.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string_view>
#include <utility>

#include "signet/base/check.h"
#include "signet/base/limits.h"
#include "ticket_keys_parts.h"
#include "tls_engine_parts.h"
#include "tls_verify.h"
#include "wolfssl_bytes.h"

namespace signet::wire {

namespace {

constexpr std::size_t sessions_kept_max = 8;                                    // per connection, until take_session
constexpr std::chrono::seconds tls12_lifetime_default = std::chrono::hours(2);  // RFC 5077 §3.3 leaves it to us when the server says 0

TlsEngine::Parts& engine_of(void* context) {
  return *static_cast<TlsEngine::Parts*>(context);
}

int on_receive(WOLFSSL*, char* destination, int size, void* context) {
  return engine_of(context).receive(destination, size);
}

int on_send(WOLFSSL*, char* source, int size, void* context) {
  return engine_of(context).send(source, size);
}

std::vector<ByteView> sent_chain(const WOLFSSL_BUFFER_INFO* certificates, int count) {
  std::vector<ByteView> chain;
  chain.reserve(static_cast<std::size_t>(count));
  for (const WOLFSSL_BUFFER_INFO& certificate : std::span(certificates, static_cast<std::size_t>(count))) {
    chain.push_back(std::as_bytes(std::span(certificate.buffer, certificate.length)));
  }
  return chain;
}

int on_verify(int, WOLFSSL_X509_STORE_CTX* store) {
  try {
    return engine_of(store->userCtx).judge(*store) ? 1 : 0;
  } catch (...) {
    return 0;
  }
}

/// Before wolfSSL looks at the server's chain; 1 spares it that. What it has to say about the leaf's key and usage, on_verify hears anyway.
int on_peer_chain(WOLFSSL* ssl, const WOLFSSL_BUFFER_INFO* certificates, int count) {
  try {
    return engine_of(wolfSSL_GetIOReadCtx(ssl)).knows(sent_chain(certificates, count)) ? 1 : 0;
  } catch (...) {
    return 0;
  }
}

/// Before wolfSSL looks at the message.
void on_certificate_request_body(WOLFSSL* ssl, const unsigned char* body, unsigned int size) {
  try {
    engine_of(wolfSSL_GetIOReadCtx(ssl)).note_request(std::as_bytes(std::span(body, size)));
  } catch (...) {
    return;  // what a refusal tells is less, then
  }
}

/// Once it has, and the certificate is to be chosen.
int on_certificate_request(WOLFSSL* ssl, void*) {
  TlsEngine::Parts& engine = engine_of(wolfSSL_GetIOReadCtx(ssl));
  engine.requested = true;
  engine.asked = true;
  engine.asked_late = engine.stage == TlsEngine::Parts::Stage::open;
  return engine.asked_late && !engine.may_ask_late() ? 0 : 1;
}

/// TLS 1.3 tickets. TLS 1.2 sessions are taken when the handshake is done: what a renegotiation would leave here cannot be resumed.
int on_session(WOLFSSL* ssl, WOLFSSL_SESSION* session) {
  TlsEngine::Parts& engine = engine_of(wolfSSL_GetIOReadCtx(ssl));
  if (wolfSSL_version(ssl) == TLS1_3_VERSION && engine.sessions.size() < sessions_kept_max) {
    try {
      // wolfSSL goes on writing into its own.
      engine.keep_session(wolfSSL_SESSION_dup(session), TlsVersion::tls13);
    } catch (...) {
      return 0;  // one connection less that can resume
    }
  }
  return 0;
}

/// wolfSSL keeps the name that a caller asks for, and binds tickets to it, only where somebody wants to hear of it.
int on_server_name(WOLFSSL*, int*, void*) {
  return 0;
}

/// The ClientHello is read, and the cipher suite not yet chosen.
int on_server_certificate(WOLFSSL* ssl, void*) {
  try {
    return engine_of(wolfSSL_GetIOReadCtx(ssl)).show_certificate() ? 1 : 0;
  } catch (...) {
    return 0;
  }
}

int on_ticket(WOLFSSL*, unsigned char* key_name, unsigned char* nonce, unsigned char* tag, int seals, unsigned char* ticket, int size,
              int* size_out, void* context) {
  const TlsContext::Parts& parts = *static_cast<const TlsContext::Parts*>(context);
  TicketKeys::Parts& keys = parts.server.ticket_keys->parts();
  const TicketEnvelope envelope{
      .key_name = std::as_writable_bytes(std::span<unsigned char, WOLFSSL_TICKET_NAME_SZ>(key_name, WOLFSSL_TICKET_NAME_SZ)),
      .nonce = std::as_writable_bytes(std::span<unsigned char, WOLFSSL_TICKET_IV_SZ>(nonce, WOLFSSL_TICKET_IV_SZ)),
      .tag = std::as_writable_bytes(std::span<unsigned char, WOLFSSL_TICKET_MAC_SZ>(tag, WOLFSSL_TICKET_MAC_SZ))};
  const MutableByteView content = std::as_writable_bytes(std::span(ticket, static_cast<std::size_t>(size)));
  *size_out = size;
  try {
    if (seals != 0) {
      return keys.seal(wall_now(), parts.ticket_scope, envelope, content) ? WOLFSSL_TICKET_RET_OK : WOLFSSL_TICKET_RET_FATAL;
    }
    // Never WOLFSSL_TICKET_RET_CREATE: in TLS 1.2 the new ticket would hold the old secret, which is to have an end; TLS 1.3 has new ones.
    return keys.open(wall_now(), parts.ticket_scope, envelope, content) ? WOLFSSL_TICKET_RET_OK : WOLFSSL_TICKET_RET_REJECT;
  } catch (...) {
    return WOLFSSL_TICKET_RET_REJECT;
  }
}

int verify_mode(const TlsServerSettings& settings) {
  switch (settings.client_certificate) {
    case ClientCertificate::none: return WOLFSSL_VERIFY_NONE;
    case ClientCertificate::request: return WOLFSSL_VERIFY_PEER;
    case ClientCertificate::require: return WOLFSSL_VERIFY_PEER | WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  }
  return WOLFSSL_VERIFY_NONE;
}

std::shared_ptr<TlsPeer> read_peer(ByteView leaf) {
  Result<CertificateInfo> info = certificate_info(leaf);
  if (!info) {
    return nullptr;
  }
  auto peer = std::make_shared<TlsPeer>();
  peer->leaf = std::move(*info);
  return peer;
}

}  // namespace

void install_callbacks(TlsContext::Parts& parts) {
  wolfSSL_CTX_SetIORecv(parts.context, on_receive);
  wolfSSL_CTX_SetIOSend(parts.context, on_send);
  if (parts.side == Side::client) {
    // Always with the callback: it is told of every fault, and decides which ones count for this identity.
    wolfSSL_CTX_set_verify(parts.context, WOLFSSL_VERIFY_PEER, on_verify);
    wolfSSL_CTX_set_peer_chain_cb(parts.context, on_peer_chain);
    wolfSSL_CTX_set_cert_request_cb(parts.context, on_certificate_request_body);
    wolfSSL_CTX_set_cert_cb(parts.context, on_certificate_request, nullptr);
    wolfSSL_CTX_sess_set_new_cb(parts.context, on_session);
  } else {
    wolfSSL_CTX_set_verify(parts.context, verify_mode(parts.server), on_verify);
    wolfSSL_CTX_set_servername_callback(parts.context, on_server_name);
    if (parts.certificates.size() > 1) {
      wolfSSL_CTX_set_cert_cb(parts.context, on_server_certificate, nullptr);
    }
    if (parts.server.ticket_keys) {
      wolfSSL_CTX_set_TicketEncCb(parts.context, on_ticket);
      wolfSSL_CTX_set_TicketEncCtx(parts.context, &parts);
    }
  }
}

void require_certificate(WOLFSSL* ssl) {
  wolfSSL_set_verify(ssl, WOLFSSL_VERIFY_PEER | WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT, on_verify);
}

WallTime wall_now() {
  return WallTime(std::chrono::seconds(wc_Time(nullptr)));
}

int TlsEngine::Parts::receive(char* destination, int size) {
  if (input == nullptr || input->empty()) {
    return WOLFSSL_CBIO_ERR_WANT_READ;
  }
  const std::size_t taken = std::min(input->size(), static_cast<std::size_t>(size));
  std::memcpy(destination, input->data(), taken);
  *input = input->subspan(taken);
  return static_cast<int>(taken);
}

/// Takes everything, always: wolfSSL cannot deal with "later" while it renegotiates or authenticates after the handshake.
int TlsEngine::Parts::send(const char* source, int size) {
  SIGNET_CHECK(output != nullptr && size >= 0);
  try {
    // TLS 1.2 shows the type of a record.
    constexpr char alert_record = 21;
    alert_sent = alert_sent || (stage == Stage::open && size > 0 && *source == alert_record);
    output->append(std::string_view(source, static_cast<std::size_t>(size)));
    return size;
  } catch (...) {
    return WOLFSSL_CBIO_ERR_GENERAL;
  }
}

bool TlsEngine::Parts::show_certificate() {
  // Also where a session may be resumed: at this point wolfSSL takes every offer for a resumption.
  void* name = nullptr;
  const std::uint16_t size = wolfSSL_SNI_GetRequest(ssl, WOLFSSL_SNI_HOST_NAME, &name);
  const std::string_view server_name = name == nullptr ? std::string_view() : std::string_view(static_cast<const char*>(name), size);
  const std::size_t wanted = certificate_for(shared().certificates, server_name);
  if (wanted == shown) {
    return true;  // also of a second ClientHello
  }
  const ServerCertificate& chosen = shared().certificates[wanted];
  const ByteView key = chosen.certificate->private_key_der();
  if (wolfSSL_use_certificate_chain_buffer_format(ssl, wolfssl_bytes(chosen.chain), static_cast<long>(chosen.chain.size()),
                                                  WOLFSSL_FILETYPE_ASN1) != WOLFSSL_SUCCESS ||
      wolfSSL_use_PrivateKey_buffer(ssl, wolfssl_bytes(key), static_cast<long>(key.size()), WOLFSSL_FILETYPE_ASN1) != WOLFSSL_SUCCESS) {
    return false;
  }
  shown = wanted;
  return true;
}

bool TlsEngine::Parts::may_ask_late() {
  if (++late_requests <= limits::late_requests_max) {
    return true;
  }
  try {
    verdict = Error{
        .kind = ErrorKind::tls_protocol,
        .origin = Origin::backend,
        .detail = fmt::format("the server asked for our certificate more than {} times after the handshake", limits::late_requests_max)};
  } catch (...) {
    return false;
  }
  return false;
}

bool TlsEngine::Parts::judge(const WOLFSSL_X509_STORE_CTX& store) {
  judged = true;
  accepted = false;
  const bool chain_is_checked =
      (client() ? shared().identity->settings().validate_chain : shared().server.validate_client_chain) == Check::on;
  if (store.totalCerts == 0) {
    peer = nullptr;  // of a caller that has none; wolfSSL knows whether it must have one
    return store.error == 0;
  }
  const std::vector<ByteView> chain = sent_chain(store.certs, store.totalCerts);
  if (store.error_depth > 0) {
    if (store.error == 0 || !chain_is_checked) {
      return true;
    }
    const auto depth = static_cast<std::size_t>(store.error_depth);
    verdict = chain_error(shared().side, store.error, store.error_depth, depth < chain.size() ? chain[depth] : ByteView());
    return false;
  }
  return judge_leaf(chain, store.error, chain_is_checked);
}

bool TlsEngine::Parts::knows(SentChain chain) {
  known_peer = shared().verified_chains.find(chain, wall_now());
  return known_peer != nullptr;
}

bool TlsEngine::Parts::meet(SentChain chain) {
  std::shared_ptr<TlsPeer> read = read_peer(chain.front());
  if (read == nullptr) {
    verdict = chain_error(shared().side, ASN_PARSE_E, 0, chain.front());
    return false;
  }
  if (!client()) {
    for (const ByteView certificate : chain) {
      read->chain_der.emplace_back(certificate.begin(), certificate.end());
    }
  }
  peer = std::move(read);
  return true;
}

bool TlsEngine::Parts::judge_leaf(SentChain chain, int code, bool chain_is_checked) {
  TlsContext::Parts& common = shared();
  const bool known = known_peer != nullptr;
  if (known) {
    peer = std::exchange(known_peer, nullptr);
  } else if (!meet(chain)) {
    return false;
  }
  // A key that cannot be used proves nothing, whatever may be ignored otherwise.
  if (code != 0 && (chain_is_checked || code == PEER_KEY_ERROR)) {
    verdict = chain_error(common.side, code, 0, chain.front());
    return false;
  }
  if (known || !client()) {
    accepted = true;
    return true;
  }
  verdict = check_server(*common.identity, peer->leaf, chain);
  if (!verdict && chain_is_checked) {
    verdict = check_path(*common.identity, chain, wolfSSL_CTX_GetCertManager(common.context));
  }
  if (!verdict && chain_is_checked && !common.identity->settings().revocation_lists.empty()) {
    verdict = check_revocation(*common.identity, chain, wolfSSL_CTX_GetCertManager(common.context));
  }
  accepted = !verdict;
  if (accepted) {
    common.verified_chains.add(*common.identity, chain, peer, wall_now());
  }
  return accepted;
}

void TlsEngine::Parts::keep_session(WOLFSSL_SESSION* session, TlsVersion session_version) {
  TlsSession kept;
  kept.session_.reset(session);
  if (session == nullptr) {
    return;
  }
  std::chrono::seconds lifetime(wolfSSL_SESSION_get_timeout(session));
  if (lifetime.count() == 0 && session_version == TlsVersion::tls12) {
    lifetime = tls12_lifetime_default;
    wolfSSL_SSL_SESSION_set_timeout(session, static_cast<long>(lifetime.count()));
  }
  const WallTime now = wall_now();
  kept.expires_at_ = std::min(now + lifetime, authenticated_at + shared().identity->settings().session_lifetime);
  if (shared().certificate) {
    kept.expires_at_ = std::min(kept.expires_at_, shared().certificate->not_after());
  }
  if (peer) {
    kept.expires_at_ = std::min(kept.expires_at_, peer->leaf.not_after);
  }
  if (kept.expires_at_ <= now) {
    return;
  }
  kept.identity_key_ = shared().identity->key();
  kept.authenticated_at_ = authenticated_at;
  kept.version_ = session_version;
  kept.certificate_requested_ = requested;
  kept.certificate_sent_ = requested && shared().certificate != nullptr;
  kept.peer_ = peer;
  sessions.push_back(std::move(kept));
}

}  // namespace signet::wire
