#include "glueball/io.h"

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "bindings.h"
#include "files/atomic_file.h"
#include "files/loading.h"
#include "files/mapped_file.h"
#include "glueball/error.h"
#include "glueball/parallel.h"
#include "ndarray.h"

namespace glueball::bindings {
namespace {

/// NumPy's name of each StoredDtype, or null where it has none of its own.
constexpr std::array<const char*, static_cast<std::size_t>(StoredDtype::u64) + 1> numpy_names{
    "bool",   nullptr,   nullptr,     nullptr,   "uint8",  "int8",    nullptr, nullptr,
    nullptr,  nullptr,   nullptr,     "int16",   "uint16", "float16", nullptr, "int32",
    "uint32", "float32", "complex64", "float64", "int64",  "uint64"};

const char* numpy_name(StoredDtype dtype) { return numpy_names[static_cast<std::size_t>(dtype)]; }

std::string dtype_name(const StoredArray& array) {
  if (array.dtype() == StoredDtype::bf16) return "bfloat16";
  const char* const name = numpy_name(array.dtype());
  return name != nullptr ? name : to_string(array.dtype());
}

std::optional<StoredDtype> stored_dtype_of(const py::array& array) {
  const auto name = py::str(array.dtype().attr("name")).cast<std::string>();
  const auto* const found = std::ranges::find_if(
      numpy_names, [&](const char* known) { return known != nullptr && name == known; });
  if (found == numpy_names.end()) return std::nullopt;
  return static_cast<StoredDtype>(found - numpy_names.begin());
}

void release_array(const PyObject* array) {
  // As for tensors: any thread may drop it, also one that runs while Python shuts down.
  if (Py_IsInitialized() == 0) return;
  const WithGil gil;
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
    return plain_array(*values);
  }
  py::array copy(py::dtype::from_args(py::str(name)), array.lengths());
  auto* const to = static_cast<char*>(const_cast<void*>(copy.data()));
  const auto* const from = static_cast<const char*>(array.data());
  const py::gil_scoped_release unlocked;
  // Most of the time goes into the first touch of new memory, which threads share.
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

int open_file(const py::bytes& path) {
  const std::string name = path;
  const py::gil_scoped_release unlocked;
  return open_to_read(name).release();
}

StoredArrays read(int descriptor, const py::bytes& path) {
  const std::string name = path;
  const py::gil_scoped_release unlocked;
  const auto file = MappedFile::map(descriptor, name);
  return parse_arrays(file->data(), file->bytes(), file, name);
}

Matching match_all(const std::vector<std::pair<std::string, std::shared_ptr<Parameter>>>& places,
                   const py::dict& arrays, const std::string& where,
                   const std::optional<std::string>& prefix) {
  std::vector<Place> targets;
  targets.reserve(places.size());
  for (const auto& [path, parameter] : places) targets.push_back({path, parameter});
  std::vector<NamedArray> file;
  file.reserve(arrays.size());
  for (const auto& [name, array] : arrays) {
    file.push_back({name.cast<std::string>(), array.cast<const StoredArray*>()});
  }
  const py::gil_scoped_release unlocked;
  return match(targets, file, where, prefix ? Naming::any : Naming::path, prefix.value_or(""));
}

/// Parameters whose arrays have another shape or dtype, with these and what differs.
py::list mismatched(const Matching& found, bool cast_dtype) {
  py::list faults;
  for (const auto& [parameter, array] : found.values) {
    const Fit fit = fit_of(*parameter, array, cast_dtype);
    if (fit != Fit::other_shape && fit != Fit::other_dtype) continue;
    faults.append(py::make_tuple(parameter, array, fit == Fit::other_shape ? "shape" : "dtype"));
  }
  return faults;
}

py::list values(const Matching& found) {
  py::list pairs;
  for (const auto& [parameter, array] : found.values) {
    pairs.append(py::make_tuple(parameter, array));
  }
  return pairs;
}

void assign_all(const Matching& found, const std::string& source, bool cast_dtype,
                bool take_dtype) {
  LoadOptions options;
  options.cast_dtype = cast_dtype;
  options.dtype_source = take_dtype ? DtypeSource::saved : DtypeSource::current;
  const py::gil_scoped_release unlocked;
  assign(found.values, source, options);
}

}  // namespace

void bind_io(py::module_& m) {
  py::class_<StoredArray>(m, "StoredArray",
                          "One array in a file, or about to be written: a view of its bytes.")
      .def(py::init(&to_stored), py::arg("name"), py::arg("array"))
      .def_property_readonly("name", method(&StoredArray::name))
      .def_property_readonly("dtype", &dtype_name, "NumPy's name, 'bfloat16', or safetensors' own.")
      .def_property_readonly(
          "shape", [](const StoredArray& self) { return py::tuple(py::cast(self.lengths())); })
      .def_property_readonly("size", method(&StoredArray::size))
      .def_property_readonly("nbytes", method(&StoredArray::bytes))
      .def_property_readonly("is_convertible", method(&StoredArray::is_convertible))
      .def("to_numpy", &to_numpy, "A new array with the elements; bfloat16 becomes float32.");

  py::class_<StoredArrays>(m, "StoredArrays", "What a file holds.")
      .def_readonly("arrays", &StoredArrays::arrays)
      .def_readonly("named", &StoredArrays::named)
      .def_readonly("aliases", &StoredArrays::aliases)
      .def_readonly("metadata", &StoredArrays::metadata);

  m.def("open_file", &open_file, py::arg("path"),
        "Opens a regular file to read; the caller closes the descriptor.");
  m.def("read_arrays", &read, py::arg("descriptor"), py::arg("path"),
        "Maps and checks a .safetensors or .params file that is open; `path` is for messages.");
  m.def("write_arrays", &write, py::arg("path"), py::arg("arrays"), py::arg("named"),
        py::arg("aliases"), py::arg("metadata"),
        "Writes a file of the kind that its name says, at once or not at all.");

  py::class_<Matching>(m, "Matching", "How a file's arrays and a net's parameters go together.")
      .def_readonly("names", &Matching::names, "What each place is called in the file.")
      .def_readonly("missing", &Matching::missing)
      .def_readonly("unexpected", &Matching::unexpected)
      .def_property_readonly("values", &values, "Parameters that have an array, and these.")
      .def("mismatched", &mismatched, py::arg("cast_dtype"),
           "Parameters whose arrays have another shape or dtype, with these and what differs.")
      .def("assign", &assign_all, py::arg("source"), py::arg("cast_dtype"), py::arg("take_dtype"),
           "Gives each parameter its array; all of them or none.");
  m.def("match", &match_all, py::arg("places"), py::arg("arrays"), py::arg("where"),
        py::arg("prefix") = py::none(),
        "Finds each parameter's array: by path, with a prefix also by name. Changes nothing.");

  py::class_<AtomicFile>(m, "AtomicFile",
                         "A file that gets its contents and its name at once, with commit().")
      .def(py::init([](const py::bytes& path) { return std::make_unique<AtomicFile>(path); }),
           py::arg("path"))
      .def_property_readonly("descriptor", method(&AtomicFile::descriptor))
      .def("commit", method(&AtomicFile::commit), py::call_guard<py::gil_scoped_release>())
      .def("discard", method(&AtomicFile::discard));
}

}  // namespace glueball::bindings
