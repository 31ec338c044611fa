// SPDX-License-Identifier: GPL-3.0-or-later
#include "pem.h"

#include <algorithm>

#include "signet/wire/certificate.h"
#include "text_encoding.h"

namespace signet::wire {

namespace {

constexpr std::string_view begin_mark = "-----BEGIN ";
constexpr std::string_view end_mark = "-----END ";
constexpr std::string_view dashes = "-----";

std::unexpected<Error> damaged_block(std::string_view label, std::size_t number, std::string_view how) {
  return fail(ErrorKind::config, Origin::internal,
              "the PEM text is damaged: block " + std::to_string(number) + " (" + printable(label) + ") " + std::string(how));
}

}  // namespace

bool looks_like_pem(std::string_view text) {
  return text.find(begin_mark) != std::string_view::npos;
}

Result<std::vector<PemBlock>> read_pem(std::string_view text) {
  std::vector<PemBlock> blocks;
  for (;;) {
    const std::size_t begin = text.find(begin_mark);
    if (begin == std::string_view::npos) return blocks;
    text.remove_prefix(begin + begin_mark.size());
    const std::size_t number = blocks.size() + 1;
    const std::size_t label_end = text.find(dashes);
    const std::string_view label = text.substr(0, std::min(label_end, std::size_t{64}));
    if (label_end == std::string_view::npos || label.size() != label_end || label.find('\n') != std::string_view::npos) {
      return damaged_block(label.substr(0, label.find('\n')), number, "has a broken BEGIN line");
    }
    text.remove_prefix(label_end + dashes.size());
    const std::size_t end = text.find(end_mark);
    const std::string_view body = text.substr(0, end);
    if (end == std::string_view::npos || body.find(begin_mark) != std::string_view::npos)
      return damaged_block(label, number, "has no END line");
    text.remove_prefix(end + end_mark.size());
    if (!text.starts_with(label) || !text.substr(label.size()).starts_with(dashes)) {
      return damaged_block(label, number, "ends with the END line of another kind of block");
    }
    if (number > certificates_in_file_max) return damaged_block(label, number, "is one block too many");
    PemBlock block{.label = std::string(label)};
    if (body.find(':') != std::string_view::npos) {
      block.has_headers = true;
    } else {
      auto content = base64_decode(body);
      if (!content) return damaged_block(label, number, "is not Base64");
      block.content = std::move(*content);
    }
    blocks.push_back(std::move(block));
  }
}

}  // namespace signet::wire
