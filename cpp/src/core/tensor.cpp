#include "glueball/tensor.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "core/refuse.h"
#include "core/streaming.h"
#include "core/with_type.h"
#include "glueball/parallel.h"
#include "kernels/table.h"

namespace glueball {
namespace {

/// Elements that are worth a thread of their own: tens of microseconds of writing.
constexpr std::int64_t fill_grain = std::int64_t{1} << 18;

}  // namespace

Tensor::Tensor(const Shape& shape, Dtype dtype) : Tensor(uninitialized(shape, dtype)) {
  // A mapped block is zeros already, which take neither time nor memory until they are touched.
  if (!Buffer::allocates_zeros(bytes())) std::memset(data_, 0, bytes());
}

Tensor Tensor::uninitialized(const Shape& shape, Dtype dtype) {
  Tensor tensor;
  tensor.size_ = shape.elements();
  if (tensor.size_ > std::numeric_limits<std::int64_t>::max() / 8) {
    refuse<ShapeError>({"an array that fits in memory"}, {"one of shape ", shape},
                       {"use a smaller one"});
  }
  tensor.shape_ = shape;
  tensor.dtype_ = dtype;
  tensor.buffer_ = Buffer::allocate(tensor.bytes());
  tensor.data_ = tensor.buffer_->data();
  return tensor;
}

Tensor Tensor::borrow(void* data, const Shape& shape, Dtype dtype) {
  Tensor tensor;
  tensor.size_ = shape.elements();
  tensor.shape_ = shape;
  tensor.dtype_ = dtype;
  tensor.data_ = data;
  return tensor;
}

Tensor Tensor::lend(void* data, const Shape& shape, Dtype dtype, void* owner,
                    Buffer::Release release) {
  Tensor tensor = borrow(data, shape, dtype);
  tensor.buffer_ = Buffer::lend(data, owner, release);
  return tensor;
}

Tensor::Tensor(const Tensor& other) noexcept
    : buffer_(other.buffer_),
      data_(other.data_),
      shape_(other.shape_),
      size_(other.size_),
      dtype_(other.dtype_) {
  if (buffer_ != nullptr) buffer_->retain();
}

Tensor& Tensor::operator=(const Tensor& other) noexcept {
  if (this != &other) *this = Tensor(other);
  return *this;
}

Tensor Tensor::reshaped(const Shape& shape) const {
  if (shape.elements() != size_) {
    refuse<ShapeError>({"a shape of ", size_, " elements"}, {shape},
                       {"reshape ", shape_, " to one of equal size"});
  }
  Tensor view = *this;
  view.shape_ = shape;
  return view;
}

Tensor Tensor::clone() const { return cast(dtype_); }

Tensor Tensor::cast(Dtype dtype) const {
  if (!defined() && size_ == 0 && shape_.rank() == 0) return {};
  Tensor copy = uninitialized(shape_, dtype);
  copy.copy_from(*this);
  return copy;
}

void Tensor::fill(double value) const {
  with_type(dtype_, [&]<class T>(T) {
    const auto kernel = kernels::table<T>().constant;
    const bool streaming = outgrows_cache(bytes());
    parallel_for(size_, fill_grain, [&](std::int64_t begin, std::int64_t end) {
      kernel(static_cast<T>(value), data<T>() + begin, end - begin, streaming);
    });
  });
}

void Tensor::copy_from(const Tensor& source) const {
  if (shape_ != source.shape_) {
    refuse<ShapeError>({"values of shape ", shape_}, {source.shape_}, {"reshape them"});
  }
  if (size_ > source.size_) {  // a scalar has the shape of an empty Tensor
    refuse<ArgumentError>({"an array of values to copy"}, {"an empty Tensor"},
                          {"pass one with numbers"});
  }
  if (dtype_ == source.dtype_) {
    if (size_ > 0) std::memmove(data_, source.data_, bytes());
  } else if (dtype_ == Dtype::float32) {
    std::transform(source.data<double>(), source.data<double>() + size_, data<float>(),
                   [](double value) { return static_cast<float>(value); });
  } else {
    std::copy_n(source.data<float>(), size_, data<double>());
  }
}

}  // namespace glueball
