// SPDX-License-Identifier: GPL-3.0-or-later
#include "pfx_bags.h"

#include <algorithm>

#include "object_identifiers.h"
#include "text_encoding.h"

namespace signet::wire {

namespace {

std::unexpected<Error> refuse(std::string detail) {
  return fail(ErrorKind::config, Origin::internal, std::move(detail));
}

struct Attributes {
  std::string friendly_name;
  ByteVector local_key_id;
};

/// SET OF PKCS12Attribute, the last element of a bag.
Attributes read_attributes(der::Reader bag) {
  Attributes out;
  if (!bag.next_is(der::set)) return out;
  der::Reader attributes = bag.enter(der::set);
  while (!attributes.at_end()) {
    der::Reader attribute = attributes.enter(der::sequence);
    const std::string type = der::oid_text(attribute.read(der::object_identifier).content);
    der::Reader values = attribute.enter(der::set);
    if (values.at_end()) continue;
    if (type == oids::friendly_name) {
      const der::Element value = values.read();
      out.friendly_name = value.tag == der::bmp_string ? utf8_from_utf16be(value.content) : std::string(as_text(value.content));
    } else if (type == oids::local_key_id) {
      const ByteView value = values.read().content;
      out.local_key_id.assign(value.begin(), value.end());
    }
  }
  return out;
}

/// CertBag (RFC 7292 §4.2.3). SDSI certificates are passed over.
Result<void> read_certificate_bag(der::Reader bag, Attributes attributes, PfxBags& bags) {
  const std::string type = der::oid_text(bag.read(der::object_identifier).content);
  if (type != oids::x509_certificate) return {};
  const SecretBytes der = bag.enter(der::context_constructed(0)).read_string(der::octet_string);
  if (bag.damaged()) return {};  // the caller sees it as well
  if (bags.certificates.size() == certificates_in_file_max) {
    return refuse("there are more than " + std::to_string(certificates_in_file_max) + " certificates in it");
  }
  auto certificate = read_x509(der);
  if (!certificate) {
    return refuse("certificate " + std::to_string(bags.certificates.size() + 1) + " in it cannot be used: " + certificate.error().detail);
  }
  bags.certificates.push_back({.x509 = std::move(*certificate),
                               .friendly_name = std::move(attributes.friendly_name),
                               .local_key_id = std::move(attributes.local_key_id)});
  return {};
}

Result<void> read_bag(der::Reader bag, PfxBags& bags) {
  const std::string type = der::oid_text(bag.read(der::object_identifier).content);
  der::Reader value = bag.enter(der::context_constructed(0));
  Attributes attributes = read_attributes(bag);
  if (type == oids::certificate_bag) return read_certificate_bag(value.enter(der::sequence), std::move(attributes), bags);
  if (type == oids::safe_contents_bag) return read_safe_contents(value.enter(der::sequence), bags);
  if (type != oids::key_bag && type != oids::shrouded_key_bag) return {};
  const ByteView info = value.read(der::sequence).whole;
  if (bags.keys.size() == certificates_in_file_max) {
    return refuse("there are more than " + std::to_string(certificates_in_file_max) + " private keys in it");
  }
  bags.keys.push_back({.info = secret_copy(info),
                       .encrypted = type == oids::shrouded_key_bag,
                       .friendly_name = std::move(attributes.friendly_name),
                       .local_key_id = std::move(attributes.local_key_id)});
  return {};
}

const FoundCertificate* certificate_of(const PfxBags& bags, const PfxBags::Key& key) {
  if (key.local_key_id.empty()) return nullptr;
  const auto found = std::find_if(bags.certificates.begin(), bags.certificates.end(),
                                  [&](const FoundCertificate& certificate) { return certificate.local_key_id == key.local_key_id; });
  return found == bags.certificates.end() ? nullptr : &*found;
}

std::string name_of(const PfxBags& bags, const PfxBags::Key& key) {
  const FoundCertificate* certificate = certificate_of(bags, key);
  return key.friendly_name.empty() && certificate != nullptr ? certificate->friendly_name : key.friendly_name;
}

/// `"orders" (CN=orders,O=Contoso), "billing" (CN=billing)`
std::string list_keys(const PfxBags& bags) {
  constexpr std::size_t shown_max = 20;
  std::string list;
  for (std::size_t i = 0; i < std::min(bags.keys.size(), shown_max); ++i) {
    const PfxBags::Key& key = bags.keys[i];
    const FoundCertificate* certificate = certificate_of(bags, key);
    const std::string name = name_of(bags, key);
    list += i == 0 ? "" : ", ";
    list += name.empty() ? "one without a name" : "\"" + printable(name) + "\"";
    if (certificate != nullptr) list += " (" + certificate->x509.info.subject + ")";
  }
  if (bags.keys.size() > shown_max) list += " and " + std::to_string(bags.keys.size() - shown_max) + " more";
  return list;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
  return out;
}

}  // namespace

Result<void> read_safe_contents(der::Reader safe, PfxBags& bags) {
  while (!safe.at_end()) {
    if (auto read = read_bag(safe.enter(der::sequence), bags); !read) return read;
  }
  if (safe.damaged()) return refuse("damaged: one of its safes cannot be read");
  return {};
}

Result<PfxBags::Key*> choose_key(PfxBags& bags, std::string_view friendly_name) {
  if (bags.keys.empty()) {
    const std::size_t count = bags.certificates.size();
    return refuse("there is no private key in it, only " + std::to_string(count) + (count == 1 ? " certificate" : " certificates") +
                  ": export it again together with the private key");
  }
  std::vector<PfxBags::Key*> exact;
  std::vector<PfxBags::Key*> similar;
  for (PfxBags::Key& key : bags.keys) {
    const std::string name = name_of(bags, key);
    if (friendly_name.empty() || name == friendly_name) exact.push_back(&key);
    if (lower(name) == lower(friendly_name)) similar.push_back(&key);
  }
  // keytool turns aliases into lower case.
  const std::vector<PfxBags::Key*>& found = exact.empty() ? similar : exact;
  if (found.size() == 1) return found.front();
  if (friendly_name.empty()) {
    return refuse("there are " + std::to_string(bags.keys.size()) +
                  " private keys in it, choose one by its friendly name: " + list_keys(bags));
  }
  return refuse((found.empty() ? "no private key in it is named \"" : "several private keys in it are named \"") +
                printable(friendly_name) + "\"; there are: " + list_keys(bags));
}

}  // namespace signet::wire
