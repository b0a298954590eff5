#include "files/loading.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "core/refuse.h"
#include "core/text.h"
#include "glueball/error.h"
#include "glueball/parallel.h"

namespace glueball {
namespace {

using Names = std::vector<std::string>;

/// MXNet's checkpoints mark arguments and auxiliary states by the prefixes of names.
std::string_view without_kind(std::string_view name) {
  return name.starts_with("arg:") || name.starts_with("aux:") ? name.substr(4) : name;
}

/// "'0.weight', '0.bias'", shortened.
std::string list_of(const Names& names) {
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

bool all_are_in(const Names& names, const Names& known) {
  const std::unordered_set<std::string_view> set(known.begin(), known.end());
  return std::ranges::all_of(names, [&](std::string_view name) { return set.contains(name); });
}

/// Whether `a` comes before `b` when digits are compared as numbers: "dense2" before "dense10".
bool naturally_before(std::string_view a, std::string_view b) {
  const auto digits = [](std::string_view text) {
    const auto end = text.find_first_not_of("0123456789");
    return text.substr(0, end == std::string_view::npos ? text.size() : end);
  };
  const auto significant = [](std::string_view number) {
    return number.substr(std::min(number.find_first_not_of('0'), number.size()));
  };
  while (!a.empty() && !b.empty()) {
    std::string_view left = digits(a);
    std::string_view right = digits(b);
    const bool are_numbers = !left.empty() && !right.empty();
    if (!are_numbers) {
      left = a.substr(0, 1);
      right = b.substr(0, 1);
    }
    a.remove_prefix(left.size());
    b.remove_prefix(right.size());
    if (are_numbers) {
      left = significant(left);
      right = significant(right);
      if (left.size() != right.size()) return left.size() < right.size();
    }
    if (left != right) return left < right;
  }
  return a.size() < b.size();
}

/// What each place is called in a file that has these names; the net's prefix may differ.
Names names_of(const std::vector<Place>& places, const Names& file, Naming naming,
               const std::string& prefix) {
  Names paths;
  Names full;
  for (const Place& place : places) {
    paths.push_back(place.path);
    full.push_back(place.parameter->name());
  }
  // Names have no dots, which paths have ("0.weight") unless the net is a layer alone ("weight").
  const bool has_dots = std::ranges::any_of(
      file, [](const std::string& name) { return name.find('.') != std::string::npos; });
  if (naming == Naming::path || has_dots || all_are_in(file, paths)) return paths;
  if (naming == Naming::path_or_name || all_are_in(file, full)) return full;
  Names stripped = full;
  for (std::string& name : stripped) {
    if (name.starts_with(prefix)) name.erase(0, prefix.size());
  }
  Names order;  // each parameter once, however many places it has
  std::unordered_set<std::string_view> seen;
  for (const std::string& name : full) {
    if (seen.insert(name).second) order.push_back(name);
  }
  if (all_are_in(file, stripped) || file.size() != order.size()) return stripped;
  // Saved by an equal net whose names have other numbers: go by order. A file of sorted names has
  // lost that order, but the numbers in the names still give it.
  Names order_in_file = file;
  if (std::ranges::is_sorted(file)) {
    std::ranges::sort(order_in_file, naturally_before);
    std::ranges::sort(order, naturally_before);
  }
  std::unordered_map<std::string_view, std::string_view> name_in_file;
  for (std::size_t i = 0; i < order.size(); ++i) name_in_file.emplace(order[i], order_in_file[i]);
  Names names;
  for (const std::string& name : full) names.emplace_back(name_in_file.at(name));
  return names;
}

[[noreturn]] void refuse_misfit(const Parameter& parameter, const StoredArray& array, Fit fit,
                                const std::string& source) {
  const std::string target = "Parameter " + quoted(parameter.name());
  const std::string place = " in " + quoted(source);
  const std::string dtype = joined({"dtype ", to_string(array.dtype())});
  if (fit == Fit::other_shape) {
    const std::optional<Shape> shape = parameter.shape();
    refuse<ShapeError>(
        {"an array for ", target, " of shape ", shape ? to_string(*shape) : "not known yet", place},
        {quoted(array.name()), " of shape ", array.shape_text()},
        {"load into a net of the same sizes"});
  }
  if (fit == Fit::not_convertible) {
    refuse<DtypeError>({"an array that converts to float32 or float64 for ", target, place},
                       {dtype}, {"convert the file with the program that wrote it"});
  }
  refuse<ArgumentError>({"an array of dtype ", parameter.dtype(), " for ", target, place}, {dtype},
                        {"set cast_dtype to convert it"});
}

/// Whether two arrays are the same to the bit.
bool are_equal(const StoredArray& a, const StoredArray& b) {
  if (a.dtype() != b.dtype() || a.lengths() != b.lengths()) return false;
  return a.data() == b.data() || std::memcmp(a.data(), b.data(), a.bytes()) == 0;
}

/// Fills a new array; in parallel, since most of the time goes into the first touch of new memory.
void fill(const Tensor& target, const StoredArray& array) {
  constexpr std::int64_t grain = std::int64_t{1} << 20;
  parallel_for(array.size(), grain, [&](std::int64_t begin, std::int64_t end) {
    array.read_elements(target, begin, end);
  });
}

void load_into(const std::vector<Place>& places, const std::string& path,
               const LoadOptions& options, Naming naming, const std::string& prefix) {
  const StoredArrays contents = read_arrays(path);
  // Without arrays a .params file is a list and a dict, as far as anyone can tell.
  if (!contents.named && !contents.arrays.empty()) {
    refuse<ArgumentError>({"named arrays in ", quoted(path)}, {"a list"},
                          {"save a net's parameters"});
  }
  // StoredArrays::find() goes through all arrays: for as many aliases, time would be quadratic.
  std::unordered_map<std::string_view, const StoredArray*> stored;
  std::vector<NamedArray> file;
  for (const StoredArray& array : contents.arrays) {
    stored.emplace(array.name(), &array);
    file.push_back({array.name(), &array});
  }
  for (const auto& [alias, name] : contents.aliases) file.push_back({alias, stored.at(name)});

  const Matching found = match(places, file, quoted(path), naming, prefix);
  if (!found.missing.empty() && !options.allow_missing) {
    Names in_file;
    for (const NamedArray& each : file) in_file.push_back(each.name);
    refuse<ArgumentError>({"Parameter ", quoted(found.missing[0]), " in file ", quoted(path)},
                          {list_of(in_file)}, {"set allow_missing to leave it as it is"});
  }
  if (!found.unexpected.empty() && !options.ignore_extra) {
    refuse<ArgumentError>(
        {"arrays for the net's parameters in file ", quoted(path), ": ", list_of(found.names)},
        {quoted(found.unexpected[0])}, {"set ignore_extra to skip it"});
  }
  assign(found.values, path, options);
}

}  // namespace

Matching match(const std::vector<Place>& places, const std::vector<NamedArray>& file,
               const std::string& where, Naming naming, const std::string& prefix) {
  std::unordered_map<std::string_view, std::size_t> by_name;
  Names in_file;
  for (const auto& [full, array] : file) {
    const std::string_view name = without_kind(full);
    if (!by_name.emplace(name, in_file.size()).second) {
      refuse<ArgumentError>({"one array for each name in ", where},
                            {"two for ", quoted(name), ", without 'arg:' and 'aux:'"},
                            {"save them under different names"});
    }
    in_file.emplace_back(name);
  }

  Matching found;
  found.names = names_of(places, in_file, naming, prefix);
  std::unordered_set<const Parameter*> given;
  std::vector<std::pair<std::size_t, std::size_t>> pairs;  // places in the file, and in the net
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto array = by_name.find(found.names[i]);
    if (array == by_name.end()) continue;
    given.insert(places[i].parameter.get());
    pairs.emplace_back(array->second, i);
  }
  std::ranges::sort(pairs);
  std::size_t next = 0;
  for (const auto& [in, at] : pairs) {
    for (; next < in; ++next) found.unexpected.push_back(in_file[next]);
    next = in + 1;
    found.values.emplace_back(places[at].parameter, *file[in].array);
  }
  for (; next < in_file.size(); ++next) found.unexpected.push_back(in_file[next]);
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (!given.contains(places[i].parameter.get())) found.missing.push_back(found.names[i]);
  }
  return found;
}

Fit fit_of(const Parameter& parameter, const StoredArray& array, bool cast_dtype) {
  if (array.size() == 0 || array.lengths().size() > Shape::max_rank) return Fit::other_shape;
  const std::optional<Shape> shape = parameter.shape();
  if (shape && !shape->is_compatible(array.shape())) return Fit::other_shape;
  if (!array.is_convertible()) return Fit::not_convertible;
  return array.dtype() == stored(parameter.dtype()) || cast_dtype ? Fit::fits : Fit::other_dtype;
}

void load_parameters(Sequential& net, const std::string& path, const LoadOptions& options) {
  std::vector<Place> places;
  net.visit_parameters("", [&](const std::string& where, const std::shared_ptr<Parameter>& each) {
    places.push_back({where, each});
  });
  load_into(places, path, options, Naming::any, net.name() + "_");
}

void load_parameters(const ParameterList& parameters, const std::string& path,
                     const LoadOptions& options) {
  std::vector<Place> places;
  places.reserve(parameters.size());
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    places.push_back({parameters.paths()[i], parameters.all()[i]});
  }
  load_into(places, path, options, Naming::path_or_name, "");
}

void assign(const std::vector<std::pair<std::shared_ptr<Parameter>, StoredArray>>& values,
            const std::string& source, const LoadOptions& options) {
  std::vector<std::size_t> once;
  std::unordered_map<const Parameter*, const StoredArray*> given;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto& [parameter, array] = values[i];
    const Fit fit = fit_of(*parameter, array, options.cast_dtype);
    if (fit != Fit::fits) refuse_misfit(*parameter, array, fit, source);
    const auto [found, is_new] = given.try_emplace(parameter.get(), &array);
    if (is_new) {
      once.push_back(i);
    } else if (const StoredArray* const first = found->second; !are_equal(*first, array)) {
      // Taking either one would lose the other's values without a word.
      refuse<ArgumentError>(
          {"equal arrays for shared Parameter ", quoted(parameter->name()), " in ", quoted(source)},
          {quoted(first->name()), " and ", quoted(array.name()), ", which differ"},
          {"load into a net that does not share it"});
    }
  }

  // All memory is obtained and filled first: nothing below the loop can fail.
  std::vector<std::unique_ptr<Parameter::Arrays>> arrays;
  arrays.reserve(once.size());
  for (const std::size_t each : once) {
    const auto& [parameter, array] = values[each];
    const Dtype dtype =
        options.dtype_source == DtypeSource::saved ? array.core_dtype() : parameter->dtype();
    if (parameter->is_initialized() && dtype == parameter->dtype()) {
      // Users hold views of the present array, so it is written over, not replaced.
      const bool is_as_stored = array.dtype() == stored(dtype);
      arrays.push_back(std::make_unique<Parameter::Arrays>(
          Parameter::Arrays{is_as_stored ? array.view() : array.read(dtype), Tensor()}));
    } else {
      arrays.push_back(parameter->allocate(array.shape(), dtype));
      fill(arrays.back()->data, array);
    }
  }
  for (std::size_t i = 0; i < once.size(); ++i) {
    Parameter& parameter = *values[once[i]].first;
    if (parameter.is_initialized() && arrays[i]->data.dtype() == parameter.dtype()) {
      parameter.set_data(arrays[i]->data);
    } else {
      parameter.adopt(std::move(arrays[i]));
    }
  }
}

}  // namespace glueball
