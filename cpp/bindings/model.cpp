#include "glueball/model.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bindings.h"
#include "glueball/io.h"
#include "glueball/safetensors.h"
#include "model_layers.h"
#include "ndarray.h"

namespace glueball::bindings {
namespace {

/// A model's file, checked: its parameters' arrays stay in it until the net is made that they are
/// for.
class ModelFile {
 public:
  explicit ModelFile(std::string path) : path_(std::move(path)), contents_(read_arrays(path_)) {
    check_model(contents_, path_);
  }

  const std::string& architecture() const { return contents_.metadata.find(model_key)->second; }
  std::map<std::string, std::string> aliases() const {
    return {contents_.aliases.begin(), contents_.aliases.end()};
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
};

void write_model(const py::bytes& path, const std::map<std::string, py::object>& arrays,
                 const std::map<std::string, std::string>& aliases,
                 const std::string& architecture) {
  StoredArrays contents;
  for (const auto& [name, array] : arrays) {
    contents.arrays.emplace_back(name, keep_array(array, name));
  }
  contents.aliases.insert(aliases.begin(), aliases.end());
  contents.metadata.emplace(model_key, architecture);
  const std::string file = path;
  const py::gil_scoped_release unlocked;
  write_safetensors(file, contents);
}

}  // namespace

void bind_model(py::module_& m) {
  py::class_<ModelFile>(m, "ModelFile", "A one-file model whose contents have been checked.")
      .def(py::init([](const py::bytes& path) { return std::make_unique<ModelFile>(path); }),
           py::arg("path"))
      .def_property_readonly("architecture", &ModelFile::architecture, "The layers, as JSON.")
      .def_property_readonly("aliases", &ModelFile::aliases,
                             "Further places of parameters, with the names of their arrays.")
      .def("assign", &ModelFile::assign, py::arg("parameters"),
           "Gives parameters the arrays of the names that they are under.");
  m.def("write_model", &write_model, py::arg("path"), py::arg("arrays"), py::arg("aliases"),
        py::arg("architecture"),
        "Writes a file of arrays and the text that says what they belong to.");
}

}  // namespace glueball::bindings
