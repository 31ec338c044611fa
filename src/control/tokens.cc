// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/control/tokens.h"

#include <cstddef>
#include <utility>

namespace signet::control {

namespace {

bool same(const wire::Sha256Digest& a, const wire::Sha256Digest& b) {
  std::byte difference{0};
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference |= a[i] ^ b[i];
  }
  return difference == std::byte{0};
}

}  // namespace

void Tokens::replace(std::vector<Token> tokens) {
  auto made = std::make_shared<const std::vector<Token>>(std::move(tokens));
  const std::scoped_lock lock(mutex_);
  tokens_ = std::move(made);
}

std::optional<Tokens::Principal> Tokens::find(std::string_view token) const {
  const wire::Sha256Digest digest = wire::sha256(as_bytes(token));
  std::shared_ptr<const std::vector<Token>> tokens;
  {
    const std::scoped_lock lock(mutex_);
    tokens = tokens_;
  }
  const Token* found = nullptr;
  for (const Token& known : *tokens) {
    found = same(known.sha256, digest) ? &known : found;
  }
  if (found == nullptr) {
    return std::nullopt;
  }
  return Principal{.name = found->name, .role = found->role};
}

}  // namespace signet::control
