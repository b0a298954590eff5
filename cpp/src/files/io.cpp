#include "glueball/io.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "core/read_section.h"
#include "core/refuse.h"
#include "core/text.h"
#include "files/mapped_file.h"
#include "glueball/error.h"
#include "glueball/params.h"
#include "glueball/safetensors.h"

namespace glueball {

StoredArrays read_arrays(const std::string& path) {
  const auto file = MappedFile::open(path);
  return parse_arrays(file->data(), file->bytes(), file, path);
}

StoredArrays parse_arrays(const void* data, std::size_t bytes, std::shared_ptr<const void> owner,
                          const std::string& name) {
  const std::string_view start(static_cast<const char*>(data), std::min<std::size_t>(bytes, 9));
  // By the byte after the header's length, since a length may look like MXNet's first bytes.
  if (start.substr(std::min<std::size_t>(start.size(), 8)) == "{") {
    return parse_safetensors(data, bytes, std::move(owner), name);
  }
  if (start.starts_with(std::string_view("\x12\x01\0\0\0\0\0\0", 8))) {
    return parse_params(data, bytes, std::move(owner), name);
  }
  const bool is_zip = start.starts_with("PK");
  refuse<FileFormatError>(
      {"a .safetensors or .params file as ", quoted(name)},
      {is_zip ? std::string("a zip archive, as .npz files are")
              : joined({"a file of ", bytes, " bytes that begins like neither"})},
      {is_zip ? "read it in Python, and save it as .safetensors" : "give another file"});
}

void write_arrays(const std::string& path, const StoredArrays& contents) {
  if (path.ends_with(".safetensors")) return write_safetensors(path, contents);
  if (path.ends_with(".npz")) {
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
      const ReadSection section;  // until there is a reference
      contents.arrays.emplace_back(name, each->values());
    } else {
      contents.aliases.emplace(name, found->second);
    }
  });
  write_arrays(path, contents);
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
    const ReadSection section;
    contents.arrays.emplace_back(parameter->name(), parameter->values());
  }
  write_arrays(path, contents);
}

}  // namespace glueball
