// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "failure.h"
#include "settings.h"

namespace signet::app::cli {

using nlohmann::json;

/// Where an object is: {"apis", "orders", "operations", "get"}, ids as they are meant.
using Parts = std::vector<std::string>;

/// "/apis/orders/operations/get", percent-encoded.
[[nodiscard]] std::string path_of(const Parts& parts);
/// Of a full resource id or a short one: what stands behind …/service/{name}, "apis/orders".
[[nodiscard]] std::string short_reference(std::string_view resource_id);
/// The last part of a resource id; an id without a slash is left as it is.
[[nodiscard]] std::string last_part(std::string_view resource_id);

struct Answer {
  int status = 0;
  std::string etag;
  json body;  ///< null if there was none
};

/// The management API of one gateway, over one kept connection. Blocks. Every call throws Failure: what is not a success, with the
/// gateway's own words and, for an object in use, those who use it, one per line.
class Client {
 public:
  explicit Client(Settings settings);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  [[nodiscard]] Answer get(const Parts& parts, std::string_view query = {});
  /// Nothing if there is no such object.
  [[nodiscard]] std::optional<Answer> find(const Parts& parts, std::string_view query = {});
  /// Every page.
  [[nodiscard]] std::vector<json> list(const Parts& parts, std::string_view query = {});
  /// `body` is the whole body; `data` and `password` among its properties are wiped. An `etag` says what it is to replace, an empty one
  /// that this does not matter.
  Answer put(const Parts& parts, json body, const std::string& etag = {});
  /// False if it was not there.
  bool remove(const Parts& parts, const std::string& etag);
  Answer post(const Parts& parts, const json& body);

  [[nodiscard]] Output output() const { return settings_.output; }

 private:
  struct Curl;

  Answer send(std::string_view method, const std::string& target, std::string body, const std::string& if_match);
  [[nodiscard]] Failure not_sent(int code, const std::string& words) const;
  [[nodiscard]] Failure refused(const Answer& answer, std::string_view method, const std::string& target) const;
  Answer expect(Answer answer, std::string_view method, const std::string& target) const;

  Settings settings_;
  std::unique_ptr<Curl> curl_;
};

}  // namespace signet::app::cli
