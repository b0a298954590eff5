#include "glueball/model.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "bindings.h"
#include "files/layer_kinds.h"
#include "files/model_file.h"
#include "glueball/io.h"
#include "ndarray.h"

namespace glueball::bindings {
namespace {

/// A checked value as Python's: an integer where the file may have written 2.0.
py::object to_python(const json::Value& value) {
  if (const double* const number = std::get_if<double>(&value.content)) {
    constexpr double most = 9007199254740992.0;  // from here on doubles skip integers
    if (*number == std::floor(*number) && std::fabs(*number) <= most) {
      return py::int_(static_cast<std::int64_t>(*number));
    }
    return py::float_(*number);
  }
  if (const bool* const flag = std::get_if<bool>(&value.content)) return py::bool_(*flag);
  if (const auto* const text = std::get_if<std::string>(&value.content)) return py::str(*text);
  if (const auto* const array = std::get_if<json::Value::Array>(&value.content)) {
    py::list list;
    for (const json::Value& each : *array) list.append(to_python(each));
    return list;
  }
  if (const auto* const object = std::get_if<json::Value::Object>(&value.content)) {
    py::dict dict;
    for (const auto& [key, member] : *object) dict[py::str(key)] = to_python(member);
    return dict;
  }
  return py::none();
}

/// A model's file, checked. Its parameters' arrays stay in it until their net is built.
class ModelFile {
 public:
  explicit ModelFile(std::string path)
      : path_(std::move(path)),
        contents_(read_arrays(path_)),
        architecture_(check_model(contents_, path_)) {}

  py::object architecture() const { return to_python(architecture_); }

  std::map<std::string, std::string> places() const {
    std::map<std::string, std::string> places(contents_.aliases.begin(), contents_.aliases.end());
    for (const StoredArray& array : contents_.arrays) places.emplace(array.name(), array.name());
    return places;
  }

  /// Gives parameters the arrays of the names that they are under.
  void assign(const std::map<std::string, std::shared_ptr<Parameter>>& parameters) const {
    std::vector<std::pair<std::shared_ptr<Parameter>, StoredArray>> values;
    values.reserve(contents_.arrays.size());
    for (const StoredArray& array : contents_.arrays) {
      values.emplace_back(parameters.at(array.name()), array);
    }
    const py::gil_scoped_release unlocked;
    glueball::assign(values, path_);
  }

 private:
  std::string path_;
  StoredArrays contents_;
  json::Value architecture_;
};

void write(const py::bytes& path, const std::map<std::string, py::object>& arrays,
           const std::map<std::string, std::string>& aliases, const std::string& net) {
  StoredArrays contents;
  for (const auto& [name, array] : arrays) {
    contents.arrays.emplace_back(name, keep_array(array, name));
  }
  contents.aliases.insert(aliases.begin(), aliases.end());
  const std::string file = path;
  const py::gil_scoped_release unlocked;
  write_model(file, std::move(contents), net);
}

}  // namespace

void bind_model(py::module_& m) {
  py::class_<ModelFile>(m, "ModelFile", "A one-file model whose contents have been checked.")
      .def(py::init([](const py::bytes& path) { return std::make_unique<ModelFile>(path); }),
           py::arg("path"))
      .def_property_readonly("architecture", method(&ModelFile::architecture),
                             "The layers, as dicts.")
      .def_property_readonly("places", method(&ModelFile::places),
                             "Every place of a parameter, with the name of its array.")
      .def("assign", &ModelFile::assign, py::arg("parameters"),
           "Gives parameters the arrays of the names that they are under.");
  m.def("write_model", &write, py::arg("path"), py::arg("arrays"), py::arg("aliases"),
        py::arg("net"), "Writes a file of arrays and of the layers, as JSON, that they belong to.");
  m.def(
      "model_kinds", [] { return LayerKinds::all().names(); },
      "What model files call the layers that they can hold.");
  m.attr("max_model_nesting") = max_model_nesting;
}

}  // namespace glueball::bindings
