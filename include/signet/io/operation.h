// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "signet/base/bytes.h"
#include "signet/base/check.h"

namespace signet::io {

/// An open socket; -1 is none.
using Descriptor = int;

/// Where received bytes live until they are taken. Implemented by each Io.
class BufferSource {
 public:
  virtual void give_back(std::uint32_t id) = 0;

 protected:
  ~BufferSource() = default;
};

/// Received bytes, on loan from the Io that received them: returned by the destructor. Move-only; stays on its shard. An owner that keeps
/// it takes it away from other connections, so: only while it cannot pass the bytes on.
class Buffer {
 public:
  Buffer() = default;
  Buffer(BufferSource& source, std::uint32_t id, std::byte* data, std::uint32_t size)
      : source_(&source), data_(data), size_(size), id_(id) {}
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    Buffer taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~Buffer() {
    if (source_ != nullptr) {
      source_->give_back(id_);
    }
  }

  /// The owner may write there.
  [[nodiscard]] MutableByteView bytes() const { return {data_, size_}; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  /// Drops the first `size` bytes. REQUIRES: size <= bytes().size().
  void consume(std::size_t size) {
    SIGNET_CHECK(size <= size_);
    data_ += size;
    size_ -= static_cast<std::uint32_t>(size);
  }

 private:
  void swap(Buffer& other) noexcept {
    std::swap(source_, other.source_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(id_, other.id_);
  }

  BufferSource* source_ = nullptr;
  std::byte* data_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint32_t id_ = 0;
};

/// How an operation ended, or one of the results of a multishot one.
struct Completion {
  std::int32_t result = 0;  ///< as the kernel says it: a count or a descriptor, or -errno
  Buffer buffer;            ///< of a receive with result > 0
};

/// One request to the kernel, embedded in the object that makes it, so that a struct lists all that can happen to it. Inactive, active from
/// the call to Io until its handler is called, and inactive again when the handler runs (a multishot one: when its last result is
/// delivered). Never moved; destroyed only while inactive.
class Operation {
 public:
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  [[nodiscard]] bool active() const { return active_; }

 protected:
  using Handler = void (*)(void* owner, Completion& completion);
  Operation(void* owner, Handler handler) : owner_(owner), handler_(handler) {}
  ~Operation() { SIGNET_CHECK(!active_); }

 private:
  friend class OperationAccess;

  void* owner_;
  Handler handler_;
  Operation* next_ = nullptr;  ///< for the Io: where it waits
  Descriptor descriptor_ = -1;
  std::uint8_t kind_ = 0;
  bool active_ = false;
  bool waiting_ = false;
  bool emptied_ = false;  ///< for the Io: the last receive took all there was
};

/// `io::Op<Session, &Session::on_received> receive_{this};`
template <class Owner, void (Owner::*handler)(Completion&)>
class Op : public Operation {
 public:
  explicit Op(Owner* owner)
      : Operation(owner, [](void* object, Completion& completion) { (static_cast<Owner*>(object)->*handler)(completion); }) {}
};

/// What implementations of Io may do with an operation.
class OperationAccess {
 public:
  static void begin(Operation& operation, std::uint8_t kind, Descriptor descriptor) {
    SIGNET_CHECK(!operation.active_);
    operation.active_ = true;
    operation.kind_ = kind;
    operation.descriptor_ = descriptor;
  }
  static void deliver(Operation& operation, Completion& completion, bool more) {
    operation.active_ = more;
    operation.handler_(operation.owner_, completion);  // may destroy the operation
  }
  static std::uint8_t kind(const Operation& operation) { return operation.kind_; }
  static Descriptor descriptor(const Operation& operation) { return operation.descriptor_; }
  static Operation*& next(Operation& operation) { return operation.next_; }
  static bool& waiting(Operation& operation) { return operation.waiting_; }
  static bool& emptied(Operation& operation) { return operation.emptied_; }
};

}  // namespace signet::io
