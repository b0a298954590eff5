// Products of matrices with one operand packed in panels, for every size from one row up.
//
// A panel holds up to `panel_vectors` vectors of neighbouring columns of B (depth, columns), row
// after row, the last vector padded with zeros: what the innermost loop reads is contiguous. That
// loop multiplies `tile_rows` rows of A by one panel with all sums in registers. At 6 rows by 4
// vectors it needs 4 loads and 6 broadcasts for 24 multiply-adds, which leaves the multiplier, not
// the load units, as the limit, even when the panel comes from the second-level cache.
//
// An element of C is the same number whatever the other rows and columns, the number of threads and
// the way the product was cut: its terms are added in the order of depth, in `splits` interleaved
// sums where the product has few columns (one sum would wait for each addition to end).

#include "kernels/packet.h"

// The lengths of arrays of vectors are template arguments of type int.
#pragma GCC diagnostic ignored "-Wsign-conversion"

namespace glueball::kernels::GLUEBALL_TARGET {

// Defined in activation.cpp.
template <class T>
void activation_forward(ActivationCode code, double alpha, const T* x, T* y, Index count);
template <class T>
void activation_backward(ActivationCode code, double alpha, const T* x, const T* y, const T* dy,
                         T* dx, Index count);

void from_bfloat16(const Bfloat16* from, Index count, float* to);

namespace {

using packet::padd;
using packet::ploadu;
using packet::pmadd;
using packet::pset1;
using packet::pstoreu;

constexpr bool many_registers = EIGEN_ARCH_DEFAULT_NUMBER_OF_REGISTERS >= 32;
constexpr int panel_vectors = many_registers ? 4 : 2;
constexpr int tile_rows = static_cast<int>(product_tile_rows);

/// Sums that must be under way to hide the latency of a multiply-add on two units.
constexpr int least_sums = 8;

/// Interleaved sums of a product that has `vectors` vectors of columns in all: as many as fit where
/// a whole panel's would be.
constexpr int splits_of(int vectors) {
  return vectors * 2 > panel_vectors ? 1 : panel_vectors / vectors;
}

/// Panels that a tile of so few rows takes at once, to have sums enough.
constexpr int panels_of(int rows) {
  int panels = 1;
  while (rows * panels * panel_vectors < least_sums) panels *= 2;
  return panels;
}

/// A vector of B's elements.
template <class P>
EIGEN_STRONG_INLINE P load(const Element<P>* from) {
  return ploadu<P>(from);
}

/// From bfloat16, which is the upper half of a float32.
template <class P>
EIGEN_STRONG_INLINE P load(const Bfloat16* from) {
#if defined(EIGEN_VECTORIZE_AVX512)
  const __m256i halves = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
#elif defined(EIGEN_VECTORIZE_AVX2)
  const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
#elif defined(EIGEN_VECTORIZE_SSE)
  const __m128i halves = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
  return _mm_castsi128_ps(_mm_unpacklo_epi16(_mm_setzero_si128(), halves));
#else
  EIGEN_ALIGN_MAX float whole[lanes<P>];
  from_bfloat16(from, lanes<P>, whole);
  return packet::pload<P>(whole);
#endif
}

/// One call of the innermost loop. Elements of B are of type T, or bfloat16.
template <class T, class B>
struct Tile {
  const T* a;
  Index a_row;
  Index a_step;
  const B* b;
  Index b_step;
  Index b_panel;
  Index depth;
  T* c;
  Index c_row;
  const T* bias;  ///< null: none. Read when `start` is set.
  Index columns;  ///< of C, in this tile
  bool start;     ///< begin at the bias or 0; else at what C holds
  bool rectify;   ///< end with max(0, .)
};

/// max(0, x); NaN stays NaN.
template <class P>
EIGEN_STRONG_INLINE P rectified(const P& x) {
  return packet::pselect(packet::pcmp_lt(x, splat<P>(0.0)), splat<P>(0.0), x);
}

/// The sums that S interleaved ones amount to.
template <class P, int S>
EIGEN_STRONG_INLINE P joined(const P (&sums)[S]) {
  if constexpr (S == 2) {
    return padd(sums[0], sums[1]);
  } else if constexpr (S == 4) {
    return padd(padd(sums[0], sums[1]), padd(sums[2], sums[3]));
  } else {
    return sums[0];
  }
}

/// One step of depth: adds the products of `R` values of A and a row of B to the sums.
template <class T, class B, int R, int V, int G>
EIGEN_STRONG_INLINE void add_products(const T* const* a, Index at, const B* b, Index b_panel,
                                      Packet<T> (&sums)[R][G * V]) {
  using P = Packet<T>;
  P row[G * V];
#pragma GCC unroll 16
  for (int v = 0; v < G * V; ++v) row[v] = load<P>(b + (v / V) * b_panel + (v % V) * lanes<P>);
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    const P value = pset1<P>(a[r][at]);
#pragma GCC unroll 16
    for (int v = 0; v < G * V; ++v) sums[r][v] = pmadd(value, row[v], sums[r][v]);
  }
}

/// C (R, columns) = or += A (R, depth) B, for `G` panels of `V` vectors.
template <class T, class B, int R, int V, int S, int G>
void run_tile(const Tile<T, B>& tile) {
  using P = Packet<T>;
  constexpr Index step = lanes<P>;
  constexpr int all = G * V;
  const Index last = tile.columns - (all - 1) * step;  // elements of the last vector
  P sums[S][R][all];

#pragma GCC unroll 16
  for (int v = 0; v < all; ++v) {
    const bool whole = v + 1 < all || last == step;
    P first = splat<P>(0.0);
    if (tile.start) {
      if (tile.bias != nullptr) {
        const T* bias = tile.bias + v * step;
        first = whole ? ploadu<P>(bias) : load_some(bias, last);
      }
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) sums[0][r][v] = first;
    } else {
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const T* c = tile.c + r * tile.c_row + v * step;
        sums[0][r][v] = whole ? ploadu<P>(c) : load_some(c, last);
      }
    }
#pragma GCC unroll 8
    for (int s = 1; s < S; ++s) {
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) sums[s][r][v] = splat<P>(0.0);
    }
  }

  const T* rows[R];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) rows[r] = tile.a + r * tile.a_row;
  const B* b = tile.b;
  const Index a_step = tile.a_step;
  const Index b_step = tile.b_step;
  const Index b_panel = tile.b_panel;
  Index at = 0;
  Index k = tile.depth;
  for (; k >= S; k -= S) {
#pragma GCC unroll 8
    for (int s = 0; s < S; ++s, at += a_step, b += b_step) {
      add_products<T, B, R, V, G>(rows, at, b, b_panel, sums[s]);
    }
  }
#pragma GCC unroll 8
  for (int s = 0; s + 1 < S; ++s, at += a_step, b += b_step) {
    if (s < k) add_products<T, B, R, V, G>(rows, at, b, b_panel, sums[s]);
  }

#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < all; ++v) {
      P interleaved[S];
#pragma GCC unroll 4
      for (int s = 0; s < S; ++s) interleaved[s] = sums[s][r][v];
      P value = joined(interleaved);
      if (tile.rectify) value = rectified(value);
      T* c = tile.c + r * tile.c_row + v * step;
      if (v + 1 < all || last == step) {
        pstoreu(c, value);
      } else {
        store_some(c, value, last);
      }
    }
  }
}

template <class T, class B>
using TileFunction = void (*)(const Tile<T, B>&);

/// By rows, vectors and splits (1, 2 or 4); G is 1.
template <class T, class B, int V, int S>
TileFunction<T, B> tile_of(int rows) {
  switch (rows) {
    case 1:
      return run_tile<T, B, 1, V, S, 1>;
    case 2:
      return run_tile<T, B, 2, V, S, 1>;
    case 3:
      return run_tile<T, B, 3, V, S, 1>;
    case 4:
      return run_tile<T, B, 4, V, S, 1>;
    case 5:
      return run_tile<T, B, 5, V, S, 1>;
    default:
      return run_tile<T, B, 6, V, S, 1>;
  }
}

template <class T, class B>
TileFunction<T, B> tile_of(int rows, int vectors, int splits) {
  if constexpr (many_registers) {
    if (splits == 4) return tile_of<T, B, 1, 4>(rows);
    if (splits == 2) return vectors == 1 ? tile_of<T, B, 1, 2>(rows) : tile_of<T, B, 2, 2>(rows);
    switch (vectors) {
      case 1:
        return tile_of<T, B, 1, 1>(rows);
      case 2:
        return tile_of<T, B, 2, 1>(rows);
      case 3:
        return tile_of<T, B, 3, 1>(rows);
      default:
        return tile_of<T, B, 4, 1>(rows);
    }
  } else {
    if (splits == 2) return tile_of<T, B, 1, 2>(rows);
    return vectors == 1 ? tile_of<T, B, 1, 1>(rows) : tile_of<T, B, 2, 1>(rows);
  }
}

/// Several whole panels for few rows, or null where one is enough.
template <class T, class B>
TileFunction<T, B> wide_tile_of(int rows) {
  if (rows == 1) return run_tile<T, B, 1, panel_vectors, 1, panels_of(1)>;
  if constexpr (panels_of(2) > 1) {
    if (rows == 2) return run_tile<T, B, 2, panel_vectors, 1, panels_of(2)>;
  }
  if constexpr (panels_of(3) > 1) {
    if (rows == 3) return run_tile<T, B, 3, panel_vectors, 1, panels_of(3)>;
  }
  return nullptr;
}

template <class T>
constexpr Index panel_columns = panel_vectors * lanes<Packet<T>>;

/// Vectors that hold so many columns.
template <class T>
constexpr int vectors_for(Index columns) {
  return static_cast<int>((columns + lanes<Packet<T>> - 1) / lanes<Packet<T>>);
}

/// How many tiles so many rows are cut into, of nearly equal heights: 8 rows are 4 and 4, not 6 and
/// 2, whose sums would be too few to hide an addition's latency.
class Cut {
 public:
  explicit Cut(Index rows) : tiles_(rows > 0 ? 1 : 0), height_(rows), higher_(0) {
    if (rows <= tile_rows) return;  // a division takes as long as a small product
    tiles_ = (rows + tile_rows - 1) / tile_rows;
    height_ = rows / tiles_;
    higher_ = rows % tiles_;
  }
  Index tiles() const { return tiles_; }
  /// Rows of tile `i`: the first tiles have one more than the others.
  int height(Index i) const { return static_cast<int>(height_ + (i < higher_ ? 1 : 0)); }

 private:
  Index tiles_;
  Index height_;
  Index higher_;
};

/// out[k][0, V) = columns [0, columns) of B, whose element (k, n) is source[n * n_stride + k].
///
/// `width` is what a row of `out` has. Blocks of V by V elements are transposed in registers.
template <class T>
void pack_transposed(const T* source, Index n_stride, Index depth, Index columns, Index width,
                     T* out) {
  using P = Packet<T>;
  constexpr Index step = lanes<P>;
  if (columns * 4 <= step || depth * 4 <= step) {  // blocks would be almost empty
    for (Index k = 0; k < depth; ++k) {
      pstoreu(out + k * width, splat<P>(0.0));
      for (Index n = 0; n < columns; ++n) out[k * width + n] = source[n * n_stride + k];
    }
    return;
  }
  packet::PacketBlock<P, static_cast<int>(step)> block;
  for (Index k = 0; k < depth; k += step) {
    const Index deep = depth - k < step ? depth - k : step;
    for (Index n = 0; n < step; ++n) {
      block.packet[n] = n < columns ? load_up_to(source + n * n_stride + k, deep) : splat<P>(0.0);
    }
    packet::ptranspose(block);
    for (Index i = 0; i < deep; ++i) pstoreu(out + (k + i) * width, block.packet[i]);
  }
}

}  // namespace

template <class T>
void pack_panels(const T* source, Index k_stride, Index n_stride, Index depth, Index columns,
                 Index panel_size, T* out) {
  constexpr Index step = lanes<Packet<T>>;
  for (Index column = 0; column < columns; column += panel_columns<T>, out += panel_size) {
    const Index left = columns - column < panel_columns<T> ? columns - column : panel_columns<T>;
    const Index width = vectors_for<T>(left) * step;
    const T* from = source + column * n_stride;
    for (Index n = 0; n < left; n += step) {
      const Index used = left - n < step ? left - n : step;
      if (n_stride != 1) {
        pack_transposed(from + n * n_stride, n_stride, depth, used, width, out + n);
        continue;
      }
      for (Index k = 0; k < depth; ++k) {
        pstoreu(out + k * width + n, load_up_to(from + k * k_stride + n, used));
      }
    }
  }
}

namespace {

/// What a product does at last, all but max(0, .): that is done on the way.
template <class T>
void finish(const Product<T>& p) {
  const bool activate = p.code != code_identity && p.code != code_relu;
  if (!activate && p.slope == code_identity) return;
  for (Index row = 0; row < p.rows; ++row) {
    const Index at = row * p.c_row;
    T* c = p.c + at;
    if (activate) activation_forward(p.code, p.alpha, c, c, p.columns);
    if (p.slope == code_identity) continue;
    activation_backward(p.slope, p.slope_alpha, p.slope_x == nullptr ? nullptr : p.slope_x + at,
                        p.slope_y == nullptr ? nullptr : p.slope_y + at, c, c, p.columns);
  }
}

/// A vector of columns of a product whose B is transposed: its blocks are turned in registers.
///
/// The same additions in the same order as run_tile() does.
template <class T, int R, int S>
void direct_vector(const Product<T>& p, Index column) {
  using P = Packet<T>;
  constexpr int step = static_cast<int>(lanes<P>);
  const Index used = p.columns - column < step ? p.columns - column : step;
  P sums[R][S];
#pragma GCC unroll 2
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int s = 0; s < S; ++s) sums[r][s] = splat<P>(0.0);
    if (!p.start) {
      sums[r][0] = load_up_to(p.c + r * p.c_row + column, used);
    } else if (p.bias != nullptr) {
      sums[r][0] = load_up_to(p.bias + column, used);
    }
  }
  const T* const b = p.b + column * p.b_column;
  packet::PacketBlock<P, step> block;
  for (Index k = 0; k < p.depth; k += step) {
    const Index deep = p.depth - k < step ? p.depth - k : step;
    if (used == step && deep == step) {
#pragma GCC unroll 16
      for (int n = 0; n < step; ++n) block.packet[n] = ploadu<P>(b + n * p.b_column + k);
    } else {
#pragma GCC unroll 16
      for (int n = 0; n < step; ++n) {
        block.packet[n] = n < used ? load_up_to(b + n * p.b_column + k, deep) : splat<P>(0.0);
      }
    }
    packet::ptranspose(block);
#pragma GCC unroll 16
    for (int i = 0; i < step; ++i) {
      if (i >= deep) continue;
#pragma GCC unroll 2
      for (int r = 0; r < R; ++r) {
        sums[r][i % S] = pmadd(pset1<P>(p.a[r * p.a_row + k + i]), block.packet[i], sums[r][i % S]);
      }
    }
  }
#pragma GCC unroll 2
  for (int r = 0; r < R; ++r) {
    P value = joined(sums[r]);
    if (p.code == code_relu) value = rectified(value);
    T* const c = p.c + r * p.c_row + column;
    if (used == step) {
      pstoreu(c, value);
    } else {
      store_some(c, value, used);
    }
  }
}

template <class T, int R>
void run_direct(const Product<T>& p, int splits) {
  for (Index column = 0; column < p.columns; column += lanes<Packet<T>>) {
    switch (splits) {
      case 1:
        direct_vector<T, R, 1>(p, column);
        break;
      case 2:
        direct_vector<T, R, 2>(p, column);
        break;
      default:
        if constexpr (many_registers) direct_vector<T, R, 4>(p, column);
    }
  }
}

/// Interleaved sums of a product.
template <class T>
int splits_of(const Product<T>& p) {
  return p.all_columns > panel_columns<T> ? 1 : splits_of(vectors_for<T>(p.all_columns));
}

template <class T>
void run_direct(const Product<T>& p) {
  p.rows == 1 ? run_direct<T, 1>(p, splits_of(p)) : run_direct<T, 2>(p, splits_of(p));
  finish(p);
}

template <class T, class B>
void run_product(const Product<T>& p, const B* b) {
  constexpr Index panel = panel_columns<T>;
  const Cut cut(p.rows);
  const int splits = splits_of(p);
  const bool rectify = p.code == code_relu;

  Tile<T, B> tile;
  tile.a_row = p.a_row;
  tile.a_step = p.a_step;
  tile.b_panel = p.b_panel;
  tile.depth = p.depth;
  tile.c_row = p.c_row;
  tile.start = p.start;
  tile.rectify = rectify;
  for (Index column = 0; column < p.columns; column += tile.columns) {
    const Index left = p.columns - column;
    tile.columns = left < panel ? left : panel;
    const int vectors = vectors_for<T>(tile.columns);
    tile.b = b + column / panel * p.b_panel;
    tile.b_step = p.packed_columns ? vectors * lanes<Packet<T>> : p.b_step;
    tile.bias = p.bias == nullptr ? nullptr : p.bias + column;
    // Few rows: several whole panels at once.
    bool wide = false;
    if (p.rows * panel_vectors < least_sums && splits == 1) {
      const int together = panels_of(static_cast<int>(p.rows));
      wide = left >= together * panel;
      if (wide) tile.columns = together * panel;
    }

    Index row = 0;
    for (Index i = 0; i < cut.tiles(); ++i) {
      const int height = cut.height(i);
      tile.a = p.a + row * p.a_row;
      tile.c = p.c + row * p.c_row + column;
      const TileFunction<T, B> run =
          wide ? wide_tile_of<T, B>(height) : tile_of<T, B>(height, vectors, splits);
      run(tile);
      row += height;
    }
  }
  finish(p);
}

}  // namespace

template <class T>
void product(const Product<T>& p) {
  p.b_column == 0 ? run_product(p, p.b) : run_direct(p);
}

void product_bfloat16(const Product<float>& p, const Bfloat16* b) { run_product(p, b); }

void to_bfloat16(const float* from, Index count, Bfloat16* to) {
  for (Index i = 0; i < count; ++i) {
    std::uint32_t bits = 0;
    __builtin_memcpy(&bits, from + i, sizeof bits);
    // To the nearest, ties to even; a NaN keeps its sign and stays one, quiet.
    const std::uint32_t rounded = (bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16;
    const bool is_nan = (bits & 0x7fffffffU) > 0x7f800000U;
    to[i] = static_cast<Bfloat16>(is_nan ? (bits >> 16) | 0x40U : rounded);
  }
}

void from_bfloat16(const Bfloat16* from, Index count, float* to) {
  for (Index i = 0; i < count; ++i) {
    const std::uint32_t bits = static_cast<std::uint32_t>(from[i]) << 16;
    __builtin_memcpy(to + i, &bits, sizeof bits);
  }
}

namespace {

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
      row_of_b[d][v] = load_up_to(b + d * columns + v * step, v + 1 < V ? step : last);
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
      if (accumulate) sum = whole ? ploadu<P>(c + v * step) : load_some(c + v * step, last);
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
void outer_product(const T* a, Index a_step, const T* b, T* c, Index rows, Index columns,
                   Index depth, bool accumulate) {
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
    P sum = accumulate ? load_up_to(sums + column, used) : splat<P>(0.0);
    for (Index row = 0; row < rows; ++row) {
      sum = padd(sum, load_up_to(a + row * columns + column, used));
    }
    if (used == step) {
      pstoreu(sums + column, sum);
    } else {
      store_some(sums + column, sum, used);
    }
  }
}

#define GLUEBALL_INSTANTIATE(T)                                                          \
  template void pack_panels(const T*, Index, Index, Index, Index, Index, T*);            \
  template void product(const Product<T>&);                                              \
  template void outer_product(const T*, Index, const T*, T*, Index, Index, Index, bool); \
  template void column_sums(const T*, Index, Index, T*, bool);
GLUEBALL_INSTANTIATE(float)
GLUEBALL_INSTANTIATE(double)
#undef GLUEBALL_INSTANTIATE

extern const Index float_panel;
constinit const Index float_panel = panel_columns<float>;
extern const Index double_panel;
constinit const Index double_panel = panel_columns<double>;

}  // namespace glueball::kernels::GLUEBALL_TARGET
