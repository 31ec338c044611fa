// SPDX-License-Identifier: GPL-3.0-or-later
#include "file_watch.h"

#include <fmt/core.h>
#include <limits.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <ranges>
#include <utility>

#include "signet/base/log.h"

namespace signet::app {

namespace {

/// As the kernel (path_resolution(7)).
constexpr int links_max = 40;

/// A name came or went. The folder itself, too: its parent may be one that we may not read.
constexpr std::uint32_t name_events = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF;
/// What is behind a name has changed, or whether it may be read.
constexpr std::uint32_t content_events = IN_CLOSE_WRITE | IN_ATTRIB;

std::string parent(const std::string& folder) {
  const std::size_t slash = folder.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : folder.substr(0, slash);
}

std::string inside(const std::string& folder, const std::string& name) {
  return folder == "/" ? folder + name : folder + "/" + name;
}

/// Behind what is in `names`, in reverse: the next name is the last.
void push_names(std::vector<std::string>& names, std::string_view path) {
  std::vector<std::string> found;
  for (const auto part : std::views::split(path, '/')) {
    const std::string_view name(part.begin(), part.end());
    if (!name.empty() && name != ".") {
      found.emplace_back(name);
    }
  }
  names.insert(names.end(), found.rbegin(), found.rend());
}

std::optional<std::string> link_target(const std::string& path) {
  std::array<char, PATH_MAX> target;
  const ssize_t size = readlink(path.c_str(), target.data(), target.size());
  return size < 0 ? std::nullopt : std::optional(std::string(target.data(), static_cast<std::size_t>(size)));
}

bool is_folder(const std::string& path) {
  struct stat status{};
  return lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace

/// One walk along all paths. A folder is watched before a name in it is looked at, so that a change behind our back makes an event.
class FileWatch::Walk {
 public:
  explicit Walk(FileWatch& watch) : watch_(watch) {}

  void follow(const std::string& path);
  [[nodiscard]] std::map<int, Folder> take() { return std::move(folders_); }

 private:
  Folder* visit(const std::string& path, Role role);

  FileWatch& watch_;
  std::map<std::string, int> visited_;   ///< watch descriptors
  std::set<std::string> plain_folders_;  ///< no links; most files share theirs with many others
  std::map<int, Folder> folders_;
};

void FileWatch::Walk::follow(const std::string& path) {
  std::vector<std::string> names;  // still to be walked; the next is the last
  push_names(names, path);
  std::string folder = "/";  // without symbolic links
  int links = 0;
  while (!names.empty()) {
    const std::string name = std::move(names.back());
    names.pop_back();
    if (name == "..") {
      folder = parent(folder);
      continue;
    }
    Folder* const watched = visit(folder, names.empty() ? Role::file : Role::way);
    if (watched != nullptr) {
      watched->names.insert(name);
    }
    const std::string next = inside(folder, name);
    if (plain_folders_.contains(next)) {
      folder = next;
      continue;
    }
    if (const std::optional<std::string> target = link_target(next)) {
      if (++links > links_max) {
        return;
      }
      push_names(names, *target);
      folder = target->starts_with('/') ? "/" : folder;
      continue;
    }
    if (!is_folder(next)) {
      return;  // the file; or something is missing, and its coming is an event
    }
    plain_folders_.insert(next);
    folder = next;
  }
  if (Folder* const watched = visit(folder, Role::every_name)) {
    watched->every_name = true;
  }
}

/// The folder's watch, made or widened; nullptr if it cannot be watched.
FileWatch::Folder* FileWatch::Walk::visit(const std::string& path, Role role) {
  const auto known = visited_.find(path);
  if (known != visited_.end() && role == Role::way) {
    return &folders_[known->second];
  }
  if (known == visited_.end() && visited_.size() >= watch_.options_.folders_max) {
    watch_.cannot_watch(path, fmt::format("more than {} folders", watch_.options_.folders_max));
    return nullptr;
  }
  const std::uint32_t events = role == Role::way ? name_events : name_events | content_events;
  const int watch = inotify_add_watch(watch_.inotify_, path.c_str(), events | IN_ONLYDIR | IN_MASK_ADD);
  if (watch < 0) {
    // Folders on the way are often not ours to read, and seldom change. One that is not there is waited for in its parent.
    if (errno == ENOSPC || (role != Role::way && errno != ENOENT && errno != ENOTDIR)) {
      watch_.cannot_watch(path, std::strerror(errno));
    }
    return nullptr;
  }
  visited_[path] = watch;
  return &folders_[watch];
}

Result<std::unique_ptr<FileWatch>> FileWatch::start(std::function<void()> changed, const Options& options) {
  std::unique_ptr<FileWatch> watch(new FileWatch(std::move(changed), options));
  watch->inotify_ = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  watch->wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (watch->inotify_ < 0 || watch->wake_ < 0) {
    return fail(ErrorKind::config, Origin::internal, fmt::format("files cannot be watched: {}", std::strerror(errno)));
  }
  watch->thread_ = std::thread([object = watch.get()] { object->run(); });
  return watch;
}

FileWatch::~FileWatch() {
  if (thread_.joinable()) {
    {
      const std::scoped_lock lock(mutex_);
      stopping_ = true;
    }
    wake();
    thread_.join();
  }
  for (const int descriptor : {inotify_, wake_}) {
    if (descriptor >= 0) {
      close(descriptor);
    }
  }
}

void FileWatch::watch(std::vector<std::string> paths) {
  std::error_code ignored;
  const std::filesystem::path here = std::filesystem::current_path(ignored);
  for (std::string& path : paths) {
    path = (here / path).string();
  }
  const std::scoped_lock lock(mutex_);
  paths_ = std::move(paths);
  if (arm()) {
    touched_ = true;
    wake();
  }
}

/// Walks all paths anew. True if a folder is watched that was not before.
bool FileWatch::arm() {
  Walk walk(*this);
  for (const std::string& path : paths_) {
    walk.follow(path);
  }
  std::map<int, Folder> armed = walk.take();
  for (const auto& [watch, folder] : folders_) {
    if (!armed.contains(watch)) {
      inotify_rm_watch(inotify_, watch);
    }
  }
  const bool grown = std::ranges::any_of(armed, [this](const auto& entry) { return !folders_.contains(entry.first); });
  folders_ = std::move(armed);
  return grown;
}

void FileWatch::cannot_watch(const std::string& folder, std::string_view why) {
  if (told_.insert(folder).second) {
    log::warning(fmt::format("{}: changes in this folder are not noticed by themselves: {}; SIGHUP reads them", folder, why));
  }
}

void FileWatch::wake() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_, &one, sizeof(one));  // full: awake already
}

/// Waits for an event, for `wake`, and for `deadline` if a call is due.
void FileWatch::wait_for_event(bool due, Clock::time_point deadline) {
  std::array<pollfd, 2> descriptors{{{.fd = inotify_, .events = POLLIN, .revents = 0}, {.fd = wake_, .events = POLLIN, .revents = 0}}};
  int timeout_ms = -1;
  if (due) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    timeout_ms = static_cast<int>(std::clamp<std::int64_t>(left, 0, INT_MAX));
  }
  poll(descriptors.data(), descriptors.size(), timeout_ms);
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t taken = read(wake_, &count, sizeof(count));
}

void FileWatch::run() {
  std::optional<Clock::time_point> first;  // event since the last call
  Clock::time_point last;
  while (true) {
    wait_for_event(first.has_value(), first ? std::min(last + options_.quiet_period, *first + options_.delay_max) : last);
    std::unique_lock lock(mutex_);
    if (stopping_) {
      return;
    }
    const Clock::time_point now = Clock::now();
    if (const bool event = read_events(); std::exchange(touched_, false) || event) {
      first = first.value_or(now);
      last = now;
    }
    if (first && now >= std::min(last + options_.quiet_period, *first + options_.delay_max)) {
      first.reset();
      arm();
      lock.unlock();
      changed_();
    }
  }
}

/// Takes what there is, at most one buffer full. True if something in it may concern our files.
bool FileWatch::read_events() {
  alignas(inotify_event) std::array<char, 64 * 1024> buffer;
  const ssize_t size = read(inotify_, buffer.data(), buffer.size());
  bool ours = false;
  for (std::size_t at = 0; std::cmp_less(at, size);) {
    inotify_event event{};
    std::memcpy(&event, buffer.data() + at, sizeof(event));
    const char* const name = buffer.data() + at + sizeof(event);
    const bool lost = (event.mask & IN_Q_OVERFLOW) != 0;
    ours = ours || lost || concerns_us(event.wd, event.len == 0 ? std::string_view() : std::string_view(name));
    at += sizeof(event) + event.len;
  }
  return ours;
}

/// Without a name it is about the folder itself. What comes from a watch that we have given up is late.
bool FileWatch::concerns_us(int watch, std::string_view name) const {
  const auto folder = folders_.find(watch);
  return folder != folders_.end() && (name.empty() || folder->second.every_name || folder->second.names.contains(name));
}

}  // namespace signet::app
