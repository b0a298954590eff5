#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "glueball/layer.h"

namespace glueball {

/// One layer's settings on their way into a file.
class LayerWriter {
 public:
  /// The file calls the layer's class `kind`; `prefix` is its name and an underscore.
  LayerWriter(std::string_view kind, const Layer& layer);

  /// Gives the layer another kind in the file than its declaration does.
  void rename(std::string_view kind) { kind_ = kind; }
  void flag(const char* key, bool value);
  void number(const char* key, double value);
  void integer(const char* key, std::int64_t value);
  void text(const char* key, std::string_view value);
  void null(const char* key);
  /// Adds text that is JSON already.
  void raw(const char* key, const std::string& value);

  /// {"kind": ..., "prefix": ..., settings}
  std::string take() const;

 private:
  std::string kind_;
  std::string prefix_;
  std::string parameter_prefix_;
  std::string settings_;
};

}  // namespace glueball
