#include "glueball/safetensors.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "core/refuse.h"
#include "core/text.h"
#include "files/atomic_file.h"
#include "files/json.h"
#include "files/mapped_file.h"
#include "glueball/error.h"

namespace glueball {
namespace {

// The `safetensors` package reads no larger ones.
constexpr std::uint64_t largest_header = 100'000'000;
constexpr std::size_t length_bytes = 8;
// NumPy's limit. It bounds what a header of "1,1,1,..." makes of memory.
constexpr std::size_t most_axes = 64;
constexpr std::string_view metadata_key = "__metadata__";
// The metadata's entry that says that names are only places in a list.
constexpr std::string_view list_key = "glueball.list";

struct Entry {
  std::string name;
  std::optional<StoredDtype> dtype;
  std::optional<std::vector<std::int64_t>> lengths;
  std::optional<std::pair<std::uint64_t, std::uint64_t>> offsets;
};

/// Reads a header's text. Throws json::SyntaxError, to which the caller adds the file's name.
class HeaderReader {
 public:
  explicit HeaderReader(std::string_view text) : json_(text) {}

  void read() {
    json_.object([this](std::string key) {
      if (key == metadata_key) {
        read_metadata();
      } else {
        read_entry(std::move(key));
      }
    });
    json_.finish();
  }

  std::vector<Entry> entries;
  std::map<std::string, std::string, std::less<>> metadata;

 private:
  void read_metadata() {
    if (std::exchange(has_metadata_, true)) json_.fail({"the metadata twice"});
    if (json_.peek() == json::Reader::Kind::null) return json_.null();
    json_.object([this](std::string key) {
      if (metadata.contains(key)) json_.fail({"the metadata's key ", quoted(key), " twice"});
      metadata.emplace(std::move(key), json_.string());
    });
  }

  void read_entry(std::string name) {
    Entry entry;
    entry.name = std::move(name);
    json_.object([&](const std::string& key) {
      if (key == "dtype") {
        once(entry.dtype.has_value(), key, entry);
        const std::string dtype = json_.string();
        entry.dtype = stored_dtype_from(dtype);
        if (!entry.dtype) json_.fail({"dtype ", quoted(dtype), " of array ", quoted(entry.name)});
      } else if (key == "shape") {
        once(entry.lengths.has_value(), key, entry);
        entry.lengths = read_lengths(entry.name);
      } else if (key == "data_offsets") {
        once(entry.offsets.has_value(), key, entry);
        entry.offsets = read_offsets(entry.name);
      } else {
        json_.skip();  // as the package does: for what later versions may add
      }
    });
    if (!entry.dtype || !entry.lengths || !entry.offsets) {
      json_.fail({"no dtype, shape or data_offsets of array ", quoted(entry.name)});
    }
    entries.push_back(std::move(entry));
  }

  void once(bool seen, const std::string& key, const Entry& entry) {
    if (seen) json_.fail({"the ", key, " of array ", quoted(entry.name), " twice"});
  }

  std::vector<std::int64_t> read_lengths(const std::string& name) {
    std::vector<std::int64_t> lengths;
    json_.array([&] {
      const std::uint64_t length = json_.unsigned_integer();
      if (length > std::numeric_limits<std::int64_t>::max()) {
        json_.fail({"an axis of length ", length, " of array ", quoted(name)});
      }
      if (lengths.size() == most_axes) {
        json_.fail({"more than ", most_axes, " axes of array ", quoted(name)});
      }
      lengths.push_back(static_cast<std::int64_t>(length));
    });
    return lengths;
  }

  std::pair<std::uint64_t, std::uint64_t> read_offsets(const std::string& name) {
    std::vector<std::uint64_t> offsets;
    json_.array([&] {
      if (offsets.size() == 2) json_.fail({"more than two data_offsets of array ", quoted(name)});
      offsets.push_back(json_.unsigned_integer());
    });
    if (offsets.size() != 2) json_.fail({"fewer than two data_offsets of array ", quoted(name)});
    return {offsets[0], offsets[1]};
  }

  json::Reader json_;
  bool has_metadata_ = false;
};

[[noreturn]] void fail(const std::string& file, Pieces fault) {
  refuse<FileFormatError>({"a .safetensors file as ", quoted(file)}, fault,
                          {"it is damaged, not whole, or of another kind: write or copy it again"});
}

std::string range(const Entry& entry) {
  return "[" + std::to_string(entry.offsets->first) + ", " + std::to_string(entry.offsets->second) +
         ")";
}

void check_names(const std::vector<Entry>& entries, const std::string& file) {
  std::vector<std::string_view> names;
  names.reserve(entries.size());
  for (const Entry& entry : entries) names.emplace_back(entry.name);
  std::ranges::sort(names);
  const auto twice = std::ranges::adjacent_find(names);
  if (twice != names.end()) fail(file, {"array ", quoted(*twice), " twice"});
}

/// Checks that the arrays, in the order of their data, fill `bytes` bytes without gaps or overlaps.
void check_layout(const std::vector<Entry>& entries, std::size_t bytes, const std::string& file) {
  std::uint64_t end = 0;
  for (const Entry& entry : entries) {
    const std::string array = "array " + quoted(entry.name);
    const auto [first, last] = *entry.offsets;
    if (first != end || last < first) {
      fail(file, {array, " at ", range(entry), " of the data, where byte ", end, " comes next"});
    }
    if (last > bytes) {
      fail(file, {array, " at ", range(entry), " of the data, which has ", bytes, " bytes"});
    }
    const auto needed = stored_bytes(*entry.dtype, *entry.lengths);
    if (!needed || static_cast<std::uint64_t>(*needed) != last - first) {
      fail(file, {array, " of ", last - first, " bytes, which do not fit its shape and dtype ",
                  to_string(*entry.dtype)});
    }
    end = last;
  }
  if (end != bytes) {
    fail(file, {bytes - end, " trailing bytes after the last array"});
  }
}

/// Views on names, in ascending order.
std::vector<std::string_view> sorted_names(const std::vector<StoredArray>& arrays) {
  std::vector<std::string_view> names;
  names.reserve(arrays.size());
  for (const StoredArray& array : arrays) names.emplace_back(array.name());
  std::ranges::sort(names);
  return names;
}

bool contains(const std::vector<std::string_view>& sorted, std::string_view name) {
  return std::ranges::binary_search(sorted, name);
}

/// Puts the arrays of a list into its order; false if their names are not "0", "1" ...
bool restore_list(std::vector<StoredArray>& arrays) {
  std::vector<const StoredArray*> places(arrays.size());
  for (const StoredArray& array : arrays) {
    std::size_t place = 0;
    for (const char c : array.name()) {
      if (c < '0' || c > '9' || place > arrays.size()) return false;
      place = place * 10 + static_cast<std::size_t>(c - '0');
    }
    if (place >= arrays.size() || array.name() != std::to_string(place)) return false;
    places[place] = &array;
  }
  // Names are unique, so that every place is taken.
  std::vector<StoredArray> ordered;
  ordered.reserve(arrays.size());
  for (const StoredArray* const array : places) ordered.push_back(*array);
  arrays = std::move(ordered);
  return true;
}

void check_text(std::string_view text, const char* what) {
  if (is_utf8(text)) return;
  refuse<ArgumentError>({what, " in UTF-8"}, {quoted(text)}, {"encode it as UTF-8"});
}

/// Aliases and metadata as one map, in the order of its keys.
std::map<std::string, std::string, std::less<>> merged_metadata(
    const StoredArrays& contents, const std::vector<std::string_view>& names) {
  auto merged = contents.metadata;
  for (const auto& [key, text] : merged) {
    check_text(key, "a key of the metadata");
    check_text(text, "a value of the metadata");
    if (contains(names, text) && !contains(names, key)) {
      refuse<ArgumentError>({"metadata of which no value is an array's name"},
                            {quoted(key), ": ", quoted(text)},
                            {"use aliases if it is another name of that array, else another text"});
    }
  }
  if (!contents.named) merged.insert_or_assign(std::string(list_key), "true");
  for (const auto& [alias, name] : contents.aliases) {
    check_text(alias, "an alias");
    if (!contains(names, name) || contains(names, alias)) {
      refuse<ArgumentError>({"aliases of arrays that are there, not named as an array is"},
                            {quoted(alias), " of ", quoted(name)}, {"correct the aliases"});
    }
    if (!merged.emplace(alias, name).second) {
      refuse<ArgumentError>({"aliases that differ from the metadata's keys"}, {quoted(alias)},
                            {"rename one of the two"});
    }
  }
  return merged;
}

/// The order of the `safetensors` package: aligned for every dtype if the first is.
std::vector<const StoredArray*> in_file_order(const std::vector<StoredArray>& arrays) {
  std::vector<const StoredArray*> ordered;
  ordered.reserve(arrays.size());
  for (const StoredArray& array : arrays) ordered.push_back(&array);
  std::ranges::sort(ordered, [](const StoredArray* a, const StoredArray* b) {
    return a->dtype() != b->dtype() ? a->dtype() > b->dtype() : a->name() < b->name();
  });
  return ordered;
}

void append_entry(std::string& header, const StoredArray& array, std::uint64_t begin) {
  json::append(header, array.name());
  header += R"(:{"dtype":")";
  header += to_string(array.dtype());
  header += R"(","shape":[)";
  const char* separator = "";
  for (const std::int64_t length : array.lengths()) {
    header += separator + std::to_string(length);
    separator = ",";
  }
  header += "],\"data_offsets\":[" + std::to_string(begin) + "," +
            std::to_string(begin + array.bytes()) + "]}";
}

std::string header_of(const StoredArrays& contents,
                      const std::vector<const StoredArray*>& ordered) {
  const std::vector<std::string_view> names = sorted_names(contents.arrays);
  const auto twice = std::ranges::adjacent_find(names);
  if (twice != names.end()) {
    refuse<ArgumentError>({"arrays of different names"}, {quoted(*twice), " twice"},
                          {"rename one"});
  }
  if (contains(names, metadata_key)) {
    refuse<ArgumentError>({"another name for an array than that of the metadata"},
                          {quoted(metadata_key)}, {"rename it"});
  }

  std::string header = "{";
  const char* separator = "";
  const auto metadata = merged_metadata(contents, names);
  if (!metadata.empty()) {
    json::append(header, metadata_key);
    header += ":{";
    for (const auto& [key, text] : metadata) {
      header += separator;
      json::append(header, key);
      header += ':';
      json::append(header, text);
      separator = ",";
    }
    header += '}';
  }
  std::uint64_t begin = 0;
  for (const StoredArray* const array : ordered) {
    check_text(array->name(), "an array's name");
    header += separator;
    append_entry(header, *array, begin);
    begin += array->bytes();
    separator = ",";
  }
  header += '}';
  header.append((8 - header.size() % 8) % 8, ' ');
  if (header.size() > largest_header) {
    refuse<ArgumentError>(
        {"names, shapes and metadata of at most ", largest_header, " bytes together"},
        {header.size()}, {"use several files"});
  }
  return header;
}

}  // namespace

StoredArrays parse_safetensors(const void* data, std::size_t bytes,
                               std::shared_ptr<const void> owner, const std::string& name) {
  std::uint64_t header_bytes = 0;
  if (bytes < length_bytes) {
    fail(name, {bytes, " bytes, fewer than the header's length takes"});
  }
  std::memcpy(&header_bytes, data, length_bytes);
  if (header_bytes > largest_header) {
    fail(name, {"a header of ", header_bytes, " bytes, more than ", largest_header});
  }
  const std::size_t rest = bytes - length_bytes;
  if (header_bytes > rest) {
    fail(name, {"a header of ", header_bytes, " bytes in a file of ", bytes});
  }
  const auto* const text = static_cast<const char*>(data) + length_bytes;
  std::vector<Entry> entries;
  StoredArrays contents;
  try {
    HeaderReader header({text, static_cast<std::size_t>(header_bytes)});
    header.read();
    entries = std::move(header.entries);
    contents.metadata = std::move(header.metadata);
  } catch (const json::SyntaxError& error) {
    fail(name, {"a header with ", error.what()});
  }

  check_names(entries, name);
  const auto by_offsets = [](const Entry& a, const Entry& b) { return a.offsets < b.offsets; };
  std::ranges::stable_sort(entries, by_offsets);
  const auto* const first = text + header_bytes;
  check_layout(entries, rest - static_cast<std::size_t>(header_bytes), name);

  contents.arrays.reserve(entries.size());
  for (Entry& entry : entries) {
    const auto [begin, end] = *entry.offsets;
    contents.arrays.emplace_back(std::move(entry.name), *entry.dtype, std::move(*entry.lengths),
                                 first + begin, static_cast<std::size_t>(end - begin), owner);
  }
  const std::vector<std::string_view> names = sorted_names(contents.arrays);
  for (auto entry = contents.metadata.begin(); entry != contents.metadata.end();) {
    const auto next = std::next(entry);
    if (contains(names, entry->second) && !contains(names, entry->first)) {
      contents.aliases.insert(contents.metadata.extract(entry));
    }
    entry = next;
  }
  if (contents.metadata.contains(list_key) && restore_list(contents.arrays)) {
    contents.metadata.erase(contents.metadata.find(list_key));
    contents.named = false;
  }
  return contents;
}

StoredArrays read_safetensors(const std::string& path) {
  const auto file = MappedFile::open(path);
  return parse_safetensors(file->data(), file->bytes(), file, path);
}

void write_safetensors(const std::string& path, const StoredArrays& contents) {
  const std::vector<const StoredArray*> ordered = in_file_order(contents.arrays);
  const std::string header = header_of(contents, ordered);
  const std::uint64_t header_bytes = header.size();

  AtomicFile file(path);
  file.write(&header_bytes, length_bytes);
  file.write(header.data(), header.size());
  for (const StoredArray* const array : ordered) file.write(array->data(), array->bytes());
  file.commit();
}

}  // namespace glueball
