// Products of few terms or few rows: what a net computes for one sample, where packing an operand
// would take longer than the product.

#include "kernels/panel.h"

namespace glueball::kernels::GLUEBALL_TARGET {
namespace {

/// Vectors of columns that a direct product adds up at once: a single one would wait for each
/// addition.
constexpr int direct_vectors = 4;

template <class P>
using Block = packet::PacketBlock<P, static_cast<int>(lanes<P>)>;

/// Rows that are so many elements apart, as x86 addresses them: eight from one pointer and the odd
/// multiples of the stride. Left to itself, the compiler keeps an address for each row of each
/// group, more than there are registers.
struct Stride {
  explicit Stride(Index rows) : one(rows), three(3 * rows), five(5 * rows), seven(7 * rows) {
    asm("" : "+r"(three), "+r"(five), "+r"(seven));
  }
  Index one;
  Index three;
  Index five;
  Index seven;
};

/// block[k] = element k of as many rows as a vector has lanes.
template <class P>
EIGEN_STRONG_INLINE void load_turned(const Element<P>* rows, const Stride& stride,
                                     Block<P>& block) {
  static_assert(lanes<P> <= 8);
  const Element<P>* const at[8] = {rows,
                                   rows + stride.one,
                                   rows + 2 * stride.one,
                                   rows + stride.three,
                                   rows + 4 * stride.one,
                                   rows + stride.five,
                                   rows + 2 * stride.three,
                                   rows + stride.seven};
#pragma GCC unroll 8
  for (int n = 0; n < lanes<P>; ++n) block.packet[n] = ploadu<P>(at[n]);
  packet::ptranspose(block);
}

/// The same for `used` rows of `deep` elements; the others are zeros.
template <class P>
[[gnu::noinline]] void load_turned(const Element<P>* rows, Index stride, Index used, Index deep,
                                   Block<P>& block) {
#pragma GCC unroll 8
  for (int n = 0; n < lanes<P>; ++n) {
    block.packet[n] = n < used ? load_up_to<P>(rows + n * stride, deep) : splat<P>(0.0);
  }
  packet::ptranspose(block);
}

#ifdef EIGEN_VECTORIZE_AVX
/// The first half of a block: elements [0, 4) of eight rows. Halves of rows n and n + 4 are put
/// side by side as they are loaded.
EIGEN_STRONG_INLINE void load_half_turned(const float* rows, Index stride, __m256 (&columns)[4]) {
  __m256 pairs[4];
#pragma GCC unroll 4
  for (int n = 0; n < 4; ++n) {
    pairs[n] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(rows + n * stride)),
                                    _mm_loadu_ps(rows + (n + 4) * stride), 1);
  }
  const __m256 low01 = _mm256_unpacklo_ps(pairs[0], pairs[1]);
  const __m256 high01 = _mm256_unpackhi_ps(pairs[0], pairs[1]);
  const __m256 low23 = _mm256_unpacklo_ps(pairs[2], pairs[3]);
  const __m256 high23 = _mm256_unpackhi_ps(pairs[2], pairs[3]);
  columns[0] = _mm256_shuffle_ps(low01, low23, 0x44);
  columns[1] = _mm256_shuffle_ps(low01, low23, 0xee);
  columns[2] = _mm256_shuffle_ps(high01, high23, 0x44);
  columns[3] = _mm256_shuffle_ps(high01, high23, 0xee);
}
#endif

/// `G` vectors of columns of a product whose B is transposed, the last of `used` elements: blocks
/// of B are turned in registers.
///
/// The same additions in the same order as a tile of product.cpp does.
template <class T, int R, int S, int G>
void direct_columns(const Product<T>& p, Index row, Index column, Index used) {
  using P = ShortPacket<T>;
  constexpr int step = static_cast<int>(lanes<P>);
  const T* const a = p.a + row * p.a_row;
  T* const c = p.c + row * p.c_row + column;
  const auto used_of = [used](int g) { return g + 1 < G ? Index{step} : used; };

  P sums[G][R][S];
#pragma GCC unroll 4
  for (int g = 0; g < G; ++g) {
#pragma GCC unroll 2
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
      for (int s = 0; s < S; ++s) sums[g][r][s] = splat<P>(0.0);
      if (!p.start) {
        sums[g][r][0] = load_up_to<P>(c + r * p.c_row + g * step, used_of(g));
      } else if (p.bias != nullptr) {
        sums[g][r][0] = load_up_to<P>(p.bias + column + g * step, used_of(g));
      }
    }
  }

  const T* b[G];
#pragma GCC unroll 4
  for (int g = 0; g < G; ++g) b[g] = p.b + (column + g * step) * p.b_column;
  const auto add = [&](int g, Index k, int i, const P& of_b) {
#pragma GCC unroll 2
    for (int r = 0; r < R; ++r) {
      P& sum = sums[g][r][i % S];
      sum = pmadd(pset1<P>(a[r * p.a_row + k + i]), of_b, sum);
    }
  };
  Index k = 0;
  if (used == step) {
    const Stride stride(p.b_column);
    for (; k + step <= p.depth; k += step) {
#pragma GCC unroll 4
      for (int g = 0; g < G; ++g) {
        asm("" : "+r"(b[g]));  // a pointer of its own, not a multiple of the stride more
        Block<P> block;
        load_turned<P>(b[g], stride, block);
        b[g] += step;
#pragma GCC unroll 8
        for (int i = 0; i < step; ++i) add(g, k, i, block.packet[i]);
      }
    }
#ifdef EIGEN_VECTORIZE_AVX
    if constexpr (step == 8) {
      if (k + 4 <= p.depth) {
#pragma GCC unroll 4
        for (int g = 0; g < G; ++g) {
          __m256 columns[4];
          load_half_turned(b[g], p.b_column, columns);
          b[g] += 4;
#pragma GCC unroll 4
          for (int i = 0; i < 4; ++i) add(g, k, i, columns[i]);
        }
        k += 4;
      }
    }
#endif
  }
  for (; k < p.depth; k += step) {
    const Index deep = p.depth - k < step ? p.depth - k : step;
#pragma GCC unroll 4
    for (int g = 0; g < G; ++g) {
      Block<P> block;
      load_turned<P>(b[g], p.b_column, used_of(g), deep, block);
      b[g] += step;
#pragma GCC unroll 8
      for (int i = 0; i < step; ++i) {
        if (i < deep) add(g, k, i, block.packet[i]);
      }
    }
  }

#pragma GCC unroll 4
  for (int g = 0; g < G; ++g) {
#pragma GCC unroll 2
    for (int r = 0; r < R; ++r) {
      P value = joined(sums[g][r]);
      if (p.code == code_relu) value = rectified(value);
      store_up_to(c + r * p.c_row + g * step, value, used_of(g));
    }
  }
}

/// Rows [row, row + R) of a direct product.
template <class T, int R, int S>
void direct_rows_of(const Product<T>& p, Index row) {
  constexpr Index step = lanes<ShortPacket<T>>;
  Index column = 0;
  if constexpr (S == 1) {  // with several sums in a vector, vectors need not go together
    constexpr Index together = direct_vectors * step;
    for (; column + together <= p.columns; column += together) {
      direct_columns<T, R, S, direct_vectors>(p, row, column, step);
    }
  }
  for (; column < p.columns; column += step) {
    const Index left = p.columns - column;
    direct_columns<T, R, S, 1>(p, row, column, left < step ? left : step);
  }
}

template <class T, int R>
void direct_rows_of(const Product<T>& p, Index row) {
  switch (splits_of(p)) {
    case 1:
      return direct_rows_of<T, R, 1>(p, row);
    case 2:
      return direct_rows_of<T, R, 2>(p, row);
    default:
      if constexpr (many_registers) direct_rows_of<T, R, 4>(p, row);
  }
}

/// Columns [0, used) of V vectors of C, the last of which may have fewer elements than a vector.
template <class T, int D, int V>
void outer_strip(const T* a, Index a_step, const T* b, T* c, Index rows, Index columns, Index used,
                 bool accumulate) {
  using P = Packet<T>;
  constexpr Index step = lanes<P>;
  const Index last = used - (V - 1) * step;
  P row_of_b[D][V];
#pragma GCC unroll 4
  for (int d = 0; d < D; ++d) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      row_of_b[d][v] = load_up_to<P>(b + d * columns + v * step, v + 1 < V ? step : last);
    }
  }
  for (Index row = 0; row < rows; ++row, c += columns) {
    P value[D];
#pragma GCC unroll 4
    for (int d = 0; d < D; ++d) value[d] = pset1<P>(a[d * a_step + row]);
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      const bool whole = v + 1 < V || last == step;
      P sum = splat<P>(0.0);
      if (accumulate) sum = whole ? ploadu<P>(c + v * step) : load_some<P>(c + v * step, last);
#pragma GCC unroll 4
      for (int d = 0; d < D; ++d) sum = pmadd(value[d], row_of_b[d][v], sum);
      if (whole) {
        pstoreu(c + v * step, sum);
      } else {
        store_some(c + v * step, sum, last);
      }
    }
  }
}

/// `from`, each element `C` times in a row.
template <class P, Index C>
EIGEN_STRONG_INLINE P repeated(const Element<P>* from) {
  if constexpr (C == 4) return packet::ploadquad<P>(from);
  if constexpr (C == 2) return packet::ploaddup<P>(from);
  return ploadu<P>(from);
}

/// The outer products for so few columns, `C`, that a vector holds several rows of C. Returns how
/// many rows it has done.
template <class T, Index C>
Index outer_narrow(const T* a, Index a_step, const T* b, T* c, Index rows, Index depth,
                   bool accumulate) {
  using P = Packet<T>;
  constexpr Index together = lanes<P> / C;
  P row_of_b[outer_depth];
  for (Index d = 0; d < depth; ++d) {
    EIGEN_ALIGN_MAX T tiled[lanes<P>];
    for (Index i = 0; i < lanes<P>; ++i) tiled[i] = b[d * C + i % C];
    row_of_b[d] = packet::pload<P>(tiled);
  }
  Index row = 0;
  for (; row + together <= rows; row += together, c += lanes<P>) {
    P sum = accumulate ? ploadu<P>(c) : splat<P>(0.0);
    for (Index d = 0; d < depth; ++d) {
      sum = pmadd(repeated<P, C>(a + d * a_step + row), row_of_b[d], sum);
    }
    pstoreu(c, sum);
  }
  return row;
}

template <class T, int D>
void outer_strips(const T* a, Index a_step, const T* b, T* c, Index rows, Index columns,
                  bool accumulate) {
  constexpr Index strip = panel_columns<T>;
  Index column = 0;
  for (; column + strip <= columns; column += strip) {
    outer_strip<T, D, panel_vectors>(a, a_step, b + column, c + column, rows, columns, strip,
                                     accumulate);
  }
  for (; column < columns; column += lanes<Packet<T>>) {
    const Index left = columns - column;
    outer_strip<T, D, 1>(a, a_step, b + column, c + column, rows, columns,
                         left < lanes<Packet<T>> ? left : lanes<Packet<T>>, accumulate);
  }
}

}  // namespace

template <class T>
void direct_product(const Product<T>& p) {
  Index row = 0;
  if constexpr (sizeof(T) == sizeof(float)) {  // for double, 6 KB of code less count for more
    for (; row + 2 <= p.rows; row += 2) direct_rows_of<T, 2>(p, row);
  }
  for (; row < p.rows; ++row) direct_rows_of<T, 1>(p, row);
  finish(p);
}

template <class T>
void outer_product(const T* a, Index a_step, const T* b, T* c, Index rows, Index columns,
                   Index depth, bool accumulate) {
  // In shorter vectors there are hardly two rows, and Eigen reads pairs as one wider number, which
  // may not be aligned.
  if constexpr (sizeof(Packet<T>) >= 32) {
    Index done = 0;
    if (columns == 4) done = outer_narrow<T, 4>(a, a_step, b, c, rows, depth, accumulate);
    if (columns == 2) done = outer_narrow<T, 2>(a, a_step, b, c, rows, depth, accumulate);
    if (columns == 1) done = outer_narrow<T, 1>(a, a_step, b, c, rows, depth, accumulate);
    a += done;
    c += done * columns;
    rows -= done;
  }
  switch (depth) {
    case 1:
      return outer_strips<T, 1>(a, a_step, b, c, rows, columns, accumulate);
    case 2:
      return outer_strips<T, 2>(a, a_step, b, c, rows, columns, accumulate);
    case 3:
      return outer_strips<T, 3>(a, a_step, b, c, rows, columns, accumulate);
    default:
      return outer_strips<T, 4>(a, a_step, b, c, rows, columns, accumulate);
  }
}

template <class T>
void column_sums(const T* a, Index rows, Index columns, T* sums, bool accumulate) {
  using P = Packet<T>;
  constexpr Index step = lanes<P>;
  for (Index column = 0; column < columns; column += step) {
    const Index used = columns - column < step ? columns - column : step;
    P sum = accumulate ? load_up_to<P>(sums + column, used) : splat<P>(0.0);
    for (Index row = 0; row < rows; ++row) {
      sum = padd(sum, load_up_to<P>(a + row * columns + column, used));
    }
    if (used == step) {
      pstoreu(sums + column, sum);
    } else {
      store_some(sums + column, sum, used);
    }
  }
}

void add_few_rows(KernelSet& set) {
  const auto add = []<class T>(Table<T>& table) {
    table.direct_product = direct_product<T>;
    table.outer_product = outer_product<T>;
    table.column_sums = column_sums<T>;
  };
  add(set.f32);
  add(set.f64);
}

}  // namespace glueball::kernels::GLUEBALL_TARGET
