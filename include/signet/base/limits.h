// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "signet/base/clock.h"

/// Every limit that is not a setting, with its unit. Settings and their defaults are in config/config.h.
namespace signet::limits {

using std::chrono::seconds;

// ---- io
// ----------------------------------------------------------------------------------------------------------------------------------------

/// Submission queue of a shard's ring. A full queue is submitted early; it fails nothing.
inline constexpr std::uint32_t uring_queue_entries = 1024;
/// One received piece: four TLS records with their overhead (RFC 8446 §5.2: 2^14 + 256 + 5), each rounded up to a multiple of 64. Bulk goes
/// through in few receives, and in sends as large. No power of two, so that the beginnings of the buffers, all that small messages use, do
/// not share lines of the processor's caches.
inline constexpr std::uint32_t receive_buffer_bytes = 4 * 16'704;
/// Received pieces in use at once, per shard. Memory is taken up only by what was received in one turn of the loop.
inline constexpr std::uint32_t receive_buffers_max = 2048;

/// Sends of so many bytes together do not wait for the end of the loop's turn: more would leave the processor's cache before the kernel
/// copies them, and that costs more than a system call.
inline constexpr std::size_t unsubmitted_send_bytes_max = 256 * 1024;

static_assert(receive_buffer_bytes >= 4 * (16'384 + 256 + 5) && receive_buffer_bytes % 64 == 0);

// ---- transport
// ---------------------------------------------------------------------------------------------------------------------------------

/// Queued bytes above which a connection is congested, and below which it is so no longer.
inline constexpr std::size_t transport_high_water_bytes = 128 * 1024;
inline constexpr std::size_t transport_low_water_bytes = 48 * 1024;
/// Most plaintext that is decrypted in one step: a record.
inline constexpr std::size_t transport_read_bytes_max = 16 * 1024;
/// Records that have come together are handed over together, up to about this much: one piece makes one send.
inline constexpr std::size_t transport_piece_bytes_max = 64 * 1024;
/// Below this, copying what was received costs less than the memory that would go along with it.
inline constexpr std::size_t transport_hand_over_bytes_min = 8 * 1024;
/// How long a connection that we close may take to accept what is still queued.
inline constexpr Duration transport_close_flush_max = seconds(30);
/// How long, and how many bytes, we listen to a peer after our FIN.
inline constexpr Duration transport_linger_max = seconds(2);
inline constexpr std::uint32_t transport_linger_bytes_max = 1024 * 1024;
/// How long after a peer's end we wait to learn whether it has taken what we had just sent, and how often we look, at first.
inline constexpr Duration transport_doubt_max = seconds(1);
inline constexpr Duration transport_doubt_step = std::chrono::milliseconds(2);

static_assert(transport_low_water_bytes < transport_high_water_bytes);
static_assert(transport_doubt_step < transport_doubt_max);

// ---- pool
// --------------------------------------------------------------------------------------------------------------------------------------

/// Per (endpoint, identity) and shard; see config::BackendConnections for what a backend may set.
inline constexpr std::uint32_t pool_connections_max = 1024;
inline constexpr std::uint32_t pool_idle_max = 64;
/// Calls that wait for a connection; more are refused with 503.
inline constexpr std::uint32_t pool_waiting_max = 4096;
inline constexpr Duration pool_idle_timeout = seconds(60);
/// How long before the end that a back end has announced (Keep-Alive: timeout) its connection is given up; less if it announced little.
inline constexpr Duration pool_keep_alive_margin = seconds(1);
inline constexpr Duration connect_timeout = seconds(10);
/// Refusals of one identity by one endpoint in a row after which the identity is not shown there for a pause; the pause doubles with each
/// further refusal. Per shard.
inline constexpr std::uint32_t identity_refusals_max = 5;
inline constexpr Duration identity_pause_min = seconds(1);
inline constexpr Duration identity_pause_max = seconds(30);
/// (endpoint, identity) with refusals that are remembered, per shard.
inline constexpr std::size_t refusal_breakers_max = 4096;
/// How often a back end may ask for our certificate late on one connection (post-handshake authentication, renegotiation): each costs a
/// signature. Then the connection serves no further call; one that asks still more often fails.
inline constexpr std::uint32_t late_requests_max = 16;
/// (endpoint, identity) with TLS sessions that are kept for resumption, per shard.
inline constexpr std::size_t sessions_max = 1024;
/// TLS 1.3 tickets per (endpoint, identity) that a shard keeps for itself; what is over is for all shards.
inline constexpr std::size_t sessions_own_max = 1;
/// The depot of all shards: (endpoint, identity) in it, and sessions for each: as many new connections at once find one.
inline constexpr std::size_t depot_entries_max = 1024;
inline constexpr std::size_t depot_sessions_max = 128;

// ---- resolver
// ----------------------------------------------------------------------------------------------------------------------------------

/// Time for one name, all servers and repetitions together.
inline constexpr Duration resolve_timeout = seconds(8);
/// Names that are asked for at once, by all shards together; more are refused.
inline constexpr std::uint32_t resolve_outstanding_max = 1024;
/// Answers are kept as long as their time to live says, within these bounds.
inline constexpr Duration resolve_ttl_min = seconds(1);
inline constexpr Duration resolve_ttl_max = std::chrono::minutes(5);
/// How long it is remembered that a name does not exist, and that no server could say.
inline constexpr Duration resolve_not_found_ttl = seconds(5);
inline constexpr Duration resolve_failure_ttl = seconds(1);
/// How long beyond its time to live an answer serves when no newer one can be had (RFC 8767 §5).
inline constexpr Duration resolve_stale_max = std::chrono::hours(24);
/// Names kept, per shard.
inline constexpr std::size_t resolve_entries_max = 1024;

static_assert(identity_pause_min < identity_pause_max);
static_assert(resolve_ttl_min <= resolve_failure_ttl && resolve_failure_ttl <= resolve_not_found_ttl);
static_assert(resolve_not_found_ttl < resolve_ttl_max);

// ---- gateway
// -----------------------------------------------------------------------------------------------------------------------------------

/// Refusals of our certificates that are kept to be looked at, per shard.
inline constexpr std::size_t refusals_kept = 64;
/// Body that is sent right behind the head to a back end that may ask late for our certificate; of a longer one it is asked first whether
/// it is wanted. Such a back end has to keep what comes before the certificate: IIS keeps 48 KiB (uploadReadAheadSize), Apache 128 KiB.
inline constexpr std::uint64_t late_authentication_body_bytes_max = std::uint64_t{48} * 1024;
/// How long such a body waits for the answer (RFC 9110 §10.1.1: a client does not wait for ever).
inline constexpr Duration continue_wait_max = seconds(1);
/// Body of a back end's answer that is read and thrown away, where a policy's answer stands in its place, for the sake of the connection;
/// one with more is cut off.
inline constexpr std::uint64_t discarded_body_bytes_max = std::uint64_t{64} * 1024;
/// Members of a pool that one call tries to reach.
inline constexpr std::uint32_t pool_members_tried_max = 8;
/// Parts of a circuit breaker's interval in which calls are counted.
inline constexpr std::size_t breaker_slices = 10;
/// Calls within the interval below which a circuit breaker's percentage says nothing.
inline constexpr std::uint32_t breaker_percentage_calls_min = 10;
/// Longest time that a back end can ask for by Retry-After.
inline constexpr seconds breaker_retry_after_max = std::chrono::hours(1);
/// Exchanges kept for further calls, per shard.
inline constexpr std::size_t free_exchanges_max = 4096;
/// Memory for heads that such an exchange may keep; ordinary calls need a tenth of it.
inline constexpr std::size_t free_exchange_bytes_max = std::size_t{32} * 1024;
/// Most of one value that a peer sent which is shown in a log line.
inline constexpr std::size_t log_value_bytes_max = 512;
/// Most of our own sentence about what went wrong, which may quote several such values.
inline constexpr std::size_t log_detail_bytes_max = 4096;
inline constexpr std::size_t access_log_block_bytes = 32 * 1024;

// ---- management
// --------------------------------------------------------------------------------------------------------------------------------

/// Connections to the management listener. Beyond it, one that has not shown a valid token makes room.
inline constexpr std::size_t admin_connections_max = 256;
inline constexpr std::size_t admin_head_bytes_max = 32 * 1024;
inline constexpr std::size_t admin_fields_max = 100;
inline constexpr std::uint64_t admin_body_bytes_max = std::uint64_t{8} * 1024 * 1024;
/// Of all requests that are being read or carried out, together.
inline constexpr std::uint64_t admin_bodies_bytes_max = std::uint64_t{64} * 1024 * 1024;
/// From accept, or from the first byte of a further request, to the end of its head.
inline constexpr Duration admin_head_timeout = seconds(15);
inline constexpr Duration admin_idle_timeout = seconds(60);
/// For a whole body.
inline constexpr Duration admin_body_timeout = seconds(60);
/// Requests that are carried out at once, and that wait for it; more are refused with 503.
inline constexpr std::size_t admin_workers = 4;
inline constexpr std::size_t admin_queue_max = 64;

/// An answer to a wrong token waits this long, twice as long with each further one from its address.
inline constexpr Duration token_pause_min = std::chrono::milliseconds(250);
inline constexpr Duration token_pause_max = seconds(4);
/// After so long without a wrong token an address starts anew.
inline constexpr Duration token_failure_memory = std::chrono::minutes(10);
/// Addresses remembered, and answers that wait at once; beyond it, the connection ends with its answer, at once.
inline constexpr std::size_t token_failure_addresses_max = 1024;
inline constexpr std::size_t token_pauses_max = 64;
/// Log lines about wrong tokens: one per address in so long.
inline constexpr Duration token_failure_log_interval = seconds(10);
/// Largest file admin.token.
inline constexpr std::size_t token_file_bytes_max = 1024;
/// Shorter tokens can be guessed.
inline constexpr std::size_t token_bytes_min = 32;

/// How long the certificate lasts that Signet makes for its management listener, and how much of that must be left at start.
inline constexpr std::chrono::days own_certificate_lifetime{730};
inline constexpr std::chrono::days own_certificate_left_min{30};

/// Reconnections of back ends that are put off, at once and how far.
inline constexpr std::size_t reconnects_pending_max = 1024;
inline constexpr seconds reconnect_after_max = std::chrono::hours(24);

static_assert(token_pause_min < token_pause_max && token_pause_max < admin_idle_timeout);
static_assert(admin_body_bytes_max < admin_bodies_bytes_max && token_pauses_max < admin_connections_max);
static_assert(own_certificate_left_min < own_certificate_lifetime);

}  // namespace signet::limits
