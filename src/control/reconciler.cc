// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/control/reconciler.h"

#include <fmt/core.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "signet/base/check.h"
#include "signet/base/log.h"
#include "signet/config/load.h"
#include "signet/io/wall_clock.h"
#include "compose.h"
#include "recording_files.h"

namespace signet::control {

namespace {

void log_problems(const config::Report& report) {
  for (const config::Problem& problem : report.warnings) {
    log::warning(problem.text());
  }
  for (const config::Problem& problem : report.errors) {
    log::error(problem.text());
  }
}

std::string summary(const std::string& file, const config::Report& report) {
  const std::size_t errors = report.errors.size() + report.errors_left_out;
  return fmt::format("{} cannot be used: {} error{}", file, errors, errors == 1 ? "" : "s");
}

/// The chain is readable, in PEM; the key is the secret, in PEM too.
std::expected<std::shared_ptr<const wire::Certificate>, std::string> open_certificate(const StoredObject& stored) {
  const nlohmann::json value = nlohmann::json::parse(stored.value, nullptr, false);
  if (!value.is_object() || !value.contains("chain") || !value["chain"].is_string()) {
    return std::unexpected(fmt::format("{}: expected a member \"chain\"", stored.key));
  }
  Result<std::shared_ptr<const wire::Certificate>> certificate =
      wire::Certificate::from_pem(value["chain"].get<std::string>(), stored.secret);
  if (!certificate) {
    return std::unexpected(fmt::format("{}: {}", stored.key, certificate.error().detail));
  }
  return std::move(*certificate);
}

Refused::Kind kind_of(const StoreError& error) {
  switch (error.kind) {
    case StoreError::Kind::conflict: return Refused::Kind::conflict;
    case StoreError::Kind::too_large: return Refused::Kind::too_large;
    case StoreError::Kind::full: return Refused::Kind::full;
    case StoreError::Kind::unavailable: break;
  }
  return Refused::Kind::unavailable;
}

}  // namespace

struct Reconciler::State {
  explicit State(std::string name) : file(std::move(name)) {}

  /// What the configuration file says now. It is parsed again only if it has changed.
  void read_file(config::Files& through) {
    Result<std::string> now = through.read(file, config::config_file_bytes_max);
    if (!now) {
      text.reset();
      from_file = nullptr;
      file_report = {};
      file_report.error({}, std::move(now.error().detail));
    } else if (text != *now) {
      config::Loaded parsed = config::parse_config(file, *now);
      text = std::move(*now);
      from_file = parsed.config ? std::make_shared<const config::Config>(std::move(*parsed.config)) : nullptr;
      file_report = std::move(parsed.report);
    }
  }

  /// Of what the file says and the objects of the store.
  config::Built build(const config::Config& of_file, const Objects& of_store, config::Files& through, config::Report& report) {
    config::Config whole = compose(of_file, of_store, report);
    if (!report.ok()) {
      return {};
    }
    return config::build_snapshot(std::move(whole), through, {.generation = generation + 1, .now = io::wall_now(), .material = &material});
  }

  std::string file;
  std::optional<std::string> text;                  ///< of the file, as it was read last
  std::shared_ptr<const config::Config> from_file;  ///< made of it; null after an error
  config::Report file_report;                       ///< of its faults
  RecordingFiles files;
  config::Material material;
  std::uint64_t generation = 0;
  Store* store = nullptr;
  std::shared_ptr<const Objects> objects = std::make_shared<const Objects>();
  Apply apply;
};

Reconciler::Reconciler(std::string file) : state_(std::make_unique<State>(std::move(file))) {}

Reconciler::~Reconciler() = default;

std::shared_ptr<const config::Config> Reconciler::read_file() {
  const std::scoped_lock lock(mutex_);
  config::SystemFiles files;
  state_->read_file(files);
  return state_->from_file;
}

std::expected<void, std::string> Reconciler::use_store(Store& store) {
  const std::scoped_lock lock(mutex_);
  StoreResult<std::vector<StoredObject>> all = store.list("");
  if (!all) {
    return std::unexpected(std::move(all.error().detail));
  }
  auto objects = std::make_shared<Objects>();
  for (StoredObject& stored : *all) {
    auto object = std::make_shared<Object>();
    object->revision = stored.revision;
    object->reading = read_object(stored.key, stored.value, stored.secret);
    if (stored.key.starts_with("certificates/")) {
      auto certificate = open_certificate(stored);
      if (!certificate) {
        return std::unexpected(std::move(certificate.error()));
      }
      object->certificate = std::move(*certificate);
    }
    object->value = std::move(stored.value);
    object->secret = std::move(stored.secret);
    objects->emplace(std::move(stored.key), std::move(object));
  }
  state_->store = &store;
  state_->objects = std::move(objects);
  return {};
}

void Reconciler::on_apply(Apply apply) {
  const std::scoped_lock lock(mutex_);
  state_->apply = std::move(apply);
}

Reconciler::Loaded Reconciler::load() {
  const std::scoped_lock lock(mutex_);
  State& state = *state_;
  state.files.start_over();
  state.read_file(state.files);
  config::Report report = state.file_report;
  Loaded loaded;
  config::Built built;
  if (state.from_file) {
    built = state.build(*state.from_file, *state.objects, state.files, report);
    report.append(std::move(built.report));
  }
  log_problems(report);
  if (!report.ok()) {
    loaded.refusal = summary(state.file, report);
    return loaded;
  }
  ++state.generation;
  loaded.snapshot = built.snapshot;
  loaded.certificates_changed = built.certificates_changed;
  auto view = std::make_shared<View>();
  view->snapshot = std::move(built.snapshot);
  view->file = state.from_file;
  view->objects = state.objects;
  loaded.retired = put_in_force(std::move(view));
  return loaded;
}

std::optional<Refused> Reconciler::make(const Change& change) {
  State& state = *state_;
  if (state.store == nullptr) {
    return Refused{.kind = Refused::Kind::no_store, .report = {}, .detail = "there is no store: set stateDirectory"};
  }
  auto objects = std::make_shared<Objects>(*state.objects);
  Batch batch;
  const auto expect = [&](const std::string& key) {
    const auto known = state.objects->find(key);
    batch.expectations.push_back({.key = key, .revision = known == state.objects->end() ? 0 : known->second->revision});
  };
  for (const Change::Put& put : change.puts) {
    expect(put.key);
    batch.puts.push_back({.key = put.key, .value = put.value, .secret = put.secret});
    auto object = std::make_shared<Object>();
    object->value = put.value;
    object->secret = put.secret;
    object->certificate = put.certificate;
    object->reading = read_object(put.key, put.value, put.secret);
    (*objects)[put.key] = std::move(object);
  }
  for (const std::string& key : change.erased) {
    expect(key);
    batch.erased.push_back(key);
    objects->erase(key);
  }
  Refused refused;
  // Not through state.files: a file that has just changed is still to be met by the next `load`, whatever becomes of this change.
  config::SystemFiles files;
  config::Built built = state.build(*view_->file, *objects, files, refused.report);
  refused.report.append(std::move(built.report));
  if (!refused.report.ok()) {
    return refused;
  }
  const StoreResult<std::uint64_t> revision = state.store->commit(batch);
  if (!revision) {
    refused.kind = kind_of(revision.error());
    refused.detail = revision.error().detail;
    return refused;
  }
  for (const Change::Put& put : change.puts) {
    const std::shared_ptr<const Object>& made = (*objects)[put.key];
    auto object = std::make_shared<Object>(*made);
    object->revision = *revision;
    (*objects)[put.key] = std::move(object);
  }
  ++state.generation;
  state.objects = std::move(objects);
  auto view = std::make_shared<View>();
  view->snapshot = std::move(built.snapshot);
  view->file = view_->file;
  view->objects = state.objects;
  put_in_force(std::move(view));
  return std::nullopt;
}

Reconciler::Retired Reconciler::put_in_force(std::shared_ptr<const View> view) {
  Retired retired;
  if (state_->apply) {
    retired = state_->apply(view->snapshot);
  }
  const std::scoped_lock lock(view_mutex_);
  view_.swap(view);  // what was in force goes when the lock is free again
  return retired;
}

std::shared_ptr<const View> Reconciler::view() const {
  const std::scoped_lock lock(view_mutex_);
  return view_;
}

bool Reconciler::files_changed() {
  const std::scoped_lock lock(mutex_);
  return state_->files.changed();
}

std::vector<std::string> Reconciler::files() {
  const std::scoped_lock lock(mutex_);
  return state_->files.paths();
}

}  // namespace signet::control
