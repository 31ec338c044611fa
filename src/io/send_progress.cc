// SPDX-License-Identifier: GPL-3.0-or-later
// Apart from uring_io.cc: of the two headers that declare tcp_info, only the kernel's knows all of it, and they exclude each other.
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "signet/io/uring_io.h"

namespace signet::io {

namespace {

constexpr std::uint8_t state_closed = 7;  // TCP_CLOSE: after a reset, nothing is sent any more

}  // namespace

/// The SYN counts as the first byte (RFC 9293 §3.4).
SendProgress UringIo::send_progress(Descriptor descriptor) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (::getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 || info.tcpi_bytes_acked == 0) {
    return {};
  }
  return {.acknowledged_bytes = info.tcpi_bytes_acked - 1,
          .outstanding = info.tcpi_state != state_closed && (info.tcpi_unacked != 0 || info.tcpi_notsent_bytes != 0)};
}

}  // namespace signet::io
