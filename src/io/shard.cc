// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/io/shard.h"

#include <pthread.h>

#include <cstddef>
#include <future>
#include <string>
#include <utility>

namespace signet::io {

namespace {

/// pthread_setname_np refuses more.
constexpr std::size_t thread_name_size_max = 15;

}  // namespace

Result<std::unique_ptr<Shard>> Shard::start(const Options& options) {
  std::unique_ptr<Shard> shard(new Shard);
  std::promise<Result<UringIo*>> made;
  std::future<Result<UringIo*>> answer = made.get_future();
  shard->thread_ = std::thread([options, made = std::move(made)]() mutable {
    pthread_setname_np(pthread_self(), ("signet-" + options.name).substr(0, thread_name_size_max).c_str());
    Result<std::unique_ptr<UringIo>> io = UringIo::create(options.io);
    if (!io) {
      made.set_value(std::unexpected(std::move(io.error())));
      return;
    }
    made.set_value(io->get());
    (*io)->run();
  });
  Result<UringIo*> io = answer.get();
  if (!io) {
    shard->thread_.join();
    return std::unexpected(std::move(io.error()));
  }
  shard->io_ = *io;
  return shard;
}

Shard::~Shard() {
  if (thread_.joinable()) {
    if (io_ != nullptr) {
      io_->post([io = io_] { io->stop(); });
    }
    thread_.join();
  }
}

}  // namespace signet::io
