#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "core/dispatch.h"
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
  CHECK(is_set(table.panel));
  CHECK(is_set(table.pack_panels));
  CHECK(is_set(table.product));
  CHECK(is_set(table.direct_product));
  CHECK(is_set(table.outer_product));
  CHECK(is_set(table.column_sums));
  CHECK(is_set(table.activation_forward));
  CHECK(is_set(table.activation_backward));
  CHECK(is_set(table.norm_moments));
  CHECK(is_set(table.norm_forward));
  CHECK(is_set(table.norm_channel_sums));
  CHECK(is_set(table.norm_backward));
  CHECK(is_set(table.prelu_forward));
  CHECK(is_set(table.prelu_backward));
  CHECK(is_set(table.prelu_slope_sums));
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

TEST_CASE("a product of reflections has the same bits on every instruction set") {
  using kernels::Index;
  for (const auto& [rows, columns] : {std::pair<Index, Index>{1, 1}, {9, 5}, {70, 70}, {150, 67}}) {
    const auto& shown_rows = rows;  // Clang 14 captures no structured binding.
    CAPTURE(shown_rows);
    const auto& shown_columns = columns;  // Clang 14 captures no structured binding.
    CAPTURE(shown_columns);
    const auto size = [](Index n) { return static_cast<std::size_t>(n); };
    const Index padded = rows + kernels::orthogonal_row_step;
    const Index blocks = columns / kernels::orthogonal_block + 1;
    std::vector<std::vector<double>> results;
    for (const kernels::KernelSet* set : kernels::runnable()) {
      CAPTURE(set->name);
      std::vector<double> vectors(size(rows * columns));
      set->f64.normal(1, 2, 0, rows * columns, vectors.data(), 0.0, 1.0, false);
      std::vector<double> packed(
          size(blocks * kernels::orthogonal_block * (2 * padded + kernels::orthogonal_block)));
      std::vector<double> signs(size(columns));
      std::vector<double> work(size(padded * kernels::orthogonal_group));
      std::vector<double> q(size(rows * columns));
      for (Index i = 0; i * kernels::orthogonal_block < columns; ++i) {
        set->orthogonal.pack(vectors.data(), rows, columns, i, packed.data(), signs.data());
      }
      for (Index begin = 0; begin < columns; begin += kernels::orthogonal_group) {
        set->orthogonal.multiply_f64(packed.data(), signs.data(), rows, begin,
                                     std::min(columns, begin + kernels::orthogonal_group),
                                     work.data(), q.data(), columns, 1, 1.0);
      }
      results.push_back(q);
      CHECK(std::memcmp(q.data(), results.front().data(), q.size() * sizeof(double)) == 0);
    }
  }
}

TEST_CASE("no kernel is missing") {
  check_complete(kernels::active().f32);
  check_complete(kernels::active().f64);
  CHECK(is_set(kernels::active().orthogonal.pack));
  CHECK(is_set(kernels::active().orthogonal.multiply_f32));
  CHECK(is_set(kernels::active().orthogonal.multiply_f64));
  CHECK(is_set(kernels::active().common.words));
  CHECK(is_set(kernels::active().common.product_bfloat16));
  CHECK(is_set(kernels::active().common.to_bfloat16));
  CHECK(is_set(kernels::active().common.from_bfloat16));
}
