// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/net/listener.h"

#include <fmt/core.h>

#include <cstring>
#include <utility>

#include "signet/base/check.h"
#include "signet/base/log.h"

namespace signet::net {

Listener::Listener(io::Io& io, ConnectionHandler& handler) : io_(io), handler_(handler) {}

Listener::~Listener() {
  SIGNET_CHECK(descriptor_ < 0);
}

Result<void> Listener::open(const Endpoint& address) {
  SIGNET_CHECK(descriptor_ < 0);
  Result<io::Descriptor> opened = io_.listen(address, {});
  if (!opened) {
    return std::unexpected(std::move(opened.error()));
  }
  descriptor_ = *opened;
  address_ = io_.local_endpoint(descriptor_);
  io_.accept(accept_, descriptor_);
  return {};
}

void Listener::close() {
  SIGNET_CHECK(descriptor_ >= 0);
  if (std::exchange(closing_, true)) {
    return;
  }
  if (accept_.active()) {
    io_.cancel(accept_);
  } else {
    io_.defer(closed_);
  }
}

void Listener::on_accepted(io::Completion& completion) {
  if (completion.result >= 0) {
    if (closing_) {
      io_.close(completion.result);
    } else {
      handler_.on_connection(completion.result, address_);
    }
  }
  if (accept_.active()) {
    return;
  }
  if (closing_) {
    on_closed();
    return;
  }
  if (completion.result < 0) {
    log::error(fmt::format("accept on {}: {}; the listener is closed", address_.text(), std::strerror(-completion.result)));
    return;
  }
  io_.accept(accept_, descriptor_);
}

void Listener::on_closed() {
  io_.close(std::exchange(descriptor_, -1));
  closing_ = false;
  handler_.on_listener_closed();  // may destroy this
}

}  // namespace signet::net
