#pragma once

#include <stdexcept>
#include <string>

namespace glueball {

/// The three things that every message says.
struct Explanation {
  std::string expected;  ///< What the call needed.
  std::string found;     ///< What it got: names, shapes, dtypes, in the caller's words.
  std::string remedy;    ///< What to do about it.
};

/// Base of everything that glueball throws.
class Error : public std::runtime_error {
 public:
  /// Reads "expected <expected>, found <found>; <remedy>".
  explicit Error(const Explanation& explanation);

 protected:
  /// For the few texts that Gluon's users search for word by word.
  explicit Error(const std::string& text) : std::runtime_error(text) {}
};

/// A setting, shape or name given to a function is not one that it can take.
class ArgumentError : public Error {
 public:
  using Error::Error;
};

/// A shape that does not fit what is already known.
class ShapeError : public Error {
 public:
  using Error::Error;
  /// Gluon's text for a parameter that is given another shape.
  ShapeError(const std::string& name, const std::string& given, const std::string& present);
};

/// An element type that a function does not compute with.
class DtypeError : public Error {
 public:
  using Error::Error;
};

/// Data given to a layer or a loss that it cannot work on: another width, dtype or rank.
class InputError : public Error {
 public:
  using Error::Error;
};

/// A label or index outside its range.
class IndexError : public Error {
 public:
  using Error::Error;
};

/// A parameter was used before `initialize()`.
class UninitializedError : public Error {
 public:
  explicit UninitializedError(const std::string& parameter);
};

/// A parameter was used after `initialize()` but before its shape was known.
class DeferredInitializationError : public Error {
 public:
  explicit DeferredInitializationError(const std::string& parameter);
};

/// A gradient was asked of a parameter that keeps none.
class NoGradientError : public Error {
 public:
  explicit NoGradientError(const std::string& parameter);
};

}  // namespace glueball
