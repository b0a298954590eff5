#pragma once

// How the arrays of a file find a net's parameters. Internal: not installed.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "glueball/io.h"

namespace glueball {

/// A place in a net: its structural path ("0.weight"), and the parameter there.
struct Place {
  std::string path;
  std::shared_ptr<Parameter> parameter;
};

/// An array, under one of its names in a file.
struct NamedArray {
  std::string name;
  const StoredArray* array;
};

/// What the names in a file may be.
enum class Naming : std::uint8_t {
  path,          ///< Paths only.
  path_or_name,  ///< Also parameters' full names ("dense0_weight").
  any,  ///< Also names without the net's prefix, and those of an equal net, by their order.
};

/// Whether an array can be a parameter's values.
enum class Fit : std::uint8_t { fits, other_shape, not_convertible, other_dtype };

/// Which array of a file belongs to which parameter. Nothing is refused or changed yet.
struct Matching {
  /// What each place is called in the file.
  std::vector<std::string> names;
  std::vector<std::pair<std::shared_ptr<Parameter>, StoredArray>> values;  ///< In the file's order.
  std::vector<std::string> missing;     ///< Of `names`, those of parameters without an array.
  std::vector<std::string> unexpected;  ///< Names in the file that no place has.
};

/// Matches names without the "arg:" and "aux:" of MXNet's checkpoints. A parameter that stands in
/// several places needs an array for one of them. `where` is the file in messages: "'x.params'".
///
/// @throws ArgumentError if two arrays have one name.
Matching match(const std::vector<Place>& places, const std::vector<NamedArray>& file,
               const std::string& where, Naming naming, const std::string& prefix = "");

Fit fit_of(const Parameter& parameter, const StoredArray& array, bool cast_dtype);

}  // namespace glueball
