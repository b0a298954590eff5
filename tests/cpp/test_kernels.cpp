#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "kernels/table.h"

using namespace glueball;

TEST_CASE("GLUEBALL_ISA decides which kernels are in use") {
  const std::string in_use = kernels::active().name;

  if (const char* forced = std::getenv("GLUEBALL_ISA")) {
    CHECK(in_use == forced);
  } else {
    CAPTURE(in_use);
    CHECK((in_use == "v2" || in_use == "v3" || in_use == "v4" || in_use == "baseline"));
  }
}

TEST_CASE("the choice of kernels is made once") {
  CHECK(&kernels::active() == &kernels::active());
  CHECK(&kernels::table<float>() == &kernels::active().f32);
  CHECK(&kernels::table<double>() == &kernels::active().f64);
}

namespace {

template <class Function>
bool is_set(Function* function) {
  return function != nullptr;
}

// Tables are aggregates of function pointers: a member that somebody forgot to fill is null.
template <class T>
void check_complete(const kernels::Table<T>& table) {
  CHECK(is_set(table.product));
  CHECK(is_set(table.pack_panels));
  CHECK(is_set(table.column_sums));
  CHECK(is_set(table.activation_forward));
  CHECK(is_set(table.activation_backward));
  CHECK(is_set(table.softmax_cross_entropy));
  CHECK(is_set(table.softmax_cross_entropy_backward));
  CHECK(is_set(table.l2_loss));
  CHECK(is_set(table.l2_loss_backward));
  for (int code = 0; code < kernels::rule_count; ++code) {
    CAPTURE(code);
    CHECK(is_set(table.rules[code].update));
  }
  CHECK(is_set(table.constant));
  CHECK(is_set(table.uniform));
  CHECK(is_set(table.normal));
  CHECK(is_set(table.truncated_normal));
}

}  // namespace

TEST_CASE("no kernel is missing") {
  check_complete(kernels::active().f32);
  check_complete(kernels::active().f64);
  CHECK(is_set(kernels::active().common.words));
}
