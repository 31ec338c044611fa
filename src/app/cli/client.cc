// SPDX-License-Identifier: GPL-3.0-or-later
#include "client.h"

#include <curl/curl.h>
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

#include "signet/base/version.h"
#include "signet/wire/http_path.h"
#include "signet/wire/secret_bytes.h"
#include "table.h"

namespace signet::app::cli {

namespace {

constexpr std::string_view api_version = "2024-05-01";
constexpr long connect_timeout_s = 10;
/// A write waits for a key derivation, a build and a disk.
constexpr long answer_timeout_s = 120;
constexpr std::size_t answer_bytes_max = std::size_t{64} * 1024 * 1024;
/// Pages of one list; the gateway's hold a thousand objects each or so.
constexpr int pages_max = 10'000;

/// Header fields of a request. The strings are wiped: one of them is the token.
class Fields {
 public:
  Fields() = default;
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;
  ~Fields() {
    for (curl_slist* field = list_; field != nullptr; field = field->next) {
      explicit_bzero(field->data, std::strlen(field->data));
    }
    curl_slist_free_all(list_);
  }

  void add(std::string field) {
    curl_slist* const longer = curl_slist_append(list_, field.c_str());
    wire::wipe(field);
    if (longer == nullptr) {
      throw std::bad_alloc();
    }
    list_ = longer;
  }
  [[nodiscard]] curl_slist* get() const { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

/// What comes back while curl runs.
struct Incoming {
  std::string body;
  std::string etag;
  bool too_large = false;
};

std::size_t on_body(char* data, std::size_t /*one*/, std::size_t size, void* user) noexcept {
  auto* const incoming = static_cast<Incoming*>(user);
  if (size > answer_bytes_max - std::min(answer_bytes_max, incoming->body.size())) {
    incoming->too_large = true;
    return 0;
  }
  try {
    incoming->body.append(data, size);
  } catch (const std::bad_alloc&) {
    return 0;
  }
  return size;
}

std::size_t on_field(char* data, std::size_t /*one*/, std::size_t size, void* user) noexcept {
  constexpr std::string_view name = "etag:";
  std::string_view line(data, size);
  const bool is_etag = line.size() > name.size() && std::ranges::equal(line.substr(0, name.size()), name, [](char left, char right) {
                         return (left >= 'A' && left <= 'Z' ? left + ('a' - 'A') : left) == right;
                       });
  if (is_etag) {
    line.remove_prefix(name.size());
    const std::size_t begin = std::min(line.find_first_not_of(" \t"), line.size());
    const std::size_t end = line.find_last_not_of(" \t\r\n");
    try {
      static_cast<Incoming*>(user)->etag = end == std::string_view::npos ? "" : line.substr(begin, end + 1 - begin);
    } catch (const std::bad_alloc&) {
      return 0;
    }
  }
  return size;
}

/// Host of a URL, without port and brackets.
std::string_view host_of(std::string_view url) {
  url.remove_prefix(std::min(url.find("://") + 3, url.size()));
  url = url.substr(0, url.find('/'));
  return url.starts_with('[') ? url.substr(1, url.find(']') - 1) : url.substr(0, url.find(':'));
}

bool is_loopback(std::string_view endpoint) {
  const std::string_view host = host_of(endpoint);
  return host == "localhost" || host == "::1" || (host.starts_with("127.") && host.find_first_not_of("0123456789.") == host.npos);
}

/// "https://gateway:9443", without what comes behind.
std::string_view origin_of(std::string_view endpoint) {
  return endpoint.substr(0, endpoint.find('/', endpoint.find("://") + 3));
}

ExitStatus exit_status_of(int status) {
  switch (status) {
    case 400: return ExitStatus::invalid;
    case 401:
    case 403: return ExitStatus::unauthorised;
    case 404: return ExitStatus::not_found;
    case 409:
    case 412: return ExitStatus::conflict;
    default: return ExitStatus::failed;
  }
}

/// Text of a member, cleaned; empty if it is not there.
std::string text_at(const json& object, const char* name) {
  const auto member = object.is_object() ? object.find(name) : object.end();
  return object.is_object() && member != object.end() && member->is_string() ? clean(member->get_ref<const std::string&>()) : std::string();
}

}  // namespace

struct Client::Curl {
  CURL* handle = nullptr;

  Curl() : handle((curl_global_init(CURL_GLOBAL_DEFAULT), curl_easy_init())) {}
  Curl(const Curl&) = delete;
  Curl& operator=(const Curl&) = delete;
  ~Curl() {
    curl_easy_cleanup(handle);
    curl_global_cleanup();
  }
};

std::string path_of(const Parts& parts) {
  std::string path;
  for (const std::string& part : parts) {
    path += fmt::format("/{}", wire::percent_encode(part));
  }
  return path;
}

std::string short_reference(std::string_view resource_id) {
  constexpr std::string_view service = "/service/";
  const std::size_t at = resource_id.find(service);
  const std::size_t end = at == std::string_view::npos ? at : resource_id.find('/', at + service.size());
  return std::string(end == std::string_view::npos ? resource_id : resource_id.substr(end + 1));
}

std::string last_part(std::string_view resource_id) {
  const std::size_t slash = resource_id.rfind('/');
  return std::string(slash == std::string_view::npos ? resource_id : resource_id.substr(slash + 1));
}

Client::Client(Settings settings) : settings_(std::move(settings)), curl_(std::make_unique<Curl>()) {
  if (curl_->handle == nullptr) {
    throw Failure("libcurl could not be set up");
  }
  if (settings_.endpoint.starts_with("http://") && !is_loopback(settings_.endpoint)) {
    throw Failure(fmt::format("endpoint {}: expected https: the token would be readable on the way", settings_.endpoint));
  }
}

Client::~Client() = default;

Failure Client::not_sent(int code, const std::string& words) const {
  const std::string& endpoint = settings_.endpoint;
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
      return {ExitStatus::unreachable,
              fmt::format("{}: its certificate is not trusted: {}", endpoint, words),
              {"Name the authority that vouches for it with --ca-file FILE or SIGNET_CA_FILE; of a certificate that the gateway made "
               "itself that",
               settings_.ca_file.empty() ? "is admin.crt in its state directory. No file was given: the system's authorities were asked."
                                         : fmt::format("is admin.crt in its state directory. Asked was {}.", settings_.ca_file)}};
    case CURLE_SSL_CACERT_BADFILE:
      return {ExitStatus::failed, fmt::format("{}: expected a file with certificates in PEM: {}", settings_.ca_file, words)};
    case CURLE_URL_MALFORMAT: return Failure(fmt::format("endpoint {}: {}", endpoint, words));
    case CURLE_OPERATION_TIMEDOUT: return {ExitStatus::unreachable, fmt::format("{}: no answer in time: {}", endpoint, words)};
    default: return {ExitStatus::unreachable, fmt::format("{}: not reachable: {}", endpoint, words)};
  }
}

Answer Client::send(std::string_view method, const std::string& target, std::string body, const std::string& if_match) {
  CURL* const handle = curl_->handle;
  curl_easy_reset(handle);  // keeps the connection
  Incoming incoming;
  Fields fields;
  fields.add("Authorization: Bearer " + settings_.token);
  fields.add("Content-Type: application/json");
  fields.add("Accept: application/json");
  fields.add("Expect:");
  if (!if_match.empty()) {
    fields.add("If-Match: " + if_match);
  }
  const std::string url = std::string(origin_of(settings_.endpoint)) + target;
  const std::string word(method);
  std::array<char, CURL_ERROR_SIZE> words{};
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "https,http");
  curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, fields.get());
  curl_easy_setopt(handle, CURLOPT_USERAGENT, fmt::format("signet/{}", version()).c_str());
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, connect_timeout_s);
  curl_easy_setopt(handle, CURLOPT_TIMEOUT, answer_timeout_s);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, words.data());
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &incoming);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_field);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &incoming);
  if (is_loopback(settings_.endpoint)) {
    curl_easy_setopt(handle, CURLOPT_PROXY, "");
  }
  if (!settings_.ca_file.empty()) {
    curl_easy_setopt(handle, CURLOPT_CAINFO, settings_.ca_file.c_str());
    curl_easy_setopt(handle, CURLOPT_CAPATH, nullptr);
  }
  if (method == "HEAD") {
    curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
  } else if (method != "GET") {
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body.c_str());
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, word.c_str());
  }
  const CURLcode code = curl_easy_perform(handle);
  wire::wipe(body);
  if (incoming.too_large) {
    throw Failure(fmt::format("{}: expected an answer of at most {} bytes", settings_.endpoint, answer_bytes_max));
  }
  if (code != CURLE_OK) {
    throw not_sent(code, clean(words[0] != '\0' ? words.data() : curl_easy_strerror(code)));
  }
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  return {.status = static_cast<int>(status), .etag = std::move(incoming.etag), .body = json::parse(incoming.body, nullptr, false)};
}

Failure Client::refused(const Answer& answer, std::string_view method, const std::string& target) const {
  const json error = answer.body.is_object() ? answer.body.value("error", json::object()) : json::object();
  std::string message = text_at(error, "message");
  std::vector<std::string> lines;
  if (const auto details = error.find("details"); error.is_object() && details != error.end() && details->is_array()) {
    for (const json& detail : *details) {
      const std::string place = short_reference(text_at(detail, "target"));
      lines.push_back(fmt::format("  {}{}", text_at(detail, "message"), place.empty() ? "" : fmt::format(" ({})", place)));
    }
  }
  switch (answer.status) {
    case 401:
      return {exit_status_of(answer.status),
              fmt::format("{}: the token of {} is not accepted", settings_.endpoint, settings_.token_source)};
    case 403: message = fmt::format("{}: the token of {} may not do this: {}", settings_.endpoint, settings_.token_source, message); break;
    case 412: message = "somebody else has changed it since it was read: look at it again, then repeat the command"; break;
    default: break;
  }
  if (message.empty()) {
    message = fmt::format("{}: {} {} was answered by status {}, which is not what a Signet gateway says", settings_.endpoint, method,
                          target.substr(0, target.find('?')), answer.status);
  }
  return {exit_status_of(answer.status), std::move(message), std::move(lines)};
}

Answer Client::expect(Answer answer, std::string_view method, const std::string& target) const {
  if (answer.status < 200 || answer.status > 299) {
    throw refused(answer, method, target);
  }
  if (answer.body.is_discarded()) {
    answer.body = json();
    if (method == "GET") {
      throw Failure(fmt::format("{}: the answer to GET {} is not JSON: is this a Signet gateway?", settings_.endpoint, target));
    }
  }
  return answer;
}

namespace {

std::string target_of(const std::string& endpoint, const Parts& parts, std::string_view query) {
  return fmt::format("{}{}?api-version={}{}{}", endpoint.substr(origin_of(endpoint).size()), path_of(parts), api_version,
                     query.empty() ? "" : "&", query);
}

}  // namespace

Answer Client::get(const Parts& parts, std::string_view query) {
  const std::string target = target_of(settings_.endpoint, parts, query);
  return expect(send("GET", target, {}, {}), "GET", target);
}

std::optional<Answer> Client::find(const Parts& parts, std::string_view query) {
  const std::string target = target_of(settings_.endpoint, parts, query);
  Answer answer = send("GET", target, {}, {});
  if (answer.status == 404) {
    return std::nullopt;
  }
  return expect(std::move(answer), "GET", target);
}

std::vector<json> Client::list(const Parts& parts, std::string_view query) {
  std::vector<json> all;
  std::string target = target_of(settings_.endpoint, parts, query);
  for (int page = 0; page < pages_max && !target.empty(); ++page) {
    const Answer answer = expect(send("GET", target, {}, {}), "GET", target);
    const auto value = answer.body.find("value");
    if (!answer.body.is_object() || value == answer.body.end() || !value->is_array()) {
      throw Failure(fmt::format("{}: the answer to GET {} is no list", settings_.endpoint, target));
    }
    all.insert(all.end(), value->begin(), value->end());
    // Only its path: the token goes nowhere but to the endpoint.
    const std::string next = answer.body.value("nextLink", std::string());
    const std::string_view rest = std::string_view(next).substr(std::min(origin_of(next).size(), next.size()));
    target = rest;
  }
  return all;
}

Answer Client::put(const Parts& parts, json body, const std::string& etag) {
  const std::string target = target_of(settings_.endpoint, parts, {});
  std::string text = body.dump(-1, ' ', false, json::error_handler_t::replace);
  for (const char* const name : {"data", "password"}) {
    if (const json::json_pointer secret = json::json_pointer("/properties") / name; body.contains(secret) && body[secret].is_string()) {
      wire::wipe(body[secret].get_ref<std::string&>());
    }
  }
  return expect(send("PUT", target, std::move(text), etag), "PUT", target);
}

bool Client::remove(const Parts& parts, const std::string& etag) {
  const std::string target =
      target_of(settings_.endpoint, parts, parts.front() == "apis" && parts.size() == 2 ? "deleteRevisions=true" : "");
  return expect(send("DELETE", target, {}, etag), "DELETE", target).status != 204;
}

Answer Client::post(const Parts& parts, const json& body) {
  const std::string target = target_of(settings_.endpoint, parts, {});
  return expect(send("POST", target, body.is_null() ? std::string() : body.dump(), {}), "POST", target);
}

}  // namespace signet::app::cli
