#include "nn/product.h"

#include <algorithm>
#include <type_traits>

#include "glueball/parallel.h"
#include "glueball/tensor.h"

namespace glueball {
namespace {

using kernels::Product;
using kernels::Table;

// Depth is cut into equal blocks of about this: one of B's panels then takes 100 kilobytes, and a
// second-level cache holds it beside the rows of A that it is multiplied with.
constexpr std::int64_t depth_block = 384;
// Rows of A that go with it, a multiple of the tile's.
constexpr std::int64_t row_block = 40 * kernels::product_tile_rows;
// Columns of B that are packed at once: each pass over A serves as many.
constexpr std::int64_t column_block = 256;
// Up to so many rows B is read where it is, if it can be: packing would not pay for itself.
constexpr std::int64_t few_rows = 2 * kernels::product_tile_rows;

// What a product costs one thread, in microseconds of the machine that docs/performance.md
// measures: multiply-adds, and elements of B read from memory.
constexpr double multiply_adds_per_us = 5e4;
constexpr double elements_per_us = 2e4;
constexpr std::int64_t tasks_per_thread = 4;
// Elements of a sum of outer products that are worth a thread: about as long.
constexpr std::int64_t outer_grain = std::int64_t{1} << 17;
// Below this nobody is woken.
constexpr double least_parallel_us = 12.0;

/// The part of depth that is multiplied at once; all parts but the last are equally long.
std::int64_t block_of(std::int64_t depth) noexcept {
  const std::int64_t count = std::max<std::int64_t>(1, (depth + depth_block - 1) / depth_block);
  // A multiple of four, so that interleaved sums end together.
  return std::max<std::int64_t>(4, ((depth + count - 1) / count + 3) / 4 * 4);
}

/// Rows [row, row + rows) and columns [column, column + columns) of a product; `column` is the
/// first of a panel.
struct Region {
  std::int64_t row;
  std::int64_t rows;
  std::int64_t column;
  std::int64_t columns;
};

/// Panels of bfloat16 as panels of T, written to `out`.
template <class T>
const T* widened(const kernels::Bfloat16* panels, std::int64_t count, T* out) {
  if constexpr (std::is_same_v<T, float>) {
    kernels::active().common.from_bfloat16(panels, count, out);
  }
  return out;
}

template <class T>
void product_rounded(const Product<T>& part, const kernels::Bfloat16* panels) {
  if constexpr (std::is_same_v<T, float>) {
    kernels::active().common.product_bfloat16(part, panels);
  }
}

// One nest of loops: its parts would hand a dozen variables to each other.
// NOLINTBEGIN(readability-function-cognitive-complexity)
template <class T>
void multiply_region(const Multiplication<T>& m, const Region& region) {
  const Table<T>& table = kernels::table<T>();
  const std::int64_t panel = *table.panel;
  const std::int64_t all_panels = (m.columns + panel - 1) / panel;
  const std::int64_t block = block_of(m.depth);
  const bool is_rounded = m.rounded_b != nullptr;
  // Many rows: the panels are widened once for all of them.
  const bool widen_b = is_rounded && region.rows > few_rows;
  const bool is_direct = m.packed_b == nullptr && !is_rounded && m.a_step == 1 && m.b_column != 1 &&
                         region.rows <= kernels::direct_rows;
  const bool pack_b = m.packed_b == nullptr && !is_rounded && !is_direct &&
                      (m.b_column != 1 || region.rows > few_rows || region.columns % panel != 0);
  Tensor b_memory;
  const std::int64_t most_columns =
      (std::min(region.columns, column_block) + panel - 1) / panel * panel;
  if (pack_b || widen_b) {
    b_memory = Tensor::uninitialized({most_columns * std::min(m.depth, block)}, dtype_of<T>);
  }

  Product<T> part;
  part.a_row = m.a_row;
  part.a_step = m.a_step;
  part.packed_columns = pack_b || is_rounded || m.packed_b != nullptr;
  part.b_column = m.b_column;
  part.c_row = m.columns;
  part.all_columns = m.columns;
  part.alpha = m.alpha;
  part.slope_alpha = m.slope_alpha;
  for (std::int64_t column = 0; column < region.columns; column += column_block) {
    const std::int64_t first = region.column + column;
    part.columns = std::min(column_block, region.columns - column);
    part.bias = m.bias == nullptr ? nullptr : m.bias + first;
    // A depth of 0 still has to write C.
    for (std::int64_t k = 0; k == 0 || k < m.depth; k += block) {
      part.depth = std::min(block, m.depth - k);
      part.start = k == 0 && !m.accumulate;
      const bool is_last = k + block >= m.depth;
      part.code = is_last ? m.code : kernels::code_identity;
      part.slope = is_last ? m.slope : kernels::code_identity;
      part.b_panel = panel * part.depth;
      const std::int64_t place = all_panels * panel * k + first * part.depth;
      const kernels::Bfloat16* const rounded = is_rounded ? m.rounded_b + place : nullptr;
      if (m.packed_b != nullptr) {
        part.b = m.packed_b + place;
      } else if (widen_b) {
        part.b =
            widened(rounded, (part.columns + panel - 1) / panel * part.b_panel, b_memory.data<T>());
      } else if (is_rounded) {
        part.b = nullptr;
      } else if (pack_b) {
        table.pack_panels(m.b + k * m.b_step + first * m.b_column, m.b_step, m.b_column, part.depth,
                          part.columns, part.b_panel, b_memory.data<T>());
        part.b = b_memory.data<T>();
      } else {
        part.b = m.b + k * m.b_step + first * m.b_column;
        part.b_step = m.b_step;
        part.b_panel = panel;
      }
      for (std::int64_t row = region.row; row < region.row + region.rows; row += row_block) {
        part.rows = std::min(row_block, region.row + region.rows - row);
        const std::int64_t corner = row * m.columns + first;
        part.c = m.c + corner;
        part.slope_x = m.slope_x == nullptr ? nullptr : m.slope_x + corner;
        part.slope_y = m.slope_y == nullptr ? nullptr : m.slope_y + corner;
        part.a = m.a + row * m.a_row + k * m.a_step;
        if (is_rounded && !widen_b) {
          product_rounded(part, rounded);
        } else {
          is_direct ? table.direct_product(part) : table.product(part);
        }
      }
    }
  }
}
// NOLINTEND(readability-function-cognitive-complexity)

/// Whether nothing has to be cut or packed: what small nets are made of.
template <class T>
bool is_small(const Multiplication<T>& m) {
  if (m.a_step != 1 || m.rows > few_rows || m.columns > column_block || m.depth > depth_block) {
    return false;
  }
  if (m.packed_b != nullptr || m.rounded_b != nullptr) return true;
  // A panel's columns are a power of two.
  return m.b_column == 1 ? (m.columns & (*kernels::table<T>().panel - 1)) == 0
                         : m.rows <= kernels::direct_rows;
}

template <class T>
void run_small(const Multiplication<T>& m) {
  const Table<T>& table = kernels::table<T>();
  Product<T> part;
  part.a = m.a;
  part.a_row = m.a_row;
  part.a_step = 1;
  part.packed_columns = m.packed_b != nullptr || m.rounded_b != nullptr;
  const bool is_direct = !part.packed_columns && m.b_column != 1;
  part.b = part.packed_columns ? m.packed_b : m.b;
  part.b_step = m.b_step;
  part.b_panel = part.packed_columns ? *table.panel * m.depth : *table.panel;
  part.b_column = m.b_column;
  part.c = m.c;
  part.c_row = m.columns;
  part.rows = m.rows;
  part.columns = m.columns;
  part.depth = m.depth;
  part.all_columns = m.columns;
  part.start = !m.accumulate;
  part.bias = m.bias;
  part.code = m.code;
  part.alpha = m.alpha;
  part.slope = m.slope;
  part.slope_alpha = m.slope_alpha;
  part.slope_x = m.slope_x;
  part.slope_y = m.slope_y;
  if (m.rounded_b != nullptr) {
    product_rounded(part, m.rounded_b);
  } else {
    is_direct ? table.direct_product(part) : table.product(part);
  }
}

/// Whether a product is the sum of a few outer products: the gradient of a weight for few samples.
template <class T>
bool is_outer(const Multiplication<T>& m) {
  return m.a_step != 1 && m.b_column == 1 && m.b_step == m.columns && m.depth > 0 &&
         m.depth <= kernels::outer_depth && m.bias == nullptr && m.code == kernels::code_identity &&
         m.slope == kernels::code_identity;
}

/// Writing C takes all the time; nothing is packed.
template <class T>
void run_outer(const Multiplication<T>& m) {
  const std::int64_t grain = std::max<std::int64_t>(1, outer_grain / m.columns);
  parallel_for(m.rows, grain, [&](std::int64_t begin, std::int64_t end) {
    kernels::table<T>().outer_product(m.a + begin, m.a_step, m.b, m.c + begin * m.columns,
                                      end - begin, m.columns, m.depth, m.accumulate);
  });
}

/// The pieces that `length` is cut into, about `wanted` of them, and
/// how long each is, a multiple of `step`.
struct Shares {
  Shares(std::int64_t length, std::int64_t wanted, std::int64_t step) {
    const std::int64_t steps = (length + step - 1) / step;
    const std::int64_t each = (steps + wanted - 1) / std::max<std::int64_t>(1, wanted);
    size = std::max<std::int64_t>(1, each) * step;
    count = (length + size - 1) / size;
  }
  std::int64_t size;
  std::int64_t count;
};

}  // namespace

template <class T>
void multiply(const Multiplication<T>& whole) {
  if (whole.rows == 0 || whole.columns == 0) return;
  if (is_small(whole)) return run_small(whole);
  if (is_outer(whole)) return run_outer(whole);
  const Region all{0, whole.rows, 0, whole.columns};
  const auto rows = static_cast<double>(whole.rows);
  const double weights = static_cast<double>(whole.columns) * static_cast<double>(whole.depth);
  const double cost = rows * weights / multiply_adds_per_us + weights / elements_per_us;
  const int threads = cost < least_parallel_us ? 1 : num_threads();
  if (threads == 1) return multiply_region(whole, all);

  // Several tasks a thread, so that one that starts late does less. Columns are cut first, since
  // each task packs the columns that it needs.
  Multiplication<T> m = whole;
  const std::int64_t wanted = tasks_per_thread * threads;
  const std::int64_t panel = *kernels::table<T>().panel;
  const Shares by_column(m.columns, wanted, panel);
  const Shares by_row(m.rows, (wanted + by_column.count - 1) / by_column.count,
                      4 * kernels::product_tile_rows);
  Tensor packed;
  if (by_row.count > 1 && m.packed_b == nullptr && m.rounded_b == nullptr && m.rows > few_rows) {
    // Once for all tasks that have the same columns.
    packed = Tensor::uninitialized({packed_size<T>(m.depth, m.columns)}, dtype_of<T>);
    pack(m.b, m.b_step, m.b_column, m.depth, m.columns, packed.data<T>());
    m.packed_b = packed.data<T>();
  }
  parallel_for(by_column.count * by_row.count, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t task = begin; task < end; ++task) {
      const std::int64_t column = task / by_row.count * by_column.size;
      const std::int64_t row = task % by_row.count * by_row.size;
      multiply_region(m, {row, std::min(by_row.size, m.rows - row), column,
                          std::min(by_column.size, m.columns - column)});
    }
  });
}

template <class T>
std::int64_t packed_size(std::int64_t depth, std::int64_t columns) {
  const std::int64_t panel = *kernels::table<T>().panel;
  return (columns + panel - 1) / panel * panel * depth;
}

template <class T>
void pack(const T* b, std::int64_t b_step, std::int64_t b_column, std::int64_t depth,
          std::int64_t columns, T* packed) {
  const Table<T>& table = kernels::table<T>();
  const std::int64_t panel = *table.panel;
  const std::int64_t panels = (columns + panel - 1) / panel;
  const std::int64_t block = block_of(depth);
  const std::int64_t grain =
      std::max<std::int64_t>(1, (1 << 16) / (panel * std::max<std::int64_t>(1, depth)));
  parallel_for(panels, grain, [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t first = begin * panel;
    for (std::int64_t k = 0; k < depth; k += block) {
      const std::int64_t deep = std::min(block, depth - k);
      table.pack_panels(b + k * b_step + first * b_column, b_step, b_column, deep,
                        std::min(columns, end * panel) - first, panel * deep,
                        packed + panels * panel * k + first * deep);
    }
  });
}

void to_bfloat16(const float* packed, std::int64_t count, kernels::Bfloat16* rounded) {
  parallel_for(count, 1 << 16, [&](std::int64_t begin, std::int64_t end) {
    kernels::active().common.to_bfloat16(packed + begin, end - begin, rounded + begin);
  });
}

template void multiply(const Multiplication<float>&);
template void multiply(const Multiplication<double>&);
template std::int64_t packed_size<float>(std::int64_t, std::int64_t);
template std::int64_t packed_size<double>(std::int64_t, std::int64_t);
template void pack(const float*, std::int64_t, std::int64_t, std::int64_t, std::int64_t, float*);
template void pack(const double*, std::int64_t, std::int64_t, std::int64_t, std::int64_t, double*);

}  // namespace glueball
