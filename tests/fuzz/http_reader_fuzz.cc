// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes as HTTP: the first byte chooses direction and how the rest is split. Whatever the split, the same events come in the same
// order; what is accepted can be written anew and is then read as the same message.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "signet/base/check.h"
#include "signet/wire/http_path.h"
#include "signet/wire/http_reader.h"
#include "signet/wire/http_writer.h"
#include "gateway/forwarding.h"

namespace {

using namespace signet;
using namespace signet::wire;

/// What a reader said about a message, without how it was cut.
struct Story {
  std::string head;
  std::string body;
  std::string trailers;
  bool complete = false;
  bool failed = false;
  ErrorKind error{};
  std::size_t consumed = 0;

  friend bool operator==(const Story&, const Story&) = default;
};

std::string text_of(const HttpFields& fields) {
  std::string text;
  for (const HttpField& field : fields.all()) {
    text.append(field.name).append("=").append(field.value).append("\n");
  }
  return text;
}

void tell_head(const HttpHead& head, Story& story) {
  story.head = std::string(head.method()) + " " + std::string(head.target()) + " " + std::to_string(head.status()) + " " +
               std::to_string(static_cast<int>(head.framing())) + "\n" + text_of(head.fields());
}

Story read(HttpReader& reader, std::string_view text, std::size_t step) {
  Story story;
  std::size_t end = 0;
  while (!story.complete && !story.failed) {
    if (story.consumed == end) {
      if (end == text.size()) {
        break;
      }
      end = std::min(end + step, text.size());
    }
    for (bool more = true; more;) {
      const HttpReader::Step result = reader.read(as_bytes(text.substr(story.consumed, end - story.consumed)));
      SIGNET_CHECK(result.consumed <= end - story.consumed);
      story.consumed += result.consumed;
      switch (result.event) {
        case HttpReader::Event::need_more:
          SIGNET_CHECK(story.consumed == end);
          more = false;
          break;
        case HttpReader::Event::head_complete: tell_head(reader.head(), story); break;
        case HttpReader::Event::body: story.body += as_text(result.body); break;
        case HttpReader::Event::message_complete:
          story.complete = true;
          story.trailers = text_of(reader.trailers());
          more = false;
          break;
        case HttpReader::Event::failed:
          story.failed = true;
          story.error = reader.error().kind;
          more = false;
          break;
      }
    }
  }
  if (story.failed) {
    story.consumed = 0;  // how far it looked before it refused may differ
    story.body.clear();
  }
  return story;
}

void start(HttpReader& reader, bool request, bool head_request) {
  const HttpReader::Limits limits{.head_bytes_max = 2048, .fields_max = 32};
  if (request) {
    reader.start_request(limits);
  } else {
    reader.start_response(limits, head_request ? "HEAD" : "GET", true);
  }
}

/// What we write, a strict reader understands, and our own among them.
void check_forwarded(const HttpHead& head) {
  std::string path;
  if (!normalise_target(head.target(), path)) {
    return;
  }
  SIGNET_CHECK(path.starts_with('/') && path.find("/../") == std::string::npos && path.find("/./") == std::string::npos);
  ByteBuffer out;
  gateway::write_forwarded_request(head, {.target = path, .host = "back.example", .caller_text = "192.0.2.7"}, out);
  HttpReader reader;
  reader.start_request({});
  const HttpReader::Step again = reader.read(out.view());
  SIGNET_CHECK(again.event == HttpReader::Event::head_complete && again.consumed == out.size());
  SIGNET_CHECK(reader.head().framing() == head.framing() && reader.head().content_length() == head.content_length());
  SIGNET_CHECK(reader.head().method() == head.method() && reader.head().target() == path && reader.head().host() == "back.example");
  SIGNET_CHECK(reader.head().fields().find(FieldId::client_identity) == nullptr);
  SIGNET_CHECK(reader.head().fields().find(FieldId::disguised) == nullptr);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const bool request = (data[0] & 1) != 0;
  const bool head_request = (data[0] & 2) != 0;
  const std::size_t step = 1U + (data[0] >> 2);
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  HttpReader whole;
  start(whole, request, head_request);
  const Story story = read(whole, text, text.size() + 1);
  HttpReader cut;
  start(cut, request, head_request);
  SIGNET_CHECK(read(cut, text, step) == story);
  if (request && !story.head.empty() && !story.failed) {
    check_forwarded(whole.head());
  }
  return 0;
}
