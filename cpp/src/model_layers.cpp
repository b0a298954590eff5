#include "model_layers.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <variant>

#include "glueball/dense.h"
#include "glueball/dropout.h"
#include "glueball/embedding.h"
#include "glueball/error.h"
#include "glueball/flatten.h"
#include "glueball/norm.h"
#include "glueball/prelu.h"
#include "refuse.h"
#include "text.h"

namespace glueball {
namespace {

std::string shape_of(const StoredArray& array) {
  std::string text = "(";
  for (const std::int64_t length : array.lengths()) text += std::to_string(length) + ", ";
  if (array.lengths().size() > 1) text.resize(text.size() - 2);
  if (array.lengths().size() == 1) text.pop_back();
  return text + ")";
}

bool has_shape(const StoredArray& array, const Shape& shape) {
  return std::equal(array.lengths().begin(), array.lengths().end(), shape.begin(), shape.end());
}

std::string without_underscore(const std::string& prefix) {
  return !prefix.empty() && prefix.back() == '_' ? prefix.substr(0, prefix.size() - 1) : prefix;
}

/// "encoder_" of "encoder_weight" and "weight"; `fallback` if the name does not end so.
std::string prefix_of(const std::string& name, const std::string& local,
                      const std::string& fallback) {
  return name.ends_with(local) ? name.substr(0, name.size() - local.size()) : fallback;
}

}  // namespace

// ---- parameters ---------------------------------------------------------------------------------

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
  if (!has_shape(array, shape) || array.dtype() != stored(dtype_)) {
    fail({"an array ", quoted(path), " of shape ", shape, " and dtype ", to_string(stored(dtype_))},
         {shape_of(array), ", ", to_string(array.dtype())});
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

// ---- settings, in -------------------------------------------------------------------------------

LayerReader::LayerReader(ModelSource& source, const json::Value& record, std::string path)
    : source_(source), record_(record), path_(std::move(path)) {
  if (!std::holds_alternative<json::Value::Object>(record.content)) {
    source_.fail({"an object that describes layer ", quoted(path_)}, {"another kind of value"});
  }
  kind_ = text("kind");
  prefix_ = text("prefix");
  parameter_prefix_ = has("parameters") ? text("parameters") : prefix_;
}

std::string LayerReader::name() const { return without_underscore(prefix_); }

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

// ---- settings, out ------------------------------------------------------------------------------

LayerWriter::LayerWriter(const char* kind, const Layer& layer)
    : kind_(kind), prefix_(layer.name() + "_") {
  parameter_prefix_ = prefix_;
  bool first = true;
  if (std::string_view(kind) == "Sequential") return;  // its layers' parameters are theirs
  layer.visit_parameters("", [&](const std::string& local, const auto& parameter) {
    const std::string prefix = prefix_of(parameter->name(), local, prefix_);
    // Names that have no common beginning are lost: what is read is called by the layer's.
    parameter_prefix_ = first || prefix == parameter_prefix_ ? prefix : prefix_;
    first = false;
  });
}

void LayerWriter::raw(const char* key, const std::string& value) {
  settings_ += ',';
  json::append(settings_, std::string_view(key));
  settings_ += ':' + value;
}

void LayerWriter::flag(const char* key, bool value) { raw(key, value ? "true" : "false"); }

void LayerWriter::number(const char* key, double value) {
  std::string text;
  json::append(text, value);
  raw(key, text);
}

void LayerWriter::integer(const char* key, std::int64_t value) { raw(key, std::to_string(value)); }

void LayerWriter::text(const char* key, std::string_view value) {
  std::string text;
  json::append(text, value);
  raw(key, text);
}

void LayerWriter::null(const char* key) { raw(key, "null"); }

std::string LayerWriter::take() const {
  std::string record = "{\"kind\":";
  json::append(record, std::string_view(kind_));
  record += ",\"prefix\":";
  json::append(record, std::string_view(prefix_));
  if (parameter_prefix_ != prefix_) {
    record += ",\"parameters\":";
    json::append(record, std::string_view(parameter_prefix_));
  }
  return record + settings_ + '}';
}

// ---- the layers ---------------------------------------------------------------------------------

namespace {

bool has_usual_alpha(const ActivationFunction& function) {
  return function.alpha == ActivationFunction(function.kind).alpha;
}

std::shared_ptr<Layer> read_dense(LayerReader& in) {
  const std::int64_t units = in.integer("units", 1);
  const std::int64_t in_units = in.integer("in_units", 1);
  const bool use_bias = in.flag("use_bias");
  const bool flatten = in.flag("flatten");
  ActivationFunction activation = in.function("activation");
  if (in.has("alpha")) activation = in.function(activation.kind, "alpha");
  auto weight = in.parameter("weight", {units, in_units});
  auto bias = use_bias ? in.parameter("bias", {units}) : nullptr;
  return std::make_shared<Dense>(in.name(), std::move(weight), std::move(bias), activation,
                                 flatten);
}

void write_dense(const Dense& layer, LayerWriter& out) {
  out.integer("units", layer.units());
  out.integer("in_units", layer.weight()->values().shape()[1]);
  out.flag("use_bias", layer.bias() != nullptr);
  out.flag("flatten", layer.flatten());
  const ActivationFunction& function = layer.activation();
  if (function.kind == ActivationKind::identity) {
    out.null("activation");
    return;
  }
  out.text("activation", to_string(function.kind));
  if (!has_usual_alpha(function)) out.number("alpha", function.alpha);
}

std::shared_ptr<Layer> read_activation(LayerReader& in) {
  return std::make_shared<Activation>(in.name(), in.function("function"));
}

/// A kind that is one function, without settings.
template <ActivationKind Kind>
std::shared_ptr<Layer> read_function(LayerReader& in) {
  return std::make_shared<Activation>(in.name(), Kind);
}

/// A kind that is one function, with a parameter that files call `Alpha`.
template <ActivationKind Kind, const char* Alpha>
std::shared_ptr<Layer> read_function(LayerReader& in) {
  return std::make_shared<Activation>(in.name(), in.function(Kind, Alpha));
}

constexpr char alpha[] = "alpha";
constexpr char beta[] = "beta";

void write_activation(const Activation& layer, LayerWriter& out) {
  const ActivationFunction& function = layer.function();
  if (has_usual_alpha(function)) {
    out.text("function", to_string(function.kind));
    return;
  }
  // Only these three have a parameter.
  if (function.kind == ActivationKind::silu) {
    out.rename("Swish");
    out.number("beta", function.alpha);
    return;
  }
  out.rename(function.kind == ActivationKind::elu ? "ELU" : "LeakyReLU");
  out.number("alpha", function.alpha);
}

std::shared_ptr<Layer> read_dropout(LayerReader& in) {
  const double rate = in.number("rate", 0.0, 1.0);
  std::vector<std::int64_t> axes;
  if (in.has("axes")) axes = in.axes("axes");
  return std::make_shared<Dropout>(in.name(), rate, std::move(axes));
}

void write_dropout(const Dropout& layer, LayerWriter& out) {
  out.number("rate", layer.rate());
  if (layer.axes().empty()) return;
  std::string axes;
  for (const std::int64_t axis : layer.axes()) {
    axes += (axes.empty() ? "" : ",") + std::to_string(axis);
  }
  out.raw("axes", "[" + axes + "]");
}

std::shared_ptr<Layer> read_flatten(LayerReader& in) {
  return std::make_shared<Flatten>(in.name());
}

void write_nothing(const Flatten&, LayerWriter&) {}

/// What the four normalisations have in common, and, by reference, the shape of their parameters.
template <class Settings>
Settings read_norm(LayerReader& in, Shape& channels) {
  Settings settings;
  settings.epsilon = in.number("epsilon", 0.0, std::numeric_limits<double>::max());
  settings.center = in.flag("center");
  settings.scale = in.flag("scale");
  channels = {in.integer("in_channels", 1)};
  return settings;
}

void write_norm(const Normalisation& layer, LayerWriter& out) {
  out.number("epsilon", layer.epsilon());
  out.flag("center", layer.beta()->differentiable());
  out.flag("scale", layer.gamma()->differentiable());
  out.integer("in_channels", layer.gamma()->data().size());
}

constexpr auto least_axis = -static_cast<std::int64_t>(Shape::max_rank);

std::shared_ptr<Layer> read_batch_norm(LayerReader& in) {
  Shape channels;
  auto settings = read_norm<BatchNorm::Settings>(in, channels);
  settings.axis = in.integer("axis", least_axis);
  settings.momentum = in.number("momentum", 0.0, 1.0);
  settings.use_global_stats = in.flag("use_global_stats");
  return std::make_shared<BatchNorm>(in.name(), in.parameter("gamma", channels, settings.scale),
                                     in.parameter("beta", channels, settings.center),
                                     in.parameter("running_mean", channels, false),
                                     in.parameter("running_var", channels, false), settings);
}

void write_batch_norm(const BatchNorm& layer, LayerWriter& out) {
  write_norm(layer, out);
  out.integer("axis", layer.axis());
  out.number("momentum", layer.momentum());
  out.flag("use_global_stats", layer.use_global_stats());
}

/// LayerNorm and InstanceNorm.
template <class L>
std::shared_ptr<Layer> read_axis_norm(LayerReader& in) {
  Shape channels;
  const auto settings = read_norm<Normalisation::Settings>(in, channels);
  const std::int64_t axis = in.integer("axis", least_axis);
  return std::make_shared<L>(in.name(), in.parameter("gamma", channels, settings.scale),
                             in.parameter("beta", channels, settings.center), axis,
                             settings.epsilon);
}

template <class L>
void write_axis_norm(const L& layer, LayerWriter& out) {
  write_norm(layer, out);
  out.integer("axis", layer.axis());
}

std::shared_ptr<Layer> read_group_norm(LayerReader& in) {
  Shape channels;
  const auto settings = read_norm<Normalisation::Settings>(in, channels);
  const std::int64_t groups = in.divisor("num_groups", channels[0]);
  return std::make_shared<GroupNorm>(in.name(), in.parameter("gamma", channels, settings.scale),
                                     in.parameter("beta", channels, settings.center), groups,
                                     settings.epsilon);
}

void write_group_norm(const GroupNorm& layer, LayerWriter& out) {
  write_norm(layer, out);
  out.integer("num_groups", layer.groups());
}

std::shared_ptr<Layer> read_embedding(LayerReader& in) {
  const std::int64_t input_dim = in.integer("input_dim", 1);
  const std::int64_t output_dim = in.integer("output_dim", 1);
  return std::make_shared<Embedding>(in.name(), in.parameter("weight", {input_dim, output_dim}));
}

void write_embedding(const Embedding& layer, LayerWriter& out) {
  out.integer("input_dim", layer.weight()->data().shape()[0]);
  out.integer("output_dim", layer.weight()->values().shape()[1]);
}

std::shared_ptr<Layer> read_prelu(LayerReader& in) {
  const Shape slopes{in.integer("in_channels", 1)};
  return std::make_shared<PReLU>(in.name(), in.parameter("alpha", slopes));
}

void write_prelu(const PReLU& layer, LayerWriter& out) {
  out.integer("in_channels", layer.alpha()->data().size());
}

/// An entry for a layer class of its own.
template <class L, void (*Write)(const L&, LayerWriter&)>
LayerKind entry(const char* kind, std::shared_ptr<Layer> (*read)(LayerReader&)) {
  return {kind, read, &typeid(L),
          [](const Layer& layer, LayerWriter& out) { Write(static_cast<const L&>(layer), out); }};
}

/// An entry for a kind that is an Activation here.
LayerKind function(const char* kind, std::shared_ptr<Layer> (*read)(LayerReader&)) {
  return {kind, read, nullptr, nullptr};
}

}  // namespace

const std::vector<LayerKind>& layer_kinds() {
  static const std::vector<LayerKind> kinds{
      entry<Activation, write_activation>("Activation", read_activation),
      entry<BatchNorm, write_batch_norm>("BatchNorm", read_batch_norm),
      entry<Dense, write_dense>("Dense", read_dense),
      entry<Dropout, write_dropout>("Dropout", read_dropout),
      entry<Embedding, write_embedding>("Embedding", read_embedding),
      function("ELU", read_function<ActivationKind::elu, alpha>),
      entry<Flatten, write_nothing>("Flatten", read_flatten),
      function("GELU", read_function<ActivationKind::gelu>),
      entry<GroupNorm, write_group_norm>("GroupNorm", read_group_norm),
      function("Identity", read_function<ActivationKind::identity>),
      entry<InstanceNorm, write_axis_norm<InstanceNorm>>("InstanceNorm",
                                                         read_axis_norm<InstanceNorm>),
      entry<LayerNorm, write_axis_norm<LayerNorm>>("LayerNorm", read_axis_norm<LayerNorm>),
      function("LeakyReLU", read_function<ActivationKind::leaky_relu, alpha>),
      entry<PReLU, write_prelu>("PReLU", read_prelu),
      function("SELU", read_function<ActivationKind::selu>),
      function("SiLU", read_function<ActivationKind::silu>),
      function("Swish", read_function<ActivationKind::silu, beta>),
  };
  return kinds;
}

}  // namespace glueball
