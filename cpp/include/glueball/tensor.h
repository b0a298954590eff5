#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "glueball/buffer.h"
#include "glueball/dtype.h"
#include "glueball/export.h"
#include "glueball/shape.h"

namespace glueball {

/// A dense row-major array whose copies share one block of memory.
///
/// Copying a Tensor copies a reference, as in NumPy; `clone()` copies the numbers. `const` is
/// about the reference, not about the numbers: `data()` of a const Tensor can be written.
class GLUEBALL_API Tensor {
 public:
  /// An empty Tensor: `defined()` is false.
  Tensor() = default;

  /// An array of zeros, 64-byte aligned.
  ///
  /// @throws ShapeError if an axis is unknown or the size does not fit in memory's address range.
  explicit Tensor(const Shape& shape, Dtype dtype = Dtype::float32);

  /// As the constructor, but the contents are undefined until written.
  static Tensor uninitialized(const Shape& shape, Dtype dtype = Dtype::float32);

  /// A view of memory that the caller keeps alive for longer than any copy of the view.
  static Tensor borrow(void* data, const Shape& shape, Dtype dtype);

  /// The same, for floats or doubles: `Tensor::borrow(values, {1, 4})`.
  ///
  /// What is const stays unwritten if the view is only read, as a layer's input is.
  template <class T>
  static Tensor borrow(T* data, const Shape& shape) {
    using Element = std::remove_const_t<T>;
    static_assert(std::is_same_v<Element, float> || std::is_same_v<Element, double>);
    return borrow(const_cast<Element*>(data), shape, dtype_of<Element>);
  }

  /// A view of memory that `release(owner)` gives back when the last copy goes.
  static Tensor lend(void* data, const Shape& shape, Dtype dtype, void* owner,
                     Buffer::Release release);

  /// Another reference to the same numbers.
  Tensor(const Tensor& other) noexcept;
  /// Takes the reference over; `other` becomes empty.
  Tensor(Tensor&& other) noexcept
      : buffer_(std::exchange(other.buffer_, nullptr)),
        data_(std::exchange(other.data_, nullptr)),
        shape_(other.shape_),
        size_(std::exchange(other.size_, 0)),
        dtype_(other.dtype_) {
    other.shape_.clear();
  }
  /// Refers to the numbers of `other` from now on; nothing is copied into the old ones.
  Tensor& operator=(const Tensor& other) noexcept;
  /// The same, taking the reference over.
  Tensor& operator=(Tensor&& other) noexcept {
    if (this == &other) return *this;
    Buffer* const former = std::exchange(buffer_, std::exchange(other.buffer_, nullptr));
    data_ = std::exchange(other.data_, nullptr);
    shape_ = other.shape_;
    size_ = std::exchange(other.size_, 0);
    dtype_ = other.dtype_;
    other.shape_.clear();
    if (former != nullptr) former->release();
    return *this;
  }
  ~Tensor() {
    if (buffer_ != nullptr) buffer_->release();
  }

  /// Whether there is an array.
  bool defined() const noexcept { return data_ != nullptr; }
  /// The lengths of the axes, all known.
  const Shape& shape() const noexcept { return shape_; }
  /// The element type.
  Dtype dtype() const noexcept { return dtype_; }
  /// The number of elements.
  std::int64_t size() const noexcept { return size_; }
  /// The number of bytes that they take.
  std::size_t bytes() const noexcept { return static_cast<std::size_t>(size_) * size_of(dtype_); }
  /// The first element, of whatever type; null if not defined().
  void* raw() const noexcept { return data_; }

  /// The elements, in row-major order. `T` must match `dtype()`, which only debug builds check.
  template <class T>
  T* data() const noexcept {
    return static_cast<T*>(data_);
  }

  /// The block that the array is in, or null for a borrowed view. The caller retains it if it keeps
  /// it.
  Buffer* buffer() const noexcept { return buffer_; }

  /// The same elements under another shape. @throws ShapeError if the number of elements differs.
  Tensor reshaped(const Shape& shape) const;

  /// A new array with the same numbers; an empty Tensor of an empty one.
  Tensor clone() const;
  /// A new array with the same numbers as `dtype`.
  Tensor cast(Dtype dtype) const;

  /// Sets every element.
  void fill(double value) const;
  /// Copies the numbers of `source`, converting the dtype. @throws ShapeError if shapes differ,
  /// ArgumentError if `source` is empty.
  void copy_from(const Tensor& source) const;

 private:
  Buffer* buffer_ = nullptr;
  void* data_ = nullptr;
  Shape shape_;
  std::int64_t size_ = 0;
  Dtype dtype_ = Dtype::float32;
};

}  // namespace glueball
