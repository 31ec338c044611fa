// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <exception>
#include <functional>
#include <string>
#include <utility>

namespace signet::test {

/// Part of this program in a process of its own, which may be killed. What it runs must not use Catch2.
class ChildProcess {
 public:
  /// `run` gets the descriptor to report on; when it returns, the process ends.
  explicit ChildProcess(const std::function<void(int report)>& run) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    process_ = ::fork();
    REQUIRE(process_ >= 0);
    if (process_ == 0) {
      ::close(ends[0]);
      try {
        run(ends[1]);
      } catch (const std::exception& exception) {
        say(ends[1], exception.what());
      }
      ::_exit(0);
    }
    ::close(ends[1]);
    report_ = ends[0];
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess() {
    kill();
    ::close(report_);
  }

  static void say(int report, const std::string& text) {
    [[maybe_unused]] const ssize_t written = ::write(report, text.data(), text.size());
  }

  [[nodiscard]] int report() const { return report_; }

  /// Until the process closes its end.
  [[nodiscard]] std::string read_all() {
    std::string text;
    char piece[4096];
    for (ssize_t got = 0; (got = ::read(report_, piece, sizeof piece)) > 0;) {
      text.append(piece, static_cast<std::size_t>(got));
    }
    return text;
  }

  /// SIGKILL, if it has not ended by itself; it has when this returns.
  void kill() {
    if (process_ > 0) {
      ::kill(process_, SIGKILL);
      ::waitpid(process_, nullptr, 0);
      process_ = -1;
    }
  }

 private:
  pid_t process_ = -1;
  int report_ = -1;
};

/// What `run` returns in a process of its own.
inline std::string in_child(const std::function<std::string()>& run) {
  return ChildProcess([&run](int report) { ChildProcess::say(report, run()); }).read_all();
}

}  // namespace signet::test
