// Products against sums in a wider type, for shapes around every width that the kernels know. CTest
// runs this under each instruction set.

#include "nn/product.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "glueball/parallel.h"
#include "gradient_check.h"
#include "guarded.h"

namespace glueball {
namespace {

using test::random_tensor;

/// Where the three products of a dense layer find their operands.
enum class Kind { forward, input_gradient, weight_gradient };

struct Sizes {
  std::int64_t rows;
  std::int64_t columns;
  std::int64_t depth;
};

/// A product of random matrices, and what it should give.
template <class T>
class Case {
 public:
  Case(Kind kind, const Sizes& sizes) : sizes_(sizes) {
    const auto [rows, columns, depth] = sizes;
    a_ = random_tensor({rows * depth}, 1, -1.0, 1.0, dtype_of<T>);
    b_ = random_tensor({depth * columns}, 2, -1.0, 1.0, dtype_of<T>);
    bias_ = random_tensor({columns}, 3, -1.0, 1.0, dtype_of<T>);
    c_ = random_tensor({rows * columns}, 4, -1.0, 1.0, dtype_of<T>);
    m_.a = a_.template data<T>();
    m_.b = b_.template data<T>();
    m_.c = c_.template data<T>();
    m_.rows = rows;
    m_.columns = columns;
    m_.depth = depth;
    m_.a_row = kind == Kind::weight_gradient ? 1 : depth;
    m_.a_step = kind == Kind::weight_gradient ? rows : 1;
    m_.b_step = kind == Kind::forward ? 1 : columns;
    m_.b_column = kind == Kind::forward ? depth : 1;
  }

  Multiplication<T>& operands() { return m_; }
  const T* bias() const { return bias_.template data<T>(); }

  /// Whether every element is within the error bound of its sum.
  ///
  /// n products added in any order, with or without fused multiply-adds, are off by at most
  /// n u / (1 - n u) times the sum of their magnitudes: N. Higham, "Accuracy and Stability of
  /// Numerical Algorithms", 2nd edition, section 3.1. The start and interleaved sums add four
  /// terms.
  void check() {
    const Tensor before = c_.clone();
    multiply(m_);
    const double unit = std::numeric_limits<T>::epsilon() / 2;
    const double terms = static_cast<double>(m_.depth + 4) * unit;
    const double bound = terms / (1.0 - terms);
    double worst = 0.0;  // in bounds
    for (std::int64_t i = 0; i < m_.rows; ++i) {
      for (std::int64_t n = 0; n < m_.columns; ++n) {
        long double sum = m_.accumulate        ? before.data<T>()[i * m_.columns + n]
                          : m_.bias != nullptr ? m_.bias[n]
                                               : T(0);
        long double magnitude = std::abs(sum);
        for (std::int64_t k = 0; k < m_.depth; ++k) {
          const long double term = static_cast<long double>(m_.a[i * m_.a_row + k * m_.a_step]) *
                                   static_cast<long double>(m_.b[k * m_.b_step + n * m_.b_column]);
          sum += term;
          magnitude += std::abs(term);
        }
        if (m_.code == kernels::code_relu) sum = std::max(sum, 0.0L);
        const double error =
            std::abs(static_cast<double>(static_cast<long double>(m_.c[i * m_.columns + n]) - sum));
        const double ratio = error / (bound * static_cast<double>(magnitude) + 1e-300);
        if (!(ratio <= worst)) worst = ratio;  // a NaN stays
      }
    }
    CAPTURE(m_.rows);
    CAPTURE(m_.columns);
    CAPTURE(m_.depth);
    CHECK(worst <= 1.0);
  }

 private:
  Sizes sizes_;
  Tensor a_;
  Tensor b_;
  Tensor bias_;
  Tensor c_;
  Multiplication<T> m_;
};

template <class T>
void check_all(const Sizes& sizes) {
  for (const Kind kind : {Kind::forward, Kind::input_gradient, Kind::weight_gradient}) {
    CAPTURE(static_cast<int>(kind));
    Case<T>(kind, sizes).check();
    Case<T> biased(kind, sizes);
    biased.operands().bias = biased.bias();
    biased.operands().code = kernels::code_relu;
    biased.check();
    Case<T> accumulated(kind, sizes);
    accumulated.operands().accumulate = true;
    accumulated.check();
  }
}

template <class T>
std::vector<T> product_of(Kind kind, const Sizes& sizes) {
  Case<T> example(kind, sizes);
  Multiplication<T>& m = example.operands();
  if (kind != Kind::weight_gradient) m.bias = example.bias();  // which that kind never has
  multiply(m);
  return {m.c, m.c + m.rows * m.columns};
}

}  // namespace

TEST_CASE_TEMPLATE("products are within their error bound around every tile's and panel's size", T,
                   float, double) {
  for (const std::int64_t rows : {1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 25}) {
    for (const std::int64_t columns : {1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 130}) {
      for (const std::int64_t depth : {1, 2, 3, 4, 5, 9, 16, 17, 33}) {
        check_all<T>({rows, columns, depth});
      }
    }
  }
}

TEST_CASE_TEMPLATE("products are within their error bound beyond the blocks that they are cut into",
                   T, float, double) {
  for (const Sizes& sizes :
       {Sizes{1, 300, 800}, Sizes{2, 520, 390}, Sizes{250, 70, 400}, Sizes{500, 10, 50},
        Sizes{65, 257, 385}, Sizes{3, 64, 1200}, Sizes{700, 300, 3}}) {
    check_all<T>(sizes);
  }
}

TEST_CASE_TEMPLATE("a product of depth 0 is what it starts from", T, float, double) {
  Case<T> example(Kind::weight_gradient, {5, 7, 0});
  example.check();
  example.operands().bias = example.bias();
  example.check();
  example.operands().accumulate = true;
  example.check();
}

TEST_CASE("a product of no rows or no columns touches nothing") {
  Multiplication<float> m;
  m.columns = 3;
  m.depth = 3;
  multiply(m);
  m.columns = 0;
  m.rows = 3;
  multiply(m);
}

TEST_CASE_TEMPLATE("an element has the same bits whatever the other rows are", T, float, double) {
  for (const std::int64_t columns : {2, 16, 40, 64, 100, 300}) {
    for (const std::int64_t depth : {3, 4, 5, 7, 12, 20, 63, 500}) {
      const auto all = product_of<T>(Kind::forward, {40, columns, depth});
      for (const std::int64_t rows : {1, 2, 3, 5, 7, 13, 39}) {
        const auto few = product_of<T>(Kind::forward, {rows, columns, depth});
        CAPTURE(rows);
        CAPTURE(columns);
        CAPTURE(depth);
        CHECK(std::equal(few.begin(), few.end(), all.begin()));
      }
    }
  }
}

TEST_CASE_TEMPLATE("a packed operand gives the same bits", T, float, double) {
  for (const Sizes& sizes :
       {Sizes{1, 64, 64}, Sizes{2, 10, 256}, Sizes{9, 300, 784}, Sizes{70, 513, 385}}) {
    Case<T> example(Kind::forward, sizes);
    Multiplication<T>& m = example.operands();
    m.bias = example.bias();
    multiply(m);
    const std::vector<T> plain(m.c, m.c + m.rows * m.columns);
    std::vector<T> packed(static_cast<std::size_t>(packed_size<T>(sizes.depth, sizes.columns)));
    pack(m.b, m.b_step, m.b_column, sizes.depth, sizes.columns, packed.data());
    m.packed_b = packed.data();
    m.b = nullptr;
    std::fill_n(m.c, m.rows * m.columns, T(99));

    multiply(m);

    CHECK(std::equal(plain.begin(), plain.end(), m.c));
  }
}

TEST_CASE_TEMPLATE("any number of threads gives the same bits", T, float, double) {
  const int threads = num_threads();
  for (const Kind kind : {Kind::forward, Kind::input_gradient, Kind::weight_gradient}) {
    for (const Sizes& sizes :
         {Sizes{300, 500, 120}, Sizes{1, 2000, 900}, Sizes{2000, 10, 300}, Sizes{900, 700, 3}}) {
      set_num_threads(1);
      const auto one = product_of<T>(kind, sizes);
      for (const int count : {2, 3, 7}) {
        set_num_threads(count);
        CHECK(product_of<T>(kind, sizes) == one);
      }
    }
  }
  set_num_threads(threads);
}

TEST_CASE("bfloat16 is the nearest number, ties to even, and NaN stays NaN") {
  const float inputs[] = {1.0F,     -2.5F,     1.00390625F, 1.01171875F, 3.4e38F,
                          INFINITY, -INFINITY, 1e-40F,      0.1F,        -0.0F};
  // 1.00390625 lies between 1 and 1.0078125, whose last bit is odd; 1.01171875 between that and
  // 1.015625, whose last bit is even; what rounds beyond the largest number is infinite.
  const float expected[] = {1.0F,     -2.5F,     1.0F,         1.015625F,      INFINITY,
                            INFINITY, -INFINITY, 1.00129e-40F, 0.10009765625F, -0.0F};
  std::uint16_t rounded[10];
  float back[10];

  to_bfloat16(inputs, 10, rounded);
  kernels::active().common.from_bfloat16(rounded, 10, back);

  for (int i = 0; i < 10; ++i) {
    CAPTURE(i);
    if (std::isinf(expected[i])) {
      CHECK(back[i] == expected[i]);
    } else {
      CHECK(back[i] == doctest::Approx(expected[i]).epsilon(1e-5));
    }
    CHECK(std::signbit(back[i]) == std::signbit(expected[i]));
  }
  const float nan = std::numeric_limits<float>::quiet_NaN();
  to_bfloat16(&nan, 1, rounded);
  kernels::active().common.from_bfloat16(rounded, 1, back);
  CHECK(std::isnan(back[0]));
}

TEST_CASE("a product with rounded panels has the bits of one with the rounded numbers") {
  for (const Sizes& sizes : {Sizes{1, 64, 64}, Sizes{2, 10, 256}, Sizes{1, 300, 784},
                             Sizes{9, 300, 784}, Sizes{70, 513, 385}}) {
    CAPTURE(sizes.rows);
    Case<float> example(Kind::forward, sizes);
    Multiplication<float>& m = example.operands();
    m.bias = example.bias();
    const std::int64_t count = packed_size<float>(sizes.depth, sizes.columns);
    std::vector<float> packed(static_cast<std::size_t>(count));
    std::vector<std::uint16_t> rounded(packed.size());
    pack(m.b, m.b_step, m.b_column, sizes.depth, sizes.columns, packed.data());
    to_bfloat16(packed.data(), count, rounded.data());
    kernels::active().common.from_bfloat16(rounded.data(), count, packed.data());
    m.packed_b = packed.data();
    multiply(m);
    const std::vector<float> expected(m.c, m.c + m.rows * m.columns);
    std::fill_n(m.c, m.rows * m.columns, 99.0F);
    m.packed_b = nullptr;
    m.rounded_b = rounded.data();

    multiply(m);

    CHECK(std::equal(expected.begin(), expected.end(), m.c));
  }
}

TEST_CASE("NaN and infinities of one row stay in it") {
  Case<float> example(Kind::forward, {7, 20, 33});
  Multiplication<float>& m = example.operands();
  m.code = kernels::code_relu;
  const_cast<float*>(m.a)[3 * 33 + 5] = std::numeric_limits<float>::quiet_NaN();

  multiply(m);

  for (std::int64_t i = 0; i < 7; ++i) {
    for (std::int64_t n = 0; n < 20; ++n) CHECK(std::isnan(m.c[i * 20 + n]) == (i == 3));
  }
}

namespace {

/// A product whose operands lie beside pages that nobody may touch.
///
/// Their elements are small integers, so that sums are exact in whatever order.
template <class T>
class Bounded {
 public:
  static constexpr std::size_t most = 1 << 14;  // elements of an operand

  void check(Kind kind, const Sizes& sizes, test::Guard guard, bool packed) {
    const auto [rows, columns, depth] = sizes;
    const auto size = [](std::int64_t a, std::int64_t b) {
      return static_cast<std::size_t>(a * b);
    };
    T* const a = a_.array(size(rows, depth), guard);
    T* const b = b_.array(size(depth, columns), guard);
    T* const c = c_.array(size(rows, columns), guard);
    T* const bias = bias_.array(size(columns, 1), guard);
    const auto number = [](std::int64_t i) { return static_cast<T>(i * 7 % 13 - 6); };
    for (std::int64_t i = 0; i < rows * depth; ++i) a[i] = number(i);
    for (std::int64_t i = 0; i < depth * columns; ++i) b[i] = number(i + 5);
    for (std::int64_t i = 0; i < columns; ++i) bias[i] = number(i + 2);
    for (std::int64_t i = 0; i < rows * columns; ++i) c[i] = number(i + 1);
    Multiplication<T> m;
    m.a = a;
    m.b = b;
    m.c = c;
    m.rows = rows;
    m.columns = columns;
    m.depth = depth;
    m.a_row = kind == Kind::weight_gradient ? 1 : depth;
    m.a_step = kind == Kind::weight_gradient ? rows : 1;
    m.b_step = kind == Kind::forward ? 1 : columns;
    m.b_column = kind == Kind::forward ? depth : 1;
    m.accumulate = depth % 2 == 0;
    if (!m.accumulate && kind != Kind::weight_gradient) m.bias = bias;
    if (packed) {
      const std::int64_t count = packed_size<T>(depth, columns);
      T* const panels = panels_.array(static_cast<std::size_t>(count), guard);
      pack(b, m.b_step, m.b_column, depth, columns, panels);
      m.packed_b = panels;
      if constexpr (std::is_same_v<T, float>) {
        if (depth % 3 == 0) {  // the numbers are those of bfloat16 too
          auto* const rounded = rounded_.array(static_cast<std::size_t>(count), guard);
          to_bfloat16(panels, count, rounded);
          m.packed_b = nullptr;
          m.rounded_b = rounded;
        }
      }
    }
    multiply(m);

    bool same = true;
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t n = 0; n < columns; ++n) {
        T sum = m.accumulate ? number(i * columns + n + 1) : m.bias != nullptr ? bias[n] : T(0);
        for (std::int64_t k = 0; k < depth; ++k) {
          sum += a[i * m.a_row + k * m.a_step] * b[k * m.b_step + n * m.b_column];
        }
        same = same && c[i * columns + n] == sum;
      }
    }
    if (same) return;  // a CHECK for each would take most of the time
    CAPTURE(sizes.rows);
    CAPTURE(sizes.columns);
    CAPTURE(sizes.depth);
    CAPTURE(packed);
    CHECK(same);
  }

 private:
  test::Guarded<T> a_{most};
  test::Guarded<T> b_{most};
  test::Guarded<T> c_{most};
  test::Guarded<T> bias_{most};
  test::Guarded<T> panels_{most};
  test::Guarded<std::uint16_t> rounded_{most};
};

}  // namespace

TEST_CASE_TEMPLATE("products touch nothing beside their operands", T, float, double) {
  Bounded<T> bounded;
  for (const test::Guard guard : {test::Guard::before, test::Guard::behind}) {
    CAPTURE(static_cast<int>(guard));
    for (std::int64_t columns = 1; columns <= 70; ++columns) {
      for (std::int64_t depth = 1; depth <= 40; ++depth) {
        for (const std::int64_t rows : {1, 2}) {
          bounded.check(Kind::forward, {rows, columns, depth}, guard, false);
        }
      }
      for (const std::int64_t depth : {1, 2, 3, 4, 6, 17}) {
        for (const std::int64_t rows : {1, 2, 3, 4, 5, 6, 7, 13, 33}) {
          bounded.check(Kind::forward, {rows, columns, depth}, guard, true);
          bounded.check(Kind::input_gradient, {rows, columns, depth}, guard, false);
          bounded.check(Kind::weight_gradient, {rows, columns, depth}, guard, false);
        }
      }
    }
  }
}

TEST_CASE_TEMPLATE("sums of columns touch nothing beside their operands", T, float, double) {
  const test::Guarded<T> terms(2000);
  const test::Guarded<T> results(2000);
  for (const test::Guard guard : {test::Guard::before, test::Guard::behind}) {
    for (std::size_t columns = 1; columns <= 70; ++columns) {
      for (const std::size_t rows : {0U, 1U, 2U, 9U}) {
        T* const a = terms.array(rows * columns, guard);
        T* const sums = results.array(columns, guard);
        std::fill_n(a, rows * columns, T(2));
        std::fill_n(sums, columns, T(1));
        kernels::table<T>().column_sums(a, static_cast<std::int64_t>(rows),
                                        static_cast<std::int64_t>(columns), sums, true);
        const T expected = T(1) + T(2) * static_cast<T>(rows);
        CHECK(std::all_of(sums, sums + columns, [&](T sum) { return sum == expected; }));
      }
    }
  }
}

}  // namespace glueball
