#pragma once

#include <stdexcept>
#include <string>

#include "glueball/export.h"

namespace glueball {

/// The three things that every message says.
struct GLUEBALL_API Explanation {
  std::string expected;  ///< What the call needed.
  std::string found;     ///< What it got: names, shapes, dtypes, in the caller's words.
  std::string remedy;    ///< What to do about it.
};

/// Base of everything that glueball throws.
class GLUEBALL_API Error : public std::runtime_error {
 public:
  /// Reads "expected <expected>, found <found>; <remedy>".
  explicit Error(const Explanation& explanation);

 protected:
  /// For the few texts that Gluon's users search for word by word.
  explicit Error(const std::string& text) : std::runtime_error(text) {}
};

/// A setting, shape or name given to a function is not one that it can take.
class GLUEBALL_API ArgumentError : public Error {
 public:
  using Error::Error;
};

/// A shape that does not fit what is already known.
class GLUEBALL_API ShapeError : public Error {
 public:
  using Error::Error;
  /// Gluon's text for a parameter that is given another shape.
  ShapeError(const std::string& name, const std::string& given, const std::string& present);
};

/// An element type that a function does not compute with.
class GLUEBALL_API DtypeError : public Error {
 public:
  using Error::Error;
};

/// Data given to a layer or a loss that it cannot work on: another width, dtype or rank.
class GLUEBALL_API InputError : public Error {
 public:
  using Error::Error;
};

/// A label or index outside its range.
class GLUEBALL_API IndexError : public Error {
 public:
  using Error::Error;
};

/// A parameter was used before `initialize()`.
class GLUEBALL_API UninitializedError : public Error {
 public:
  /// Gluon's text; `parameter` is its name.
  explicit UninitializedError(const std::string& parameter);
};

/// A parameter was used after `initialize()` but before its shape was known.
class GLUEBALL_API DeferredInitializationError : public Error {
 public:
  /// Gluon's text; `parameter` is its name.
  explicit DeferredInitializationError(const std::string& parameter);
};

/// A gradient was asked of a parameter that keeps none.
class GLUEBALL_API NoGradientError : public Error {
 public:
  /// Gluon's text; `parameter` is its name.
  explicit NoGradientError(const std::string& parameter);
};

/// A file that is damaged, of another kind, or holds what it should not.
class GLUEBALL_API FileFormatError : public Error {
 public:
  using Error::Error;
};

/// A file or folder that the system does not let us open, read or write.
class GLUEBALL_API FileAccessError : public Error {
 public:
  /// `purpose` is what was tried ("to write"), `code` the system's errno. No remedy: one that fits
  /// the code.
  FileAccessError(const std::string& purpose, const std::string& path, int code,
                  const std::string& remedy = {});

  /// The file, as the caller named it.
  const std::string& path() const noexcept { return path_; }
  /// The system's errno.
  int code() const noexcept { return code_; }

 private:
  std::string path_;
  int code_;
};

}  // namespace glueball
