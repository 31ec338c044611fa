// SPDX-License-Identifier: GPL-3.0-or-later
#include "password.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <termios.h>
#include <unistd.h>

#include <cstddef>

#include "failure.h"
#include "settings.h"

namespace signet::app::cli {

namespace {

constexpr std::size_t password_bytes_max = 1024;
constexpr char end_of_text = '\x03';  // Ctrl-C
constexpr char end_of_transmission = '\x04';

/// The terminal with echo and signals off: what is typed is read, and nothing ends us before the echo is on again.
class QuietTerminal {
 public:
  QuietTerminal() : fd_(open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) {
    if (fd_ < 0 || tcgetattr(fd_, &before_) != 0) {
      if (fd_ >= 0) {
        close(fd_);
      }
      throw Failure("the file needs a password and there is no terminal to ask on: name it with --password-file or --password-env");
    }
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL | ISIG);
    tcsetattr(fd_, TCSAFLUSH, &quiet);
  }
  QuietTerminal(const QuietTerminal&) = delete;
  QuietTerminal& operator=(const QuietTerminal&) = delete;
  ~QuietTerminal() {
    write("\n");
    tcsetattr(fd_, TCSAFLUSH, &before_);
    close(fd_);
  }

  void write(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t written = ::write(fd_, text.data(), text.size());
      if (written <= 0) {
        return;
      }
      text.remove_prefix(static_cast<std::size_t>(written));
    }
  }

  /// One line without its end. The terminal itself handles the erase characters.
  [[nodiscard]] std::string read_line() const {
    std::string line;
    line.reserve(password_bytes_max);  // it does not move: no copies stay behind
    char c = 0;
    while (::read(fd_, &c, 1) == 1 && c != '\n' && c != '\r') {
      if (c == end_of_text || c == end_of_transmission || line.size() == password_bytes_max) {
        wire::wipe(line);
        throw Failure(c == end_of_text ? "stopped" : fmt::format("expected a password of at most {} bytes in a line", password_bytes_max));
      }
      line += c;
    }
    return line;
  }

 private:
  int fd_;
  termios before_{};
};

}  // namespace

std::string read_password(const PasswordSource& source, config::Files& files) {
  if (!source.variable.empty()) {
    std::optional<std::string> value = files.environment(source.variable);
    if (!value) {
      throw Failure(fmt::format("the variable {} with the password is not set", source.variable));
    }
    return std::move(*value);
  }
  return read_secret_file(source.file == "-" ? "/dev/stdin" : source.file, files);
}

bool terminal_there() {
  const int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (fd >= 0) {
    close(fd);
  }
  return fd >= 0;
}

std::string ask_password(const std::string& prompt) {
  const QuietTerminal terminal;
  terminal.write(prompt);
  return terminal.read_line();
}

}  // namespace signet::app::cli
