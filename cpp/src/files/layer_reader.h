#pragma once

// How a model's file gives layers their settings and parameters. Internal: not installed.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/refuse.h"
#include "files/json.h"
#include "glueball/activation.h"
#include "glueball/stored_array.h"

namespace glueball {

/// What a model's file holds, and which arrays have found their places in the net.
class ModelSource {
 public:
  /// Both have to outlive the source.
  ModelSource(const std::string& file, const StoredArrays& contents);

  /// @throws FileFormatError that names the file.
  [[noreturn]] void fail(Pieces expected, Pieces found,
                         const char* remedy = "export the model again") const;

  void set_dtype(Dtype dtype) noexcept { dtype_ = dtype; }

  /// The parameter at a structural path: a new one called `name`, or one that is tied to it.
  ///
  /// @throws FileFormatError if the file has no array there, or one of another shape or dtype.
  std::shared_ptr<Parameter> parameter(const std::string& path, const std::string& name,
                                       const Shape& shape, bool learned);

  /// @throws FileFormatError if an array, or another name of one, belongs to no layer, or two
  /// parameters have one name.
  void check_all_used() const;

  /// Each parameter with its array.
  const std::vector<std::pair<std::shared_ptr<Parameter>, StoredArray>>& values() const noexcept {
    return values_;
  }

 private:
  const std::string& file_;
  const StoredArrays& contents_;
  Dtype dtype_ = Dtype::float32;
  std::unordered_map<std::string_view, const StoredArray*> arrays_;
  std::unordered_map<const StoredArray*, std::shared_ptr<Parameter>> parameters_;
  std::unordered_set<std::string> used_;
  std::vector<std::pair<std::shared_ptr<Parameter>, StoredArray>> values_;
};

/// One layer's settings in a file, read by name. All of them must be there, and no others.
///
/// Every function throws FileFormatError, which names the file, the layer and the setting.
class LayerReader {
 public:
  /// `path` is the layer's place: "0.1", empty for the net itself. All have to outlive the reader.
  LayerReader(ModelSource& source, const json::Value& record, std::string path);

  const std::string& kind() const noexcept { return kind_; }
  /// What messages call the layer: the prefix without its last underscore.
  std::string name() const;

  bool flag(std::string_view key);
  double number(std::string_view key);
  /// A number from `least` to `most`.
  double number(std::string_view key, double least, double most);
  std::int64_t integer(std::string_view key, std::int64_t least);
  /// An integer that divides `of`.
  std::int64_t divisor(std::string_view key, std::int64_t of);
  std::string text(std::string_view key);
  const json::Value::Array& array(std::string_view key);
  /// A list of integers that can be axes, negative ones counted from the last.
  std::vector<std::int64_t> axes(std::string_view key);
  /// The function that a setting names; null is the identity.
  ActivationFunction function(std::string_view key);
  /// A function with the parameter that a setting gives.
  ActivationFunction function(ActivationKind kind, std::string_view key);
  bool has(std::string_view key) const noexcept { return record_.find(key) != nullptr; }

  /// The layer's parameter of this name, of a shape that follows from the settings.
  std::shared_ptr<Parameter> parameter(const std::string& local, const Shape& shape,
                                       bool learned = true);

  /// Checks that all settings were read.
  void finish() const;

 private:
  [[noreturn]] void fail(Pieces expected, Pieces found) const;
  const json::Value& required(std::string_view key);
  template <class T>
  const T& as(std::string_view key, const char* what);
  /// "'units' of layer '0.1' (Dense)"
  std::string describe(std::string_view key) const;

  ModelSource& source_;
  const json::Value& record_;
  std::string path_;
  std::string kind_;
  std::string prefix_;
  std::string parameter_prefix_;
  std::unordered_set<std::string_view> read_;
};

}  // namespace glueball
