// SPDX-License-Identifier: GPL-3.0-or-later
#include "pfx.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "chain.h"
#include "object_identifiers.h"
#include "pbe.h"
#include "pfx_bags.h"
#include "pfx_mac.h"

namespace signet::wire {

namespace {

std::unexpected<Error> refuse(std::string detail) {
  return fail(ErrorKind::config, Origin::internal, std::move(detail));
}

/// EncryptedData (RFC 2315 §13), as far as PFX files use it.
struct EncryptedData {
  PbeScheme scheme;
  SecretBytes ciphertext;
};

/// `content` is a reader inside the [0] of the ContentInfo.
Result<EncryptedData> read_encrypted_data(der::Reader content) {
  der::Reader encrypted_data = content.enter(der::sequence);
  encrypted_data.read_uint32();  // version
  der::Reader info = encrypted_data.enter(der::sequence);
  info.read(der::object_identifier);  // data
  const der::Reader algorithm = info.enter(der::sequence);
  EncryptedData out;
  out.ciphertext = info.read_string(der::context(0));
  if (content.damaged()) return refuse("damaged: one of its encrypted parts cannot be read");
  auto scheme = read_pbe(algorithm);
  if (!scheme) return std::unexpected(std::move(scheme).error());
  out.scheme = std::move(*scheme);
  return out;
}

/// One pass over one file.
class PfxReader {
 public:
  explicit PfxReader(const PfxOptions& options)
      : options_(options), forms_(password_forms(options.password)), budget_(options.iterations_max) {}

  Result<std::unique_ptr<const Certificate::Parts>> read(ByteView file);

 private:
  Result<void> check_mac(der::Reader mac_data);
  Result<void> read_authenticated_safe();
  Result<void> read_safe(std::string_view type, der::Reader content);
  Result<SecretBytes> open(const EncryptedData& data);
  Result<PrivateKey> open_key(const PfxBags::Key& key);
  /// Does the password, in any form, open the first encrypted thing in the file? Nothing if there is none, or the budget is used up.
  std::optional<bool> password_opens_something();

  /// The form that worked is the first that is tried next time.
  void prefer(std::size_t form) {
    std::rotate(forms_.begin(), forms_.begin() + static_cast<std::ptrdiff_t>(form), forms_.begin() + static_cast<std::ptrdiff_t>(form) + 1);
  }
  [[nodiscard]] bool has_password() const { return options_.password.has_value() && !options_.password->empty(); }
  [[nodiscard]] std::unexpected<Error> wrong_password() const;

  const PfxOptions& options_;
  std::vector<PasswordForm> forms_;
  WorkBudget budget_;
  bool has_mac_ = false;
  SecretBytes authenticated_safe_;
  PfxBags bags_;
};

Result<std::unique_ptr<const Certificate::Parts>> PfxReader::read(ByteView file) {
  if (const auto claimed = der::claimed_size(file); claimed && *claimed > file.size()) {
    return refuse("damaged: it is cut off, it says that it has " + std::to_string(*claimed) + " bytes but there are " +
                  std::to_string(file.size()));
  }
  bool damaged = false;
  der::Reader outer(file, der::Rules::ber, damaged);
  der::Reader pfx = outer.enter(der::sequence);
  pfx.read_uint32();  // version 3: seen by starts_like_pfx
  der::Reader content_info = pfx.enter(der::sequence);
  const std::string type = der::oid_text(content_info.read(der::object_identifier).content);
  if (type == oids::signed_data)
    return refuse("PFX files whose integrity is protected by a signature instead of a password are not supported");
  authenticated_safe_ = content_info.enter(der::context_constructed(0)).read_string(der::octet_string);
  if (damaged || type != oids::data) return refuse("damaged: the outermost structure of the PFX cannot be read");
  if (pfx.next_is(der::sequence)) {
    if (auto checked = check_mac(pfx.enter(der::sequence)); !checked) return std::unexpected(std::move(checked).error());
  }
  if (auto read = read_authenticated_safe(); !read) return std::unexpected(std::move(read).error());

  const auto chosen = choose_key(bags_, options_.friendly_name);
  if (!chosen) return std::unexpected(chosen.error());
  auto key = open_key(**chosen);
  if (!key) return std::unexpected(std::move(key).error());
  return assemble(std::move(bags_.certificates), FoundKey{.key = std::move(*key),
                                                          .friendly_name = std::move((*chosen)->friendly_name),
                                                          .local_key_id = std::move((*chosen)->local_key_id)});
}

std::unexpected<Error> PfxReader::wrong_password() const {
  if (!options_.password) return refuse("it is protected by a password, and none is given");
  if (options_.password->empty()) return refuse("the password is wrong: it is protected by one, and the given one is empty");
  return refuse("the password is wrong");
}

Result<void> PfxReader::check_mac(der::Reader mac_data) {
  has_mac_ = true;
  const auto mac = read_pfx_mac(mac_data);
  if (!mac) return std::unexpected(mac.error());
  for (std::size_t form = 0; form < forms_.size(); ++form) {
    const auto matches = verify(*mac, authenticated_safe_, forms_[form], budget_);
    if (!matches) return std::unexpected(matches.error());
    if (*matches) {
      prefer(form);
      return {};
    }
  }
  // The MAC alone cannot tell a wrong password from a change in the file, but what the password opens can.
  const auto opens = password_opens_something();
  if (!opens && has_password()) return refuse("the password is wrong or the file is damaged: its integrity check (MAC) fails");
  if (opens.value_or(false))
    return refuse("damaged: the password is right, but the integrity check (MAC) fails: something in the file has been changed");
  return wrong_password();
}

std::optional<bool> PfxReader::password_opens_something() {
  bool damaged = false;
  der::Reader file(authenticated_safe_, der::Rules::ber, damaged);
  der::Reader safes = file.enter(der::sequence);
  while (!safes.at_end()) {
    der::Reader content_info = safes.enter(der::sequence);
    const std::string type = der::oid_text(content_info.read(der::object_identifier).content);
    const der::Reader content = content_info.enter(der::context_constructed(0));
    if (type != oids::encrypted_data) continue;
    const auto data = read_encrypted_data(content);
    if (!data) continue;
    for (const PasswordForm& form : forms_) {
      const auto plaintext = decrypt(data->scheme, form, data->ciphertext, budget_);
      if (!plaintext) return std::nullopt;
      if (*plaintext && is_one_sequence(**plaintext)) return true;
    }
    return false;
  }
  // Only the key may be encrypted.
  if (!read_authenticated_safe()) return std::nullopt;
  for (const PfxBags::Key& key : bags_.keys) {
    if (!key.encrypted) continue;
    for (const PasswordForm& form : forms_) {
      const auto info = decrypt_pkcs8(key.info, form, budget_);
      if (!info) return std::nullopt;
      if (*info) return true;
    }
    return false;
  }
  return std::nullopt;
}

Result<void> PfxReader::read_authenticated_safe() {
  bool damaged = false;
  der::Reader file(authenticated_safe_, der::Rules::ber, damaged);
  der::Reader safes = file.enter(der::sequence);
  while (!safes.at_end()) {
    der::Reader content_info = safes.enter(der::sequence);
    const std::string type = der::oid_text(content_info.read(der::object_identifier).content);
    const der::Reader content = content_info.enter(der::context_constructed(0));
    if (damaged) break;
    if (auto read = read_safe(type, content); !read) return read;
  }
  if (damaged) return refuse("damaged: its list of safes cannot be read");
  return {};
}

Result<void> PfxReader::read_safe(std::string_view type, der::Reader content) {
  SecretBytes safe;
  if (type == oids::data) {
    safe = content.read_string(der::octet_string);
  } else if (type == oids::encrypted_data) {
    const auto data = read_encrypted_data(content);
    if (!data) return std::unexpected(data.error());
    auto plaintext = open(*data);
    if (!plaintext) return std::unexpected(std::move(plaintext).error());
    safe = std::move(*plaintext);
  } else {
    return refuse("a part of it is not supported: " + oids::name(type) +
                  (type == oids::enveloped_data ? " (encrypted to a public key instead of with a password)" : ""));
  }
  bool damaged = content.damaged();
  der::Reader file(safe, der::Rules::ber, damaged);
  const der::Reader inside = file.enter(der::sequence);
  if (damaged) return refuse("damaged: one of its safes cannot be read");
  return read_safe_contents(inside, bags_);
}

Result<SecretBytes> PfxReader::open(const EncryptedData& data) {
  for (std::size_t form = 0; form < forms_.size(); ++form) {
    auto plaintext = decrypt(data.scheme, forms_[form], data.ciphertext, budget_);
    if (!plaintext) return std::unexpected(std::move(plaintext).error());
    if (*plaintext && is_one_sequence(**plaintext)) {
      prefer(form);
      return std::move(**plaintext);
    }
  }
  if (has_mac_) return refuse("one of its encrypted parts has another password than the file");
  if (!has_password()) return wrong_password();
  return refuse(
      "the password is wrong or the file is damaged: it does not open, and there is no integrity check (MAC) that would tell which");
}

Result<PrivateKey> PfxReader::open_key(const PfxBags::Key& key) {
  if (!key.encrypted) return read_pkcs8(key.info);
  for (std::size_t form = 0; form < forms_.size(); ++form) {
    const auto info = decrypt_pkcs8(key.info, forms_[form], budget_);
    if (!info) return std::unexpected(info.error());
    if (*info) return read_pkcs8(**info);
  }
  if (has_mac_) return refuse("the private key in it has another password than the file");
  if (!has_password()) return wrong_password();
  return refuse(
      "the password is wrong or the private key is damaged: it does not open, and there is no integrity check (MAC) that would tell which");
}

}  // namespace

Result<std::unique_ptr<const Certificate::Parts>> read_pfx(ByteView file, const PfxOptions& options) {
  return PfxReader(options).read(file);
}

}  // namespace signet::wire
