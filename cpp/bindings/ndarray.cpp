#include "ndarray.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "bindings.h"
#include "glueball/error.h"

namespace glueball::bindings {
namespace {

using NumpyApi = py::detail::npy_api;

// The class that Python registers. It lives as long as the process: never released, because static
// destructors run when the interpreter is gone.
PyTypeObject* default_type = nullptr;

/// A class of arrays as NumPy makes them: of anything else it would write past the object's end.
PyTypeObject* array_type(py::handle type) {
  auto* const found = reinterpret_cast<PyTypeObject*>(type.ptr());
  if (PyType_Check(type.ptr()) == 0 ||
      PyType_IsSubtype(found, NumpyApi::get().PyArray_Type_) == 0) {
    throw TypeError({"a class of arrays", py::repr(type), "pass numpy.ndarray or a subclass"});
  }
  return found;
}

PyObject* descriptor(Dtype dtype) {
  static PyObject* const float32 = py::dtype::of<float>().release().ptr();
  static PyObject* const float64 = py::dtype::of<double>().release().ptr();
  return dtype == Dtype::float32 ? float32 : float64;
}

std::optional<Dtype> dtype_of_array(py::handle array) {
  PyObject* const found = py::detail::array_proxy(array.ptr())->descr;
  for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
    // NumPy's own descriptors are single objects; a file's or a struct's may be an equal copy.
    if (found == descriptor(dtype) ||
        NumpyApi::get().PyArray_EquivTypes_(found, descriptor(dtype))) {
      return dtype;
    }
  }
  return std::nullopt;
}

bool has_flags(py::handle array, int flags) {
  return (py::detail::array_proxy(array.ptr())->flags & flags) == flags;
}

constexpr int readable = NumpyApi::NPY_ARRAY_C_CONTIGUOUS_ | NumpyApi::NPY_ARRAY_ALIGNED_;

Shape shape_of_array(py::handle array) {
  const auto* proxy = py::detail::array_proxy(array.ptr());
  std::array<std::int64_t, Shape::max_rank> lengths{};
  const auto rank = static_cast<std::size_t>(proxy->nd);
  if (rank > Shape::max_rank) {
    throw ArgumentError({"an array of at most " + std::to_string(Shape::max_rank) + " axes",
                         "one of " + std::to_string(rank), "reshape it"});
  }
  std::copy_n(proxy->dimensions, rank, lengths.begin());
  return {lengths.data(), rank};
}

std::string dtype_name(py::handle array) {
  return py::str(array.attr("dtype")).cast<std::string>();
}

py::array contiguous(py::handle array) {
  return py::reinterpret_steal<py::array>(NumpyApi::get().PyArray_FromAny_(
      array.ptr(), nullptr, 0, 0, readable | NumpyApi::NPY_ARRAY_ENSUREARRAY_, nullptr));
}

Tensor on_memory_of(py::handle array, Dtype dtype) {
  return Tensor::borrow(py::detail::array_proxy(array.ptr())->data, shape_of_array(array), dtype);
}

void release_object(void* object) {
  // Any thread may drop a tensor; one that does while Python shuts down must not call Python.
  if (Py_IsInitialized() == 0) return;
  const WithGil gil;
  Py_DECREF(static_cast<PyObject*>(object));
}

/// What the memory of an array belongs to: itself, or what the last of its bases is.
py::handle owner_of(py::handle array) {
  while (NumpyApi::get().PyArray_Check_(array.ptr())) {
    PyObject* const base = py::detail::array_proxy(array.ptr())->base;
    if (base == nullptr) break;
    array = base;
  }
  return array;
}

/// Holds the memory's owner, not the array: an array that refers to a view of itself (a flattened
/// one) would be a cycle that Python's collector cannot see.
Tensor lend(py::handle array, Dtype dtype) {
  auto owner = py::reinterpret_borrow<py::object>(owner_of(array));
  Tensor tensor = Tensor::lend(py::detail::array_proxy(array.ptr())->data, shape_of_array(array),
                               dtype, owner.ptr(), release_object);
  (void)owner.release();  // the tensor has it now
  return tensor;
}

Dtype require_array(py::handle array, const std::string& what) {
  if (!NumpyApi::get().PyArray_Check_(array.ptr())) {
    throw DtypeError({"an array as " + what, std::string("a ") + Py_TYPE(array.ptr())->tp_name,
                      "wrap it: nd.array(...)"});
  }
  const auto dtype = dtype_of_array(array);
  if (!dtype) {
    throw InputError({"an array of float32 or float64 as " + what, "dtype " + dtype_name(array),
                      "convert it: .astype('float32')"});
  }
  return *dtype;
}

}  // namespace

py::object as_ndarray(const Tensor& tensor, py::handle type) {
  const auto& api = NumpyApi::get();
  auto* const subtype = type ? array_type(type) : default_type;
  std::array<Py_intptr_t, Shape::max_rank> lengths{};
  std::copy(tensor.shape().begin(), tensor.shape().end(), lengths.begin());
  PyObject* const dtype = descriptor(tensor.dtype());
  Py_INCREF(dtype);  // PyArray_NewFromDescr steals it
  auto array = py::reinterpret_steal<py::object>(api.PyArray_NewFromDescr_(
      subtype != nullptr ? subtype : api.PyArray_Type_, dtype,
      static_cast<int>(tensor.shape().rank()), lengths.data(), nullptr, tensor.raw(),
      NumpyApi::NPY_ARRAY_WRITEABLE_ | NumpyApi::NPY_ARRAY_ALIGNED_, nullptr));
  if (!array) throw py::error_already_set();

  Buffer* const buffer = tensor.buffer();
  if (buffer == nullptr) return array;  // borrowed memory: its owner outlives the array
  auto base =
      py::reinterpret_steal<py::object>(PyCapsule_New(buffer, nullptr, [](PyObject* capsule) {
        static_cast<Buffer*>(PyCapsule_GetPointer(capsule, nullptr))->release();
      }));
  if (!base) throw py::error_already_set();
  buffer->retain();
  if (api.PyArray_SetBaseObject_(array.ptr(), base.release().ptr()) != 0) {
    throw py::error_already_set();
  }
  return array;
}

py::object plain_array(const Tensor& tensor) {
  return as_ndarray(tensor, reinterpret_cast<PyObject*>(NumpyApi::get().PyArray_Type_));
}

Tensor read_plain_array(py::handle array) {
  if (!NumpyApi::get().PyArray_Check_(array.ptr()) || !has_flags(array, readable)) return {};
  const auto dtype = dtype_of_array(array);
  const bool fits = std::cmp_less_equal(py::detail::array_proxy(array.ptr())->nd, Shape::max_rank);
  return dtype && fits ? on_memory_of(array, *dtype) : Tensor();
}

bool is_default_array(py::handle array) noexcept { return Py_TYPE(array.ptr()) == default_type; }

bool is_numpy_array(py::handle array) {
  return Py_TYPE(array.ptr()) == NumpyApi::get().PyArray_Type_;
}

Tensor read_array(py::handle array, const std::string& what) {
  const Dtype dtype = require_array(array, what);
  if (has_flags(array, readable)) return on_memory_of(array, dtype);
  return keep_array(array, what);
}

py::object readable_array(py::handle array, const std::string& what) {
  (void)require_array(array, what);
  if (has_flags(array, readable)) return py::reinterpret_borrow<py::object>(array);
  py::array copy = contiguous(array);
  if (!copy) throw py::error_already_set();
  return copy;
}

Tensor keep_array(py::handle array, const std::string& what) {
  const Dtype dtype = require_array(array, what);
  return lend(readable_array(array, what), dtype);
}

WritableArray::WritableArray(py::handle array, const std::string& what)
    : array_(py::reinterpret_borrow<py::object>(array)) {
  if (!NumpyApi::get().PyArray_Check_(array.ptr())) {
    throw DtypeError({"an array as " + what, std::string("a ") + Py_TYPE(array.ptr())->tp_name,
                      "pass an NDArray"});
  }
  const auto dtype = dtype_of_array(array);
  if (!dtype) {
    throw DtypeError({what + " of float32 or float64", "dtype " + dtype_name(array),
                      "fill a float32 array, and convert it"});
  }
  if (!has_flags(array, NumpyApi::NPY_ARRAY_WRITEABLE_)) {
    throw ArgumentError(
        {what + " that can be written", "a read-only array", "pass a copy: array.copy()"});
  }
  if (has_flags(array, readable)) {
    tensor_ = on_memory_of(array, *dtype);
  } else {
    temporary_ = true;
    // Starts from what the destination holds, as hooks may change it in place.
    tensor_ = keep_array(array, what).clone();
  }
}

void WritableArray::write_back() const {
  if (!temporary_) return;
  const auto& api = NumpyApi::get();
  const py::object source = as_ndarray(tensor_, reinterpret_cast<PyObject*>(api.PyArray_Type_));
  if (api.PyArray_CopyInto_(array_.ptr(), source.ptr()) != 0) throw py::error_already_set();
}

Shape to_shape(py::handle lengths) {
  std::vector<std::int64_t> values;
  for (const py::handle length : lengths) {
    const auto index = py::reinterpret_steal<py::object>(PyNumber_Index(length.ptr()));
    if (!index) throw py::error_already_set();
    values.push_back(PyLong_AsLongLong(index.ptr()));
    if (PyErr_Occurred() != nullptr) {
      PyErr_Clear();
      throw ArgumentError(
          {"axes of fewer than 2**63 elements", py::repr(index), "correct the shape"});
    }
  }
  return Shape(values);
}

py::tuple to_tuple(const Shape& shape) {
  py::tuple tuple(shape.rank());
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) tuple[axis] = shape[axis];
  return tuple;
}

Dtype to_dtype(const std::string& name) {
  if (name == "float32") return Dtype::float32;
  if (name == "float64") return Dtype::float64;
  throw DtypeError({"dtype float32 or float64", "'" + name + "'",
                    "parameters and layers compute in one of these two"});
}

void bind_ndarray(py::module_& m) {
  m.def(
      "set_default_array_type",
      [](const py::type& type) {
        default_type = array_type(type);
        type.inc_ref();
      },
      py::arg("type"),
      "The class of the arrays that the extension makes when nothing else decides.");
  m.def(
      "empty",
      [](const py::sequence& shape, const std::string& dtype, const py::type& type) {
        return as_ndarray(Tensor::uninitialized(to_shape(shape), to_dtype(dtype)), type);
      },
      py::arg("shape"), py::arg("dtype"), py::arg("type"),
      "Returns a new 64-byte aligned array of class `type` whose contents are undefined.");
}

}  // namespace glueball::bindings
