#pragma once

// How each layer stands in a one-file model: docs/model-format.md. Internal: not installed.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <typeinfo>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "glueball/activation.h"
#include "glueball/layer.h"
#include "glueball/stored_array.h"
#include "json.h"
#include "refuse.h"

namespace glueball {

/// Where a file's metadata have the architecture.
inline constexpr const char* model_key = "glueball.model";

/// What a model's file holds, and which of it has found its place in the net.
class ModelSource {
 public:
  /// Both have to outlive the source.
  ModelSource(const std::string& file, const StoredArrays& contents);

  /// @throws FileFormatError that names the file.
  [[noreturn]] void fail(Pieces expected, Pieces found,
                         const char* remedy = "export the model anew") const;

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

/// One layer's settings in a file, read by name; each has to be there, and no others.
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
  /// An integer that divides another without rest.
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

  /// Checks that nothing was left unread.
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

/// One layer's settings on their way into a file.
class LayerWriter {
 public:
  /// The file calls the layer's class `kind`; `prefix` is its name and an underscore.
  LayerWriter(const char* kind, const Layer& layer);

  /// Says that the file calls the layer something else than its table entry does.
  void rename(const char* kind) { kind_ = kind; }
  void flag(const char* key, bool value);
  void number(const char* key, double value);
  void integer(const char* key, std::int64_t value);
  void text(const char* key, std::string_view value);
  void null(const char* key);
  /// Adds text that is JSON already.
  void raw(const char* key, const std::string& value);

  /// {"kind": ..., "prefix": ..., settings}
  std::string take() const;

 private:
  std::string kind_;
  std::string prefix_;
  std::string parameter_prefix_;
  std::string settings_;
};

/// A layer class that files know.
struct LayerKind {
  const char* kind;
  /// Makes the layer of its settings.
  std::shared_ptr<Layer> (*read)(LayerReader&);
  /// The class that `write` takes: exactly it, since a subclass may compute something else. Null
  /// for a kind that another entry writes.
  const std::type_info* type;
  void (*write)(const Layer&, LayerWriter&);
};

/// Checks all that a file says about its model, without memory for parameters: what passes, loads.
///
/// @throws FileFormatError, as load_model() does.
void check_model(const StoredArrays& contents, const std::string& file);

/// Every kind but chains. Adding a layer to files is adding an entry here, and in Python's
/// gluon/_model_layers.py.
const std::vector<LayerKind>& layer_kinds();

}  // namespace glueball
