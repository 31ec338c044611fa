// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers.h"

#include <algorithm>
#include <utility>

namespace signet::app {

namespace {
using Clock = std::chrono::steady_clock;
constexpr auto signal_check_interval = std::chrono::milliseconds(50);
}  // namespace

void Answers::add(Result<void> answer) {
  const std::scoped_lock lock(mutex_);
  ++count_;
  if (!answer && !failure_) {
    failure_ = std::move(answer.error());
  }
  changed_.notify_all();
}

bool Answers::wait_for(std::size_t count, Clock::time_point deadline, const StopSignals* signals) {
  std::unique_lock lock(mutex_);
  while (count_ < count) {
    const Clock::time_point now = Clock::now();
    if (now >= deadline || (signals != nullptr && signals->count() > 1)) {
      return false;
    }
    changed_.wait_until(lock, std::min(deadline, now + signal_check_interval));
  }
  return true;
}

void Answers::wait_for(std::size_t count) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return count_ >= count; });
}

}  // namespace signet::app
