#include "files/layer_writer.h"

#include "files/json.h"

namespace glueball {
namespace {

/// "encoder_" of "encoder_weight" and "weight"; `fallback` if the name does not end in `local`.
std::string prefix_of(const std::string& name, const std::string& local,
                      const std::string& fallback) {
  return name.ends_with(local) ? name.substr(0, name.size() - local.size()) : fallback;
}

}  // namespace

LayerWriter::LayerWriter(std::string_view kind, const Layer& layer)
    : kind_(kind), prefix_(layer.name() + "_") {
  parameter_prefix_ = prefix_;
  bool first = true;
  if (kind == "Sequential") return;  // its layers' parameters are theirs
  layer.visit_parameters("", [&](const std::string& local, const auto& parameter) {
    const std::string prefix = prefix_of(parameter->name(), local, prefix_);
    // Without a common prefix the names are lost: the parameters read get the layer's prefix.
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

}  // namespace glueball
