#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <string>

#include "glueball/tensor.h"

namespace glueball::bindings {

namespace py = pybind11;

// The one place where a Tensor becomes a NumPy array, and back.

/// A new array of class `type` (null: the default array type) on the tensor's memory, which it
/// keeps alive. @throws TypeError if `type` is not a class of arrays.
py::object as_ndarray(const Tensor& tensor, py::handle type = {});

/// The same as a plain numpy.ndarray.
py::object plain_array(const Tensor& tensor);

/// The tensor of any array of float32 or float64 that is only read: borrowed if it can be, else a
/// copy.
///
/// @throws InputError naming `what` for another dtype, DtypeError if it is not an array.
Tensor read_array(py::handle array, const std::string& what);

/// As `read_array`, but an undefined Tensor instead of a copy or an error: for callers that have no
/// name for the array at hand.
Tensor read_plain_array(py::handle array);

/// Whether `array` is of exactly the class that the extension makes when nothing else decides.
bool is_default_array(py::handle array) noexcept;

/// Whether `array` is of NumPy's own class, and none below it.
bool is_numpy_array(py::handle array);

/// The array itself if a tensor can be borrowed from it, else a copy of which one can.
///
/// @throws as `read_array`.
py::object readable_array(py::handle array, const std::string& what);

/// As `read_array`, but keeps the array alive as long as the tensor.
Tensor keep_array(py::handle array, const std::string& what);

/// A tensor to write into, for any writable array of float32 or float64: its own memory, or a
/// temporary that `write_back()` copies over (a non-contiguous destination).
class WritableArray {
 public:
  /// @throws DtypeError for another dtype, ArgumentError for a read-only array; both name `what`.
  WritableArray(py::handle array, const std::string& what);
  const Tensor& tensor() const noexcept { return tensor_; }
  void write_back() const;

 private:
  py::object array_;
  Tensor tensor_;
  bool temporary_ = false;
};

/// @throws ArgumentError for anything but a tuple, list or other sequence of integers.
Shape to_shape(py::handle lengths);
py::tuple to_tuple(const Shape& shape);

/// @throws DtypeError for another name than "float32" and "float64".
Dtype to_dtype(const std::string& name);

}  // namespace glueball::bindings
