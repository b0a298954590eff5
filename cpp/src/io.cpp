#include "glueball/io.h"

#include <cstdint>
#include <cstring>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "glueball/error.h"
#include "glueball/parallel.h"
#include "glueball/params.h"
#include "glueball/safetensors.h"
#include "mapped_file.h"
#include "refuse.h"
#include "text.h"

namespace glueball {
namespace {

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

bool begins_with(const MappedFile& file, std::size_t offset, std::string_view bytes) {
  return file.bytes() >= offset + bytes.size() &&
         std::memcmp(static_cast<const char*>(file.data()) + offset, bytes.data(), bytes.size()) ==
             0;
}

/// MXNet's checkpoints tell arguments from auxiliary states by the beginnings of names.
std::string_view without_kind(std::string_view name) {
  const std::string_view kind = name.substr(0, 4);
  return kind == "arg:" || kind == "aux:" ? name.substr(4) : name;
}

/// "'0.weight', '0.bias'", shortened.
std::string list_of(const std::vector<std::string>& names) {
  constexpr std::size_t most_shown = 12;
  std::string list;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names.size() > most_shown && i == most_shown / 2) {
      list += ", ...";
      i = names.size() - most_shown / 2;
    }
    if (!list.empty()) list += ", ";
    list += quoted(names[i]);
  }
  return list.empty() ? "none" : list;
}

void check(const Parameter& parameter, const StoredArray& array, const std::string& source,
           const LoadOptions& options) {
  const auto shape_fits = [&] {
    if (array.size() == 0 || array.lengths().size() > Shape::max_rank) return false;
    return !parameter.shape() || parameter.shape()->is_compatible(array.shape());
  };
  if (!shape_fits()) {
    std::string found = "(";
    for (const std::int64_t length : array.lengths()) found += std::to_string(length) + ", ";
    refuse<ShapeError>({"an array for Parameter ", quoted(parameter.name()), " of shape ",
                        (parameter.shape() ? to_string(*parameter.shape()) : "not known yet"),
                        " in ", quoted(source)},
                       {quoted(array.name()), " with axes ", found, ")"},
                       {"load into a net of the same sizes"});
  }
  if (!array.is_convertible()) {
    refuse<DtypeError>({"an array that converts to float32 or float64 for Parameter ",
                        quoted(parameter.name()), " in ", quoted(source)},
                       {"dtype ", to_string(array.dtype())},
                       {"convert the file with the program that wrote it"});
  }
  if (array.dtype() != stored(parameter.dtype()) && !options.cast_dtype) {
    refuse<ArgumentError>({"an array of dtype ", parameter.dtype(), " for Parameter ",
                           quoted(parameter.name()), " in ", quoted(source)},
                          {"dtype ", to_string(array.dtype())}, {"set cast_dtype to convert it"});
  }
}

/// Whether two arrays are the same to the bit.
bool are_equal(const StoredArray& a, const StoredArray& b) {
  if (a.dtype() != b.dtype() || a.lengths() != b.lengths()) return false;
  return a.data() == b.data() || std::memcmp(a.data(), b.data(), a.bytes()) == 0;
}

/// Fills a new array; in parallel, as most of the time goes into the system's first giving memory.
void fill(const Tensor& target, const StoredArray& array) {
  constexpr std::int64_t grain = std::int64_t{1} << 20;
  parallel_for(array.size(), grain, [&](std::int64_t begin, std::int64_t end) {
    array.read_elements(target, begin, end);
  });
}

/// A parameter and what a file may call it.
struct Wanted {
  std::string path;
  std::shared_ptr<Parameter> parameter;
};

/// Every place of a net, shared parameters at each of theirs.
std::vector<Wanted> places_of(const Sequential& net) {
  std::vector<Wanted> places;
  net.visit_parameters("", [&](const std::string& path, const std::shared_ptr<Parameter>& each) {
    places.push_back({path, each});
  });
  return places;
}

std::vector<Wanted> places_of(const ParameterList& parameters) {
  std::vector<Wanted> places;
  places.reserve(parameters.size());
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    places.push_back({parameters.paths()[i], parameters.all()[i]});
  }
  return places;
}

/// Whether a file that has these names goes by parameters' names ("dense0_weight"): none of them
/// has a dot, which paths have ("0.weight"), or a layer alone does not ("weight").
template <class Names>
bool goes_by_name(const Names& by_name, const std::vector<Wanted>& places) {
  std::unordered_set<std::string_view> paths;
  for (const Wanted& wanted : places) paths.insert(wanted.path);
  bool all_are_paths = true;
  for (const auto& [name, array] : by_name) {
    if (name.find('.') != std::string_view::npos) return false;
    all_are_paths = all_are_paths && paths.contains(name);
  }
  return !by_name.empty() && !all_are_paths;
}

void load_into(const std::vector<Wanted>& places, const std::string& path,
               const LoadOptions& options) {
  const StoredArrays contents = read_arrays(path);
  if (!contents.named) {
    refuse<ArgumentError>({"named arrays in ", quoted(path)}, {"a list"},
                          {"save a net's parameters"});
  }
  // StoredArrays::find() goes through all arrays, which for as many aliases would take the square.
  std::unordered_map<std::string_view, const StoredArray*> stored;
  std::unordered_map<std::string_view, const StoredArray*> by_name;
  std::vector<std::string> in_file;
  const auto add = [&](const std::string& name, const StoredArray& array) {
    if (!by_name.emplace(without_kind(name), &array).second) {
      refuse<ArgumentError>({"one array for each name in ", quoted(path)},
                            {"two for ", quoted(without_kind(name)), ", without 'arg:' and 'aux:'"},
                            {"save them under different names"});
    }
    in_file.push_back(name);
  };
  for (const StoredArray& array : contents.arrays) {
    stored.emplace(array.name(), &array);
    add(array.name(), array);
  }
  for (const auto& [alias, name] : contents.aliases) {
    add(alias, *stored.at(name));
  }

  // A parameter that stands under several paths needs one of them.
  std::vector<std::pair<std::string, std::shared_ptr<Parameter>>> missing;
  std::unordered_set<const Parameter*> given;
  std::unordered_set<std::string_view> used;
  std::vector<std::string> in_net;
  std::vector<std::pair<std::shared_ptr<Parameter>, StoredArray>> values;
  const bool by_parameter = goes_by_name(by_name, places);
  for (const Wanted& wanted : places) {
    const std::string& name = by_parameter ? wanted.parameter->name() : wanted.path;
    in_net.push_back(name);
    const auto found = by_name.find(name);
    if (found == by_name.end()) {
      missing.emplace_back(name, wanted.parameter);
      continue;
    }
    used.insert(found->first);
    given.insert(wanted.parameter.get());
    values.emplace_back(wanted.parameter, *found->second);
  }
  for (const auto& [name, parameter] : missing) {
    if (options.allow_missing || given.contains(parameter.get())) continue;
    refuse<ArgumentError>({"Parameter ", quoted(name), " in file ", quoted(path)},
                          {list_of(in_file)}, {"set allow_missing to leave it as it is"});
  }
  for (const auto& [name, array] : by_name) {
    if (options.ignore_extra || used.contains(name)) continue;
    refuse<ArgumentError>(
        {"arrays for the net's parameters in file ", quoted(path), ": ", list_of(in_net)},
        {quoted(name)}, {"set ignore_extra to skip it"});
  }
  assign(values, path, options);
}

}  // namespace

StoredArrays read_arrays(const std::string& path) {
  const auto file = MappedFile::open(path);
  // By the byte behind the header's length, as a length may look like MXNet's first bytes.
  if (begins_with(*file, 8, "{")) {
    return parse_safetensors(file->data(), file->bytes(), file, path);
  }
  if (begins_with(*file, 0, std::string_view("\x12\x01\0\0\0\0\0\0", 8))) {
    return parse_params(file->data(), file->bytes(), file, path);
  }
  const bool is_zip = begins_with(*file, 0, "PK");
  refuse<FileFormatError>(
      {"a .safetensors or .params file as ", quoted(path)},
      {is_zip ? std::string("a zip archive, as .npz files are")
              : joined({"a file of ", file->bytes(), " bytes that begins like neither"})},
      {is_zip ? "read it in Python, and save it as .safetensors" : "give another file"});
}

void write_arrays(const std::string& path, const StoredArrays& contents) {
  if (ends_with(path, ".safetensors")) return write_safetensors(path, contents);
  if (ends_with(path, ".npz")) {
    refuse<ArgumentError>({"a file name that ends in .safetensors or .params"}, {quoted(path)},
                          {"choose one of these: .npz is written from Python only"});
  }
  write_params(path, contents);
}

void save_parameters(const Sequential& net, const std::string& path) {
  StoredArrays contents;
  std::unordered_map<const Parameter*, std::string> first_path;
  net.visit_parameters("", [&](const std::string& name, const std::shared_ptr<Parameter>& each) {
    const auto [found, is_new] = first_path.emplace(each.get(), name);
    if (is_new) {
      contents.arrays.emplace_back(name, each->values());
    } else {
      contents.aliases.emplace(name, found->second);
    }
  });
  write_arrays(path, contents);
}

void load_parameters(Sequential& net, const std::string& path, const LoadOptions& options) {
  load_into(places_of(net), path, options);
}

void save_parameters(const ParameterList& parameters, const std::string& path) {
  StoredArrays contents;
  std::unordered_set<std::string_view> names;
  for (const auto& parameter : parameters) {
    if (!names.insert(parameter->name()).second) {
      refuse<ArgumentError>({"parameters of different names to save by name"},
                            {"two called ", quoted(parameter->name())},
                            {"save the net, which is stored by path"});
    }
    contents.arrays.emplace_back(parameter->name(), parameter->values());
  }
  write_arrays(path, contents);
}

void load_parameters(const ParameterList& parameters, const std::string& path,
                     const LoadOptions& options) {
  load_into(places_of(parameters), path, options);
}

void assign(const std::vector<std::pair<std::shared_ptr<Parameter>, StoredArray>>& values,
            const std::string& source, const LoadOptions& options) {
  std::vector<std::size_t> once;
  std::unordered_map<const Parameter*, const StoredArray*> given;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto& [parameter, array] = values[i];
    check(*parameter, array, source, options);
    const auto [found, is_new] = given.try_emplace(parameter.get(), &array);
    if (is_new) {
      once.push_back(i);
    } else if (const StoredArray* const first = found->second; !are_equal(*first, array)) {
      // Whichever was taken, the other's values would be lost without a word.
      refuse<ArgumentError>(
          {"equal arrays for shared Parameter ", quoted(parameter->name()), " in ", quoted(source)},
          {quoted(first->name()), " and ", quoted(array.name()), ", which differ"},
          {"load into a net that does not share it"});
    }
  }

  // All memory is obtained and filled first: nothing below the loop can fail.
  std::vector<Parameter::Arrays> arrays;
  arrays.reserve(once.size());
  for (const std::size_t each : once) {
    const auto& [parameter, array] = values[each];
    const Dtype dtype =
        options.dtype_source == DtypeSource::saved ? array.core_dtype() : parameter->dtype();
    if (parameter->is_initialized() && dtype == parameter->dtype()) {
      // Users hold views of the present array, so that it is written over, not replaced.
      const bool is_as_stored = array.dtype() == stored(dtype);
      arrays.push_back({is_as_stored ? array.view() : array.read(dtype), Tensor()});
    } else {
      arrays.push_back(parameter->allocate(array.shape(), dtype));
      fill(arrays.back().data, array);
    }
  }
  for (std::size_t i = 0; i < once.size(); ++i) {
    Parameter& parameter = *values[once[i]].first;
    if (parameter.is_initialized() && arrays[i].data.dtype() == parameter.dtype()) {
      parameter.set_data(arrays[i].data);
    } else {
      parameter.adopt(std::move(arrays[i]));
    }
  }
}

}  // namespace glueball
