// SPDX-License-Identifier: GPL-3.0-or-later
#include "process.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

namespace signet::app {

StopSignals::StopSignals() {
  signal(SIGPIPE, SIG_IGN);
  sigemptyset(&set_);
  sigaddset(&set_, SIGTERM);
  sigaddset(&set_, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  thread_ = std::thread([this] { run(); });
}

StopSignals::~StopSignals() {
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
  }
  pthread_kill(thread_.native_handle(), SIGTERM);
  thread_.join();
}

void StopSignals::run() {
  while (true) {
    int signal = 0;
    sigwait(&set_, &signal);
    const std::scoped_lock lock(mutex_);
    if (ending_) {
      return;
    }
    ++count_;
    changed_.notify_all();
  }
}

void StopSignals::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return count_ != 0; });
}

unsigned StopSignals::count() const {
  const std::scoped_lock lock(mutex_);
  return count_;
}

Result<std::unique_ptr<AccessLogFile>> AccessLogFile::open(const std::string& path) {
  if (path.empty()) {
    return std::unique_ptr<AccessLogFile>(new AccessLogFile(-1));
  }
  const int descriptor = path == "-" ? dup(STDOUT_FILENO) : ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
  if (descriptor < 0) {
    return fail(ErrorKind::config, Origin::internal, fmt::format("access log {}: {}", path, std::strerror(errno)));
  }
  return std::unique_ptr<AccessLogFile>(new AccessLogFile(descriptor));
}

AccessLogFile::~AccessLogFile() {
  if (descriptor_ >= 0) {
    close(descriptor_);
  }
}

std::function<void(std::string_view)> AccessLogFile::sink() {
  if (descriptor_ < 0) {
    return {};
  }
  return [this](std::string_view lines) { write(lines); };
}

/// A log that cannot be written (full disk, closed pipe) loses lines; calls go on.
void AccessLogFile::write(std::string_view lines) const {
  while (!lines.empty()) {
    const ssize_t written = ::write(descriptor_, lines.data(), lines.size());
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      return;
    }
    lines.remove_prefix(static_cast<std::size_t>(written));
  }
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

std::uint32_t available_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) {
    return 1;
  }
  return std::max(1U, static_cast<std::uint32_t>(CPU_COUNT(&set)));
}

WallTime wall_now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

}  // namespace signet::app
