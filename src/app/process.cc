// SPDX-License-Identifier: GPL-3.0-or-later
#include "process.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "signet/base/log.h"

namespace signet::app {

StopSignals::StopSignals() {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  sigemptyset(&set_);
  sigaddset(&set_, SIGTERM);
  sigaddset(&set_, SIGINT);
  sigaddset(&set_, SIGHUP);
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
    if (signal == SIGHUP) {
      reload_ = true;
    } else {
      ++count_;
    }
    changed_.notify_all();
  }
}

void StopSignals::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return count_ != 0; });
}

StopSignals::Event StopSignals::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return count_ != 0 || reload_ || files_changed_; });
  if (count_ != 0) {
    return Event::stop;
  }
  if (std::exchange(reload_, false)) {
    files_changed_ = false;  // everything is read anew
    return Event::reload;
  }
  files_changed_ = false;
  return Event::files_changed;
}

void StopSignals::files_changed() {
  const std::scoped_lock lock(mutex_);
  files_changed_ = true;
  changed_.notify_all();
}

unsigned StopSignals::count() const {
  const std::scoped_lock lock(mutex_);
  return count_;
}

namespace {

/// A pipe is opened anew, so that writing never waits for its reader: the flags of standard output itself belong to others, too. Everything
/// else is shared as it is, with the position in a file.
int open_standard_output() {
  struct stat status{};
  if (fstat(STDOUT_FILENO, &status) == 0 && S_ISFIFO(status.st_mode)) {
    return open("/proc/self/fd/1", O_WRONLY | O_CLOEXEC | O_NONBLOCK);
  }
  return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
}

Result<int> open_for_lines(const std::string& path) {
  const int descriptor =
      path == "-" ? open_standard_output() : ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0640);
  if (descriptor < 0) {
    return fail(ErrorKind::config, Origin::internal, fmt::format("access log {}: {}", path, std::strerror(errno)));
  }
  return descriptor;
}

}  // namespace

Result<std::unique_ptr<AccessLogFile>> AccessLogFile::open(const std::string& path) {
  if (path.empty()) {
    return std::unique_ptr<AccessLogFile>(new AccessLogFile(-1));
  }
  const Result<int> descriptor = open_for_lines(path);
  if (!descriptor) {
    return std::unexpected(descriptor.error());
  }
  return std::unique_ptr<AccessLogFile>(new AccessLogFile(*descriptor));
}

Result<void> AccessLogFile::reopen(const std::string& path) {
  const Result<int> descriptor = open_for_lines(path.empty() ? "/dev/null" : path);
  if (!descriptor) {
    return std::unexpected(descriptor.error());
  }
  dup3(*descriptor, descriptor_, O_CLOEXEC);  // in one step: a shard writes to the one or the other
  close(*descriptor);
  return {};
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

/// A log that cannot be written (full disk, full or closed pipe) loses lines; calls go on.
void AccessLogFile::write(std::string_view lines) {
  if (cut_.exchange(false) && ::write(descriptor_, "\n", 1) != 1) {
    cut_ = true;
    return;
  }
  const std::size_t size = lines.size();
  while (!lines.empty()) {
    const ssize_t written = ::write(descriptor_, lines.data(), lines.size());
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      if (lines.size() != size && lines.data()[-1] != '\n') {
        cut_ = true;
      }
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

}  // namespace signet::app
