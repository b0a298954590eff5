#include "glueball/io.h"

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "atomic_file.h"
#include "bindings.h"
#include "glueball/error.h"
#include "glueball/parallel.h"
#include "mapped_file.h"
#include "ndarray.h"

namespace glueball::bindings {
namespace {

/// NumPy's name of a dtype, or null where it has none of its own.
const char* numpy_name(StoredDtype dtype) {
  switch (dtype) {
    case StoredDtype::boolean:
      return "bool";
    case StoredDtype::u8:
      return "uint8";
    case StoredDtype::i8:
      return "int8";
    case StoredDtype::i16:
      return "int16";
    case StoredDtype::u16:
      return "uint16";
    case StoredDtype::f16:
      return "float16";
    case StoredDtype::i32:
      return "int32";
    case StoredDtype::u32:
      return "uint32";
    case StoredDtype::f32:
      return "float32";
    case StoredDtype::c64:
      return "complex64";
    case StoredDtype::f64:
      return "float64";
    case StoredDtype::i64:
      return "int64";
    case StoredDtype::u64:
      return "uint64";
    default:
      return nullptr;
  }
}

std::string dtype_name(const StoredArray& array) {
  if (array.dtype() == StoredDtype::bf16) return "bfloat16";
  const char* const name = numpy_name(array.dtype());
  return name != nullptr ? name : to_string(array.dtype());
}

std::optional<StoredDtype> stored_dtype_of(const py::array& array) {
  const auto name = py::str(array.dtype().attr("name")).cast<std::string>();
  for (int i = 0; i <= static_cast<int>(StoredDtype::u64); ++i) {
    const auto dtype = static_cast<StoredDtype>(i);
    const char* const candidate = numpy_name(dtype);
    if (candidate != nullptr && name == candidate) return dtype;
  }
  return std::nullopt;
}

void release_array(const PyObject* array) {
  // As for tensors: any thread may drop it, and not while Python shuts down.
  if (Py_IsInitialized() == 0) return;
  const py::gil_scoped_acquire gil;
  Py_DECREF(const_cast<PyObject*>(array));
}

/// A view of a NumPy array of C order and native byte order, which it keeps alive.
StoredArray to_stored(std::string name, const py::array& array) {
  const auto dtype = stored_dtype_of(array);
  const bool is_plain =
      (array.flags() & py::array::c_style) != 0 && array.dtype().attr("isnative").cast<bool>();
  if (!dtype || !is_plain) {
    throw DtypeError({"an array of numbers that files hold, in C order, as '" + name + "'",
                      "dtype " + py::str(array.dtype()).cast<std::string>(),
                      "convert it: .astype('float32')"});
  }
  const std::shared_ptr<const PyObject> owner(array.inc_ref().ptr(), release_array);
  return {std::move(name),
          *dtype,
          {array.shape(), array.shape() + array.ndim()},
          array.data(),
          static_cast<std::size_t>(array.nbytes()),
          owner};
}

/// A new NumPy array with the elements: of the same dtype, or float32 for bfloat16.
py::object to_numpy(const StoredArray& array) {
  const char* const name = numpy_name(array.dtype());
  if (name == nullptr) {
    std::optional<Tensor> values;
    {
      const py::gil_scoped_release unlocked;
      values = array.read(array.core_dtype());
    }
    return as_ndarray(*values,
                      reinterpret_cast<PyObject*>(py::detail::npy_api::get().PyArray_Type_));
  }
  py::array copy(py::dtype::from_args(py::str(name)), array.lengths());
  auto* const to = static_cast<char*>(const_cast<void*>(copy.data()));
  const auto* const from = static_cast<const char*>(array.data());
  const py::gil_scoped_release unlocked;
  // Most of the time goes into the system's first giving memory: threads share that.
  constexpr std::int64_t grain = std::int64_t{4} << 20;
  parallel_for(static_cast<std::int64_t>(array.bytes()), grain,
               [&](std::int64_t begin, std::int64_t end) {
                 std::memcpy(to + begin, from + begin, static_cast<std::size_t>(end - begin));
               });
  return copy;
}

using Texts = std::map<std::string, std::string, std::less<>>;

void write(const py::bytes& path, std::vector<StoredArray> arrays, bool named, Texts aliases,
           Texts metadata) {
  const std::string name = path;
  const py::gil_scoped_release unlocked;
  write_arrays(name, {std::move(arrays), named, std::move(aliases), std::move(metadata)});
}

StoredArrays read(const py::bytes& path) {
  const std::string name = path;
  const py::gil_scoped_release unlocked;
  return read_arrays(name);
}

void assign_all(const std::vector<std::pair<std::shared_ptr<Parameter>, StoredArray>>& values,
                const std::string& source, bool cast_dtype, bool take_dtype) {
  LoadOptions options;
  options.cast_dtype = cast_dtype;
  options.dtype_source = take_dtype ? DtypeSource::saved : DtypeSource::current;
  const py::gil_scoped_release unlocked;
  assign(values, source, options);
}

}  // namespace

void bind_io(py::module_& m) {
  py::class_<StoredArray>(m, "StoredArray",
                          "One array in a file, or about to be written: a view of its bytes.")
      .def(py::init(&to_stored), py::arg("name"), py::arg("array"))
      .def_property_readonly("name", &StoredArray::name)
      .def_property_readonly("dtype", &dtype_name, "NumPy's name, 'bfloat16', or safetensors' own.")
      .def_property_readonly(
          "shape", [](const StoredArray& self) { return py::tuple(py::cast(self.lengths())); })
      .def_property_readonly("size", &StoredArray::size)
      .def_property_readonly("nbytes", &StoredArray::bytes)
      .def_property_readonly("is_convertible", &StoredArray::is_convertible)
      .def("to_numpy", &to_numpy, "A new array with the elements; bfloat16 becomes float32.");

  py::class_<StoredArrays>(m, "StoredArrays", "What a file holds.")
      .def_readonly("arrays", &StoredArrays::arrays)
      .def_readonly("named", &StoredArrays::named)
      .def_readonly("aliases", &StoredArrays::aliases)
      .def_readonly("metadata", &StoredArrays::metadata);

  m.def("read_arrays", &read, py::arg("path"), "Maps and checks a .safetensors or .params file.");
  m.def(
      "check_file",
      [](const py::bytes& path) {
        const std::string name = path;
        const py::gil_scoped_release unlocked;
        MappedFile::open(name);
      },
      py::arg("path"), "Refuses what is not there, may not be read, or is no regular file.");
  m.def("write_arrays", &write, py::arg("path"), py::arg("arrays"), py::arg("named"),
        py::arg("aliases"), py::arg("metadata"),
        "Writes a file of the kind that its name says, at once or not at all.");
  m.def("assign", &assign_all, py::arg("values"), py::arg("source"), py::arg("cast_dtype"),
        py::arg("take_dtype"), "Gives each parameter its array; all of them or none.");

  py::class_<AtomicFile>(m, "AtomicFile",
                         "A file that gets its contents and its name at once, with commit().")
      .def(py::init([](const py::bytes& path) { return std::make_unique<AtomicFile>(path); }),
           py::arg("path"))
      .def_property_readonly("descriptor", &AtomicFile::descriptor)
      .def("commit", &AtomicFile::commit, py::call_guard<py::gil_scoped_release>())
      .def("discard", &AtomicFile::discard);
}

}  // namespace glueball::bindings
