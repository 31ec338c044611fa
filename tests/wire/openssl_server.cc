// SPDX-License-Identifier: GPL-3.0-or-later
#include "openssl_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <system_error>

#include "support/test_pki.h"

namespace signet::test {

namespace {

[[noreturn]] void fail_with(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

/// The port in the server's "ACCEPT 127.0.0.1:45678".
std::uint16_t read_port(int output) {
  std::string text;
  char character = 0;
  while (read(output, &character, 1) == 1) {
    text.push_back(character);
    if (character == '\n' && text.starts_with("ACCEPT")) {
      return static_cast<std::uint16_t>(std::stoul(text.substr(text.rfind(':') + 1)));
    }
    if (character == '\n') {
      text.clear();
    }
  }
  throw std::runtime_error("openssl s_server did not start: " + text);
}

}  // namespace

OpensslServer::OpensslServer(const std::vector<std::string>& options, Answers answers) {
  const TestPki& pki = TestPki::instance();
  std::vector<std::string> arguments = {"stdbuf", "-oL", "openssl", "s_server", "-accept", "127.0.0.1:0", "-naccept", "100"};
  if (answers == Answers::page) {
    arguments.emplace_back("-www");
  }
  arguments.insert(arguments.end(), {"-cert", pki.path("server.pem"), "-key", pki.path("server.key"), "-cert_chain",
                                     pki.path("issuing.pem"), "-CAfile", pki.path("root.pem")});
  arguments.insert(arguments.end(), options.begin(), options.end());
  std::vector<char*> argv;
  for (std::string& argument : arguments) {
    argv.push_back(argument.data());
  }
  argv.push_back(nullptr);

  int ends[2];
  int typed[2];
  if (pipe2(ends, O_CLOEXEC) != 0 || pipe2(typed, O_CLOEXEC) != 0) {
    fail_with("pipe2");
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, typed[0], STDIN_FILENO);
  const int spawned = posix_spawnp(&process_, "stdbuf", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  close(typed[0]);
  output_ = ends[0];
  input_ = typed[1];
  if (spawned != 0) {
    throw std::system_error(spawned, std::generic_category(), "openssl");
  }
  port_ = read_port(output_);
}

OpensslServer::~OpensslServer() {
  kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
  close(output_);
  close(input_);
}

void OpensslServer::type(std::string_view line) const {
  const std::string text = std::string(line) + "\n";
  if (write(input_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    fail_with("write");
  }
}

void OpensslServer::wait_for(std::string_view text) const {
  std::string said;
  char character = 0;
  while (said.find(text) == std::string::npos) {
    if (read(output_, &character, 1) != 1) {
      throw std::runtime_error("openssl s_server ended: " + said);
    }
    said.push_back(character);
  }
}

BlockingClient::BlockingClient(std::uint16_t port, wire::TlsEngine engine)
    : engine_(std::move(engine)), socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    fail_with("connect");
  }
}

BlockingClient::~BlockingClient() {
  close(socket_);
}

bool BlockingClient::handshake() {
  do {
    ByteView input = input_.view();
    event_ = engine_.handshake(input, output_);
    input_.consume(input_.size() - input.size());
    flush();
  } while (event_ == wire::TlsEngine::Event::want_input && receive());
  return event_ == wire::TlsEngine::Event::handshake_complete;
}

bool BlockingClient::send(std::string_view text) {
  if (!engine_.write(as_bytes(text), output_)) {
    event_ = wire::TlsEngine::Event::failed;
    return false;
  }
  flush();
  return true;
}

std::string BlockingClient::get() {
  return send("GET / HTTP/1.0\r\n\r\n") ? read_until({}) : std::string();
}

std::string BlockingClient::read_until(std::string_view text) {
  ByteBuffer answer;
  do {
    do {
      MutableByteView input = input_.mutable_view();
      event_ = engine_.read(input, answer, 16 * 1024, output_).event;
      input_.consume(input_.size() - input.size());
      flush();
    } while (event_ == wire::TlsEngine::Event::data);
    if (!text.empty() && answer.text().find(text) != std::string_view::npos) {
      break;
    }
  } while (event_ == wire::TlsEngine::Event::want_input && receive());
  return std::string(answer.text());
}

void BlockingClient::flush() {
  while (!output_.empty()) {
    const ssize_t sent = ::send(socket_, output_.view().data(), output_.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      output_.clear();  // the answer may say why
      return;
    }
    output_.consume(static_cast<std::size_t>(sent));
  }
}

bool BlockingClient::receive() {
  const MutableByteView area = input_.prepare(16 * 1024);
  const ssize_t size = recv(socket_, area.data(), area.size(), 0);
  if (size <= 0) {
    event_ = engine_.end_of_stream();
    return false;
  }
  input_.commit(static_cast<std::size_t>(size));
  return true;
}

}  // namespace signet::test
