#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "glueball/tensor.h"
#include "nn/product.h"

namespace glueball {

/// A weight (units, width) packed for products with its transpose. Never changes.
struct Panels {
  Tensor packed;  ///< As pack() writes it; bfloat16, two to an element, if `rounded`.
  std::int64_t units = 0;
  std::int64_t width = 0;
  Dtype dtype = Dtype::float32;  ///< Of the weight.
  bool rounded = false;
};

/// Makes the panels the second factor.
template <class T>
void set_panels(Multiplication<T>& m, const Panels& panels) {
  m.packed_b = panels.rounded ? nullptr : panels.packed.data<T>();
  m.rounded_b =
      panels.rounded ? static_cast<const kernels::Bfloat16*>(panels.packed.raw()) : nullptr;
}

/// The panels of a parameter's values, and whether they may be used.
class PackedWeights {
 public:
  PackedWeights() = default;
  ~PackedWeights() = default;
  PackedWeights(const PackedWeights&) = delete;
  PackedWeights& operator=(const PackedWeights&) = delete;

  /// The panels, or null if there are none or they may be old. For use in a ReadSection.
  const Panels* get() const noexcept {
    const Panels* const panels = valid_.load(std::memory_order_acquire);
    return panels == in_the_making() ? nullptr : panels;
  }
  /// As get(), but packs `values` if need be. Null while somebody else holds the array, since
  /// writes through it would not be seen. Under the parameter's lock.
  const Panels* make(const Tensor& values);
  /// The values are other ones, or may become so.
  void drop() noexcept {
    if (valid_.load() != nullptr) valid_.store(nullptr);
  }

  /// Whether panels are rounded to bfloat16.
  bool rounds() const noexcept { return rounds_.load(std::memory_order_relaxed); }
  void set_rounds(bool rounds) noexcept {
    rounds_.store(rounds, std::memory_order_relaxed);
    drop();
  }

 private:
  /// An address that is none of any panels.
  static const Panels* in_the_making() noexcept {
    alignas(Panels) static constinit const std::byte mark{};
    return reinterpret_cast<const Panels*>(&mark);
  }

  std::atomic<const Panels*> valid_{nullptr};  // or in_the_making(), or made_
  std::unique_ptr<const Panels> made_;
  std::atomic<bool> rounds_{false};
};

}  // namespace glueball
