#include "files/layer_reader.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <variant>

#include "core/text.h"
#include "glueball/error.h"

namespace glueball {

ModelSource::ModelSource(const std::string& file, const StoredArrays& contents)
    : file_(file), contents_(contents) {
  for (const StoredArray& array : contents.arrays) arrays_.emplace(array.name(), &array);
}

void ModelSource::fail(Pieces expected, Pieces found, const char* remedy) const {
  refuse<FileFormatError>({joined(expected), " in ", quoted(file_)}, found, {remedy});
}

std::shared_ptr<Parameter> ModelSource::parameter(const std::string& path, const std::string& name,
                                                  const Shape& shape, bool learned) {
  const auto alias = contents_.aliases.find(path);
  const auto found = arrays_.find(alias == contents_.aliases.end() ? path : alias->second);
  if (found == arrays_.end()) {
    fail({"an array ", quoted(path), " of shape ", shape}, {"none"});
  }
  const StoredArray& array = *found->second;
  if (!std::ranges::equal(array.lengths(), shape) || array.dtype() != stored(dtype_)) {
    fail({"an array ", quoted(path), " of shape ", shape, " and dtype ", to_string(stored(dtype_))},
         {array.shape_text(), ", ", to_string(array.dtype())});
  }
  used_.insert(path);
  std::shared_ptr<Parameter>& parameter = parameters_[&array];
  if (parameter == nullptr) {
    Parameter::Settings settings;
    settings.dtype = dtype_;
    settings.allow_deferred_init = true;
    settings.differentiable = learned;
    parameter = std::make_shared<Parameter>(name, shape, std::move(settings));
    values_.emplace_back(parameter, array);
  }
  return parameter;
}

void ModelSource::check_all_used() const {
  const auto check = [&](const std::string& name) {
    if (!used_.contains(name)) {
      fail({"arrays of the model's layers only"}, {quoted(name), ", which belongs to none"});
    }
  };
  for (const StoredArray& array : contents_.arrays) check(array.name());
  for (const auto& [name, stored_name] : contents_.aliases) check(name);
  std::unordered_set<std::string_view> names;
  for (const auto& [parameter, array] : values_) {
    if (!names.insert(parameter->name()).second) {
      fail({"parameters of different names"}, {"two called ", quoted(parameter->name())});
    }
  }
}

LayerReader::LayerReader(ModelSource& source, const json::Value& record, std::string path)
    : source_(source), record_(record), path_(std::move(path)) {
  if (!std::holds_alternative<json::Value::Object>(record.content)) {
    source_.fail({"an object that describes layer ", quoted(path_)}, {"another kind of value"});
  }
  kind_ = text("kind");
  prefix_ = text("prefix");
  parameter_prefix_ = has("parameters") ? text("parameters") : prefix_;
}

std::string LayerReader::name() const {
  return prefix_.ends_with('_') ? prefix_.substr(0, prefix_.size() - 1) : prefix_;
}

std::string LayerReader::describe(std::string_view key) const {
  const std::string layer = path_.empty() ? "the net" : "layer " + quoted(path_);
  return quoted(key) + " of " + layer + (kind_.empty() ? "" : " (" + kind_ + ")");
}

const json::Value& LayerReader::required(std::string_view key) {
  const json::Value* const value = record_.find(key);
  if (value == nullptr) fail({describe(key)}, {"nothing"});
  read_.insert(key);
  return *value;
}

template <class T>
const T& LayerReader::as(std::string_view key, const char* what) {
  const T* const value = std::get_if<T>(&required(key).content);
  if (value == nullptr) fail({describe(key), " to be ", what}, {"another kind of value"});
  return *value;
}

void LayerReader::fail(Pieces expected, Pieces found) const { source_.fail(expected, found); }

bool LayerReader::flag(std::string_view key) { return as<bool>(key, "true or false"); }

double LayerReader::number(std::string_view key) { return as<double>(key, "a number"); }

double LayerReader::number(std::string_view key, double least, double most) {
  const double value = number(key);
  if (!(value >= least && value <= most)) {
    fail({describe(key), " to be from ", least, " to ", most}, {value});
  }
  return value;
}

std::int64_t LayerReader::integer(std::string_view key, std::int64_t least) {
  constexpr std::int64_t most = std::int64_t{1} << 53;  // from here on doubles skip integers
  const double value = number(key);
  if (value != std::floor(value) || value < static_cast<double>(least) ||
      value > static_cast<double>(most)) {
    fail({describe(key), " to be an integer from ", least, " to ", most}, {value});
  }
  return static_cast<std::int64_t>(value);
}

std::int64_t LayerReader::divisor(std::string_view key, std::int64_t of) {
  const std::int64_t value = integer(key, 1);
  if (of % value != 0) {
    fail({describe(key), " to divide ", of}, {value});
  }
  return value;
}

std::string LayerReader::text(std::string_view key) { return as<std::string>(key, "a string"); }

const json::Value::Array& LayerReader::array(std::string_view key) {
  return as<json::Value::Array>(key, "a list");
}

std::vector<std::int64_t> LayerReader::axes(std::string_view key) {
  constexpr auto rank = static_cast<double>(Shape::max_rank);
  std::vector<std::int64_t> axes;
  for (const json::Value& value : array(key)) {
    const double* const axis = std::get_if<double>(&value.content);
    if (axis == nullptr || *axis != std::floor(*axis) || *axis < -rank || *axis >= rank) {
      fail({describe(key), " to be integers from ", -rank, " to ", rank - 1},
           {axis == nullptr ? "another kind of value" : to_text(*axis)});
    }
    axes.push_back(static_cast<std::int64_t>(*axis));
  }
  return axes;
}

ActivationFunction LayerReader::function(std::string_view key) {
  if (std::holds_alternative<std::nullptr_t>(required(key).content)) return {};
  const std::string name = text(key);
  const std::vector<std::string>& known = activation_names();
  if (std::ranges::find(known, name) == known.end()) {
    fail({describe(key), " to be the name of an activation"}, {quoted(name)});
  }
  return ActivationFunction(name);
}

ActivationFunction LayerReader::function(ActivationKind kind, std::string_view key) {
  constexpr double most = std::numeric_limits<double>::max();
  switch (kind) {
    case ActivationKind::leaky_relu:  // gluon's is not for negative slopes
      return {kind, number(key, 0.0, most)};
    case ActivationKind::elu:
    case ActivationKind::silu:
      return {kind, number(key, -most, most)};
    default:
      fail({"no ", describe(key), ", whose activation has no parameter"}, {"one"});
  }
}

std::shared_ptr<Parameter> LayerReader::parameter(const std::string& local, const Shape& shape,
                                                  bool learned) {
  const std::string path = path_.empty() ? local : path_ + "." + local;
  return source_.parameter(path, parameter_prefix_ + local, shape, learned);
}

void LayerReader::finish() const {
  for (const auto& [key, value] : std::get<json::Value::Object>(record_.content)) {
    if (!read_.contains(key)) fail({"known settings"}, {describe(key)});
  }
}

}  // namespace glueball
