#include "glueball/model.h"

#include <set>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>

#include "core/refuse.h"
#include "core/text.h"
#include "files/layer_kinds.h"
#include "files/model_file.h"
#include "glueball/error.h"
#include "glueball/io.h"
#include "glueball/safetensors.h"

namespace glueball {
namespace {

constexpr double version = 1;

bool is_chain(const std::string& kind) {
  return kind == "Sequential" || kind == "HybridSequential";
}

std::string known_kinds() {
  std::string list;
  for (const std::string& name : LayerKinds::all().names())
    list += (list.empty() ? "" : ", ") + name;
  return list;
}

std::string child_path(const std::string& path, std::size_t place) {
  return path.empty() ? std::to_string(place) : path + "." + std::to_string(place);
}

std::shared_ptr<Layer> read_layer(ModelSource& source, const json::Value& record,
                                  const std::string& path, int nesting) {
  LayerReader in(source, record, path);
  if (is_chain(in.kind())) {
    if (nesting == max_model_nesting) {
      source.fail({"chains nested up to ", max_model_nesting, " deep"}, {"more at ", quoted(path)});
    }
    auto chain = std::make_shared<Sequential>(in.name());
    for (const json::Value& each : in.array("layers")) {
      chain->add(read_layer(source, each, child_path(path, chain->layers().size()), nesting + 1));
    }
    in.finish();
    return chain;
  }
  if (const LayerKind* const known = LayerKinds::all().find(in.kind())) {
    try {
      std::shared_ptr<Layer> layer = known->read(in);
      in.finish();
      return layer;
    } catch (const FileFormatError&) {
      throw;
    } catch (const Error& error) {  // of the layer's constructor
      source.fail({"settings of ", quoted(path), " (", in.kind(), ") that a layer takes"},
                  {quoted(error.what())});
    }
  }
  source.fail({"layers of the kinds ", known_kinds()}, {quoted(in.kind()), " at ", quoted(path)},
              "load it with the glueball that wrote it, or export the net without that layer");
}

const json::Value& member(const ModelSource& source, const json::Value& root, const char* key) {
  const json::Value* const value = root.find(key);
  if (value == nullptr) source.fail({quoted(key), " in the architecture"}, {"none"});
  return *value;
}

json::Value parse_architecture(const ModelSource& source, const StoredArrays& contents) {
  const auto text = contents.metadata.find(model_key);
  if (text == contents.metadata.end()) {
    source.fail({"the architecture of a model, under ", quoted(model_key), " in the metadata,"},
                {"parameters only"}, "build the net, and use load_parameters()");
  }
  try {
    // A value takes at least one byte of text, so this bound never bites.
    return json::parse(text->second, text->second.size());
  } catch (const json::SyntaxError& error) {
    source.fail({"the architecture as JSON"}, {error.what()});
  }
}

/// Checks everything before the layers, and tells the source which dtype they have.
void read_head(ModelSource& source, const json::Value& root) {
  const auto* const format = std::get_if<std::string>(&member(source, root, "format").content);
  if (format == nullptr || *format != model_key) {
    source.fail({"the format ", quoted(model_key)},
                {format == nullptr ? "no name" : quoted(*format)});
  }
  const auto* const found = std::get_if<double>(&member(source, root, "version").content);
  if (found == nullptr || *found != version) {
    source.fail({"a model of version ", version},
                {found == nullptr ? std::string("no number") : joined({"version ", *found})},
                "use a glueball that knows that version");
  }
  const auto* const dtype = std::get_if<std::string>(&member(source, root, "dtype").content);
  if (dtype == nullptr || (*dtype != "float32" && *dtype != "float64")) {
    source.fail({"the dtype float32 or float64"}, {dtype == nullptr ? "no name" : quoted(*dtype)});
  }
  source.set_dtype(*dtype == "float32" ? Dtype::float32 : Dtype::float64);
  const std::set<std::string> known{"format", "version", "dtype", "in_units", "net"};
  for (const auto& [key, value] : std::get<json::Value::Object>(root.content)) {
    if (!known.contains(key)) source.fail({"known members of the architecture"}, {quoted(key)});
  }
}

/// The net. Its parameters have no values yet; `source` knows which ones they get.
std::shared_ptr<Layer> build(ModelSource& source, const json::Value& root) {
  read_head(source, root);
  std::shared_ptr<Layer> net = read_layer(source, member(source, root, "net"), "", 0);
  source.check_all_used();
  return net;
}

std::shared_ptr<Sequential> load(const StoredArrays& contents, const std::string& file) {
  ModelSource source(file, contents);
  std::shared_ptr<Layer> layer = build(source, parse_architecture(source, contents));
  auto net = std::dynamic_pointer_cast<Sequential>(layer);
  if (net == nullptr) {
    net = std::make_shared<Sequential>(layer->name());
    net->add(std::move(layer));
  }
  assign(source.values(), file);
  return net;
}

std::string write_chain(const Sequential& chain, const std::string& path, int nesting) {
  if (nesting == max_model_nesting) {
    refuse<ArgumentError>({"chains nested up to ", max_model_nesting, " deep to save"},
                          {"more at '", path, "'"}, {"add their layers to fewer chains"});
  }
  std::string layers;
  for (std::size_t i = 0; i < chain.layers().size(); ++i) {
    const Layer& layer = *chain.layers()[i];
    layers += i == 0 ? "" : ",";
    if (typeid(layer) == typeid(Sequential)) {
      layers +=
          write_chain(static_cast<const Sequential&>(layer), child_path(path, i), nesting + 1);
      continue;
    }
    const LayerKind* const found = LayerKinds::all().find(layer);
    if (found == nullptr) {
      refuse<ArgumentError>(
          {"layers of the kinds ", known_kinds(), " to save"},
          {"'", layer.name(), "' at '", child_path(path, i), "', of another class"},
          {"save parameters only, with save_parameters()"});
    }
    LayerWriter out(found->name, layer);
    found->write(layer, out);
    layers += out.take();
  }
  LayerWriter out("Sequential", chain);
  out.raw("layers", "[" + layers + "]");
  return out.take();
}

/// Every parameter once, under its first path; further paths are aliases.
StoredArrays store(const Sequential& net) {
  StoredArrays contents;
  std::unordered_map<const Parameter*, std::string> first_path;
  std::unordered_set<std::string> names;
  const Parameter* first = nullptr;
  net.visit_parameters(
      "", [&](const std::string& path, const std::shared_ptr<Parameter>& parameter) {
        const auto [place, is_new] = first_path.emplace(parameter.get(), path);
        if (!is_new) {
          contents.aliases.emplace(path, place->second);
          return;
        }
        if (!names.insert(parameter->name()).second) {
          refuse<ArgumentError>({"parameters of different names to save"},
                                {"two called '", parameter->name(), "'"},
                                {"give each layer a name of its own"});
        }
        if (first == nullptr) first = parameter.get();
        if (parameter->dtype() != first->dtype()) {
          refuse<ArgumentError>({"parameters of one dtype to save"},
                                {"'", first->name(), "' of ", first->dtype(), ", '",
                                 parameter->name(), "' of ", parameter->dtype()},
                                {"cast the whole net"});
        }
        contents.arrays.emplace_back(path, parameter->data());
      });
  return contents;
}

/// The input width of the first dense layer, or null: for people who look into the file.
std::string input_width(const json::Value& layer) {
  const json::Value* const width = layer.find("in_units");
  if (width != nullptr && std::holds_alternative<double>(width->content)) {
    return to_text(std::get<double>(width->content));
  }
  const json::Value* const layers = layer.find("layers");
  if (layers != nullptr && std::holds_alternative<json::Value::Array>(layers->content)) {
    for (const json::Value& each : std::get<json::Value::Array>(layers->content)) {
      if (std::string found = input_width(each); found != "null") return found;
    }
  }
  return "null";
}

}  // namespace

json::Value check_model(const StoredArrays& contents, const std::string& file) {
  ModelSource source(file, contents);
  json::Value root = parse_architecture(source, contents);
  build(source, root);
  return root;
}

void write_model(const std::string& path, StoredArrays contents, const std::string& net) {
  const bool is_double = !contents.arrays.empty() && contents.arrays[0].dtype() == StoredDtype::f64;
  std::string text = "{\"format\":";
  json::append(text, std::string_view(model_key));
  text += ",\"version\":" + to_text(version) + ",\"dtype\":";
  json::append(text, std::string_view(to_string(is_double ? Dtype::float64 : Dtype::float32)));
  text += ",\"in_units\":" + input_width(json::parse(net, net.size())) + ",\"net\":" + net + "}";
  contents.metadata.emplace(model_key, std::move(text));
  check_model(contents, path);  // no setting is out of range, so that the file can be read
  write_safetensors(path, contents);
}

std::shared_ptr<Sequential> load_model(const std::string& path) {
  return load(read_arrays(path), path);
}

std::shared_ptr<Sequential> parse_model(const void* data, std::size_t bytes,
                                        const std::string& name) {
  return load(parse_safetensors(data, bytes, nullptr, name), name);
}

void save_model(const Sequential& net, const std::string& path) {
  constexpr std::string_view ending = ".safetensors";
  if (!path.ends_with(ending)) {
    refuse<ArgumentError>({"a path that ends in .safetensors to save a model"}, {"'", path, "'"},
                          {"rename it"});
  }
  write_model(path, store(net), write_chain(net, "", 0));
}

}  // namespace glueball
