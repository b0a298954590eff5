#include "glueball/version.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

using namespace glueball;

TEST_CASE("the version in use is that of the headers") {
  CHECK(std::string(version()) == GLUEBALL_VERSION);
}

TEST_CASE("Eigen is at least the version that the kernels need") {
  CHECK(std::stoi(eigen_version()) >= 5);
}

TEST_CASE("the instruction set in use is among the available ones, and the best unless forced") {
  const std::vector<std::string> available = instruction_sets();

  REQUIRE(!available.empty());
  CHECK(std::find(available.begin(), available.end(), instruction_set()) != available.end());
  if (std::getenv("GLUEBALL_ISA") == nullptr) CHECK(available.front() == instruction_set());
}

TEST_CASE("instruction sets come best first") {
  const std::vector<std::string> available = instruction_sets();

  // "v4" > "v3" > "v2"; "baseline" stands alone.
  CHECK(std::is_sorted(available.rbegin(), available.rend()));
}
