#include "glueball/error.h"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

#include "glueball/version.h"

namespace glueball {
namespace {

TEST_CASE("an error says what was expected, what was found and what to do") {
  const ArgumentError error({.expected = "units to be positive",
                             .found = "units=0 for 'dense0'",
                             .remedy = "ask for one unit or more"});

  CHECK(std::string(error.what()) ==
        "expected units to be positive, found units=0 for 'dense0'; ask for one unit or more");
}

TEST_CASE("every error can be caught as Error and as std::runtime_error") {
  CHECK_THROWS_AS(throw ArgumentError({"a", "b", "c"}), Error);
  CHECK_THROWS_AS(throw ShapeError(Explanation{"a", "b", "c"}), Error);
  CHECK_THROWS_AS(throw DtypeError({"a", "b", "c"}), Error);
  CHECK_THROWS_AS(throw InputError({"a", "b", "c"}), Error);
  CHECK_THROWS_AS(throw IndexError({"a", "b", "c"}), Error);
  CHECK_THROWS_AS(throw UninitializedError("dense0_weight"), Error);
  CHECK_THROWS_AS(throw DeferredInitializationError("dense0_weight"), Error);
  CHECK_THROWS_AS(throw NoGradientError("dense0_weight"), std::runtime_error);
}

// Programs and readers of books look for these words.
TEST_CASE("errors that Gluon has too begin with Gluon's text and name the parameter") {
  CHECK(std::string(ShapeError("dense0_weight", "(2, 3)", "(2, 4)").what())
            .rfind("Expected shape (2, 3) is incompatible with given shape (2, 4).", 0) == 0);
  CHECK(
      std::string(ShapeError("dense0_weight", "(2, 3)", "(2, 4)").what()).find("'dense0_weight'") !=
      std::string::npos);
  CHECK(std::string(UninitializedError("dense0_weight").what())
            .rfind("Parameter 'dense0_weight' has not been initialized.", 0) == 0);
  CHECK(std::string(DeferredInitializationError("dense0_weight").what())
            .rfind("Parameter 'dense0_weight' has not been initialized yet because initialization "
                   "was deferred.",
                   0) == 0);
  CHECK(std::string(NoGradientError("dense0_weight").what()) ==
        "Cannot get gradient array for Parameter 'dense0_weight' because grad_req='null'");
}

TEST_CASE("the library was compiled from the headers in use") {
  CHECK(std::string(version()) == GLUEBALL_VERSION);
}

}  // namespace
}  // namespace glueball
