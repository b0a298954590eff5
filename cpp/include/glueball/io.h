#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "glueball/export.h"
#include "glueball/parameter.h"
#include "glueball/parameter_list.h"
#include "glueball/sequential.h"
#include "glueball/stored_array.h"

namespace glueball {

/// Reads arrays from a `.safetensors` or MXNet `.params` file; its contents tell which it is.
///
/// @throws FileAccessError if it cannot be opened, FileFormatError if it is neither, or damaged.
GLUEBALL_API StoredArrays read_arrays(const std::string& path);

/// As read_arrays(), for a file that is in memory.
///
/// @param data the file's first byte.
/// @param bytes its length.
/// @param owner kept alive by the arrays, which are views; null if the caller does that.
/// @param name of the file in error messages.
GLUEBALL_API StoredArrays parse_arrays(const void* data, std::size_t bytes,
                                       std::shared_ptr<const void> owner, const std::string& name);

/// Writes `.safetensors` if the name ends so, else MXNet's `.params`, whatever the ending, as MXNet
/// does; at once or not at all.
///
/// @throws ArgumentError for `.npz`, which only Python writes, and as write_safetensors() and
/// write_params(); FileAccessError if writing fails.
GLUEBALL_API void write_arrays(const std::string& path, const StoredArrays& contents);

/// Whose dtype a parameter takes when a file has another.
enum class DtypeSource : std::uint8_t {
  current,  ///< it keeps its own
  saved,    ///< it takes the file's
};

/// What may differ between a file and a net; as Gluon's arguments of the same names.
struct LoadOptions {
  bool allow_missing = false;  ///< Leave parameters alone that the file does not have.
  bool ignore_extra = false;   ///< Skip arrays that the net does not have.
  bool cast_dtype = false;     ///< Convert where dtypes differ.
  DtypeSource dtype_source = DtypeSource::current;  ///< Which dtype wins where they differ.
};

/// Writes every parameter under its structural path ("0.weight"), to the kind of file that the
/// ending says (see write_arrays()).
///
/// A shared parameter is stored once in `.safetensors`, with its other paths as aliases; under each
/// path in `.params`.
///
/// @throws UninitializedError, DeferredInitializationError if a parameter has no values yet, and
/// nothing is written then; as write_arrays().
GLUEBALL_API void save_parameters(const Sequential& net, const std::string& path);

/// Writes parameters under their names ("dense0_weight"), as Python's `ParameterDict.save`: all of
/// a net's, or a selection.
///
///     save_parameters(ParameterList(net).select(".*bias"), "biases.safetensors");
///
/// @throws ArgumentError if two have one name; as the other save_parameters().
GLUEBALL_API void save_parameters(const ParameterList& parameters, const std::string& path);

/// Reads parameters by structural path, or by name if no name in the file has a dot: what either
/// save_parameters() wrote, or Python's. Names may lack the net's own at the beginning, or have
/// other numbers, when the net that was saved is built alike. Nothing is initialized first; shapes
/// become known.
///
/// Everything is checked, and all memory obtained, before anything is changed: when this throws,
/// the net is as it was. Initialized parameters keep their arrays. Names may begin with "arg:" or
/// "aux:", as in MXNet's checkpoints. A shared parameter needs one of its paths in the file; arrays
/// under several have to be equal.
///
/// @throws as read_arrays(); ArgumentError if a name is missing, extra or there twice, a dtype
/// differs, or a shared parameter's arrays do; ShapeError if a shape does; DtypeError if elements
/// do not convert.
GLUEBALL_API void load_parameters(Sequential& net, const std::string& path,
                                  const LoadOptions& options = {});

/// The same for the parameters of a list, whose names are the file's: those of a selection, with
/// `ignore_extra` out of a file that has more.
GLUEBALL_API void load_parameters(const ParameterList& parameters, const std::string& path,
                                  const LoadOptions& options = {});

/// Gives each parameter its array; all of them or, when this throws, none.
///
/// With DtypeSource::saved parameters take the arrays' dtype (float64 for integers and float32 for
/// the small floats). Files that this takes values from appear in messages as `source`.
///
/// @throws ShapeError, DtypeError; ArgumentError if a parameter is there twice with arrays that
/// differ.
GLUEBALL_API void assign(
    const std::vector<std::pair<std::shared_ptr<Parameter>, StoredArray>>& values,
    const std::string& source, const LoadOptions& options = {});

}  // namespace glueball
