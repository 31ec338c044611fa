// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "signet/base/clock.h"
#include "signet/base/result.h"
#include "signet/config/snapshot.h"
#include "signet/gateway/backend_health.h"
#include "signet/io/timer.h"
#include "signet/net/connection.h"
#include "signet/net/resolver.h"
#include "signet/wire/http_reader.h"
#include "session.h"

namespace signet::gateway {

class Gateway;
struct RetrySituation;

/// One proxied call: reads the request, finds the API, leases a connection under the API's identity, relays both bodies at once, and says
/// how both connections go on.
///
///     head ──► resolve ──► lease ──► relay ──► (done)
///       │         │          │        │  └──► tunnel ──► (done)
///       └─────────┴──────────┴────────┴──► error answer ──► (done)
///
/// Kept by the Gateway for the next call together with its buffers, so that a call allocates nothing in steady state. Whatever calls
/// `finish` returns at once: the object may be in use for the next call.
class Exchange final : public net::LeaseUser, public net::ResolverCache::Waiter {
 public:
  explicit Exchange(Gateway& gateway);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange() = default;

  /// REQUIRES: not in use.
  void start(Session& session);
  /// Of both heads, kept for the next call; in bytes.
  [[nodiscard]] std::size_t memory() const { return request_.memory() + response_.memory(); }
  /// Gives it back. REQUIRES: not in use.
  void release_memory() {
    request_.release_memory();
    response_.release_memory();
  }

  // From the session.
  void on_caller_data(ByteView& data);
  void on_caller_end();
  void on_caller_drained();
  void on_caller_gone(Error error);
  void on_head_timeout();
  /// No new calls: one whose head is not complete is none yet.
  void on_drain();
  /// The call is cut off: the session is being closed.
  void cancel(Error error);

 private:
  enum class Stage : std::uint8_t { idle, head, resolve, lease, relay, tunnel };

  // request side (exchange_request.cc)
  void read_caller(ByteView& data);
  [[nodiscard]] bool takes_caller_data(bool input_left);
  void relay_to_backend(ByteView& data);
  void flush_to_backend();
  void on_request_head();
  void find_back_end();
  void restart(Error retired);
  void find_endpoint();
  void choose_endpoint();
  void lease();
  [[nodiscard]] std::optional<Error> forbidden_endpoint() const;
  void lease_failed(Error error);
  void send_request_head();
  bool on_request_body(ByteView body);
  void write_body(ByteView body);
  void keep_for_replay(ByteView body);
  void replay_body();
  void drop_replay() {
    replay_.clear();
    replay_.release_if_empty();
  }
  void on_request_complete();
  void on_resolved(const std::shared_ptr<const net::Resolution>& resolution) override;
  void on_resolve_failed(Error error) override;
  void on_lease_ready(net::Connection& connection) override;
  void on_lease_failed(Error error) override;
  void on_backend_drained() override;
  [[nodiscard]] bool asks_before_body() const;
  void release_body();

  // response side (exchange_response.cc)
  void on_backend_data(ByteView& data) override;
  void on_backend_end() override;
  void on_backend_failed(Error error) override;
  void relay_to_caller(ByteView& data);
  bool on_response_head();
  bool discard_body();
  bool end_discarded();
  void on_discard_timeout() { end_discarded(); }
  bool on_response_body(ByteView body);
  bool on_response_complete(ByteView& data);
  [[nodiscard]] bool is_about_our_expectation() const;
  void send_without_expectation();
  void connection_failed(Error error);
  [[nodiscard]] RetrySituation retry_situation() const;
  void fail_or_retry(Error error, const RetrySituation& situation);

  /// REQUIRES: routed.
  [[nodiscard]] const config::Upstream& upstream() const { return *destination_->upstream; }

  // the plan (exchange_policy.cc)
  [[nodiscard]] Result<void> route();
  [[nodiscard]] bool pass_gates();
  [[nodiscard]] bool choose_destination();
  void take_member(const BackendHealth::Choice& choice);
  bool go_to_next_member(const Error& error);
  void make_target();
  [[nodiscard]] std::string_view host_for_backend() const;
  [[nodiscard]] std::string_view sent_method() const;
  [[nodiscard]] Duration response_timeout() const;
  void note_failure(const Error& error);
  void note_answer();
  [[nodiscard]] bool is_answer_replaced() const;
  [[nodiscard]] bool is_body_worth_reading() const;
  void answer_instead();
  void answer_canned(const config::CannedResponse& canned, const config::NameEdits* fields);
  void answer_unforwarded();
  [[nodiscard]] static const config::NameEdits* edits_or_null(const config::NameEdits& edits) { return edits.empty() ? nullptr : &edits; }

  // the end
  [[nodiscard]] bool keeps_caller() const;
  void note_refusal(const Error& error);
  void note_error(const Error& error);
  void answer_error(Error error);
  void finish(Session::Next next);
  void let_go_of_backend(net::Reuse reuse);
  void note_connection();
  void log_call();
  [[nodiscard]] const std::string& activity_id();
  void on_timer();
  void progress();
  void start_timer();
  [[nodiscard]] Duration lease_timeout() const;
  struct Wait {
    Duration allowed{};  ///< since the last progress; zero: as long as it takes
    Error error;
    const char* what = "";  ///< Error::detail, copied only when it has come to that
  };
  [[nodiscard]] Wait wait();

  Gateway& gateway_;
  Session* session_ = nullptr;
  wire::HttpReader request_;
  wire::HttpReader response_;
  std::shared_ptr<const config::Snapshot> snapshot_;
  const config::Route* route_ = nullptr;
  const config::Plan* plan_ = nullptr;
  const config::Destination* destination_ = nullptr;  ///< of the plan's, the one that was chosen
  std::shared_ptr<const net::Resolution> resolution_;
  net::Connection* connection_ = nullptr;
  ByteBuffer replay_;                        ///< what a connection that may turn out to be dead was given of the body
  std::shared_ptr<CircuitBreaker> breaker_;  ///< of the back end; null: it has no rules
  std::string_view operation_;               ///< id of the API's operation
  std::optional<std::string_view> query_;    ///< as the caller sent it
  config::TemplateValues values_;            ///< of the operation's template; views path_
  std::string path_;                         ///< normalised
  std::string target_;                       ///< for the back end
  std::string activity_id_;
  std::string caller_text_;      ///< address of the peer
  std::string_view error_kind_;  ///< of what went wrong, for the log
  std::string error_detail_;
  Endpoint endpoint_;     ///< of the current attempt
  std::string_view tls_;  ///< version and kind of handshake of the connection that was used
  std::uint64_t connection_number_ = 0;
  TimePoint started_{};
  TimePoint last_progress_{};
  TimePoint total_deadline_{};
  Duration waited_before_{};          ///< for an answer, when the call was sent for the first time
  std::uint64_t request_bytes_ = 0;   ///< of the body
  std::uint64_t response_bytes_ = 0;  ///< of the body
  io::Timer<Exchange, &Exchange::on_timer> timer_{this};
  io::Timer<Exchange, &Exchange::release_body> continue_timer_{this};
  io::Timer<Exchange, &Exchange::on_discard_timeout> discard_timer_{this};
  std::uint64_t discarded_bytes_ = 0;   ///< of a back end's body that the caller does not get
  std::uint64_t members_excluded_ = 0;  ///< of the pool, a bit for each that was tried
  std::uint32_t members_tried_ = 0;
  std::uint32_t attempts_ = 0;
  std::uint32_t endpoint_index_ = 0;
  std::uint32_t endpoints_tried_ = 0;
  std::uint16_t status_ = 0;  ///< that the caller was told
  Stage stage_ = Stage::idle;
  bool head_seen_ = false;
  bool caller_keeps_alive_ = false;
  bool request_complete_ = false;
  bool body_kept_ = false;           ///< what was sent of the body, be it nothing, is in replay_
  bool replayed_ = false;            ///< the call is sent for the second time
  bool expectation_ours_ = false;    ///< the back end was sent an Expect field that the caller did not send
  bool expectation_failed_ = false;  ///< it does not know what to do with it
  bool body_held_ = false;           ///< until the back end says what it thinks of the head
  bool response_begun_ = false;      ///< any byte of an answer has arrived
  bool response_head_sent_ = false;  ///< the caller has the head of the final answer
  bool response_chunked_ = false;    ///< towards the caller
  bool response_discarded_ = false;  ///< what comes of the back end's body goes nowhere
  bool gates_passed_ = false;        ///< the call was counted
  bool health_noted_ = false;        ///< the breaker knows how this attempt went
  bool connection_reused_ = false;
  bool reading_caller_ = false;  ///< inside on_caller_data, which flushes when it is done
};

}  // namespace signet::gateway
